# The way of a text through the rooms above, by one thread and by several.
