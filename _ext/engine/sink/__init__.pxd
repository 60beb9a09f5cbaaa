# Where ids go: a buffer, or a list of int objects.
