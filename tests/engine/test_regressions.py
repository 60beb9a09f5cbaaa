"""Regression test: every case that fuzzing has stored is equal now."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpecore.fuzzing.finding import read_case, replay

CASES = sorted((Path(__file__).parents[2] / "fuzz" / "regressions").glob("*.json"))


def test_there_are_cases() -> None:
    assert CASES


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_stored_mismatch_is_gone(path: Path) -> None:
    difference = replay(path)
    assert difference is None, str(difference)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_stored_mismatch_can_be_read(path: Path) -> None:
    subject, check, text = read_case(path)
    assert text
    assert check
    assert subject.name
