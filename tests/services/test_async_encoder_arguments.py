"""The arguments that `AsyncEncoder` refuses."""

from __future__ import annotations

from typing import Any

import pytest

import bpecore

pytest.importorskip("anyio", reason="needs the extra aio")

from bpecore.aio import AsyncEncoder


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"workers": 0}, ValueError),
        ({"queue": 0}, ValueError),
        ({"cache_entries": -1}, ValueError),
        ({"cache_bytes": -1}, ValueError),
        ({"cache_max_text": -1}, ValueError),
        ({"inline_below": -1}, ValueError),
        ({"when_full": "drop"}, ValueError),
        ({"queue": 1.5}, TypeError),
        ({"workers": True}, TypeError),
        ({"inline_below": None}, TypeError),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], error: type[Exception]) -> None:
    encoding = bpecore.get_encoding("o200k_base")
    with pytest.raises(error, match=next(iter(arguments))):
        AsyncEncoder(encoding, **arguments)


def test_other_objects_are_refused() -> None:
    with pytest.raises(TypeError, match="get_encoding"):
        AsyncEncoder("o200k_base")  # type: ignore[arg-type]
