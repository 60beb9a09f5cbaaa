"""Encodings have what theirs have: offsets, tokens, words, masks, and what overflows."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hf_choices import chosen_file, chosen_input
from hf_pairs import columns, lookups, outcome, pair_of
from small_models import added_tokens, model_json

from bpecore.hf import Encoding, Tokenizer

STRATEGIES = ("longest_first", "only_first", "only_second")


def require_equal(ours: Tokenizer, theirs: Any, source: random.Random, count: int) -> None:
    """Compares both on some inputs, together and alone."""
    for _ in range(count):
        given, is_pretokenized = chosen_input(source)
        options = (is_pretokenized, source.random() < 0.7)
        method = source.choice(["encode_batch"] * 5 + ["encode_batch_fast"])
        mine, right = (
            outcome(getattr(tokenizer, method), [given, given], *options)
            for tokenizer in (ours, theirs)
        )
        if right == "PanicException":  # where tokens that take blanks with them overlap
            continue
        if isinstance(mine, str) or isinstance(right, str):
            assert isinstance(mine, str), (given, mine, right)
            assert isinstance(right, str), (given, mine, right)
            continue
        assert [*map(columns, mine)] == [*map(columns, right)], given
        length = len(given) if isinstance(given, str) else 12
        assert lookups(mine[0], length) == lookups(right[0], length), given


@pytest.mark.parametrize("seed", range(40))
def test_every_column_of_odd_texts(seed: int) -> None:
    source = random.Random(seed)
    ours, theirs = pair_of(chosen_file(source))
    if seed % 3 == 0:
        ours.encode_special_tokens = theirs.encode_special_tokens = True
    require_equal(ours, theirs, source, 15)


@pytest.mark.parametrize("seed", range(40))
def test_truncation_and_padding(seed: int) -> None:
    source = random.Random(seed)
    ours, theirs = pair_of(chosen_file(source))
    for _ in range(3):
        truncation = {
            "max_length": source.randrange(9),
            "stride": source.randrange(3),
            "strategy": source.choice(STRATEGIES),
            "direction": source.choice(["left", "right"]),
        }
        found = [outcome(each.enable_truncation, **truncation) for each in (ours, theirs)]
        assert (found[0] is None) == (found[1] is None)
        assert ours.truncation == theirs.truncation
        padding = {
            "direction": source.choice(["left", "right"]),
            "pad_id": 3,
            "pad_type_id": 7,
            "pad_token": "P",
            "length": source.choice([None, 5, 20]),
            "pad_to_multiple_of": source.choice([None, 0, 4]),
        }
        if source.random() < 0.5:
            ours.enable_padding(**padding)
            theirs.enable_padding(**padding)
        assert ours.padding == theirs.padding
        require_equal(ours, theirs, source, 5)
        for each in (ours, theirs):
            each.no_padding()
            each.no_truncation()
    assert ours.truncation is ours.padding is None


@pytest.mark.parametrize("seed", range(10))
def test_encodings_can_be_changed(seed: int) -> None:
    source = random.Random(seed)
    pair = pair_of(chosen_file(source))
    texts = ["the tool 'll é <a>", " tool\t\u0301", ""]
    made = []
    for tokenizer, kind in zip(pair, (Encoding, pytest.importorskip("tokenizers").Encoding)):
        one, two, three = tokenizer.encode_batch(texts)
        one.truncate(3, stride=1)
        two.pad(7, direction="left", pad_id=9)
        merged = kind.merge([one, two, three], growing_offsets=seed % 2 == 0)
        merged.pad(12, pad_type_id=5, pad_token="!")
        three.set_sequence_id(1)
        cut = tokenizer.encode(texts[0])
        cut.truncate(0)
        bare = tokenizer.encode_batch(texts[:2], add_special_tokens=False)
        joined = tokenizer.post_process(*bare)
        made.append([*map(columns, (one, two, three, merged, cut, joined))])
    assert made[0] == made[1]


def test_places_of_added_tokens_that_are_letters_of_bytes() -> None:
    ours, theirs = pair_of(model_json(added_tokens=added_tokens({"content": "é"})))
    for text in ("an é", "éé tool", "中é"):
        assert columns(ours.encode(text)) == columns(theirs.encode(text))
