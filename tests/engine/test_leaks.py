"""Calls leave nothing behind, whether they return or raise; `python -m fuzz.leaks` runs longer."""

from __future__ import annotations

import gc
import mmap
import sys
import sysconfig
from collections.abc import Iterator
from typing import Any, Callable

import pytest
from click.testing import CliRunner

from bpecore._core import RankTable, watch_allocations, watched_allocations
from fuzz.entry_points import (
    FAILING_CALLS,
    FAILING_CONSTRUCTIONS,
    ID_CALLS,
    PATTERNS,
    SHORT_TEXT_CALLS,
    TEXT_CALLS,
    small_encoding,
    small_ranks,
)
from fuzz.leaks import (
    BLOCK_SLACK,
    LARGE_CACHE,
    Growth,
    Subject,
    call_often,
    constructions,
    entry_points,
    leaks,
    look_for_leak,
    measure,
)

CALLS = 3 * BLOCK_SLACK
"""Enough to detect an object left behind by every call, or by every third."""


@pytest.fixture(autouse=True)
def collecting_garbage_is_quick() -> Iterator[None]:
    """Excludes the objects of other tests from garbage collection around the calls."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize(
    "kind",
    [kind if kind == "blocks" else pytest.param(kind, marks=pytest.mark.slow) for kind in PATTERNS],
)
def test_calls_leave_nothing_behind(kind: str) -> None:
    number = 0
    for subject in entry_points(kind):
        number += 1
        growth = look_for_leak(subject, CALLS, warm_up=30)
        assert not growth.leaks, growth
    assert number == len({**TEXT_CALLS, **SHORT_TEXT_CALLS, **ID_CALLS, **FAILING_CALLS})


@pytest.mark.slow
def test_constructions_leave_nothing_behind() -> None:
    number = 0
    for subject in constructions():
        number += 1
        growth = look_for_leak(subject, CALLS, warm_up=30)
        assert not growth.leaks, growth
    assert number == 3 + len(FAILING_CONSTRUCTIONS)


@pytest.mark.parametrize("name", FAILING_CALLS)
def test_an_exception_leaves_the_right_ids(name: str) -> None:
    encoding = small_encoding("blocks")
    text = "Hello, мир! <|end|>"
    expected = encoding.encode(text, allowed_special="all")
    error, failing = FAILING_CALLS[name]
    call_often(Subject(name, lambda: failing(encoding), error), 3)
    assert encoding.encode(text, allowed_special="all") == expected


@pytest.mark.parametrize("kind", PATTERNS)
def test_references_are_counted_right(kind: str) -> None:
    """Arguments belong to the caller. The engine holds more references to int objects than lists
    can give back; without the GIL each is counted."""
    encoding = small_encoding(kind)
    text = "".join(["the text", " that", " is counted"])
    allowed = {"<|end|>"}
    ids = encoding.encode(text, allowed_special=allowed)
    large = [id for id in ids if id > 256]
    shared = [text, allowed, ids]
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        shared += large
    else:
        assert all(sys.getrefcount(id) > 1 << 31 for id in large)
    before = [sys.getrefcount(thing) for thing in shared]
    for _ in range(CALLS):
        assert encoding.encode(text, allowed_special=allowed) == ids
        encoding.encode_ordinary(text)
        encoding.encode_to_numpy(text)
        encoding.decode(ids)
        with pytest.raises(UnicodeDecodeError):
            encoding.decode([*ids, encoding.encode_single_token(b"\xff")], errors="strict")
        with pytest.raises(ValueError, match="0x00"):
            encoding.encode(text + "\0", allowed_special=allowed)
    assert large
    assert [sys.getrefcount(thing) for thing in shared] == before


def leak_object(kept: list[object]) -> Callable[[], Any]:
    return lambda: kept.append(object())


def leak_table(kept: list[object]) -> Callable[[], Any]:
    return lambda: kept.append(RankTable({b"a": 1}))


def leak_memory(kept: list[object]) -> Callable[[], Any]:
    def leak() -> None:
        # Fresh pages: a large process has room for anything smaller.
        pages = mmap.mmap(-1, 1 << 20)
        pages.write(b"x" * (1 << 20))
        kept.append(pages)

    return leak


@pytest.mark.parametrize(
    ("leak", "seen"), [(leak_object, "blocks"), (leak_table, "held"), (leak_memory, "resident")]
)
def test_a_leak_is_seen(leak: Callable[[list[object]], Callable[[], Any]], seen: str) -> None:
    kept: list[object] = []
    growth = look_for_leak(Subject("leaky", leak(kept)), CALLS, warm_up=1)
    assert growth.leaks
    assert getattr(growth, seen) >= CALLS


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("encode", {}, False),
        ("encode", {"held": 1}, True),
        ("encode_batch", {"held": 1}, False),
        ("encode_batch", {"held": 100}, True),
        ("encode", {"blocks": 1000}, True),
        ("encode", {"resident": 1000}, True),
        ("encode_batch", {"held": 1, "resident": LARGE_CACHE}, False),
        ("encode_batch", {"held": 0, "resident": LARGE_CACHE}, True),
    ],
)
def test_what_counts_as_a_leak(name: str, values: dict[str, int], expected: bool) -> None:
    growth = Growth(name, CALLS, 0.1, 0, 0, 0)._replace(**values)
    assert growth.leaks is expected


def test_a_missing_exception_is_told() -> None:
    with pytest.raises(AssertionError, match="fine: no <class 'ValueError'>"):
        measure(Subject("fine", lambda: 1, ValueError), 3, 1)


def test_the_command() -> None:
    arguments = ["--calls", "200", "--kind", "blocks", "--only", "encode_ordinary"]
    result = CliRunner().invoke(leaks, [*arguments, "--failing-calls", "200"])
    assert result.exit_code == 0, result.output
    assert "blocks: encode_ordinary: 200 calls in" in result.output
    assert "LEAKS" not in result.output


def test_allocations_are_not_watched_afterwards() -> None:
    measure(Subject("table", lambda: RankTable(small_ranks())), 2, 1)
    RankTable(small_ranks())
    assert watched_allocations() == (0, 0, 0)
    watch_allocations()
    table = RankTable(small_ranks())
    assert watched_allocations() == (4, 0, 3)
    del table
    assert watched_allocations() == (4, 0, 0)
    watch_allocations(False)
