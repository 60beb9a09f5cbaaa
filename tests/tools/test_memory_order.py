"""`docs/memory-order.md` is about every atomic word, and `python -m fuzz.memory_order` tests it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from programs import output_of

SOURCE = Path(__file__).parents[2]
PAGE = (SOURCE / "docs/memory-order.md").read_text(encoding="utf-8")
LITMUS = (SOURCE / "fuzz/litmus.c").read_text(encoding="utf-8")
PATTERNS = re.findall(r'\{"([\w ,]+)", \{', LITMUS)

memory_order = pytest.importorskip("fuzz.memory_order", exc_type=ImportError)


def test_the_page_names_every_file_with_an_atomic_word() -> None:
    used = r"bpecore_(?:load|store|add|exchange|fill)_(?:relaxed|acquire|release|ordered)"
    words = r"\b(?:load|store|read|publish)_word\b.*\n(?:.*\n)*.*shared_words|shared_words cimport"
    found = {
        file.relative_to(SOURCE / "_ext").as_posix()
        for file in (SOURCE / "_ext").rglob("*.p[xy]*")
        if re.search(rf"{used}|{words}", file.read_text(encoding="utf-8"))
    }
    assert len(found) >= 11
    found.remove("engine/base/shared_words.pxd")  # declares them
    assert {name for name in found if f"`{name}`" not in PAGE} == set()


def test_the_page_explains_every_litmus_test() -> None:
    assert len(PATTERNS) == memory_order.PATTERNS
    for pattern in PATTERNS:
        assert f"| {pattern.partition(',')[0]}" in PAGE


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_no_forbidden_ending_is_seen(capfd: pytest.CaptureFixture[str]) -> None:
    assert memory_order.run_litmus(0.02)
    lines = capfd.readouterr().out.splitlines()
    assert [line[:15].rstrip() for line in lines] == PATTERNS


def test_messages_come_back_as_they_were() -> None:
    code = "from fuzz.memory_order import run_rings; print(run_rings(0.3, seed=1))"
    assert int(output_of(f"if __name__ == '__main__': {code}", folder=SOURCE)) > 100
