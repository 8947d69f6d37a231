# More units, a little longer.
hidden = [24, 24]
steps = 240
step_secs = 0.032
