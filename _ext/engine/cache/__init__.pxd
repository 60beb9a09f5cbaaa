# The piece cache: pieces seen before, and their ids. cache.pxd is its face.
