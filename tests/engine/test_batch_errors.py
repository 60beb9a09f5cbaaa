"""Errors about one text of a batch name its index, and those about arguments do not."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from own import own_encoding
from pairs import Pair

import bpecore

SPECIAL = "<|endoftext|>"
METHODS: dict[str, Callable[..., Any]] = {
    name: getattr(bpecore.Encoding, name)
    for name in ("encode_batch", "encode_ordinary_batch", "count_batch", "encode_batch_to_numpy")
}
WITH_SPECIAL = [name for name in METHODS if "ordinary" not in name]


@pytest.mark.parametrize("method", METHODS)
def test_what_is_no_text(cl100k: Pair, method: str) -> None:
    for index in (0, 2, 299):
        texts: list[Any] = ["word " * 50] * 300
        texts[index] = b"bytes"
        with pytest.raises(TypeError, match=rf"^at index {index}: expected str, got bytes"):
            METHODS[method](cl100k.ours, texts)


@pytest.mark.parametrize("method", WITH_SPECIAL)
def test_a_disallowed_special_token(cl100k: Pair, method: str) -> None:
    texts = ["fine", "\ud800", "fine " * 100_000, f"a {SPECIAL}", 5, f"b {SPECIAL}"]
    with pytest.raises(ValueError, match=r"^at index 3: The text contains .*endoftext") as found:
        METHODS[method](cl100k.ours, texts)
    assert type(found.value) is ValueError
    with pytest.raises(ValueError, match=r"^at index 0: .*fine"):
        METHODS[method](cl100k.ours, texts, disallowed_special={"fine"})


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("pattern", [r"\w|\W", r"(?<=x)y|\w|\W"])
def test_a_missing_byte(method: str, pattern: str) -> None:
    encoding = own_encoding(pattern, {b"a": 0, b"b": 1})
    with pytest.raises(ValueError, match=r"^at index 1: .*0x63"):
        METHODS[method](encoding, ["ab", "abc"])


@pytest.mark.parametrize("method", WITH_SPECIAL)
def test_a_wrong_argument_has_no_index(cl100k: Pair, method: str) -> None:
    with pytest.raises(TypeError, match=r"^allowed_special must be 'all' or a set .* not list"):
        METHODS[method](cl100k.ours, ["a"], allowed_special=[SPECIAL])


def test_chunks_of_a_batch(cl100k: Pair) -> None:
    with pytest.raises(TypeError, match=r"^at index 1: expected str, got int"):
        cl100k.ours.split_batch(["a", 5], 4)  # type: ignore[list-item]
    with pytest.raises(ValueError, match=r"^at index 1: The text contains"):
        cl100k.ours.split_batch(["a", SPECIAL], 4)


class Strict(bpecore.Encoding):
    """Raises an error of its own, which must come through unchanged."""

    class RefusedError(ValueError):
        pass

    def encode(self, text: str, **keywords: Any) -> list[int]:
        raise self.RefusedError(text)


def test_errors_of_a_subclass_are_left_alone() -> None:
    own = own_encoding(r"\w|\W")
    strict = Strict("strict", pat_str=".", mergeable_ranks=own._mergeable_ranks, special_tokens={})
    with pytest.raises(Strict.RefusedError, match=r"^a$"):
        strict.encode_batch(["a"])


@pytest.mark.parametrize("method", ["count_batch", "encode_batch_to_numpy"])
def test_a_single_text_is_no_batch(cl100k: Pair, method: str) -> None:
    with pytest.raises(TypeError, match="expected several texts, got a single str: 'hello'"):
        METHODS[method](cl100k.ours, "hello")
    assert cl100k.ours.encode_batch("hi") == cl100k.theirs.encode_batch("hi")


ONE_TEXT: dict[str, Callable[..., Any]] = {
    "encode": lambda e, **k: e.encode("a", **k),
    "encode_to_numpy": lambda e, **k: e.encode_to_numpy("a", **k),
    "encode_with_unstable": lambda e, **k: e.encode_with_unstable("a", **k),
    "count": lambda e, **k: e.count("a", **k),
    "count_up_to": lambda e, **k: e.count_up_to("a", 5, **k),
    "truncate": lambda e, **k: e.truncate("a", 5, **k),
    "split": lambda e, **k: e.split("a", 5, **k),
    "TokenCounter": bpecore.TokenCounter,
    "StreamEncoder": bpecore.StreamEncoder,
}


@pytest.mark.parametrize("wrong", [[SPECIAL], (SPECIAL,), [], SPECIAL, None, 5], ids=repr)
@pytest.mark.parametrize("disallowed", ["all", ()])
@pytest.mark.parametrize("call", ONE_TEXT)
def test_allowed_special_says_what_is_wanted(
    cl100k: Pair, call: str, disallowed: Any, wrong: Any
) -> None:
    wanted = rf"allowed_special must be 'all' or a set .* not {type(wrong).__name__}"
    with pytest.raises(TypeError, match=wanted):
        ONE_TEXT[call](cl100k.ours, allowed_special=wrong, disallowed_special=disallowed)
