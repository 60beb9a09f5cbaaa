"""What `tokenizers` 1.0 adds to the interface."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hf_choices import TEMPLATE
from hf_pairs import pair_of
from small_models import added_tokens, model_json

from bpecore.hf import Tokenizer


@pytest.fixture
def tokenizer() -> Tokenizer:
    tokens = added_tokens({"content": "<a>", "special": True}, {"content": "zz"})
    return pair_of(model_json(post_processor=TEMPLATE, added_tokens=tokens))[0]


def test_arrays(tokenizer: Tokenizer) -> None:
    tokenizer.enable_padding(length=20)
    for encoding in (tokenizer.encode("the é", "tool"), *tokenizer.encode_batch(["the", ""])):
        for name in ("ids", "type_ids", "attention_mask"):
            array: Any = getattr(encoding, f"{name}_array")
            assert array.dtype == np.uint32
            assert array.tolist() == getattr(encoding, name)


@pytest.mark.parametrize("adds", [True, False])
def test_tokens_by_name(tokenizer: Tokenizer, adds: bool) -> None:
    for given in ("the <a> tool é zz", ("the", "tool <a>"), ["a", "b"]):
        pair = (given,) if isinstance(given, str) else given
        encoding = tokenizer.encode(*pair, add_special_tokens=adds)
        assert tokenizer.tokenize(given, add_special_tokens=adds) == encoding.tokens
        for ids in (encoding, encoding.ids, encoding.ids_array):
            assert tokenizer.decode_tokens(ids) == [*map(tokenizer.id_to_token, encoding.ids)]
            assert tokenizer.decode(ids) == tokenizer.decode(encoding.ids)
    assert tokenizer.decode_tokens([tokenizer.token_to_id("<a>") or 0, 10**6], True) == []
    with pytest.raises(TypeError):
        tokenizer.tokenize(5)
