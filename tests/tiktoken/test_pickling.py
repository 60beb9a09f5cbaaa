"""Encodings are pickled and copied as tiktoken's are: by name if registered, or by content."""

from __future__ import annotations

import copy
import copyreg
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from own import BYTES
from pairs import load_pair
from programs import output_of, run_python

import bpecore

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
TEXT = "hello<end> world, abab 漢字"


def make_own(library: Any = bpecore) -> Any:
    return library.Encoding(
        "own",
        pat_str=r"\S+|\s+",
        mergeable_ranks={**BYTES, b"ab": 256},
        special_tokens={"<end>": 300},
    )


def encode(encoding: bpecore.Encoding, text: str) -> list[int]:
    """Called in other processes."""
    return encoding.encode(text, allowed_special="all")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_registered_encoding_is_its_name(protocol: int) -> None:
    encoding = bpecore.get_encoding("o200k_base")
    pickled = pickle.dumps(encoding, protocol)
    assert len(pickled) < 200
    again = pickle.loads(pickled)
    assert type(again) is bpecore.Encoding
    assert again is not encoding
    assert again._core_bpe is encoding._core_bpe
    assert again.encode(TEXT) == encoding.encode(TEXT)
    assert vars(again) is vars(encoding)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_another_is_what_it_is_made_of(protocol: int) -> None:
    encoding = make_own()
    again = pickle.loads(pickle.dumps(encoding, protocol))
    assert encode(again, TEXT) == encode(encoding, TEXT)
    assert (again.name, again._pat_str) == (encoding.name, encoding._pat_str)
    assert again._mergeable_ranks == encoding._mergeable_ranks
    assert again._special_tokens == encoding._special_tokens
    # Equal ranks are one vocabulary.
    assert again._core_bpe.vocabulary is encoding._core_bpe.vocabulary


@pytest.mark.parametrize("make", [lambda: load_pair("gpt2").theirs, lambda: make_own(tiktoken)])
def test_states_are_those_of_tiktoken(make: Any) -> None:
    theirs = make()
    state = theirs.__getstate__()
    ours = bpecore.Encoding.__new__(bpecore.Encoding)
    ours.__setstate__(state)
    assert encode(ours, TEXT) == theirs.encode(TEXT, allowed_special="all")
    assert ours.__getstate__() == state


def test_one_that_only_has_a_registered_name_is_pickled_by_content() -> None:
    own = bpecore.Encoding("gpt2", pat_str=".", mergeable_ranks={b"a": 7}, special_tokens={})
    again = pickle.loads(pickle.dumps(own))
    assert again.encode("a") == [7]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_copies(copied: Any) -> None:
    for encoding in (make_own(), bpecore.get_encoding("gpt2")):
        again = copied(encoding)
        assert type(again) is bpecore.Encoding
        assert again.name == encoding.name
        assert encode(again, TEXT) == encode(encoding, TEXT)


def test_a_deep_copy_of_ones_own_shares_no_dict() -> None:
    encoding = make_own()
    again = copy.deepcopy(encoding)
    assert again._mergeable_ranks is not encoding._mergeable_ranks
    again._special_tokens["<new>"] = 301
    assert "<new>" not in encoding._special_tokens


def test_copyreg_may_say_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        copyreg.dispatch_table, bpecore.Encoding, lambda e: (bpecore.get_encoding, (e.name,))
    )
    encoding = bpecore.get_encoding("gpt2")
    assert pickle.loads(pickle.dumps(encoding)) is encoding
    assert copy.copy(encoding) is encoding


@pytest.mark.parametrize("make", [make_own, lambda: bpecore.get_encoding("cl100k_base")])
def test_into_a_fresh_process(make: Any) -> None:
    encoding = make()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        assert executor.submit(encode, encoding, TEXT).result() == encode(encoding, TEXT)


def test_out_of_a_fresh_process(tmp_path: Path) -> None:
    code = """
import pickle, sys, bpecore
print(pickle.dumps(bpecore.get_encoding("gpt2"), 0).decode("ascii"))
"""
    pickled = output_of(code, folder=tmp_path).encode("ascii")
    assert pickle.loads(pickled)._core_bpe is bpecore.get_encoding("gpt2")._core_bpe


def test_tiktokens_pickles_become_bpecores_while_it_stands_in(tmp_path: Path) -> None:
    """A file written by a program with tiktoken, read by the same program with bpecore."""
    path = tmp_path / "pickled"
    path.write_bytes(pickle.dumps(make_own(tiktoken)))
    code = f"""
import pickle, tiktoken
encoding = pickle.load(open({str(path)!r}, "rb"))
assert type(encoding) is tiktoken.Encoding
print(encoding._core_bpe.__class__.__module__, encoding.encode("abab<end>", allowed_special="all"))
"""
    run = run_python("-m", "bpecore", "run", "-c", code, folder=tmp_path)
    assert run.stdout == "bpecore._tiktoken [256, 256, 300]\n", run.stderr


def test_a_subclass_stays_one() -> None:
    encoding = bpecore.get_encoding("gpt2")
    special = Subclass.__new__(Subclass)
    special.__dict__ = dict(vars(encoding), name="sub")
    again = pickle.loads(pickle.dumps(special))
    assert type(again) is Subclass
    assert again.encode("hello") == [31373, 0]


class Subclass(bpecore.Encoding):
    def encode(self, text: str, **options: Any) -> list[int]:
        return [*super().encode(text, **options), 0]


def test_the_engine_itself_is_not_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(bpecore.get_encoding("gpt2")._core_bpe)
