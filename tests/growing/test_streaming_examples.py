"""The examples in the docstrings of the engine's public classes, and in docs/streaming.md, run."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest

import bpecore

CLASSES = ["TokenCounter", "StreamEncoder", "StreamDecoder", "StreamDecoderBatch"]


@pytest.mark.parametrize("name", CLASSES)
def test_docstrings(name: str) -> None:
    documented: Any = getattr(bpecore, name)
    runner = doctest.DocTestRunner()
    for member in (documented, *vars(documented).values()):
        text = getattr(member, "__doc__", None)
        if text:
            runner.run(doctest.DocTestParser().get_doctest(text, {}, name, None, None))
    assert runner.tries > 0
    assert runner.failures == 0


def test_the_page() -> None:
    """Checks each line `expression  # value`."""
    page = Path(__file__).parents[2] / "docs" / "streaming.md"
    if not page.is_file():
        pytest.skip("needs the source tree")
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    compared = 0
    for line in "".join(blocks).splitlines():
        code, _, comment = line.partition("  # ")
        if not comment or re.match(r"\w+ = ", code):
            exec(line, names)
            continue
        assert eval(code, names) == eval(comment.partition(": ")[0], {}), line
        compared += 1
    assert compared >= 11
