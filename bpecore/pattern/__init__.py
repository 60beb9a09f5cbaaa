"""Split patterns: compiled into automata where that is exact, handed to the `regex` library
elsewhere."""

from __future__ import annotations

from bpecore.pattern.automaton import Automaton, compile_pattern
from bpecore.pattern.errors import EmptyMatchPattern, UnsupportedPattern
from bpecore.pattern.fallback import compile_fallback
from bpecore.pattern.scan import split

__all__ = [
    "Automaton",
    "EmptyMatchPattern",
    "UnsupportedPattern",
    "compile_fallback",
    "compile_pattern",
    "split",
]
