# The engine: one folder for each step that a text passes through.
