"""What may be encoded: a text, a pair of texts, or either as a list of words."""

from __future__ import annotations

from typing import Any, Union

Sequence = Union[str, "list[str]"]
"""A text, or its words."""


def read_input(given: Any, is_pretokenized: bool) -> tuple[Sequence, Sequence | None]:
    """Returns the first and the second sequence of an input.

    Args:
        given: a sequence, or a tuple or list of two.
        is_pretokenized: whether a sequence is a list of words, or a text.

    Raises:
        TypeError: it is neither; the message is that of `tokenizers`.
    """
    if is_pretokenized:
        words = _words(given)
        if words is not None:
            return words, None
        if isinstance(given, (list, tuple)) and len(given) == 2:
            first, second = map(_words, given)
            if first is not None and second is not None:
                return first, second
        raise TypeError(
            "PreTokenizedEncodeInput must be Union[PreTokenizedInputSequence, "
            "Tuple[PreTokenizedInputSequence, PreTokenizedInputSequence]]"
        )
    if isinstance(given, str):
        return given, None
    if isinstance(given, (list, tuple)) and [*map(type, given)] == [str, str]:
        return given[0], given[1]
    raise TypeError(
        "TextEncodeInput must be Union[TextInputSequence, Tuple[InputSequence, InputSequence]]"
    )


def read_sequence(given: Any, is_pretokenized: bool) -> Sequence:
    """Returns one sequence; TypeError if it is none."""
    if is_pretokenized:
        words = _words(given)
        if words is None:
            raise TypeError("PreTokenizedInputSequence must be Union[List[str], Tuple[str]]")
        return words
    if not isinstance(given, str):
        raise TypeError("TextInputSequence must be str")
    return given


def _words(given: Any) -> list[str] | None:
    if isinstance(given, str):
        return None
    if not isinstance(given, (list, tuple)) and type(given).__module__ != "numpy":
        return None
    words = list(given)
    return words if all(isinstance(word, str) for word in words) else None
