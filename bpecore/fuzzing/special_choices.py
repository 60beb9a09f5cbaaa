"""The choices of special tokens that each check tries: which are tokens, text, or an error.

They depend on the encoding alone, not on the text, so that a text still fails while it shrinks.
"""

from __future__ import annotations

import random
from typing import Any

from bpecore.fuzzing.subject import Subject

Choice = dict[str, Any]
"""The arguments `allowed_special` and `disallowed_special`."""

EXHAUSTIVE = 40
"""Characters of the longest text for which checks try every choice; longer ones get a few."""


def choices_of(subject: Subject) -> list[Choice]:
    """Returns choices that allow none, all and some special tokens, and refuse others."""
    names = sorted(subject.theirs.special_tokens_set)
    some, others = set(names[::2]), set(names[1::2])
    return [
        {"disallowed_special": ()},
        {"allowed_special": "all"},
        {"allowed_special": some, "disallowed_special": ()},
        {"allowed_special": others, "disallowed_special": ()},
        {"allowed_special": some},
        {"allowed_special": others},
        {"allowed_special": "all", "disallowed_special": {"aab", "\n\n\n"}},
        {},
    ]


def choices_for(subject: Subject, text: str, count: int = 2) -> list[Choice]:
    """Returns all choices for a short text, and a few, drawn by the text, for a long one.

    Where no special token is in the text, some choices come to the same.
    """
    choices = choices_of(subject)
    if not any(name in text for name in subject.definition["special_tokens"]):
        choices = choices[:2] + choices[-2:]
    return choices if len(text) <= EXHAUSTIVE else drawn_by(text).sample(choices, count)


def drawn_by(text: str) -> random.Random:
    """Returns a source of randomness that depends on a text alone."""
    return random.Random(text.encode("utf-8", "surrogatepass"))


def shown(choice: Choice) -> str:
    """Returns a choice as arguments of a call."""
    text = ", ".join(f"{name}={value!r}" for name, value in choice.items()) or "by default"
    return text if len(text) < 200 else text[:200] + "…"
