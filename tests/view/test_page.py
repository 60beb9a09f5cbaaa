"""The page: well-formed, its data right, and no text can leave its place in it."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from own import own_encoding
from page_parts import EIGHT_SCRIPTS, ENCODINGS, HOSTILE, Page, data_of, page, tokens_of

from bpecore.cli import main
from bpecore.view.page import page_of
from bpecore.view.page_data import escaped_json
from bpecore.view.tokens import TokenizedText


@pytest.mark.parametrize("text", ["", "a", EIGHT_SCRIPTS, HOSTILE, EIGHT_SCRIPTS * 40])
@pytest.mark.parametrize("count", [1, 2])
def test_the_data_are_the_tokens(text: str, count: int) -> None:
    data = data_of(page(text, count))
    assert data["sameText"] is True
    for vocabulary, encoding in zip(data["vocabularies"], ENCODINGS):
        ids = encoding.encode(text, allowed_special="all")
        assert vocabulary["name"] == encoding.name
        assert vocabulary["characters"] == len(text)
        assert vocabulary["bytes"] == len(text.encode())
        if text:
            assert tokens_of(vocabulary) == encoding.decode_tokens_bytes(ids)
        assert {*vocabulary["ids"]} == {*ids}
        special = [vocabulary["ids"][number] for number in vocabulary["special"]]
        assert special == [id for id in dict.fromkeys(ids) if encoding.is_special_token(id)]


def test_rows_of_vocabularies_hold_the_same_text() -> None:
    one, other = data_of(page(EIGHT_SCRIPTS * 40, 2))["vocabularies"]
    assert len(one["rows"]) == len(other["rows"]) > 5
    for start, same in zip(one["rows"], other["rows"]):
        assert b"".join(tokens_of(one)[:start]) == b"".join(tokens_of(other)[:same])


def test_tokens_that_differ_are_marked() -> None:
    one, other = data_of(page("hello 漢字", 2))["vocabularies"]
    for vocabulary in (one, other):
        bits = np.frombuffer(base64.b64decode(vocabulary["differs"]), np.uint8)
        marks = np.unpackbits(bits, bitorder="little").tolist()
        spans = tokens_of(vocabulary)
        assert vocabulary["differing"] == sum(marks)
        assert marks[0] == 0, "hello is a token of both"
        assert spans[0] == b"hello"
    assert one["differing"] or other["differing"]


def test_texts_that_differ_are_not_compared() -> None:
    texts = [TokenizedText(own_encoding(pattern), "a b") for pattern in (r"\w+", r"\w+|\s+")]
    data = data_of(page_of(texts, "text"))
    assert data["sameText"] is False
    assert [vocabulary["differing"] for vocabulary in data["vocabularies"]] == [0, 0]


@pytest.mark.parametrize("title", ["text", HOSTILE, '" onload="x', "{data}"])
def test_hostile_texts_stay_text(title: str) -> None:
    content = page(HOSTILE, 2, title)
    found = Page(content)
    assert [tag for tag, _ in found.elements].count("script") == 2
    assert not any(name.startswith("on") for _, names in found.elements for name in names)
    assert data_of(content)["vocabularies"][0]["name"] == "o200k_base"
    assert "alert(1)" not in found.texts["data"]


@settings(max_examples=30)
@given(st.text())
def test_json_is_only_data(text: str) -> None:
    found = escaped_json([text])
    assert found.isascii()
    assert not re.search("[<>&]", found)
    assert data_of(f'<script id="data">{found}</script>') == [text]


def test_nothing_is_loaded_and_only_the_own_script_runs() -> None:
    content = page("hello")
    found = Page(content)
    assert not any({"src", "href"} & {*names} for _, names in found.elements)
    assert not re.search(r"https?://|@import|url\(", content)
    policy = next(names["content"] for _, names in found.elements if "http-equiv" in names) or ""
    assert policy.startswith("default-src 'none'; ")
    for kind in ("style", "script"):
        (code,) = re.findall(rf"<{kind}>(.*?)</{kind}>", content, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_the_command_writes_it(tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    arguments = ["view", "--html", str(out), "-e", "gpt2", "-e", "cl100k_base", "-x", "naïve"]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.output) == (0, "")
    names = [found["name"] for found in data_of(out.read_text("utf-8"))["vocabularies"]]
    assert names == ["gpt2", "cl100k_base"]


def test_the_command_prints_it() -> None:
    result = CliRunner().invoke(main, ["view", "--html", "-", "-x", "hello"])
    assert data_of(result.stdout)["vocabularies"][0]["ids"] == [24912]
