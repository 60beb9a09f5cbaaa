"""Changing a part of a tokenizer, an object of `tokenizers`, in place changes the tokenizer."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hf_pairs import columns, pair_of
from small_models import BYTE_LEVEL, added_tokens, model_json

tokenizers = pytest.importorskip("tokenizers", reason='pip install "bpecore[models-test]"')

TEXTS = [" the tool", "THE e\u0301 12", "", "<a> a"]
DIGITS = {"type": "Digits", "individual_digits": False}
LOWERCASE = {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]}


def both() -> tuple[Any, Any]:
    return pair_of(
        model_json(
            normalizer={"type": "Prepend", "prepend": "x"},
            pre_tokenizer={"type": "Sequence", "pretokenizers": [DIGITS, BYTE_LEVEL]},
            post_processor={**BYTE_LEVEL, "trim_offsets": False},
            added_tokens=added_tokens({"content": "<a>", "special": True}),
        )
    )


def change_prepend(each: Any) -> None:
    each.normalizer.prepend = "the"


def change_inner(each: Any) -> None:
    each.pre_tokenizer[0].individual_digits = True


def change_processor(each: Any) -> None:
    each.post_processor.trim_offsets = True


def change_model(each: Any) -> None:
    each.model.ignore_merges = True


def change_held(each: Any) -> None:
    part = each.pre_tokenizer[0]
    normalizer = each.normalizer
    normalizer.prepend = "y"
    each.encode("a")
    normalizer.prepend = " "
    part.individual_digits = True


def change_what_was_set(each: Any) -> None:
    part = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    each.pre_tokenizer = part
    each.encode("a")
    part.add_prefix_space = True


@pytest.mark.parametrize(
    "change",
    [
        change_prepend,
        change_inner,
        change_processor,
        change_model,
        change_held,
        change_what_was_set,
    ],
    ids=lambda change: change.__name__,
)
def test_a_change_counts_from_the_next_call(change: Callable[[Any], None]) -> None:
    _, theirs = both()
    change(theirs)
    uses: list[Callable[[Any], Any]] = [
        lambda each: each,
        copy.deepcopy,
        lambda each: pickle.loads(pickle.dumps(each)),
        lambda each: type(each).from_str(each.to_str()),
    ]
    for use in uses:
        ours = both()[0]
        change(ours)
        assert json.loads(ours.to_str()) == json.loads(theirs.to_str())
        ours = both()[0]
        change(ours)
        used = use(ours)
        for text in TEXTS:
            assert columns(used.encode(text)) == columns(theirs.encode(text))
        ids = theirs.encode(TEXTS[0]).ids
        assert used.decode(ids) == theirs.decode(ids)


def test_a_part_that_nobody_has_is_not_watched() -> None:
    ours, _ = both()
    held = ours.normalizer
    assert ours.post_processor is not None
    ours.encode("a")
    assert ours.normalizer is held
    del held
    ours.encode("a")
    assert not ours._handed_out


def test_a_change_that_is_not_exact_is_refused_until_it_is_undone() -> None:
    ours, _ = both()
    before = ours.encode("the tool").ids
    with pytest.raises(ValueError, match="dropout"):
        ours.model.dropout = 0.5
    assert ours.encode("the tool").ids == before
    split = tokenizers.pre_tokenizers.Sequence(
        [tokenizers.pre_tokenizers.Digits(), tokenizers.pre_tokenizers.ByteLevel(False)]
    )
    ours.pre_tokenizer = split
    split[0] = tokenizers.pre_tokenizers.Metaspace()
    for _ in range(2):
        with pytest.raises(ValueError, match="pre_tokenizer"):
            ours.encode("the tool")
    split[0] = tokenizers.pre_tokenizers.Digits()
    assert ours.encode("the tool").ids == before


def test_the_model_is_one_of_theirs() -> None:
    ours, theirs = both()
    model = ours.model
    assert isinstance(model, tokenizers.models.BPE)
    assert json.loads(model.__getstate__()) == json.loads(theirs.model.__getstate__())
    copied = pickle.loads(pickle.dumps(model))
    assert type(copied) is tokenizers.models.BPE
    ours.model = model
    assert columns(ours.encode("the tool")) == columns(theirs.encode("the tool"))
