"""Differential fuzzing: bpecore against the installed tiktoken, and a reference that is naive.

`python -m fuzz` in the source tree and `bpecore fuzz` run it. Everything that a run does follows
from its seed and the number of a round.
"""
