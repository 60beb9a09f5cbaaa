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
    for text in texts:
        if "\ud800" in text:
            continue
        encoder = bpecore.StreamEncoder(ours)
        found = [number for letter in text for number in encoder.feed(letter)]
        assert [*found, *encoder.flush()] == ours.encode(text)
        counter = bpecore.TokenCounter(ours)
        assert [counter.feed(letter) for letter in text] == [
            ours.count(text[: end + 1]) for end in range(len(text))
        ]
        kept = ours.truncate(text, 2)
        assert text.startswith(kept)
        assert ours.count(kept) <= 2
        assert len(ours.token_offsets(text)) == ours.count(text)


def test_a_second_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BPECORE_TABLES_DIR", str(tmp_path))
    first, _ = both(shuffled_file(1), tmp_path)
    again = bpecore.Encoding.from_file(tmp_path / "tokenizer.json")
    for text in mixed_texts(8, 50):
        assert again.encode(text) == first.encode(text)
        assert again.decode(again.encode(text)) == first.decode(first.encode(text))
    assert again._mergeable_ranks == first._mergeable_ranks


def test_a_long_piece_takes_no_quadratic_time(tmp_path: Path) -> None:
    ours, _ = both(shuffled_file(1), tmp_path)
    started = time.process_time()
    assert ours.decode(ours.encode("theq" * 250_000)) == "theq" * 250_000
    assert time.process_time() - started < 5
