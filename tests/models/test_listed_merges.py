"""A tokenizer.json whose pairs are not in the order of ids: everything as `tokenizers` does it."""

from __future__ import annotations

import pickle
import random
import time
from pathlib import Path
from typing import Any

import pytest
from hf_pairs import columns, pair_of
from small_models import BYTE_LEVEL, added_tokens, both, first_difference, mixed_texts, model_json
from texts import random_texts

import bpecore
from bpecore._models.listed_merges import ListedEncoding, ListedMerges


def shuffled_file(seed: int, **changes: Any) -> dict[str, Any]:
    """Returns a small model whose pairs are in another order than its ids."""
    source = random.Random(seed)
    model = model_json()["model"]
    merges = list(model["merges"])
    if seed % 2:
        source.shuffle(merges)
    else:
        numbers = list(model["vocab"].values())
        source.shuffle(numbers)
        model = {**model, "vocab": dict(zip(model["vocab"], numbers))}
    return model_json(model={**model, "merges": merges, "ignore_merges": seed % 3 == 0}, **changes)


@pytest.mark.parametrize("seed", range(8))
def test_ids_are_those_of_tokenizers(seed: int, tmp_path: Path) -> None:
    normalizer = {"type": "NFC"} if seed % 2 else None
    tokens = added_tokens({"content": "<a>", "special": True}, {"content": "<ab>"})
    changes = {"normalizer": normalizer, "added_tokens": tokens, "post_processor": BYTE_LEVEL}
    ours, theirs = both(shuffled_file(seed, **changes), tmp_path)
    assert isinstance(ours, ListedEncoding)
    assert "merged by the list of pairs" in str(ours.source)
    texts = [*mixed_texts(seed, 150), *random_texts(seed, 60), "the tool " * 20]
    assert first_difference(ours, theirs, texts) is None
    mine, right = pair_of(shuffled_file(seed, **changes))
    for one, two in zip(mine.encode_batch(texts), right.encode_batch(texts)):
        assert columns(one) == columns(two)


def test_all_methods_agree(tmp_path: Path) -> None:
    ours, _ = both(shuffled_file(1), tmp_path)
    texts = [*mixed_texts(3, 60), "a\ud800b", "the tool"]
    expected = [ours.encode(text) for text in texts]
    assert ours.encode_batch(texts) == ours.encode_ordinary_batch(texts) == expected
    assert [ours.encode_to_numpy(text).tolist() for text in texts] == expected
    assert ours.count_batch(texts) == [ours.count(text) for text in texts] == [*map(len, expected)]
    assert [ours.ordinary.encode(text) for text in texts] == expected
    assert [pickle.loads(pickle.dumps(ours)).encode(text) for text in texts] == expected
    assert ours.decode(ours.encode("the quick é")) == "the quick é"
    for call in (lambda: ours.truncate("the", 2), lambda: ours.token_offsets("the")):
        with pytest.raises(ValueError, match="needs an encoding that merges by ids"):
            call()
    with pytest.raises(ValueError, match="a text in chunks needs an encoding that merges by ids"):
        bpecore.TokenCounter(ours)


def test_a_long_piece_takes_no_quadratic_time() -> None:
    tokens = {bytes([value]): value for value in range(256)}
    tokens.update({b"aa": 257, b"aaaa": 256})
    pairs = b"".join(number.to_bytes(4, "little") for number in (97, 97, 257, 257))
    merges = ListedMerges(tokens, pairs, False)
    started = time.process_time()
    assert len(merges.ids(b"a" * 100_000)) == 25_000
    assert time.process_time() - started < 5
