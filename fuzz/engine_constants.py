"""The engine's constants, read from its source: tests and tools derive their sizes from these.

Example:
    >>> constant("SHORT_PIECE"), CACHE_SIZES[0]
    (15, CacheSize(since=0, kilobytes=88, narrow_entries=2048))
"""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

ENGINE = Path(__file__).parents[1] / "_ext" / "engine"


@cache
def constants() -> dict[str, set[int]]:
    """Returns the values of each name that an enum of the engine gives a number."""
    found: dict[str, set[int]] = {}
    known: dict[str, int] = {}
    for file in sorted(ENGINE.rglob("*.pxd")):
        text = file.read_text(encoding="utf-8")
        for block in re.findall(r"^cdef enum.*:\n((?:    .*\n|\n)+)", text, re.MULTILINE):
            for name, expression in re.findall(r"^    (\w+) *= *([^#\n]+)", block, re.MULTILINE):
                try:
                    known[name] = eval(expression, {}, known)
                except NameError:  # it is made of constants of another file
                    continue
                found.setdefault(name, set()).add(known[name])
    return found


def constant(name: str) -> int:
    """Returns the value of a constant.

    Raises:
        ValueError: the engine has none of that name, or several of different values.
    """
    values = constants().get(name, set())
    if len(values) != 1:
        raise ValueError(f"{name} has the values {sorted(values)}")
    return min(values)


class CacheSize(NamedTuple):
    """One of the sizes that a piece cache has as it grows.

    Attributes:
        since: characters of text seen after which a cache has this size; for those that only
            calls with much to do have, more than there are.
        kilobytes: the memory of all its tables.
        narrow_entries: how many short pieces it holds at most.
    """

    since: int
    kilobytes: int
    narrow_entries: int


def cache_sizes() -> list[CacheSize]:
    """Returns the sizes of a piece cache, the smallest first."""
    text = (ENGINE / "cache" / "tables.pxd").read_text(encoding="utf-8")
    entries = (
        16 + 4 * constant("NARROW_IDS") + 4,
        8 * constant("MEDIUM_WORDS") + 4 * constant("MEDIUM_IDS") + 4,
        8 * constant("WIDE_WORDS") + 4 * constant("WIDE_IDS") + 4,
        8 * constant("LONG_WORDS") + 8,
    )
    sizes = []
    for row in re.findall(r"\{((?:[\d<SIZE_MAX ]+, ){4}\d+)\}", text):
        since, *bits = (eval(number, {"SIZE_MAX": sys.maxsize}) for number in row.split(", "))
        tables = [2 * size << bit for size, bit in zip(entries, bits)]
        sizes.append(CacheSize(since, sum(tables) >> 10, 2 << bits[0]))
    assert len(sizes) == constant("CACHE_SIZES")
    return sizes


CACHE_SIZES = cache_sizes()[: constant("USUAL_SIZE") + 1]
"""The sizes that a cache has by default, between calls."""

LARGE_CACHE_SIZES = cache_sizes()[len(CACHE_SIZES) :]
"""The sizes that it may have beyond, in a call that has much to do."""
