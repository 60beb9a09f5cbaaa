"""The fields of messages, parts and tools, whether they are dicts or objects; and their errors.

Errors begin with the place of what is wrong, as one would write it in Python:
`messages[3].tool_calls[0].function.arguments: …`.
"""

from __future__ import annotations

import copy
import dataclasses
import reprlib
from collections.abc import Mapping
from typing import Any

# Attributes read from an object, because it can have slots, be a named tuple, or keep fields that
# its class does not know elsewhere than in its `__dict__`.
_NAMES = (
    "role content name type text refusal reasoning_content reasoning tool_calls tool_call_id audio "
    "function_call function custom id call_id arguments input output image_url url detail file_id "
    "source media_type data tool_use_id thinking summary encrypted_content title context "
    "description parameters input_schema format definition syntax json_schema schema args "
    "parts images"
)
FIELD_NAMES = tuple(_NAMES.split())

_shown = reprlib.Repr()
_shown.maxstring = _shown.maxother = 80


def shown(thing: Any) -> str:
    """Returns a short text that shows a value in an error, however large or deep it is."""
    try:
        return _shown.repr(thing)
    except Exception:  # a number with too many digits, or what an object's own code raises
        return f"<{type(thing).__name__}>"


def wrong_type(place: str, wanted: str, thing: Any) -> TypeError:
    """Returns the error for a value of a wrong type."""
    return TypeError(f"{place}: must be {wanted}, not {type(thing).__name__}: {shown(thing)}")


def fields_of(thing: Any, place: str) -> Mapping[str, Any]:
    """Returns the fields of a dict or object by name.

    Args:
        thing: a mapping, or an object with some of `FIELD_NAMES` as attributes.
        place: where it is, for errors.

    Raises:
        TypeError: it is neither.

    Example:
        >>> from types import SimpleNamespace
        >>> fields_of(SimpleNamespace(role="user", content="hi"), "messages[0]")
        {'role': 'user', 'content': 'hi'}
    """
    if type(thing) is dict or isinstance(thing, Mapping):
        return thing
    if not isinstance(thing, (str, bytes, int, float, list, type)):
        values = ((name, getattr(thing, name, None)) for name in FIELD_NAMES)
        fields = {
            name: value for name, value in values if value is not None and not callable(value)
        }
        if fields:
            return fields
    raise wrong_type(place, "a dict or an object with fields", thing)


def text_field(fields: Mapping[str, Any], name: str, place: str) -> str:
    """Returns a field that must be a string.

    Raises:
        ValueError: the field is missing or None.
        TypeError: it is not a string.
    """
    value = fields.get(name)
    if isinstance(value, str):
        return value
    if value is None:
        raise ValueError(f"{place}: has no {name}")
    raise wrong_type(f"{place}.{name}", "str", value)


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
