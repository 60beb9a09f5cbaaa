"""Decoding through `bpecore.hf`: special tokens, unknown ids, odd decoders, and ids one by one."""

from __future__ import annotations

import random

import pytest
from hf_choices import chosen_file, chosen_texts
from hf_pairs import outcome, pair_of
from small_models import added_tokens, model_json

from bpecore.hf import DecodeStream


@pytest.mark.parametrize("seed", range(15))
def test_decoding_is_that_of_tokenizers(seed: int) -> None:
    source = random.Random(seed)
    file = chosen_file(source)
    ours, theirs = pair_of(file)
    sequences = [
        [source.randrange(theirs.get_vocab_size() + 2) for _ in range(9)] for _ in range(30)
    ]
    sequences += [encoding.ids for encoding in theirs.encode_batch([*chosen_texts(source, 20)])]
    for skips in (True, False):
        expected = theirs.decode_batch(sequences, skip_special_tokens=skips)
        assert ours.decode_batch(sequences, skip_special_tokens=skips) == expected
        assert [ours.decode(ids, skip_special_tokens=skips) for ids in sequences] == expected


@pytest.mark.parametrize("decoder", [None, {"type": "Sequence", "decoders": []}])
def test_other_decoders_are_refused_or_equal(decoder: object) -> None:
    file = model_json(decoder=decoder)
    if decoder is None:
        ours, theirs = pair_of(file)
        assert ours.decode([5, 300, 9, 999]) == theirs.decode([5, 300, 9, 999])
    else:
        with pytest.raises(ValueError, match="decoder is Sequence, and only ByteLevel is known"):
            pair_of(file)


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("count", [0, 3])
def test_a_stream_gives_what_theirs_gives(skips: bool, count: int) -> None:
    tokens = added_tokens({"content": "<s>", "special": True}, {"content": "<é>"})
    ours, theirs = pair_of(model_json(added_tokens=tokens))
    decoders = pytest.importorskip("tokenizers.decoders")
    source = random.Random(5)
    ids = theirs.encode("é中文字\U0001f600 <s>tool<é>" * 3).ids
    for _ in range(20):
        known, rest = ids[:count], [*ids[count:], *source.choices(range(352), k=20)]
        mine = DecodeStream(known, skip_special_tokens=skips)
        right = decoders.DecodeStream(known, skip_special_tokens=skips)
        while rest:
            step = rest.pop(0) if source.random() < 0.7 else [rest.pop() for _ in rest[:2]]
            expected = outcome(right.step, theirs, step)
            found = outcome(mine.step, ours, step)
            assert found == expected or {type(found), type(expected)} == {str}
            if isinstance(expected, str) and expected == "Exception":
                break
            assert found == expected
