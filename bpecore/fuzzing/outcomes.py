"""What calls give in each engine, compared.

Nothing is compared if tiktoken panics: then the call in bpecore only has to return.
"""

from __future__ import annotations

from typing import Any, Callable, NamedTuple


class Difference(NamedTuple):
    """The results of a call in both engines, which differ."""

    call: str
    found: object
    expected: object

    def __str__(self) -> str:
        start = 0
        if isinstance(self.found, list) and isinstance(self.expected, list):
            pairs = zip(self.found, self.expected)
            same = [a == b for a, b in pairs]
            start = max(0, (same.index(False) if False in same else len(same)) - 2)
        return (
            f"  call      {self.call}\n"
            f"  bpecore   {excerpt(self.found, start)}\n"
            f"  tiktoken  {excerpt(self.expected, start)}"
        )


class Tally:
    """Counts what has been compared: strings, tokens and bytes of text."""

    def __init__(self) -> None:
        self.strings = self.tokens = self.bytes = 0

    def add(self, text: str, tokens: int) -> None:
        self.strings += 1
        self.tokens += tokens
        self.bytes += len(text.encode("utf-8", "surrogatepass"))


def excerpt(value: object, start: int) -> str:
    """Returns a value's repr; for a long list, a few of its elements from `start` on."""
    if isinstance(value, list) and len(value) > 24:
        return f"… {value[start : start + 12]} … ({len(value)} in all, from number {start})"
    shown = ascii(value)
    return shown if len(shown) <= 400 else shown[:400] + "…"


class Raised(NamedTuple):
    """The name of the exception that a call raised."""

    name: str


def given(value: object) -> object:
    """Returns an outcome that is already known."""
    return value


REGEX_LIMIT = "Regex error while tokenizing"
"""The start of tiktoken's ValueError if its regex library gives up, for example on a million spaces
or on a pattern that backtracks over a long run."""


def outcome(call: Callable[..., object], *arguments: Any, **named: Any) -> object:
    """Returns what a call returns, or the exception it raises."""
    try:
        return call(*arguments, **named)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # tiktoken's panics are not an Exception
        if isinstance(error, ValueError) and str(error).startswith(REGEX_LIMIT):
            return Raised(REGEX_LIMIT)
        return Raised(type(error).__name__)


def is_lost(value: object) -> bool:
    """Whether tiktoken gave up: a panic, or a limit of its regex library."""
    return isinstance(value, Raised) and value.name in ("PanicException", REGEX_LIMIT)


def compare(
    call: str, ours: Callable[[], object], theirs: Callable[[], object]
) -> Difference | None:
    """Compares the outcomes of a call in both engines."""
    expected = outcome(theirs)
    found = outcome(ours)
    if is_lost(expected):
        return None
    if type(found) is type(expected) and found == expected:
        return None
    return Difference(call, found, expected)


def first_difference(*differences: Callable[[], Difference | None]) -> Difference | None:
    """Makes comparisons one after the other, and returns the first difference."""
    for difference in differences:
        found = difference()
        if found is not None:
            return found
    return None
