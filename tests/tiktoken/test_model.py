"""Model names give tiktoken's encodings, and nothing is stored per name."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiktoken import model as tiktoken_model

import bpecore
from bpecore import model

UNKNOWN_NAMES = [
    "",
    "gpt",
    "gpt-4 ",
    " gpt-4",
    "gpt-4\0",
    "gpt4",
    "o1_",
    "ft:gpt-3",
    "ft:ada",
    "\ud800",
    "x" * 100_000,
]

OPTIONS = ("allowed_special", "disallowed_special", "default")


def test_tables_equal_tiktokens_in_order() -> None:
    """Where two prefixes fit, their order decides."""
    ours, theirs = model.MODEL_PREFIX_TO_ENCODING, tiktoken_model.MODEL_PREFIX_TO_ENCODING
    assert list(ours.items()) == list(theirs.items())
    assert model.MODEL_TO_ENCODING == tiktoken_model.MODEL_TO_ENCODING
    assert list(model.MODEL_TO_ENCODING) == list(tiktoken_model.MODEL_TO_ENCODING)


@pytest.mark.parametrize("name", tiktoken_model.MODEL_TO_ENCODING)
def test_known_model(name: str) -> None:
    assert model.encoding_name_for_model(name) == tiktoken_model.encoding_name_for_model(name)


@pytest.mark.parametrize("prefix", tiktoken_model.MODEL_PREFIX_TO_ENCODING)
@pytest.mark.parametrize("rest", ["", "x", "-2024-05-13", "o", "\ud800"])
def test_name_with_known_prefix(prefix: str, rest: str) -> None:
    name = prefix + rest
    assert model.encoding_name_for_model(name) == tiktoken_model.encoding_name_for_model(name)


@pytest.mark.parametrize("name", UNKNOWN_NAMES)
def test_unknown_name_is_a_key_error_that_tells_what_to_use(name: str) -> None:
    with pytest.raises(KeyError) as theirs:
        tiktoken_model.encoding_name_for_model(name)
    for function in (model.encoding_name_for_model, model.encoding_for_model):
        with pytest.raises(KeyError) as ours:
            function(name)
        expected = theirs.value.args[0].replace("tiktoken.get_encoding", "bpecore.get_encoding")
        assert ours.value.args == (expected,)


def test_a_wrong_default_names_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"nor a known model. Did you mean .*'o200k_base'"):
        model.encoding_name_for_model("ours", default="o200k")


@given(st.text(alphabet="gptofc34.5-:urbdavinse2 ", max_size=20))
def test_any_name_finds_what_tiktoken_finds(name: str) -> None:
    """Names that tiktoken lacks are in `test_model_names.py`."""
    with contextlib.suppress(KeyError):
        expected = tiktoken_model.encoding_name_for_model(name)
        if not name.startswith("ft:gpt-4.1"):
            assert model.encoding_name_for_model(name) == expected


def test_encoding_is_the_registered_one() -> None:
    assert model.encoding_for_model("gpt-4o") is bpecore.get_encoding("o200k_base")
    assert model.encoding_for_model("gpt-4o-mini") is bpecore.get_encoding("o200k_base")


@pytest.mark.parametrize("name", ["gpt-4", "gpt-4o", "text-davinci-003", "davinci", "gpt2"])
@pytest.mark.parametrize("text", ["", "hello world", "naïve 漢字 \ud83d 🙂\n\n  x", "a" * 300])
def test_encode_and_count(name: str, text: str) -> None:
    expected = bpecore.encoding_for_model(name).encode(text)
    assert bpecore.encode_for_model(name, text) == expected
    assert bpecore.count_for_model(name, text) == len(expected)


def test_special_tokens_are_passed_on() -> None:
    text = "a<|endoftext|>b"
    for function in (bpecore.encode_for_model, bpecore.count_for_model):
        with pytest.raises(ValueError, match="endoftext"):
            function("gpt-4", text)
        with pytest.raises(ValueError, match="endoftext"):
            function("gpt-4", text, allowed_special={"<|fim_prefix|>"})
    for allowed in ("all", {"<|endoftext|>"}, frozenset({"<|endoftext|>"})):
        ids = bpecore.encode_for_model("gpt-4", text, allowed_special=allowed)
        assert ids == [64, 100257, 65]
        assert bpecore.count_for_model("gpt-4", text, allowed_special=allowed) == 3
    ordinary = bpecore.encoding_for_model("gpt-4").encode_ordinary(text)
    assert bpecore.encode_for_model("gpt-4", text, disallowed_special=()) == ordinary
    assert bpecore.count_for_model("gpt-4", text, disallowed_special=()) == len(ordinary)


@pytest.mark.parametrize("function", [bpecore.encode_for_model, bpecore.count_for_model])
def test_options_are_keywords(function: Callable[..., object]) -> None:
    parameters = inspect.signature(function).parameters
    assert list(parameters) == ["model", "text", *OPTIONS]
    for option in OPTIONS:
        assert parameters[option].kind is inspect.Parameter.KEYWORD_ONLY


@pytest.mark.parametrize("name", ["never-heard-of-it", "gpt-4-of-a-thousand-names"])
def test_nothing_is_kept_for_a_name(name: str) -> None:
    name = "".join([name, "-", "x" * 50])  # not a constant of this module
    before = sys.getrefcount(name)
    for _ in range(100):
        with contextlib.suppress(KeyError):
            model.encoding_for_model(name)
    assert sys.getrefcount(name) == before
