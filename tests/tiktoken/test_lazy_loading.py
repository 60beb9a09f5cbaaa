"""Nothing is imported, read or built before it is needed."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path

import pytest
from own import own_encoding
from pairs import ENCODING_NAMES, load_pair
from programs import output_of

import bpecore
from bpecore._core import Vocabulary


def run(code: str, tmp_path: Path) -> str:
    return output_of(f"import sys\n{code}", folder=tmp_path)


HEAVY = (
    "bpecore.data",
    "bpecore.dropin",
    "bpecore.encodings",
    "bpecore.load",
    "bpecore._pattern.parser",
    "concurrent.futures",
    "hashlib",
    "inspect",
    "json",
    "numpy",
    "pkgutil",
    "re",
    "regex",
    "tempfile",
    "typing",
)


def test_importing_imports_nothing_heavy(tmp_path: Path) -> None:
    code = f"""
before = set(sys.modules)
import bpecore
print(sorted(set({HEAVY!r}) & set(sys.modules) - before))
"""
    assert run(code, tmp_path) == "[]\n"


def test_loading_and_encoding_import_nothing_heavy(tmp_path: Path) -> None:
    needed = ("bpecore.encodings", "bpecore._build.vocabularies")
    code = f"""
before = set(sys.modules)
import bpecore
assert bpecore.get_encoding("o200k_base").encode("hello world") == [24912, 2375]
print(sorted(set({HEAVY!r}) & set(sys.modules) - before - set({needed!r})))
"""
    assert run(code, tmp_path) == "[]\n"


@pytest.mark.parametrize("name", ENCODING_NAMES)
def test_ranks_are_made_when_first_asked_for(name: str) -> None:
    encoding = bpecore.Encoding.__new__(bpecore.Encoding)
    known = bpecore.get_encoding(name)
    encoding.__dict__ = dict(vars(known), _mergeable_ranks=known._core_bpe.vocabulary)
    assert isinstance(vars(encoding)["_mergeable_ranks"], Vocabulary)
    ranks = encoding._mergeable_ranks
    assert ranks == load_pair(name).theirs._mergeable_ranks
    assert list(ranks.values()) == sorted(ranks.values())
    assert encoding._mergeable_ranks is ranks
    assert vars(encoding)["_mergeable_ranks"] is ranks


def test_a_fresh_process_has_no_ranks_until_asked(tmp_path: Path) -> None:
    code = """
import bpecore
encoding = bpecore.get_encoding("r50k_base")
encoding.encode("hello"), encoding.n_vocab, encoding.decode([1]), repr(encoding)
assert not isinstance(vars(encoding)["_mergeable_ranks"], dict)
assert encoding._mergeable_ranks[b"hello"] == 31373
assert isinstance(vars(encoding)["_mergeable_ranks"], dict)
"""
    run(code, tmp_path)


def test_threads_that_ask_at_once_get_one_dict() -> None:
    encoding = bpecore.Encoding.__new__(bpecore.Encoding)
    known = bpecore.get_encoding("r50k_base")
    encoding.__dict__ = dict(vars(known), _mergeable_ranks=known._core_bpe.vocabulary)
    barrier, found = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        found.append(encoding._mergeable_ranks)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(ranks) for ranks in found}) == 1


def test_ranks_may_be_assigned_and_deleted() -> None:
    encoding = own_encoding(".", {b"a": 0, b"b": 1})
    other = {b"b": 0}
    encoding._mergeable_ranks = other
    assert encoding._mergeable_ranks is other
    del encoding._mergeable_ranks
    assert not hasattr(encoding, "_mergeable_ranks")
    with pytest.raises(AttributeError, match="'Encoding' object has no attribute"):
        _ = encoding._mergeable_ranks


def test_an_encoding_made_of_a_vocabulary_is_pickled_with_its_ranks() -> None:
    vocabulary = bpecore.get_encoding("r50k_base")._core_bpe.vocabulary
    encoding = own_encoding(r"\S+|\s+", vocabulary)
    again = pickle.loads(pickle.dumps(encoding))
    assert again._core_bpe.vocabulary is vocabulary
    assert again.encode("hello") == encoding.encode("hello")
