"""JSON texts of arguments, results and schemas, checked before they are written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bpecore.chat.fields import shown, wrong_type

MAX_DEPTH = 100
"""Lists and dicts inside one another, in arguments and schemas."""

MAX_VALUES = 1_000_000
"""Values of one argument, result or schema."""


def json_text(value: Any, place: str, *, compact: bool = False) -> str:
    """Returns a value as JSON.

    Args:
        value: what JSON can express; also tuples, and mappings of any kind.
        place: where it is, for errors.
        compact: whether to leave out the spaces after commas and colons, and to write characters
            above ASCII as they are and not as escapes.

    Raises:
        ValueError: it is nested deeper than `MAX_DEPTH`, or has more than `MAX_VALUES` values.
        TypeError: JSON has no such value.

    Example:
        >>> json_text({"città": [1, None]}, "arguments")
        '{"citt\\\\u00e0": [1, null]}'
    """
    plain = isinstance(value, str) or _checked(value, place)
    separators = (",", ":") if compact else None
    try:
        default = None if plain else _as_dict
        return json.dumps(value, ensure_ascii=not compact, separators=separators, default=default)
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"{place}: is not JSON, {error}: {shown(value)}") from None


def _checked(value: Any, place: str) -> bool:
    """Refuses what is too deep or too large; returns whether all mappings are dicts."""
    level, values, plain = [value], 0, True
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for each in level:
            if isinstance(each, Mapping):
                plain = plain and isinstance(each, dict)
                below.extend(each.values())
            elif isinstance(each, (list, tuple)):
                below.extend(each)
        values += len(below)
        if values > MAX_VALUES:
            raise ValueError(f"{place}: has more than {MAX_VALUES:,} values")
        if not below:
            return plain
        level = below
    raise ValueError(f"{place}: is nested deeper than {MAX_DEPTH} levels")


def _as_dict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def arguments_text(arguments: Any, place: str) -> str:
    """Returns a call's arguments as text: a string as it is, a dict as JSON, None as nothing."""
    if isinstance(arguments, str):
        return arguments
    if arguments is None:
        return ""
    if isinstance(arguments, Mapping):
        return json_text(arguments, place)
    raise wrong_type(place, "str or a dict", arguments)
