NAME = "vast"
