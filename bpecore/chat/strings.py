"""Counts the tokens of a string for a model, and checks what the other counts share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bpecore.chat.fields import wrong_type
from bpecore.core import Encoding
from bpecore.model import encoding_name_for_model
from bpecore.registry import get_encoding


def num_tokens_from_string(text: str, model: str, *, default: str | None = None) -> int:
    """Counts the tokens of a text for a model.

    Args:
        text: any text. A special token spelled out in it counts as ordinary text, which is what it
            is to a server.
        model: the model's name, as for `bpecore.encoding_for_model`.
        default: the name of an encoding or a model, for unknown models.

    Returns:
        The exact number of tokens.

    Raises:
        KeyError: the model is unknown, and there is no `default`.
        ValueError: no encoding has the name `default`.
        TypeError: `text` is not a string.

    Example:
        >>> num_tokens_from_string("hello world", "gpt-4o")
        2
        >>> num_tokens_from_string("hello world", "someone-elses", default="cl100k_base")
        2
    """
    return count(encoding_of(model, default), text)


def encoding_of(model: str, default: str | None) -> Encoding:
    """Returns a model's encoding; that of `default`, an encoding or model, if it is unknown."""
    if not isinstance(model, str):
        raise wrong_type("model", "str", model)
    try:
        return get_encoding(encoding_name_for_model(model, default=default))
    except KeyError:
        # One kind of quotes: a KeyError is shown as a literal, which would escape the other.
        raise KeyError(
            f"The model {model!r} is not known. Name an encoding or a model to count with: "
            "default='o200k_base' or default='gpt-4o'. Chats also take rules=[Rules(…)], with the "
            "encoding in it."
        ) from None


def count(encoding: Encoding, text: str) -> int:
    """Returns the number of tokens of ordinary text."""
    return encoding.count(text, disallowed_special=())


def listed(things: Iterable[Any], place: str, wanted: str = "a list") -> list[Any]:
    """Returns things as a list; refuses a single message or a string, which iterate too."""
    if isinstance(things, (str, bytes, Mapping)) or not isinstance(things, Iterable):
        raise wrong_type(place, wanted, things)
    return list(things)
