"""Arguments that make no sense are refused with the kinds of errors that `tokenizers` raises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hf_choices import TEMPLATE
from hf_pairs import columns, outcome, pair_of
from small_models import added_tokens, model_json

from bpecore.hf import DecodeStream, Encoding

tokenizers = pytest.importorskip("tokenizers", reason='pip install "bpecore[models-test]"')

TEXT = "the tool 'll é <a> 中文"
ODD = (0, 1, 5, 10**6, -1, 2**32, 2**64, 1.5, None, "0", True, b"x", [])
LOOK_UPS = [
    ("token_to_chars", ()),
    ("token_to_word", ()),
    ("token_to_sequence", ()),
    *((name, rest) for name in ("word_to_tokens", "word_to_chars") for rest in ((), (1,), (-1,))),
    *((name, rest) for name in ("char_to_token", "char_to_word") for rest in ((), (1,), (-1,))),
]
CHANGES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *(("pad", (length,), {}) for length in (0, 40, -1, 2**64, "a", None, 1.5)),
    ("pad", (), {}),
    ("pad", (40,), {"direction": "up"}),
    ("pad", (40,), {"pad_id": -1}),
    ("pad", (40,), {"pad_id": 2**32}),
    ("pad", (40,), {"pad_type_id": "1"}),
    ("pad", (40,), {"unknown": 1}),
    *(("truncate", (length,), {}) for length in (0, 2, 10**9, -1, 2**64, "1", None, 1.5)),
    ("truncate", (5,), {"stride": -1}),
    ("truncate", (5,), {"stride": "1"}),
    ("truncate", (5,), {"direction": "up"}),
    *(("set_sequence_id", (number,), {}) for number in (0, 1, 5, -1, 2**64, "1", None)),
]
CALLS = [
    ("decode", ({1: 2},)),
    ("decode", ({1, 2},)),
    ("decode", (b"12",)),
    ("decode", (np.array([1, 2]),)),
    ("decode", (np.array([1.5]),)),
    ("encode_batch", ({},)),
    ("encode_batch_fast", ({"a": 1},)),
    ("add_tokens", ("abc",)),
    ("add_tokens", ({"abc": 1},)),
    ("add_tokens", ({"abc"},)),
    ("add_special_tokens", ("abc",)),
]


def both() -> tuple[Any, Any]:
    tokens = added_tokens({"content": "<a>", "special": True}, {"content": "zz"})
    return pair_of(model_json(post_processor=TEMPLATE, added_tokens=tokens))


@pytest.mark.parametrize(("name", "rest"), LOOK_UPS)
def test_look_ups(name: str, rest: tuple[int, ...]) -> None:
    ours, theirs = (each.encode(TEXT, "pair é") for each in both())
    for odd in (*ODD, len(ours) - 1, len(ours), len(ours) + 1):
        mine = outcome(getattr(ours, name), odd, *rest)
        assert mine == outcome(getattr(theirs, name), odd, *rest), odd


@pytest.mark.filterwarnings("ignore:ignored unknown arguments")
@pytest.mark.parametrize(("name", "arguments", "options"), CHANGES)
def test_changes(name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    found = []
    for tokenizer in both():
        encoding = tokenizer.encode(TEXT, "pair é")
        result = outcome(getattr(encoding, name), *arguments, **options)
        found.append((result, columns(encoding)))
    assert found[0] == found[1]


@pytest.mark.parametrize(("name", "arguments"), CALLS)
def test_calls(name: str, arguments: tuple[Any, ...]) -> None:
    ours, theirs = both()
    assert outcome(getattr(ours, name), *arguments) == outcome(getattr(theirs, name), *arguments)
    assert ours.get_vocab() == theirs.get_vocab()


def test_what_is_no_encoding_is_not_merged() -> None:
    assert outcome(Encoding.merge, [1]) == outcome(tokenizers.Encoding.merge, [1]) == "TypeError"


@pytest.mark.parametrize("odd", [-1, 2**32, 2**64, 1.5, None, "1", [-1], [None], [1, 2.5]])
def test_streams(odd: Any) -> None:
    ours, theirs = both()
    stream = DecodeStream()
    expected = outcome(tokenizers.decoders.DecodeStream().step, theirs, odd)
    assert outcome(stream.step, ours, odd) == expected == "TypeError"
    assert stream.step(ours, ours.encode("the", add_special_tokens=False).ids) == "the"
    assert outcome(DecodeStream, ids=0) == "TypeError"
