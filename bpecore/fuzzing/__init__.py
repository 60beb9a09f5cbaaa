"""Differential fuzzing of bpecore against the installed tiktoken and a naive reference.

`bpecore fuzz` runs it, as does `python -m fuzz` in the source tree. The seed and a round's number
decide everything that the round does.
"""
