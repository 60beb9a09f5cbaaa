"""Each allocation of the engine fails in turn: `MemoryError`, nothing lost, the next call right."""

from __future__ import annotations

import gc
import sysconfig
from collections.abc import Iterator
from typing import Any, Callable

import pytest

import bpecore
from bpecore._build.assemble import compile_split_pattern
from bpecore._core import (
    RankTable,
    SplitPattern,
    TokenBuffer,
    Vocabulary,
    fail_allocation,
    watch_allocations,
    watched_allocations,
)
from bpecore._pattern import compile_pattern
from bpecore.fuzzing.reference import ReferenceEncoder
from fuzz.entry_points import (
    ID_CALLS,
    PATTERNS,
    SHORT_TEXT_CALLS,
    SPECIAL_TOKEN,
    TEXT_CALLS,
    small_encoding,
    small_ranks,
)

SHORT_TEXTS = {
    "ASCII": f"Hello, world's 123  end{SPECIAL_TOKEN} of it",
    "two bytes a character": f"naïve привет, мир{SPECIAL_TOKEN}漢字",
    "four bytes a character": f"one 😀 two{SPECIAL_TOKEN}",
}
# The cache grows at 65,536 bytes, the heap takes over at 129 bytes, a chunk holds 4,096 characters.
LONG_TEXTS = {
    "ASCII": f"Some text, isn't it? {SPECIAL_TOKEN}\n" * 2_400,
    "two bytes a character": f"Ещё один текст{SPECIAL_TOKEN} и 漢字\n" * 3_000,
    "ASCII, long pieces": "a" * 140 + " " + "qz" * 6_000 + " the end",
    "two bytes a character, long pieces": "жщ" * 6_000 + "的 " + "я" * 140,
}


@pytest.fixture(autouse=True)
def watched() -> Iterator[None]:
    """Watches allocations, ignoring those of the process and of earlier tests."""
    small_encoding("blocks")
    compile_split_pattern.cache_clear()
    gc.collect()
    watch_allocations()
    yield
    watch_allocations(False)


def held() -> int:
    return watched_allocations()[2]


def result_or_none(call: Callable[[], Any]) -> Any:
    """Returns what a call returns, or None if memory is short."""
    try:
        return call()
    except MemoryError:
        return None


def fail_each(
    make: Callable[[], Any], call: Callable[[Any], Any], expected: Any, lasting: bool
) -> int:
    """Fails the first allocation of a call, then the second, … until all succeed.

    Args:
        make: makes a new object to call for each failure.
        call: what must raise MemoryError or return what is expected.
        expected: what `call` returns.
        lasting: whether all later allocations fail too.

    Returns:
        How many calls raised MemoryError.
    """
    raised = 0
    number = 0
    while True:
        number += 1
        assert number < 500
        subject = make()
        fail_allocation(number, lasting)
        failed_before = watched_allocations()[1]
        result = result_or_none(lambda: call(subject))  # noqa: B023
        failed = watched_allocations()[1] - failed_before
        fail_allocation(0)
        if result is None:
            assert failed
            raised += 1
        else:
            assert result == expected, number
        assert call(subject) == expected, number
        del subject
        compile_split_pattern.cache_clear()
        assert held() == 0, number
        if not failed:
            return raised


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("kind", PATTERNS)
@pytest.mark.parametrize("text", SHORT_TEXTS)
def test_short_texts(text: str, kind: str, lasting: bool) -> None:
    for name, function in {**TEXT_CALLS, **SHORT_TEXT_CALLS}.items():
        call = calling(function, SHORT_TEXTS[text])
        raised = fail_each(lambda: small_encoding(kind), call, expected_of(kind, call), lasting)
        # At least a workspace and its cache; a token is found without memory.
        assert raised >= (0 if name == "encode_single_token" else 2), name


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("kind", PATTERNS)
@pytest.mark.parametrize("text", LONG_TEXTS)
def test_long_texts(text: str, kind: str, lasting: bool) -> None:
    long_text = LONG_TEXTS[text]
    if kind == "regex library":  # slow, and its pieces come one by one
        long_text = long_text[: len(long_text) // 8]
    for name in ("encode", "encode_to_numpy", "count", "encode_ordinary_batch"):
        call = calling(TEXT_CALLS[name], long_text)
        raised = fail_each(lambda: small_encoding(kind), call, expected_of(kind, call), lasting)
        assert raised >= 2, name


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("text", ["a", "привет", "12 "])
def test_rows_that_threads_fill(text: str, lasting: bool) -> None:
    texts = [text * (40_000 // len(text))] * 8

    def call(encoding: bpecore.Encoding) -> list[list[int]]:
        return [part.tolist() for part in encoding.encode_batch_to_numpy(texts, num_threads=3)]

    raised = fail_each(lambda: small_encoding("blocks"), call, expected_of("blocks", call), lasting)
    assert raised >= 5


@pytest.mark.parametrize("name", ["_encode_single_piece", "_encode_bytes, no UTF-8"])
@pytest.mark.parametrize("text", LONG_TEXTS)
def test_long_texts_as_bytes(text: str, name: str) -> None:
    call = calling(TEXT_CALLS[name], LONG_TEXTS[text])
    expected = expected_of("blocks", call)
    assert fail_each(lambda: small_encoding("blocks"), call, expected, False) >= 4


@pytest.mark.parametrize("count", [1, 255, 256, 257, 5_000])
@pytest.mark.parametrize("name", ID_CALLS)
def test_decoding(name: str, count: int) -> None:
    call = calling(ID_CALLS[name], [64 + i % 20 for i in range(count)])
    fail_each(lambda: small_encoding("blocks"), call, expected_of("blocks", call), False)


def calling(function: Callable[[Any, Any], Any], argument: Any) -> Callable[[Any], Any]:
    return lambda encoding: function(encoding, argument)


def expected_of(kind: str, call: Callable[[Any], Any]) -> Any:
    """Returns what a call returns when memory is not short; leaves nothing held."""
    expected = call(small_encoding(kind))
    compile_split_pattern.cache_clear()
    assert held() == 0
    return expected


@pytest.mark.parametrize("kind", PATTERNS)
def test_what_is_expected_is_what_the_naive_encoder_says(kind: str) -> None:
    encoding = small_encoding(kind)
    reference = ReferenceEncoder(PATTERNS[kind], small_ranks(), {SPECIAL_TOKEN: 2000})
    for text in (*SHORT_TEXTS.values(), *(text[-1000:] for text in LONG_TEXTS.values())):
        expected = reference.encode(text, {SPECIAL_TOKEN})
        assert encoding.encode(text, allowed_special="all") == expected


@pytest.mark.parametrize("name", ["encode", "encode_to_numpy", "count", "encode_with_unstable"])
def test_one_encoding_through_all_failures(name: str) -> None:
    """Texts of all kinds in one encoding, which keeps the memory it has obtained."""
    encoding = small_encoding("blocks")
    expected = {}
    function = {**TEXT_CALLS, **SHORT_TEXT_CALLS}[name]
    texts = [*SHORT_TEXTS.values()]
    if name != "encode_with_unstable":
        texts += LONG_TEXTS.values()
    for text in texts:
        expected[text] = function(small_encoding("blocks"), text)
    for number in range(1, 16):
        for text in texts:
            fail_allocation(number)
            result = result_or_none(calling(function, text).__get__(encoding))
            fail_allocation(0)
            assert result is None or result == expected[text]
            assert function(encoding, texts[0]) == expected[texts[0]]
    del encoding
    compile_split_pattern.cache_clear()
    assert held() == 0


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("kind", PATTERNS)
def test_constructing_an_encoding(kind: str, lasting: bool) -> None:
    text = SHORT_TEXTS["ASCII"]
    expected = expected_of(kind, lambda encoding: encoding.encode_ordinary(text))
    raised = fail_each(
        lambda: None, lambda _: small_encoding(kind).encode_ordinary(text), expected, lasting
    )
    assert raised >= 20


def test_constructing_one_that_shares_a_vocabulary() -> None:
    """The encoding that owns the vocabulary stays as it is."""
    first = small_encoding("blocks")
    vocabulary = first._core_bpe.vocabulary
    ids = first.encode_ordinary("hello")
    before = held()
    number = failed = 1
    while failed:
        fail_allocation(number)
        failed_before = watched_allocations()[1]
        second = result_or_none(lambda: small_encoding("automaton"))
        failed = watched_allocations()[1] - failed_before
        fail_allocation(0)
        if second is not None:
            assert second._core_bpe.vocabulary is vocabulary
        del second
        compile_split_pattern.cache_clear()
        # The automaton of the first encoding is its own.
        assert held() == before
        assert first.encode_ordinary("hello") == ids
        number += 1
    assert number > 10


def test_constructing_parts() -> None:
    ranks = small_ranks()
    longest = {**ranks, b"a" * 300: 1500, b"b" * 20: 1501}
    digest = RankTable(ranks).digest
    automaton = compile_pattern(PATTERNS["automaton"])
    core = bpecore._tiktoken.CoreBPE
    backwards = dict(reversed(ranks.items()))
    assert fail_each(lambda: None, lambda _: RankTable(ranks).digest, digest, False) == 4
    assert fail_each(lambda: None, lambda _: RankTable(backwards).digest, digest, False) == 8
    assert (
        fail_each(lambda: None, lambda _: len(Vocabulary(RankTable(longest))), len(longest), True)
        > 9
    )
    assert fail_each(lambda: None, lambda _: type(SplitPattern(automaton)), SplitPattern, True) == 9
    vocabulary = Vocabulary(RankTable(ranks))
    before = held()
    number = 0
    engine = None
    while engine is None:
        number += 1
        fail_allocation(number)
        engine = result_or_none(lambda: core(vocabulary, {"<a>": 1, "<b>": 2}, "a+|[^a]+"))
        fail_allocation(0)
        compile_split_pattern.cache_clear()
        assert engine is not None or held() == before
    assert number > 12
    assert engine.encode("in<b>", {"<b>"}) == [ranks[b"in"], 2]


def test_a_rank_table_whose_vocabulary_failed_is_used_up() -> None:
    table = RankTable(small_ranks())
    fail_allocation(2)
    with pytest.raises(MemoryError, match="no memory for the tables of a vocabulary"):
        Vocabulary(table)
    fail_allocation(0)
    with pytest.raises(ValueError, match="already"):
        Vocabulary(table)


@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    reason="without a GIL Python itself crashes after set_nomemory",
)
@pytest.mark.parametrize("lasting", [False, True])
def test_an_array_that_python_has_no_memory_for(lasting: bool) -> None:
    """Allocations of numpy and Python; the engine's are watched elsewhere."""
    memory = pytest.importorskip("_testcapi")
    encoding = small_encoding("blocks")
    ids = encoding.encode("hello hello")
    assert encoding.encode_to_numpy("hello hello").tolist() == ids
    failures = 0
    array = None
    for number in range(1, 100):
        memory.set_nomemory(number, 0 if lasting else number + 1)
        try:
            array = encoding.encode_to_numpy("hello hello")
        except MemoryError:
            array = None
        finally:
            memory.remove_mem_hooks()
        failures += array is None
        assert array is None or array.tolist() == ids
    assert array is not None
    assert 0 < failures < 99


def test_a_token_buffer_that_cannot_shrink_is_kept() -> None:
    encoding = small_encoding("blocks")
    text = " the" * 5_000
    expected = encoding.encode(text)
    assert len(expected) == 5_000
    made_before = watched_allocations()[0]
    assert encoding.encode_to_numpy(text).tolist() == expected
    made = watched_allocations()[0] - made_before
    fail_allocation(made)
    array = encoding.encode_to_numpy(text)
    failed = watched_allocations()[1]
    fail_allocation(0)
    assert failed == 1
    assert array.tolist() == expected
    assert isinstance(array.base.obj, TokenBuffer)


def test_a_cache_that_cannot_grow_tries_again() -> None:
    """Without memory for a large cache the small one remains, and grows once there is memory."""
    text = "word " * (1 << 14)
    expected = small_encoding("blocks").count(text)
    encoding = small_encoding("blocks")
    assert encoding.count("word") == 2
    fail_allocation(1)
    assert encoding.count(text) == expected
    assert watched_allocations()[1] == 1
    fail_allocation(0)
    for more in (1, 0):
        asked = watched_allocations()[0]
        assert encoding.count(text) == expected
        assert watched_allocations()[0] == asked + more


def test_nothing_fails_unless_watched() -> None:
    watch_allocations(False)
    with pytest.raises(RuntimeError, match="not watched"):
        fail_allocation(1)
    assert watched_allocations() == (0, 0, 0)
    encoding = small_encoding("blocks")
    encoding.encode("hello")
    assert watched_allocations() == (0, 0, 0)
    watch_allocations()
    with pytest.raises(ValueError, match="numbered from 1, not -1"):
        fail_allocation(-1)
