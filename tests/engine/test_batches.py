"""Batches and long texts: the same ids however work is divided, the same errors as text by text."""

from __future__ import annotations

import gc
import random
import sysconfig
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from own import BYTES, own_encoding
from pairs import Pair
from texts import random_texts

import bpecore
from bpecore import _core
from bpecore._build.threads import LONG_TEXT, available_cpus, thread_count
from fuzz.engine_constants import constant

SECTION_CHARACTERS = constant("SECTION_CHARACTERS")
SPECIAL = "<|endoftext|>"


def in_threads(
    encoding: bpecore.Encoding, texts: list[str], threads: int, **keywords: Any
) -> list[list[int] | None]:
    """Encodes in the engine with a number of threads, even if the machine has fewer processors."""
    arguments = {"allowed_special": set(), "disallowed_special": (), **keywords}
    found, failures = _core.encode_batch(
        encoding._core_bpe,
        texts,
        arguments["allowed_special"],
        arguments["disallowed_special"],
        encoding.special_tokens_set,
        threads,
    )
    assert list(failures) == [i for i, ids in enumerate(found) if ids is None]
    return found


def long_text(words: str, characters: int) -> str:
    source = random.Random(7)
    parts = [" ".join(source.choices(words.split(" "), k=50)) for _ in range(200)]
    text = "\n".join(source.choices(parts, k=characters // 100))
    return (text * (characters // len(text) + 1))[:characters]


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_do_not_change_ids(pair: Pair, threads: int) -> None:
    texts = random_texts(seed=threads, count=300)
    texts += ["".join(random_texts(seed=i, count=3_000)) for i in range(4)]
    expected = [pair.ours.encode_ordinary(text) for text in texts]
    assert in_threads(pair.ours, texts, threads) == expected


@pytest.mark.parametrize(
    "words", ["one two three's 2024 ...", "naïve — 中文 текст 😀 a's", "日本語 の 文章"]
)
@pytest.mark.parametrize("length", [-1, 0, 1, SECTION_CHARACTERS])
def test_long_texts_are_cut_without_a_change(pair: Pair, words: str, length: int) -> None:
    text = long_text(words, 2 * SECTION_CHARACTERS + length)
    expected = pair.ours.encode_ordinary(text)
    assert in_threads(pair.ours, ["a", text, "b"], 3)[1] == expected
    ids, offsets = pair.ours.encode_batch_to_numpy([text, text], num_threads=2)
    assert offsets.tolist() == [0, len(expected), 2 * len(expected)]
    assert ids.tolist() == expected * 2
    assert pair.ours.count_batch([text]) == [len(expected)]


BYTES_ALONE = own_encoding(
    bpecore.get_encoding("cl100k_base")._pat_str,
    {bytes([value]): 255 - value for value in range(256)},
)
"""Gives more ids than the row of a batch first has room for."""


@pytest.mark.parametrize("threads", [1, 2, 3, 16])
@pytest.mark.parametrize("seed", range(4))
def test_a_row_of_ids_that_has_too_little_room_at_first(threads: int, seed: int) -> None:
    source = random.Random(seed)
    sizes = (0, 1, 100, 4_000, 40_000, 400_000, 1_500_000)
    texts = [source.choice("a é中") * source.choice(sizes) for _ in range(40)]
    ids, offsets = BYTES_ALONE.encode_batch_to_numpy(texts, num_threads=threads)
    assert np.array_equal(ids, 255 - np.frombuffer("".join(texts).encode(), np.uint8))
    assert np.array_equal(np.diff(offsets), [len(text.encode()) for text in texts])


@pytest.mark.parametrize("threads", [2, 3, 16])
def test_a_row_of_ids_whose_room_ends_in_the_middle(threads: int) -> None:
    encoding = bpecore.get_encoding("cl100k_base")
    texts = ["word " * 20_000] * 20 + ["1 " * 30_000] * 20 + ["word " * 20_000] * 20
    expected = [number for row in map(encoding.encode, texts) for number in row]
    assert len("".join(texts)) // 3 < len(expected)
    for _ in range(20):
        assert encoding.encode_batch_to_numpy(texts, num_threads=threads)[0].tolist() == expected


@pytest.mark.parametrize("place", [0, 30, 59])
def test_a_row_of_ids_with_a_text_that_has_none(place: int) -> None:
    encoding = bpecore.get_encoding("cl100k_base")
    texts = ["word " * 20_000] * 60
    texts[place] = "a\ud800"
    repaired, _ = encoding.encode_batch_to_numpy(texts, num_threads=4)
    word = encoding.encode("word " * 20_000)
    assert repaired.tolist() == word * place + encoding.encode("a\ufffd") + word * (59 - place)
    texts[place] = ""
    ids, offsets = encoding.encode_batch_to_numpy(texts, num_threads=4)
    assert ids.tolist() == word * 59
    assert offsets[place] == offsets[place + 1]


@pytest.mark.parametrize("text", ["a" * (3 * SECTION_CHARACTERS), " " * (3 * SECTION_CHARACTERS)])
def test_long_texts_without_a_border(cl100k: Pair, text: str) -> None:
    assert in_threads(cl100k.ours, [text], 2) == [cl100k.ours.encode_ordinary(text)]


def test_special_tokens_across_every_border() -> None:
    """`x y` contains a sure border of the pattern, and is wherever a text might be cut."""
    encoding = own_encoding(
        bpecore.get_encoding("r50k_base")._pat_str, special_tokens={"x y": 256, "y x": 257}
    )
    text = "x y x" * SECTION_CHARACTERS
    expected = encoding.encode(text, allowed_special="all")
    assert 256 in expected
    assert 120 not in expected[:2]
    assert in_threads(encoding, [text], 2, allowed_special="all") == [expected]


def test_special_tokens_in_batches(pair: Pair) -> None:
    texts = [f"a {SPECIAL} b", "plain", SPECIAL * 3]
    allowed = {SPECIAL}
    expected = [pair.theirs.encode(text, allowed_special=allowed) for text in texts]
    assert pair.ours.encode_batch(texts, allowed_special=allowed) == expected
    assert pair.ours.encode_batch(texts, allowed_special="all") == [
        pair.theirs.encode(text, allowed_special="all") for text in texts
    ]
    assert pair.ours.count_batch(texts, allowed_special="all") == list(map(len, expected))
    ids, _ = pair.ours.encode_batch_to_numpy(texts, allowed_special="all")
    assert ids.tolist() == [number for row in expected for number in row]


@pytest.mark.parametrize(
    ("texts", "keywords"),
    [
        (["fine", f"not {SPECIAL}", 5], {}),
        (["fine", 5, f"not {SPECIAL}"], {}),
        (["a secret here"], {"disallowed_special": {"secret"}}),
        (["x"], {"allowed_special": ["not", "a", "set"]}),
        (["x"], {"allowed_special": {5}}),
        (["x"], {"num_threads": 0}),
        (["x", 5], {"allowed_special": "all"}),
        (["x", None], {"disallowed_special": ()}),
        (5, {}),
    ],
)
def test_errors_are_those_of_single_texts(cl100k: Pair, texts: Any, keywords: Any) -> None:
    with pytest.raises(Exception) as theirs:  # noqa: PT011 (any message of tiktoken's)
        cl100k.theirs.encode_batch(texts, **keywords)
    with pytest.raises(theirs.type) as ours:
        cl100k.ours.encode_batch(texts, **keywords)
    with pytest.raises(theirs.type):
        cl100k.ours.count_batch(texts, **keywords)
    with pytest.raises(theirs.type):
        cl100k.ours.encode_batch_to_numpy(texts, **keywords)
    if theirs.type is ValueError and "disallowed" in str(theirs.value):
        assert str(ours.value).splitlines()[0].endswith(f"{SPECIAL!r}.") or "secret" in str(
            ours.value
        )


def test_an_error_behind_a_cut_names_the_token(cl100k: Pair) -> None:
    text = long_text("one two three", 3 * SECTION_CHARACTERS) + SPECIAL
    with pytest.raises(ValueError, match="endoftext"):
        cl100k.ours.encode_batch(["a", text])
    with pytest.raises(ValueError, match="endoftext"):
        cl100k.ours.encode_to_numpy(text * 6)


def test_surrogates(cl100k: Pair) -> None:
    texts = ["a", "b\ud800c", "\ud83d\ude00", "d"]
    expected = cl100k.theirs.encode_batch(texts)
    assert cl100k.ours.encode_batch(texts) == expected
    assert cl100k.ours.count_batch(texts) == list(map(len, expected))
    ids, _ = cl100k.ours.encode_batch_to_numpy(texts)
    assert ids.tolist() == [number for row in expected for number in row]


def test_changed_special_tokens_set() -> None:
    ours = own_encoding(r"\S+|\s+", special_tokens={"<a>": 256, "<b>": 257})
    ours.special_tokens_set = {"<a>"}
    assert ours.encode_batch(["<b>"]) == [ours.encode("<b>")]
    with pytest.raises(ValueError, match="<a>"):
        ours.encode_batch(["<a>"])


def test_patterns_without_an_automaton() -> None:
    encoding = own_encoding(r"(?<=a)b|\w|\s", special_tokens={"<end>": 256})
    texts = ["ab b", "", "aab<end>"]
    expected = [encoding.encode(text, allowed_special="all") for text in texts]
    assert encoding.encode_batch(texts, allowed_special="all") == expected
    ids, offsets = encoding.encode_batch_to_numpy(texts, allowed_special="all")
    assert [ids[a:b].tolist() for a, b in zip(offsets, offsets[1:])] == expected


class Upper(bpecore.Encoding):
    def encode_ordinary(self, text: str) -> list[int]:
        return [1, *super().encode_ordinary(text)]

    def encode(self, text: str, **keywords: Any) -> list[int]:
        return super().encode(text.upper(), **keywords)

    def encode_to_numpy(self, text: str, **keywords: Any) -> npt.NDArray[np.uint32]:
        return super().encode_to_numpy(text.upper())

    def count(self, text: str, **keywords: Any) -> int:
        return 7


def of_bytes(kind: type[bpecore.Encoding]) -> bpecore.Encoding:
    ranks = dict(BYTES)
    return kind("bytes", pat_str=r"\S+|\s+", mergeable_ranks=ranks, special_tokens={})


def test_a_subclass_that_does_otherwise_does_so_in_batches() -> None:
    encoding = of_bytes(Upper)
    assert encoding.encode_batch(["a"]) == [[65]]
    assert encoding.encode_ordinary_batch(["a", ""]) == [[1, 97], [1]]
    assert encoding.count_batch(["a", "b"]) == [7, 7]
    ids, offsets = encoding.encode_batch_to_numpy(["a", "", "bc"])
    assert (ids.tolist(), offsets.tolist()) == ([65, 66, 67], [0, 1, 1, 3])
    long = "ab " * (LONG_TEXT // 3 + 1)
    assert encoding.encode_to_numpy(long).tolist() == list(long.upper().encode())


@pytest.mark.parametrize("method", ["encode", "encode_ordinary"])
def test_a_method_that_a_user_puts_in_its_place_is_used_in_batches(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    encoding = of_bytes(bpecore.Encoding)
    other = {"encode": "encode_ordinary", "encode_ordinary": "encode"}[method]
    monkeypatch.setattr(encoding, method, lambda *_, **__: [5])
    assert getattr(encoding, f"{method}_batch")(["a", "b"]) == [[5], [5]]
    assert getattr(encoding, f"{other}_batch")(["a", "b"]) == [[97], [98]]


def test_arrays(cl100k: Pair) -> None:
    ids, offsets = cl100k.ours.encode_batch_to_numpy([])
    assert (ids.dtype, offsets.dtype, ids.tolist(), offsets.tolist()) == (
        np.uint32,
        np.int64,
        [],
        [0],
    )
    ids, offsets = cl100k.ours.encode_batch_to_numpy(iter(["", "a", ""]))
    assert (ids.tolist(), offsets.tolist()) == ([64], [0, 0, 1, 1])
    assert not ids.flags.writeable


def test_thread_count() -> None:
    assert thread_count(None) == available_cpus() >= thread_count(1) == 1
    assert thread_count(10**9) == available_cpus()
    for wrong in (0, -3):
        with pytest.raises(ValueError, match=str(wrong)):
            thread_count(wrong)


def test_the_garbage_collector_sees_the_lists_of_a_batch(pair: Pair) -> None:
    long = long_text("one two three's 2024 ...", 2 * SECTION_CHARACTERS + 1)
    texts = [*random_texts(seed=3, count=2_000), long, SPECIAL, ""]
    seen = []

    def look(phase: str, info: dict[str, int]) -> None:
        seen.append(phase)

    gc.callbacks.append(look)
    try:
        found = pair.ours.encode_batch(texts, disallowed_special=())
    finally:
        gc.callbacks.remove(look)
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):  # whose collector waits for more
        assert "start" in seen  # collections happened while lists were made
    assert gc.is_tracked(found)
    assert all(map(gc.is_tracked, found))
    assert found == [pair.ours.encode_ordinary(text) for text in texts]
    lists = in_threads(pair.ours, ["a", "\ud800", SPECIAL], 1, disallowed_special="all")
    assert gc.is_tracked(lists)
    assert [ids is None or gc.is_tracked(ids) for ids in lists] == [True] * 3
    # A cycle through a list of ids is found.
    ids: list[Any] = found.pop()
    ids.append(ids)
    place = id(ids)
    del ids
    gc.collect()
    assert not any(id(entry) == place for entry in gc.get_objects())
