"""`encoding.show`: a page in a frame for notebooks, text elsewhere."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from page_parts import HOSTILE, Page, data_of
from programs import output_of

import bpecore

ENCODING = bpecore.get_encoding("o200k_base")


def test_as_text() -> None:
    assert repr(ENCODING.show("hello world")).splitlines()[0] == "hello│ world"


def test_as_a_page() -> None:
    other = bpecore.get_encoding("gpt2")
    frame = ENCODING.show(HOSTILE, compare_with=[other])._repr_html_()
    ((tag, attributes),) = Page(frame).elements
    assert (tag, attributes["sandbox"]) == ("iframe", "allow-scripts")
    data = data_of(attributes["srcdoc"] or "")
    assert [found["name"] for found in data["vocabularies"]] == ["o200k_base", "gpt2"]
    assert not re.search(r"<script|onerror", frame)
    assert "<script" in unescape(frame)


def test_special_tokens() -> None:
    assert "⟦" not in repr(ENCODING.show("<|endoftext|>"))
    assert "⟦" in repr(ENCODING.show("<|endoftext|>", allowed_special="all"))


def test_nothing_is_imported_before(tmp_path: object) -> None:
    code = "import sys, bpecore\nprint([name for name in sys.modules if 'view' in name])"
    assert output_of(code, folder=tmp_path) == "[]\n"  # type: ignore[arg-type]


@pytest.mark.parametrize("wrong", ["gpt2", ["gpt2"], ENCODING, 3, None, [ENCODING, None]])
def test_what_is_no_list_of_encodings(wrong: Any) -> None:
    wanted = (
        r"^compare_with must be a list of encodings, such as \[bpecore.get_encoding\('gpt2'\)\], "
    )
    with pytest.raises(TypeError, match=f"{wanted}not {re.escape(repr(wrong))}"):
        ENCODING.show("hello", compare_with=wrong)
    assert str(ENCODING.show("hello", compare_with=iter([ENCODING]))).count("1 token,") == 2
