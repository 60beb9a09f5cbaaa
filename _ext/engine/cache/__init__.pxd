# Pieces seen before, and their ids.
