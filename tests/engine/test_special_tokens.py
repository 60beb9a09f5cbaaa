"""Special tokens: encoded as such or refused, for every combination of arguments."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
import tiktoken
from outcomes import outcome
from own import BYTES, own_encoding
from pairs import Pair
from texts import random_texts

import bpecore
from bpecore.fuzzing.reference import ReferenceEncoder

LETTERS_OR_ANY = r"[a-z]+|."


def assert_same_outcome(pair: Pair, text: str, **arguments: Any) -> None:
    theirs = outcome(pair.theirs.encode, text, **arguments)
    assert outcome(pair.ours.encode, text, **arguments) == theirs, (text, arguments)
    to_numpy = outcome(lambda: pair.ours.encode_to_numpy(text, **arguments).tolist())
    assert to_numpy == theirs, (text, arguments)
    count = outcome(pair.ours.count, text, **arguments)
    assert count == (len(theirs) if isinstance(theirs, list) else theirs), (text, arguments)


def some_special_tokens(pair: Pair) -> list[str]:
    """Returns up to four special tokens, including the first and last of the list."""
    tokens = list(pair.theirs._special_tokens)
    return list(dict.fromkeys([tokens[0], tokens[-1], *tokens[1:3]]))


def texts_with(tokens: list[str]) -> list[str]:
    first, last = tokens[0], tokens[-1]
    return [
        "",
        "hello world",
        first,
        first + first,
        first + last,
        f"hello{first}world",
        f"  {first}  ",
        f"hello \n {last}\n\n {first} \t{last}x",
        f"don'{first}t 12{last}3",
        f"{first[:-1]} {first[1:]}",
        f"<|{first}|>",
        first[:-1] + first,
        "中" + "".join(tokens) + "é",
        first.upper(),
        " " * 70 + first + "word " * 30 + last + " ",
    ]


def test_every_combination_of_arguments(pair: Pair) -> None:
    tokens = some_special_tokens(pair)
    allowed_values: list[Any] = [
        set(),
        frozenset(),
        "all",
        {tokens[0]},
        frozenset(tokens[-1:]),
        set(tokens),
        {"hello"},
        {tokens[0], "not a special token"},
    ]
    disallowed_values: list[Any] = [
        "all",
        (),
        [],
        set(),
        {tokens[0]},
        [tokens[-1]],
        tuple(tokens),
        {"hello"},
        ["lo", "wor"],
        "h",
        "",
        frozenset({"never there"}),
    ]
    for text, allowed, disallowed in itertools.product(
        texts_with(tokens), allowed_values, disallowed_values
    ):
        assert_same_outcome(pair, text, allowed_special=allowed, disallowed_special=disallowed)
    for text, allowed in itertools.product(texts_with(tokens), allowed_values):
        assert_same_outcome(pair, text, allowed_special=allowed)


@pytest.mark.parametrize("allowed", [[], None, (), "<|endoftext|>", ["<|endoftext|>"], 1, {}])
@pytest.mark.parametrize("disallowed", ["all", (), None])
def test_allowed_special_of_a_wrong_type(cl100k: Pair, allowed: Any, disallowed: Any) -> None:
    for text in ("hello", "<|endoftext|>"):
        assert_same_outcome(cl100k, text, allowed_special=allowed, disallowed_special=disallowed)


@pytest.mark.parametrize("disallowed", [None, 0, False, 1, [1], [None], {"hello": 1}])
def test_disallowed_special_of_a_wrong_type(cl100k: Pair, disallowed: Any) -> None:
    for text in ("hello", "<|endoftext|>"):
        assert_same_outcome(cl100k, text, disallowed_special=disallowed)


def test_batches_take_the_same_arguments(pair: Pair) -> None:
    tokens = some_special_tokens(pair)
    texts = texts_with(tokens)
    combinations: list[dict[str, Any]] = [
        {},
        {"allowed_special": "all"},
        {"allowed_special": {tokens[0]}, "disallowed_special": ()},
        {"disallowed_special": ["never there"]},
        {"disallowed_special": None},
        {"allowed_special": "all", "num_threads": 0},
    ]
    for arguments in combinations:
        theirs = outcome(pair.theirs.encode_batch, texts, **arguments)
        assert outcome(pair.ours.encode_batch, texts, **arguments) == theirs


def test_the_error_names_the_token_and_the_remedies(pair: Pair) -> None:
    token = some_special_tokens(pair)[0]
    with pytest.raises(ValueError, match=re.escape(repr(token))) as raised:
        pair.ours.encode(f"a{token}")
    for wanted in ("allowed_special={", "disallowed_special=()"):
        assert wanted in str(raised.value)


def test_each_special_token_alone_and_all_together(pair: Pair) -> None:
    """Harmony has 1,091, two of them with one id."""
    specials = pair.theirs._special_tokens
    for token, id in specials.items():
        assert pair.ours.encode(token, allowed_special="all") == [id]
        assert pair.ours.encode(token, allowed_special={token}) == [id]
        assert pair.ours.encode_single_token(token) == id
        assert pair.ours.is_special_token(id)
        assert pair.ours.decode([id]) == pair.theirs.decode([id])
        assert pair.ours.decode_single_token_bytes(id) == pair.theirs.decode_single_token_bytes(id)
    together = " ".join(specials) + "".join(specials)
    assert_same_outcome(pair, together, allowed_special="all")
    assert_same_outcome(pair, together, disallowed_special=())
    every_other = set(list(specials)[::2])
    assert_same_outcome(pair, together, allowed_special=every_other, disallowed_special=())
    assert pair.ours.special_tokens_set == pair.theirs.special_tokens_set


def test_random_texts_with_special_tokens_glued_to_them(pair: Pair) -> None:
    source = random.Random(7)
    specials = list(pair.theirs._special_tokens)
    for text in random_texts(seed=700, count=1_500):
        glued = text
        for _ in range(source.randint(1, 4)):
            at = source.randint(0, len(glued))
            glued = glued[:at] + source.choice(specials) + glued[at:]
        allowed = set(source.sample(specials, source.randint(0, min(3, len(specials)))))
        assert_same_outcome(pair, glued, allowed_special="all")
        assert_same_outcome(pair, glued, allowed_special=allowed, disallowed_special=())


def test_a_special_token_ends_the_text_before_it(pair: Pair) -> None:
    """The spaces in front of it are one piece, as at the end of a text, though a letter follows."""
    token = some_special_tokens(pair)[0]
    ids = pair.ours.encode(f"a    {token}b", allowed_special="all")
    before, after = pair.ours.encode("a    "), pair.ours.encode("b")
    assert ids == [*before, pair.ours.encode_single_token(token), *after]


OVERLAPPING = {
    "<a>": 1000,
    "<a><b>": 1001,
    "<b>": 1002,
    "<b><c>": 1003,
    "ab": 1004,
    "abc": 1005,
    "bcd": 1006,
    "é": 1007,
    "éa": 1008,
    "中": 1009,
    "😀": 1010,
    "\n": 1011,
    ".*": 1012,
}


def custom_encoding(special_tokens: dict[str, int]) -> bpecore.Encoding:
    return own_encoding(LETTERS_OR_ANY, special_tokens=special_tokens)


def test_of_overlapping_special_tokens_the_longest_allowed_leftmost_one_wins() -> None:
    encoding = custom_encoding(OVERLAPPING)
    reference = ReferenceEncoder(LETTERS_OR_ANY, BYTES, OVERLAPPING)
    assert encoding.encode("<a><b><c>", allowed_special="all") == [1001, 60, 99, 62]
    assert encoding.encode("abcd", allowed_special="all") == [1005, 100]
    assert encoding.encode("abcd", allowed_special={"bcd", "ab"}, disallowed_special=()) == [
        1004,
        99,
        100,
    ]
    source = random.Random(3)
    elements = [*"abcd<>\n.*é中😀x", *OVERLAPPING]
    for _ in range(5_000):
        text = "".join(source.choices(elements, k=source.randint(1, 12)))
        allowed = set(source.sample(sorted(OVERLAPPING), source.randint(0, len(OVERLAPPING))))
        expected = reference.encode(text, allowed)
        assert encoding.encode(text, allowed_special=allowed, disallowed_special=()) == expected
        count = encoding.count(text, allowed_special=allowed, disallowed_special=())
        assert count == len(expected)


def test_special_tokens_that_do_not_overlap_equal_tiktoken() -> None:
    special_tokens = {"<x>": 300, "[INST]": 301, "\\d+": 302, "🤖": 303, "a\x00b": 304, " ": 305}
    ours = custom_encoding(special_tokens)
    theirs = tiktoken.Encoding(
        "custom", pat_str=LETTERS_OR_ANY, mergeable_ranks=BYTES, special_tokens=special_tokens
    )
    source = random.Random(4)
    elements = [*"ab<x>[]\\d+🤖\x00 1", *special_tokens]
    for _ in range(3_000):
        text = "".join(source.choices(elements, k=source.randint(1, 10)))
        allowed = set(source.sample(sorted(special_tokens), source.randint(0, 6)))
        expected = theirs.encode(text, allowed_special=allowed, disallowed_special=())
        assert ours.encode(text, allowed_special=allowed, disallowed_special=()) == expected


def test_an_empty_special_token_is_refused() -> None:
    """tiktoken hangs on it."""
    with pytest.raises(ValueError, match="empty"):
        custom_encoding({"": 300})


class Lying(str):
    """A `str` whose methods disagree with its characters."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return b"same"

    def __iter__(self) -> Iterator[str]:
        return iter("other")

    def __len__(self) -> int:
        return 1 << 62

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def test_special_tokens_of_a_subclass_of_str_are_their_characters() -> None:
    names = [Lying(name) for name in ("<x>", "<x>", "<yy>", "<z>")]
    special_tokens: dict[str, int] = dict(zip(names, range(300, 304)))
    assert len(special_tokens) == 4
    ours = custom_encoding(special_tokens)
    theirs = tiktoken.Encoding(
        "custom", pat_str=LETTERS_OR_ANY, mergeable_ranks=BYTES, special_tokens=special_tokens
    )
    text = "<x><yy><z>same"
    for encoding in (ours, theirs):
        engine = encoding._core_bpe
        ids = engine.encode(text, {"<x>", "<yy>", "<z>"})
        assert ids == [301, 302, 303, 115, 97, 109, 101]
        assert encoding.decode(ids) == text
    with pytest.raises(TypeError, match="a special token must be str, not bytes"):
        custom_encoding({b"<x>": 300})  # type: ignore[dict-item]
