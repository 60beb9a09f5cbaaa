"""The educational encoder: tiktoken's results, and what it shows in the terminal."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
import tiktoken._educational as theirs
from hypothesis import given
from hypothesis import strategies as st
from own import BYTES

import bpecore
import bpecore._educational as ours

TEXT = "low lower lowest, new newer newest; wide wider widest. Naïve 漢字 漢字 漢字"
PATTERN = r"\w+|[^\w\s]+|\s+"


def shown(function: Callable[..., Any], *arguments: Any, **options: Any) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        function(*arguments, **options)
    return output.getvalue()


@pytest.mark.parametrize("size", [256, 257, 270, 280])
def test_training_makes_tiktokens_vocabulary(size: int) -> None:
    expected = theirs.bpe_train(TEXT, size, PATTERN, visualise=None)
    assert list(ours.bpe_train(TEXT, size, PATTERN, visualise=None).items()) == list(
        expected.items()
    )


@given(st.text(alphabet="ab é漢", min_size=8, max_size=60), st.integers(256, 262))
def test_training_on_any_text(text: str, size: int) -> None:
    try:
        expected = theirs.bpe_train(text, size, r"\S+|\s+", visualise=None)
    except ValueError:
        with pytest.raises(ValueError, match="out of reach"):
            ours.bpe_train(text, size, r"\S+|\s+", visualise=None)
    else:
        assert ours.bpe_train(text, size, r"\S+|\s+", visualise=None) == expected


@given(st.binary(max_size=40))
def test_merging_any_bytes(piece: bytes) -> None:
    ranks = dict(BYTES)
    ranks.update({b"ab": 300, b"abc": 299, b"\xff\xfe": 298, b"aa": 297, b"aaa": 296})
    piece = piece + b"aaabcaa\xff\xfe" + piece
    assert ours.bpe_encode(ranks, piece, visualise=None) == theirs.bpe_encode(
        ranks, piece, visualise=None
    )


@pytest.mark.parametrize("name", ["r50k_base", "cl100k_base", "o200k_base"])
def test_it_agrees_with_the_engine(name: str) -> None:
    encoding = bpecore.get_encoding(name)
    simple = ours.SimpleBytePairEncoding.from_tiktoken(name)
    assert simple.encode(TEXT, visualise=None) == encoding.encode(TEXT)
    assert simple.decode(encoding.encode(TEXT)) == TEXT
    assert ours.SimpleBytePairEncoding.from_tiktoken(encoding).mergeable_ranks == (
        encoding._mergeable_ranks
    )


@pytest.mark.parametrize("visualise", ["colour", "color", "simple", "other", None])
def test_encoding_shows_what_tiktoken_shows(visualise: str | None) -> None:
    encoding = ours.SimpleBytePairEncoding.train
    with contextlib.redirect_stdout(io.StringIO()):
        ranks = encoding(TEXT, 280, PATTERN).mergeable_ranks
    arguments: dict[str, Any] = {"pat_str": PATTERN, "mergeable_ranks": ranks}
    expected = shown(theirs.SimpleBytePairEncoding(**arguments).encode, TEXT, visualise)
    assert shown(ours.SimpleBytePairEncoding(**arguments).encode, TEXT, visualise) == expected


@given(st.lists(st.binary(max_size=9), max_size=30))
def test_colours_are_tiktokens(tokens: list[bytes]) -> None:
    assert shown(ours.visualise_tokens, tokens) == shown(theirs.visualise_tokens, tokens)


@given(st.lists(st.text(min_size=1, max_size=9), max_size=30))
def test_neighbours_differ_in_colour_and_the_text_stays(texts: list[str]) -> None:
    output = shown(ours.visualise_tokens, [text.encode("utf-8", "replace") for text in texts])
    colours = re.findall("\x1b\\[48;5;\\d+m", output)
    assert len(colours) == len(texts)
    assert all(left != right for left, right in zip(colours, colours[1:]))
    assert output.endswith("\x1b[0m\n")
    plain = re.sub("\x1b\\[[0-9;]*m", "", output)
    assert plain == "".join(t.encode("utf-8", "replace").decode() for t in texts) + "\n"


def test_training_shows_each_merge() -> None:
    output = shown(ours.bpe_train, "low lower lowest", 258, r"\w+", "simple")
    assert output.index("b'l' + b'o'") < output.index("b'lo' + b'w'")
    assert "token 257: b'lo'" in output
    assert "token 258: b'low'" in output
    assert "[b'low', b'e', b'r']" in output
    assert "\x1b" not in output
    assert "\x1b[48;5;" in shown(ours.bpe_train, "low lower lowest", 257, r"\w+", "colour")
    assert shown(ours.bpe_train, "low lower lowest", 258, r"\w+", None) == ""


def test_too_little_text_and_too_few_tokens() -> None:
    with pytest.raises(ValueError, match="256"):
        ours.bpe_train("abc", 255, r"\w+", None)
    with pytest.raises(ValueError, match="after 257 tokens"):
        ours.bpe_train("abab", 300, r"\w\w", None)


def test_the_example_that_trains_itself() -> None:
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        encoding = ours.train_simple_encoding()
    assert len(encoding.mergeable_ranks) == 600
    ids = encoding.encode("hello world", visualise=None)
    assert encoding.decode_tokens_bytes(ids) == [b"hello", b" world"]
    last = re.sub("\x1b\\[[0-9;]*m", "|", output.getvalue()).strip().splitlines()[-1]
    assert last == "| world|"
