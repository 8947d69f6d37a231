# A row of about 5 seconds. KEY = literal; train.py lists every key and its default.
hidden = [12, 12]
steps = 200
