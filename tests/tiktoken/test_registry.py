"""One object per encoding however many ask, one vocabulary per rank table, no trace of failures."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import tiktoken
from own import BYTES, own_encoding
from pairs import ENCODING_NAMES
from programs import output_of

import bpecore
from bpecore import core, encodings, model, registry
from bpecore._build import vocabularies

HUNDRED_THREADS = """
import sys, threading, time
import bpecore
from bpecore import registry

name = sys.argv[1]
assert name in bpecore.list_encoding_names()
assert name not in registry.ENCODINGS and registry.stats() == {}
original, calls = registry.ENCODING_CONSTRUCTORS[name], []

def slow_constructor():
    calls.append(threading.get_ident())
    time.sleep(0.1)
    return original()

registry.ENCODING_CONSTRUCTORS[name] = slow_constructor
barrier, found = threading.Barrier(100), []

def ask():
    barrier.wait()
    encoding = bpecore.get_encoding(name)
    found.append((id(encoding), encoding.encode("hello world")))

threads = [threading.Thread(target=ask) for _ in range(100)]
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(calls) == 1, calls
assert len(found) == 100 and len({identity for identity, _ in found}) == 1
assert len({tuple(ids) for _, ids in found}) == 1
statistics = registry.stats()
assert list(statistics) == [name], statistics
assert 1 <= statistics[name]["requests"] <= 100, "counted without a lock"
assert statistics[name]["loads"] == 1, statistics
print(statistics[name]["vocabulary_bytes"])
"""


@pytest.mark.parametrize("name", ["r50k_base", "o200k_base"])
def test_a_hundred_threads_make_one_load_and_one_object(name: str, tmp_path: Path) -> None:
    assert int(output_of(HUNDRED_THREADS, name, folder=tmp_path)) > 100_000


def test_importing_loads_no_vocabulary(tmp_path: Path) -> None:
    code = "import bpecore.registry as r; assert r.stats() == {} and r.ENCODINGS == {}"
    output_of(code, folder=tmp_path)


def test_names_are_those_of_tiktoken() -> None:
    assert sorted(bpecore.list_encoding_names()) == sorted(ENCODING_NAMES)
    assert sorted(ENCODING_NAMES) == sorted(tiktoken.list_encoding_names())


def test_the_same_object_every_time() -> None:
    for name in ENCODING_NAMES:
        assert bpecore.get_encoding(name) is bpecore.get_encoding(name)
        assert bpecore.get_encoding(name).name == name


@pytest.mark.parametrize("wrong", [None, 5, b"cl100k_base", ["cl100k_base"]])
def test_a_name_that_is_no_string(wrong: Any) -> None:
    with pytest.raises(ValueError, match="str"):
        bpecore.get_encoding(wrong)


@pytest.mark.parametrize("wrong", ["", "no such encoding", "CL100K_BASE", "\ud800", "a" * 100_000])
def test_an_unknown_name(wrong: str) -> None:
    before = registry.stats()
    with pytest.raises(ValueError, match="Unknown encoding"):
        bpecore.get_encoding(wrong)
    assert registry.stats() == before


def test_the_nearest_name_is_suggested() -> None:
    for wrong, near in (("CL100K_BASE", "cl100k_base"), ("o200k", "o200k_base")):
        with pytest.raises(ValueError, match=f"Did you mean .*'{near}'"):
            bpecore.get_encoding(wrong)
    with pytest.raises(ValueError, match="Unknown encoding") as raised:
        bpecore.get_encoding("?" * 30)
    assert "Did you mean" not in str(raised.value)


def tiny_definition() -> dict[str, Any]:
    return {
        "name": "tiny",
        "pat_str": r"\S+|\s+",
        "mergeable_ranks": dict(BYTES),
        "special_tokens": {},
    }


@pytest.fixture
def constructors(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A copy of the registry's constructors for one test."""
    bpecore.list_encoding_names()
    known = registry.ENCODING_CONSTRUCTORS
    assert known is not None
    copy = dict(known)
    monkeypatch.setattr(registry, "ENCODING_CONSTRUCTORS", copy)
    monkeypatch.setattr(registry, "ENCODINGS", dict(registry.ENCODINGS))
    return copy


@pytest.mark.parametrize(
    "broken",
    [
        lambda: 1 // 0,
        lambda: {**tiny_definition(), "mergeable_ranks": {}},
        lambda: {**tiny_definition(), "mergeable_ranks": {b"a": 1, b"b": 1}},
        lambda: {**tiny_definition(), "pat_str": "("},
        lambda: {**tiny_definition(), "special_tokens": {"": 300}},
        lambda: {**tiny_definition(), "unknown": 1},
        lambda: None,
    ],
)
def test_a_failed_load_leaves_nothing_and_can_be_tried_again(
    constructors: dict[str, Any], broken: Any
) -> None:
    constructors["tiny"] = broken
    for _ in range(2):
        with pytest.raises((ValueError, TypeError, ZeroDivisionError)):
            bpecore.get_encoding("tiny")
        assert "tiny" not in registry.ENCODINGS
        assert "tiny" not in registry.stats()
    constructors["tiny"] = tiny_definition
    encoding = bpecore.get_encoding("tiny")
    assert encoding.encode("ab") == [97, 98]
    assert bpecore.get_encoding("tiny") is encoding


def test_statistics_tell_what_is_loaded_and_how_often_it_was_asked_for() -> None:
    for name in ENCODING_NAMES:
        bpecore.get_encoding(name)
        before = registry.stats()[name]
        assert list(before) == list(registry.EncodingStatistics.__annotations__)
        for _ in range(3):
            bpecore.get_encoding(name)
        after = registry.stats()[name]
        assert after["requests"] == before["requests"] + 3
        assert after["loads"] == before["loads"] == 1
        assert after["vocabulary_bytes"] == before["vocabulary_bytes"]
        assert after["vocabulary_bytes"] > sum(
            map(len, bpecore.get_encoding(name)._mergeable_ranks)
        )


def test_statistics_are_a_copy() -> None:
    bpecore.get_encoding("gpt2")
    registry.stats()["gpt2"]["requests"] = -1
    registry.stats().clear()
    assert registry.stats()["gpt2"]["requests"] > 0


def sizes_of_containers(*modules: ModuleType) -> dict[str, int]:
    """Returns the size of every dict, list, set and lru_cache that a module holds."""
    sizes = {}
    for module in modules:
        for name, value in vars(module).items():
            if name.startswith("__"):
                continue
            if isinstance(value, (dict, list, set)):
                sizes[f"{module.__name__}.{name}"] = len(value)
            elif hasattr(value, "cache_info"):
                sizes[f"{module.__name__}.{name}()"] = value.cache_info().currsize
    return sizes


def test_unknown_and_hostile_names_are_never_cached() -> None:
    bpecore.encoding_for_model("gpt-4-0")
    bpecore.encoding_for_model("gpt-4o-0")
    modules = (bpecore, core, encodings, model, registry, vocabularies)
    before, loaded = sizes_of_containers(*modules), set(registry.stats())
    for i in range(10_000):
        assert bpecore.encoding_name_for_model(f"gpt-4-{i}") == "cl100k_base"
        assert bpecore.encoding_for_model(f"gpt-4o-{i}").name == "o200k_base"
        with pytest.raises(KeyError):
            bpecore.encoding_name_for_model(f"hostile-{i}")
        with pytest.raises(ValueError, match="Unknown encoding"):
            bpecore.get_encoding(f"hostile-{i}")
    assert sizes_of_containers(*modules) == before
    assert set(registry.stats()) == loaded


def vocabulary_of(encoding: bpecore.Encoding) -> object:
    return encoding._core_bpe.vocabulary


@pytest.mark.parametrize(
    "names", [("gpt2", "r50k_base"), ("p50k_base", "p50k_edit"), ("o200k_base", "o200k_harmony")]
)
def test_encodings_of_equal_ranks_share_one_vocabulary(names: tuple[str, str]) -> None:
    first, second = map(bpecore.get_encoding, names)
    assert first is not second
    assert vocabulary_of(first) is vocabulary_of(second)


def test_encodings_of_different_ranks_do_not() -> None:
    names = ("r50k_base", "p50k_base", "cl100k_base", "o200k_base")
    assert len({id(vocabulary_of(bpecore.get_encoding(name))) for name in names}) == 4


def test_a_callers_encoding_shares_it_too() -> None:
    known = bpecore.get_encoding("cl100k_base")
    ranks = dict(reversed(list(known._mergeable_ranks.items())))
    own = own_encoding(r"\S+|\s+", ranks, {"<x>": 500_000})
    assert vocabulary_of(own) is vocabulary_of(known)
    assert own.encode("<x>", allowed_special="all") == [500_000]
    changed = {**ranks, b"one token more": 400_000}
    other = own_encoding(r".+", changed)
    assert vocabulary_of(other) is not vocabulary_of(known)
    assert other.encode("one token more") == [400_000]
    assert known.encode("one token more") != [400_000]


def test_two_ranks_swapped_is_another_vocabulary() -> None:
    definition = tiny_definition()
    first = bpecore.Encoding(**definition)
    swapped = {**definition["mergeable_ranks"], b"a": 98, b"b": 97}
    second = bpecore.Encoding(**{**definition, "mergeable_ranks": swapped})
    assert first.encode("ab") == [97, 98]
    assert second.encode("ab") == [98, 97]


def test_a_vocabulary_goes_with_its_last_encoding() -> None:
    ranks = {**tiny_definition()["mergeable_ranks"], b"of this test only": 256}
    definition = {**tiny_definition(), "mergeable_ranks": ranks}
    first, second = bpecore.Encoding(**definition), bpecore.Encoding(**definition)
    vocabulary = weakref.ref(vocabulary_of(first))
    assert vocabulary() is vocabulary_of(second)
    del first
    gc.collect()
    assert vocabulary() is not None
    assert second.encode("of this test only") != []
    del second
    gc.collect()
    assert vocabulary() is None
    again = bpecore.Encoding(**definition)
    assert again._core_bpe.encode_single_piece(b"of this test only") == [256]
