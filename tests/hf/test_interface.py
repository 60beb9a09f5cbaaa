"""Every public method and property of `tokenizers.Tokenizer`: there, with the same arguments and
results, and the same kinds of errors."""

from __future__ import annotations

import copy
import inspect
from typing import Any

import pytest
from hf_choices import TEMPLATE
from hf_pairs import columns, outcome, pair_of
from small_models import added_tokens, model_json

from bpecore import hf

tokenizers = pytest.importorskip("tokenizers", reason='pip install "bpecore[models-test]"')

CLASSES = [
    (hf.Tokenizer, tokenizers.Tokenizer),
    (hf.Encoding, tokenizers.Encoding),
    (hf.DecodeStream, tokenizers.decoders.DecodeStream),
]
TEXT = "the tool 'll é <a> 中文"
NOT_TRAINED = {"train", "train_from_iterator"}
CALLS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("encode", (TEXT,), {}),
    ("encode", (TEXT, "pair"), {"add_special_tokens": False}),
    ("encode", (["the", "tool"],), {"is_pretokenized": True}),
    ("encode", (None,), {}),
    ("encode", (5,), {}),
    ("encode", (b"bytes",), {}),
    ("encode", (TEXT,), {"unknown": 1}),
    ("encode", (), {}),
    ("encode_batch", ([TEXT, "b"],), {}),
    ("encode_batch", ([(TEXT, "b"), "c"],), {"add_special_tokens": False}),
    ("encode_batch", ([],), {}),
    ("encode_batch", ("text",), {}),
    ("encode_batch", ([None],), {}),
    ("encode_batch", (5,), {}),
    ("encode_batch_fast", ([TEXT, "b"],), {}),
    ("decode", ([1, 2, 3],), {}),
    ("decode", ([1, 10**6],), {"skip_special_tokens": False}),
    ("decode", ((1, 2),), {}),
    ("decode", ([-1],), {}),
    ("decode", ([2**32],), {}),
    ("decode", ([None],), {}),
    ("decode", (["a"],), {}),
    ("decode", ("12",), {}),
    ("decode", (1,), {}),
    ("decode", ([1.5],), {}),
    ("decode_batch", ([[1], [2, 3], []],), {}),
    ("decode_batch", ([1],), {}),
    ("token_to_id", ("the",), {}),
    ("token_to_id", ("<a>",), {}),
    ("token_to_id", ("no such token",), {}),
    ("token_to_id", ("",), {}),
    ("token_to_id", (None,), {}),
    ("token_to_id", (1,), {}),
    ("id_to_token", (5,), {}),
    ("id_to_token", (10**6,), {}),
    ("id_to_token", (-1,), {}),
    ("id_to_token", (2**32,), {}),
    ("id_to_token", ("5",), {}),
    ("id_to_token", (None,), {}),
    ("get_vocab", (), {}),
    ("get_vocab", (), {"with_added_tokens": False}),
    ("get_vocab_size", (), {}),
    ("get_vocab_size", (False,), {}),
    ("num_special_tokens_to_add", (True,), {}),
    ("num_special_tokens_to_add", (False,), {}),
    ("num_special_tokens_to_add", (), {}),
    ("enable_truncation", (5,), {"stride": 1, "strategy": "only_first", "direction": "left"}),
    ("enable_truncation", (-1,), {}),
    ("enable_truncation", ("5",), {}),
    ("enable_truncation", (5,), {"strategy": "none"}),
    ("enable_truncation", (5,), {"direction": "up"}),
    ("enable_truncation", (5,), {"unknown": 1}),
    ("enable_padding", (), {"length": 9, "pad_id": 3, "direction": "left"}),
    ("enable_padding", (), {"direction": "up"}),
    ("enable_padding", (), {"pad_id": -1}),
    ("enable_padding", (), {"length": "9"}),
    ("enable_padding", (), {"unknown": 1}),
    ("no_truncation", (), {}),
    ("no_padding", (), {}),
    ("add_tokens", (["<new>", "the"],), {}),
    ("add_tokens", ([5],), {}),
    ("add_tokens", (5,), {}),
    ("add_special_tokens", (["<s>"],), {}),
    ("add_special_tokens", ([None],), {}),
    ("to_str", (), {"unknown": 1}),
    ("save", (None,), {}),
    ("from_str", ("{",), {}),
    ("from_str", (None,), {}),
    ("from_buffer", (b"{",), {}),
    ("post_process", (None,), {}),
]


def both() -> tuple[Any, Any]:
    tokens = added_tokens({"content": "<a>", "special": True}, {"content": "zz"})
    return pair_of(model_json(post_processor=TEMPLATE, added_tokens=tokens))


@pytest.mark.parametrize(("ours", "theirs"), CLASSES, ids=lambda each: each.__name__)
def test_names_and_arguments(ours: Any, theirs: Any) -> None:
    public = {name for name in dir(theirs) if not name.startswith("_")}
    assert public <= {*dir(ours)}
    for name in public - NOT_TRAINED:
        method = getattr(theirs, name)
        if not callable(method) or name.startswith("async_"):
            continue
        shown = [
            [
                (one.name, one.default)
                for one in inspect.signature(each).parameters.values()
                if one.kind not in (one.VAR_KEYWORD, one.KEYWORD_ONLY)  # of `tokenizers` 1.0
            ]
            for each in (getattr(ours, name), method)
        ]
        assert shown[0] == shown[1], name


@pytest.mark.filterwarnings("ignore:ignored unknown arguments")
@pytest.mark.parametrize(("name", "arguments", "options"), CALLS)
def test_results_and_errors(name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    found = []
    for tokenizer in both():
        made = outcome(getattr(tokenizer, name), *arguments, **options)
        if isinstance(made, list) and made and hasattr(made[0], "ids"):
            made = [*map(columns, made)]
        elif hasattr(made, "ids"):
            made = columns(made)
        state = tokenizer.truncation, tokenizer.padding, tokenizer.get_vocab_size()
        found.append((made, state, columns(outcome(tokenizer.encode, TEXT))))
    if "Exception" in (found[1][0], *found[1][2]):  # what theirs raises where it has no better kind
        assert isinstance(found[0][0], str)
        return
    assert found[0] == found[1]


def test_parts_can_be_replaced() -> None:
    for ours, theirs in [both()]:
        for each in (ours, theirs):
            each.normalizer = tokenizers.normalizers.NFC()
            each.post_processor = tokenizers.processors.ByteLevel(trim_offsets=True)
            each.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=True)
            each.decoder = tokenizers.decoders.ByteLevel()
            each.encode_special_tokens = True
        assert columns(ours.encode("e\u0301 <a>")) == columns(theirs.encode("e\u0301 <a>"))
        for name in ("normalizer", "post_processor", "pre_tokenizer", "decoder"):
            assert type(getattr(ours, name)) is type(getattr(theirs, name))


def test_a_model_can_be_replaced() -> None:
    ours, theirs = both()
    model = tokenizers.Tokenizer.from_str(theirs.to_str()).model
    model.ignore_merges = True
    ours.model = theirs.model = model
    assert columns(ours.encode(TEXT)) == columns(theirs.encode(TEXT))
    with pytest.raises(TypeError, match=r"expected the encoding of a tokenizer\.json"):
        hf.Tokenizer(model)
    with pytest.raises(ValueError, match="WordLevel"):
        ours.model = tokenizers.models.WordLevel({"a": 0}, unk_token="a")
    assert columns(ours.encode(TEXT)) == columns(theirs.encode(TEXT))


def test_streams_are_copied_whole() -> None:
    ours, theirs = both()
    ids = theirs.encode("é中文 tool", add_special_tokens=False).ids
    texts = []
    for kind, tokenizer in ((hf.DecodeStream, ours), (tokenizers.decoders.DecodeStream, theirs)):
        stream = kind()
        first = [stream.step(tokenizer, number) for number in ids[:2]]
        others = [copy.copy(stream), copy.deepcopy(stream), stream]
        texts.append(
            [first, *([each.step(tokenizer, number) for number in ids[2:]] for each in others)]
        )
    assert texts[0] == texts[1]


def test_training_is_refused() -> None:
    ours, _ = both()
    for name in NOT_TRAINED:
        with pytest.raises(NotImplementedError, match="does not train"):
            getattr(ours, name)([])
