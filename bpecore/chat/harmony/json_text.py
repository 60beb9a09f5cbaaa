"""JSON as the harmony format shows the default values of a schema.

The format's reference renderer reads each number into 64 bits and writes it back, so what a model
sees can differ from what a caller wrote: 10**20 becomes 1e20. Numbers are read without exact
rounding: a float of 16 or 17 digits may come back as one of its neighbours.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

LARGEST_INT = 2**64 - 1
SMALLEST_INT = -(2**63)
POWERS = tuple(float(f"1e{exponent}") for exponent in range(309))


def json_text(value: Any) -> str:
    """Returns a value as compact JSON, with characters that are not ASCII as they are.

    Args:
        value: what JSON can express, nested at most as deep as `schema.MAX_DEPTH`.

    Raises:
        ValueError: a number has no JSON, or is too large for the format.
        TypeError: a value or key has a type that JSON lacks.

    Example:
        >>> json_text({"a": [1, 2.0, None], "b": 1e-7, "c": 10**20})
        '{"a":[1,2.0,null],"b":1e-7,"c":1e20}'
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value)
    if isinstance(value, Mapping):
        pairs = (f"{json_text(key_text(key))}:{json_text(item)}" for key, item in value.items())
        return "{" + ",".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(json_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def key_text(key: Any) -> str:
    """Returns a key as JSON has it, a string, without quotes."""
    if isinstance(key, str):
        return key
    if key is None or isinstance(key, (int, float)):  # and bool, which is an int
        return json.dumps(key)
    raise TypeError(f"JSON has no keys of type {type(key).__name__}: {key!r:.80}")


def _number(value: float) -> str:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"JSON has no number {value!r}")
        digits, _, exponent = float.__repr__(abs(value)).partition("e")
        whole, _, fraction = digits.partition(".")
        number = _from_digits(int(whole + fraction), int(exponent or 0) - len(fraction))
        return ("-" if math.copysign(1, value) < 0 else "") + _float_text(number)
    value = int(value)
    if SMALLEST_INT <= value <= LARGEST_INT:
        return str(value)
    significand, exponent_of_ten = abs(value), 0
    if significand > LARGEST_INT:
        # More digits than the reader keeps: it leaves out the last ones.
        exponent_of_ten = max(0, int(math.log10(significand)) - 20)
        significand //= 10**exponent_of_ten
        while significand > LARGEST_INT:
            significand, exponent_of_ten = significand // 10, exponent_of_ten + 1
    return ("-" if value < 0 else "") + _float_text(_from_digits(significand, exponent_of_ten))


def _from_digits(significand: int, exponent: int) -> float:
    """Returns significand * 10**exponent with one rounding per step, as the format's reader."""
    number = float(significand)
    while number and exponent < -308:
        number, exponent = number / POWERS[308], exponent + 308
    if not number:
        return number
    if exponent < 0:
        return number / POWERS[-exponent]
    number = number * POWERS[exponent] if exponent <= 308 else math.inf
    if math.isinf(number):
        raise ValueError(f"{significand}e{exponent} is too large a number for the harmony format")
    return number


def _float_text(number: float) -> str:
    """Writes a positive float with the fewest digits, and an exponent from 1e16 and below 1e-5."""
    digits, _, power = f"{number!r}e0".partition("e")
    whole, _, fraction = digits.partition(".")
    digits = (whole + fraction).lstrip("0")
    zeros = len(digits) - len(digits.rstrip("0"))
    digits = digits.rstrip("0")
    if not digits:
        return "0.0"
    exponent = int(power.partition("e")[0]) - len(fraction) + zeros
    point = len(digits) + exponent  # where the decimal point is, counted from the first digit
    if not -5 < point <= 16:
        rest = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{digits[0]}{rest}e{point - 1}"
    if point <= 0:
        return f"0.{'0' * -point}{digits}"
    if exponent >= 0:
        return f"{digits}{'0' * exponent}.0"
    return f"{digits[:point]}.{digits[point:]}"
