"""What `tokenizers` 1.0 adds to the interface."""

from __future__ import annotations

import copy
import json
import pickle
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hf_choices import TEMPLATE, chosen_texts
from hf_pairs import columns, outcome, pair_of
from small_models import added_tokens, model_json

from bpecore.hf import Padding, Tokenizer, Truncation


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
        assert columns(encoding) == columns(tokenizer.encode(given, add_special_tokens=adds))
        names = tokenizer.decode_tokens(encoding)
        assert tokenizer.tokenize(given, add_special_tokens=adds) == names
        for ids in (encoding, encoding.ids, encoding.ids_array):
            assert tokenizer.decode_tokens(ids) == [*map(tokenizer.id_to_token, encoding.ids)]
            assert tokenizer.decode(ids) == tokenizer.decode(encoding.ids)
    assert tokenizer.decode_tokens([tokenizer.token_to_id("<a>") or 0, 10**6], True) == []
    for odd in (5, ["the"], ("the", "tool", "a")):
        with pytest.raises(TypeError):
            tokenizer.tokenize(odd)
        with pytest.raises(TypeError):
            tokenizer.encode(odd)


def test_limits_of_one_call() -> None:
    """Are those that `enable_truncation` and `enable_padding` of another tokenizer set."""
    tokens = added_tokens({"content": "<a>", "special": True}, {"content": "zz"})
    ours, theirs = pair_of(model_json(post_processor=TEMPLATE, added_tokens=tokens))
    source = random.Random(5)
    for text in chosen_texts(source, 100):
        given = source.choice([text, (text, "the <a> tool")])
        options = {"add_special_tokens": source.random() < 0.5}
        theirs.encode_special_tokens = source.random() < 0.5
        ours.encode_special_tokens = source.random() < 0.5
        padding = {
            "direction": source.choice(["left", "right"]),
            "pad_id": source.randrange(9),
            "pad_type_id": source.randrange(3),
            "pad_token": source.choice("xy"),
            "length": source.choice([None, 3, 9]),
            "pad_to_multiple_of": source.choice([None, 4, 0]),
        }
        truncation = {
            "max_length": source.randrange(6, 12),
            "stride": source.randrange(2),
            "strategy": source.choice(["longest_first", "only_first", "only_second"]),
            "direction": source.choice(["left", "right"]),
        }
        theirs.enable_padding(**padding)
        theirs.enable_truncation(**truncation)
        for tokenizer in (ours, Tokenizer.from_str(theirs.to_str())):
            before = tokenizer.padding, tokenizer.truncation, tokenizer.encode_special_tokens
            limits = {
                "padding": Padding(**padding),
                "truncation": Truncation(**truncation),
                "encode_special_tokens": theirs.encode_special_tokens,
            }
            made = outcome(tokenizer.encode_batch, [given, "a"], **options, **limits)
            expected = outcome(theirs.encode_batch, [given, "a"], **options)
            if isinstance(made, list):
                assert isinstance(expected, list)
                assert [*map(columns, made)] == [*map(columns, expected)]
                assert columns(tokenizer.encode_batch([given], **options, **limits)[0]) == columns(
                    tokenizer.encode(given, **options, **limits)
                )
            else:
                assert isinstance(expected, str)
            now = tokenizer.padding, tokenizer.truncation, tokenizer.encode_special_tokens
            assert before == now
        for name in ("padding", "truncation"):
            with_own, without = theirs.to_str(), copy.deepcopy(theirs)
            getattr(without, f"no_{name}")()
            own = Tokenizer.from_str(with_own)
            own.encode_special_tokens = without.encode_special_tokens = False
            found = outcome(own.encode, "the tool", **{name: None})
            assert columns(found) == columns(outcome(without.encode, "the tool"))


def test_limits_as_attributes(tokenizer: Tokenizer) -> None:
    tokenizer.padding = Padding(length=9, pad_id=3)
    tokenizer.truncation = Truncation(4)
    assert tokenizer.encode("the tool, the tool").ids[4:] == [3] * 5
    assert tokenizer.padding == Padding(length=9, pad_id=3)._asdict()
    tokenizer.truncation = None
    assert tokenizer.truncation is None
    for odd in (5, {}, {"max_length": 5}, True):
        for name in ("padding", "truncation"):
            with pytest.raises(TypeError, match=name):
                setattr(tokenizer, name, odd)
            with pytest.raises(TypeError, match=name):
                tokenizer.encode("a", **{name: odd})


def test_a_limit_below_what_is_put_around_a_text(tokenizer: Tokenizer) -> None:
    nothing = tokenizer.encode("", "").ids
    for limit in range(len(nothing) + 1):
        assert tokenizer.encode(("the", "tool"), truncation=Truncation(limit)).ids == nothing


def test_limits_are_checked_and_copied() -> None:
    for limit in (Padding("left", 1, 2, "x", 3, 4), Truncation(5, "only_first", "left", stride=2)):
        for made in (pickle.loads(pickle.dumps(limit)), copy.copy(limit), copy.deepcopy(limit)):
            assert made == limit
            assert hash(made) == hash(limit)
            assert type(made) is type(limit)
    for kind, arguments, options in (
        (ValueError, (5, "none"), {}),
        (ValueError, (5,), {"direction": "up"}),
        (OverflowError, (-1,), {}),
        (OverflowError, (2**64,), {}),
        (TypeError, ("5",), {}),
        (TypeError, (2.5,), {}),
    ):
        with pytest.raises(kind):
            Truncation(*arguments, **options)
    for kind, options in (
        (ValueError, {"direction": "up"}),
        (OverflowError, {"pad_id": -1}),
        (OverflowError, {"pad_type_id": 2**32}),
        (OverflowError, {"length": -1}),
        (TypeError, {"pad_id": None}),
        (TypeError, {"pad_token": 5}),
        (TypeError, {"length": "a"}),
        (TypeError, {"unknown": 1}),
    ):
        with pytest.raises(kind):
            Padding(**options)


def test_options_of_a_download(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "tokenizer.json").write_text(json.dumps(model_json()), encoding="utf-8")
    made = Tokenizer.from_pretrained(str(tmp_path), subfolder="inner", local_files_only=True)
    assert made.encode("the").ids
    with pytest.raises(TypeError, match="'folder'"):
        Tokenizer.from_pretrained(str(tmp_path), folder="inner")
