"""Texts are refused that hold special tokens which were not allowed."""

from __future__ import annotations

import functools

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    import re
    from typing import NoReturn


@functools.lru_cache(maxsize=128)
def _special_token_regex(tokens: frozenset[str]) -> re.Pattern[str]:
    """Compiles a search for any of some strings; of several at one place the longest is found."""
    import re

    longest_first = sorted(tokens, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)))


def raise_disallowed_special_token(token: str) -> NoReturn:
    """Tells of a disallowed special token in a text, and how to allow it.

    Args:
        token: the special token.

    Raises:
        ValueError: always.

    Example:
        >>> raise_disallowed_special_token("<|endoftext|>")
        Traceback (most recent call last):
        ...
        ValueError: The text contains the disallowed special token '<|endoftext|>'.
        To encode it as that special token, pass allowed_special={'<|endoftext|>', ...}.
        To encode it as ordinary text, pass disallowed_special=(enc.special_tokens_set - \
{'<|endoftext|>'}), or disallowed_special=() for all special tokens.
    """
    raise ValueError(
        f"The text contains the disallowed special token {token!r}.\n"
        f"To encode it as that special token, pass allowed_special={{{token!r}, ...}}.\n"
        "To encode it as ordinary text, pass "
        f"disallowed_special=(enc.special_tokens_set - {{{token!r}}}), "
        "or disallowed_special=() for all special tokens."
    )


def refuse_strings(text: str, names: frozenset[str]) -> None:
    """Refuses a text in which any of some strings occurs, special tokens or not.

    Args:
        text: the text.
        names: the strings; the empty one, or none at all, occurs everywhere, as in tiktoken.

    Raises:
        ValueError: one of them occurs; of several the leftmost and there the longest is named.
        TypeError: something is no string.

    Example:
        >>> refuse_strings("hello", frozenset({"world"}))
    """
    match = _special_token_regex(names).search(text)
    if match is not None:
        raise_disallowed_special_token(match.group())
