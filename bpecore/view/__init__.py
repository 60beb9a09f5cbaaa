"""A text's tokens to look at and to compare: in a terminal, as a page, as a plot.

`bpecore view` and `bpecore compare` print them.
"""
