"""A text's tokens to look at: in a terminal and as a page.

`bpecore view` prints the one and writes the other.
"""
