"""Sizes that documents quote are those of the engine's source."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.engine_constants import CACHE_SIZES, constant, constants

SOURCE = Path(__file__).parents[2]


def shown(kilobytes: int) -> str:
    return f"{kilobytes} KB" if kilobytes < 1024 else f"{kilobytes / 1024:.3g} MB"


BLOCKS_AND_WINDOWS = [
    f"blocks needs {constant('BLOCK_MINIMUM')} characters",
    f"windows {constant('SCAN_LIMIT') + 1} bytes",
]


@pytest.mark.parametrize(
    ("document", "quotes"),
    [
        ("docs/design.md", [shown(size.kilobytes) for size in CACHE_SIZES]),
        ("fuzz/README.md", BLOCKS_AND_WINDOWS),
        ("bpecore/fuzzing/finding.py", BLOCKS_AND_WINDOWS),
    ],
)
def test_quoted_sizes_are_current(document: str, quotes: list[str]) -> None:
    text = " ".join((SOURCE / document).read_text(encoding="utf-8").split())
    assert [quote for quote in quotes if quote not in text] == []


def test_constants_are_read() -> None:
    assert constant("NO_TOKEN") == constant("TOKEN_LIMIT") + 0xFF
    assert len(constants()) > 80
    with pytest.raises(ValueError, match="has the values"):
        constant("no such constant")
