"""Split patterns, compiled into automata if that is exact, otherwise run by the `regex` library.

The compiler is imported on first use, because OpenAI's patterns are already compiled.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from bpecore._pattern.automaton import Automaton, compile_pattern
    from bpecore._pattern.compiled import compile_for_engine
    from bpecore._pattern.errors import EmptyMatchPattern, UnsupportedPattern
    from bpecore._pattern.fallback import compile_fallback
    from bpecore._pattern.recognition import member_of

__all__ = [
    "Automaton",
    "EmptyMatchPattern",
    "UnsupportedPattern",
    "compile_fallback",
    "compile_for_engine",
    "compile_pattern",
    "member_of",
]

_HOMES = {
    "Automaton": "automaton",
    "EmptyMatchPattern": "errors",
    "UnsupportedPattern": "errors",
    "compile_fallback": "fallback",
    "compile_for_engine": "compiled",
    "compile_pattern": "automaton",
    "member_of": "recognition",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
