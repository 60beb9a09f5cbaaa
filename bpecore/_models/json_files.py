"""Reads JSON that strangers wrote: bounded in size, depth and digits; faults have a place.

A byte order mark is accepted. Like Rust's serde, and unlike Python's json, this refuses NaN,
Infinity and halves of surrogate pairs; like neither, keys that are repeated.
"""

from __future__ import annotations

import sys

from bpecore._models.errors import fault
from bpecore._models.recognition import BYTE_ORDER_MARK

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from typing import Any, NoReturn

_CUT_OFF = 12  # characters of the longest escape, and some: a cut inside one is not at the end
_JSON_NAMES = {dict: "object", list: "array", str: "string", int: "integer", bool: "boolean"}


def parse_json(contents: bytes, source: str) -> dict[str, Any]:
    """Returns the object that a JSON file holds.

    Args:
        contents: the file's bytes.
        source: where they are from, for errors.

    Raises:
        ValueError: they are not a JSON object; the message names the source and the place.
    """
    import json

    try:
        text = contents[len(BYTE_ORDER_MARK) * contents.startswith(BYTE_ORDER_MARK) :].decode()
    except UnicodeDecodeError as error:
        raise fault(source, f"byte {error.start}", "no UTF-8", contents, True) from None
    try:
        value = json.loads(
            text, parse_constant=_refuse, parse_int=_INTEGERS, object_pairs_hook=_object
        )
    except json.JSONDecodeError as error:
        what = f"no valid JSON: {error.msg.replace(' starting at', '').replace(' at', '')}"
        is_near_the_end = error.pos >= len(text.rstrip()) - _CUT_OFF
        if error.msg.startswith("Unterminated") or (is_near_the_end and error.msg != "Extra data"):
            what += ", as in a file that is cut off"
        from bpecore._models.json_faults import place_of

        raise fault(source, place_of(text, error.pos), what, contents, True) from None
    except (RecursionError, ValueError) as error:
        raise misplaced(source, text, contents, str(error)) from None
    if "\\ud" in text or "\\uD" in text:
        _refuse_lone_surrogates(source, text, contents)
    if not isinstance(value, dict):
        kind = type(value).__name__
        raise fault(source, "", f"expected a JSON object, found a {kind}", contents, True)
    return value


def _refuse_lone_surrogates(source: str, text: str, contents: bytes) -> None:
    from bpecore._models.json_faults import lone_surrogate, place_of

    found = lone_surrogate(text)
    if found is not None:
        place = place_of(text, found.offset)
        raise fault(source, place, f"no valid JSON: {found.what}", contents, True)


def misplaced(source: str, text: str, contents: bytes, reason: str) -> ValueError:
    """Returns the error for JSON that Python refuses, or finds too deep, without saying where.

    Args:
        source: the file.
        text: the JSON.
        contents: the file's bytes.
        reason: what is said if no place is found.
    """
    from bpecore._models.json_faults import first_fault, place_of

    found = first_fault(text)
    if found is None:
        return fault(source, "", reason, contents, True)
    return fault(
        source, place_of(text, found.offset), f"no valid JSON: {found.what}", contents, True
    )


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(members)
    if len(made) != len(members):
        raise ValueError("a key is there twice")
    return made


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"no valid JSON: {name} is no number")


def _parse_int(digits: str) -> int:
    from bpecore._models.json_faults import DIGIT_LIMIT

    if len(digits) > DIGIT_LIMIT:
        raise ValueError(f"a number of {len(digits)} digits: {digits[:20]}…")
    return int(digits)


# Many digits take quadratic time, which Python 3.11 refuses by itself.
_INTEGERS = None if hasattr(sys, "get_int_max_str_digits") else _parse_int


def member(
    value: dict[str, Any], path: str, kind: type | tuple[type, ...], source: str, default: Any = ...
) -> Any:
    """Returns a member of a JSON object, checked to be of a type.

    Args:
        value: the object.
        path: the member's path in the file, for errors; its last part is the member's name.
        kind: the type or types; a bool is not an int.
        source: the file, for errors.
        default: what is returned if the member is missing or null; without it, that is an error.

    Raises:
        ValueError: the member is missing or of another type.
    """
    found = value.get(path.rpartition(".")[2])
    if found is None and default is not ...:
        return default
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(found, kind) or (isinstance(found, bool) and bool not in kinds):
        expected = " or ".join(_JSON_NAMES.get(kind, kind.__name__) for kind in kinds)
        shown = "nothing" if found is None else f"{found!r:.60}"
        raise ValueError(f"{source}: {path} must be a JSON {expected}, found {shown}")
    return found
