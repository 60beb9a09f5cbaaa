# The engine: one folder for each step of the way of a text.
