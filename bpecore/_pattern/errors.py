"""The errors that the pattern compiler raises."""

from __future__ import annotations


class UnsupportedPattern(ValueError):  # noqa: N818 (the field says pattern, not error)
    """A split pattern that the automaton compiler refuses.

    It is either a valid pattern outside the supported subset (which then runs on the `regex`
    library) or an invalid one; the message says what was refused and where.

    Args:
        reason: what was refused, in words.
        offset: its place, in characters from the start of the pattern; None if it is the pattern as
            a whole.

    Attributes:
        reason: As given.
        offset: As given.

    Example:
        >>> str(UnsupportedPattern("a back-reference", 3))
        'unsupported split pattern: a back-reference at character 3'
    """

    def __init__(self, reason: str, offset: int | None = None) -> None:
        self.reason = reason
        self.offset = offset
        super().__init__(reason, offset)

    def __str__(self) -> str:
        place = "" if self.offset is None else f" at character {self.offset}"
        return f"unsupported split pattern: {self.reason}{place}"


class EmptyMatchPattern(UnsupportedPattern):
    """A split pattern that can match the empty string, which no piece of text can be.

    tiktoken accepts such a pattern, and panics on the first text in which it does.
    """
