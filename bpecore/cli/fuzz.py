"""The command `bpecore fuzz`."""

from bpecore.fuzzing.command import fuzz

__all__ = ["fuzz"]
