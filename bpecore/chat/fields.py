"""The fields of messages, parts and tools, whether they are dicts or objects."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any

# Attributes read besides an object's `__dict__`, because it can have slots or be a named tuple.
_NAMES = (
    "role content name type text refusal image_url url detail tool_calls tool_call_id "
    "function_call function arguments description parameters properties enum"
)
FIELD_NAMES = tuple(_NAMES.split())


def fields_of(thing: Any, what: str) -> Mapping[str, Any]:
    """Returns the fields of a dict or object by name.

    Args:
        thing: a mapping, or an object with some of `FIELD_NAMES` as attributes.
        what: its name in errors.

    Raises:
        TypeError: it is neither.

    Example:
        >>> from types import SimpleNamespace
        >>> fields_of(SimpleNamespace(role="user", content="hi"), "a message")
        {'role': 'user', 'content': 'hi'}
    """
    if isinstance(thing, Mapping):
        return thing
    if not isinstance(thing, (str, bytes, list, type)):
        own = (name for name in getattr(thing, "__dict__", ()) if not name.startswith("_"))
        names = dict.fromkeys((*FIELD_NAMES, *own))
        fields = {name: getattr(thing, name) for name in names if hasattr(thing, name)}
        if fields:
            return fields
    raise TypeError(
        f"{what} must be a dict or an object with fields, not {type(thing).__name__}: {thing!r:.80}"
    )


def with_content(thing: Any, content: Any, name: str = "content") -> Any:
    """Returns a copy of a dict or object with one field changed.

    Args:
        thing: as for `fields_of`.
        content: the field's new value.
        name: the field's name.

    Raises:
        AttributeError: the object's field cannot be set, even in a copy.

    Example:
        >>> with_content({"role": "user", "content": "hello"}, "h")
        {'role': 'user', 'content': 'h'}
    """
    if isinstance(thing, Mapping):
        return {**thing, name: content}
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        return dataclasses.replace(thing, **{name: content})
    replace = getattr(thing, "_replace", None)
    if replace is not None:  # a named tuple
        return replace(**{name: content})
    changed = copy.copy(thing)
    setattr(changed, name, content)
    return changed
