"""The ids of a list of pairs, against look-ups in a dict; and where ids are among others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpecore._core import ids_of_pairs
from bpecore._models.listed_pairs import Places

WORDS = st.text(st.sampled_from("abĠéŁ中\U0001f600\n"), max_size=5)
VOCABULARIES = st.dictionaries(WORDS, st.integers(0, 2**32 - 1), max_size=60)


def naive(vocab: dict[str, int], pairs: list[tuple[str, str]]) -> list[list[int]] | None:
    try:
        return [[vocab[left], vocab[right], vocab[left + right]] for left, right in pairs]
    except KeyError:
        return None


def found(vocab: dict[str, int], pairs: list[Any]) -> list[list[int]] | None:
    try:
        ids = ids_of_pairs(vocab, pairs)
    except ValueError:
        return None
    return np.frombuffer(ids, dtype=np.uint32).reshape(-1, 3).tolist()


@given(VOCABULARIES, st.lists(st.tuples(WORDS, WORDS), max_size=5))
def test_like_a_dict(vocab: dict[str, int], pairs: list[tuple[str, str]]) -> None:
    expected = naive(vocab, pairs)
    assert found(vocab, [[*pair] for pair in pairs]) == expected
    assert found(vocab, [" ".join(pair) for pair in pairs]) == expected


@given(VOCABULARIES, st.data())
def test_pairs_that_are_there(vocab: dict[str, int], data: st.DataObject) -> None:
    cuts = [(name[:cut], name[cut:]) for name in [*vocab] for cut in range(len(name) + 1)]
    for part in (part for pair in cuts for part in pair):
        vocab.setdefault(part, len(vocab))
    pairs = data.draw(st.lists(st.sampled_from(cuts or [("", "")]), min_size=1))
    assert found(vocab, [[*pair] for pair in pairs]) == naive(vocab, pairs)


def test_many_tokens() -> None:
    vocab = {f"{number:x}": number for number in range(1 << 16)}
    pairs = [[name[:1], name[1:]] for name in vocab if len(name) > 1 and name[1] != "0"]
    assert found(vocab, pairs) == naive(vocab, [(left, right) for left, right in pairs])


@pytest.mark.parametrize(
    "pairs",
    [
        ["a  b"], ["ab"], [" a b"], ["a b "], [["a"]], [["a", "b", "b"]], [["a", 1]], [None],
        [["a", "b"], "a b"], ["a b", ["a", "b"]], [("a", "b")], [["a", "c"]], ["a\nb"],
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_no_pair(pairs: list[Any]) -> None:
    vocab = {"a": 1, "b": 2, "ab": 3, "": 4}
    with pytest.raises(ValueError, match=rf"pairs\[{len(pairs) - 1}\] is no pair of tokens"):
        ids_of_pairs(vocab, pairs)


def test_ids_out_of_range() -> None:
    with pytest.raises(OverflowError):
        ids_of_pairs({"a": -1}, [])
    with pytest.raises(TypeError):
        ids_of_pairs({b"a": 1}, [])  # type: ignore[dict-item]


def test_an_id_whose_reading_changes_the_dict() -> None:
    class Growing:
        def __index__(self) -> int:
            vocab.update((f"x{number}", number) for number in range(100))
            return 5

    vocab: dict[str, Any] = {"a": Growing(), "b": 2, "ab": 3}
    assert found(vocab, ["a b"]) == [[5, 2, 3]]


@given(st.sets(st.integers(0, 2**32 - 1)), st.lists(st.integers(0, 2**32 - 1)), st.booleans())
def test_places(known: set[int], others: list[int], are_dense: bool) -> None:
    limit = 100 if are_dense else 2**32
    ids = sorted({number % limit for number in known})
    asked = [*ids, *(number % limit for number in others), 0, 2**32 - 1]
    expected = [ids.index(number) if number in ids else -1 for number in asked]
    places = Places(np.array(ids, dtype=np.uint32)).of(np.array(asked, dtype=np.uint32))
    assert places.tolist() == expected
