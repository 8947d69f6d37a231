# Asks for a module that is not installed: the row fails, and `workflow why` says of what.
hidden = [12, 12]
extra_module = "nosuch"
