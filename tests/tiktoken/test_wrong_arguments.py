"""Errors about arguments of a wrong type: which argument it is, what it should be, what it was.

Where tiktoken has the same function, `test_behaviour_table.py` compares the types of the errors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable, NamedTuple

import numpy as np
import pytest
from own import BYTES

import bpecore
from bpecore import StreamDecoder, StreamDecoderBatch, StreamEncoder, TokenCounter, load, model
from bpecore.prefix_hash import prefix_hashes


class Nothing:
    """An object that is like no argument."""

    def __repr__(self) -> str:
        return "<nothing>"


WRONG = (None, 5, -1, 1.5, "x", b"x", ["x"], Nothing())


class Kind(NamedTuple):
    """A kind of argument.

    Attributes:
        accepted: types that are right, or whose wrong values other tests try.
        named: what the error says; `{0}` is the argument's name.
    """

    accepted: tuple[type, ...]
    named: str


NONE = type(None)
TEXT = Kind((str,), "expected str")
TOKEN = Kind((str, bytes), "expected str or bytes")
TEXTS = Kind((list, str), r"{0} must be iterable|at index 0: expected str")
ALLOWED = Kind((), "{0} must be 'all' or a set")
DISALLOWED = Kind((NONE, list, str), r"{0} must be 'all' or a collection of strings|expected str")
NUMBER = Kind((int,), "{0} must be an integer")
THREADS = Kind((NONE, int, float), "{0} must be an integer")
CHOICE = Kind((), "{0} must be ")
DTYPE = Kind((NONE,), "{0} must be a type of integers")
APPEND = Kind((NONE, int), "{0} must be an integer")
OUT = Kind((NONE,), "{0} must be a numpy array")
IDS = Kind((bytes,), "expected a sequence of ids|an id must be an integer|{0} must be iterable")
SEVERAL = Kind((), "{0} must be iterable|expected a sequence of ids")
ID = Kind((int,), "an id must be an integer")
PATTERN = Kind((str,), "{0} must be a str")
DICT = Kind((), "{0} must be a dict")
MODEL = Kind((str,), "a model's name must be a str")
DEFAULT = Kind((NONE, str), "{0} must be the name of an encoding or a model")
ENCODING = Kind((), "expected a bpecore.Encoding")
PATH = Kind((str, bytes), "expected the path or URL of a file")

ENCODING_OBJECT = bpecore.get_encoding("cl100k_base")
SPECIAL = {"allowed_special": ALLOWED, "disallowed_special": DISALLOWED}
LIMITS = {"max_tokens": NUMBER, "overlap": NUMBER, "boundary": CHOICE}
ARRAYS = {"num_threads": THREADS, "dtype": DTYPE, "append": APPEND, "out": OUT}
BATCH = {"num_threads": THREADS, **SPECIAL}
KNOWN = {"unknown": CHOICE}

# What is called, right values of the arguments that must be given, and the kinds of arguments.
Call = tuple[Callable[..., Any], Mapping[str, Any], Mapping[str, Kind]]

CALLS: dict[str, Call] = {
    "Encoding": (
        bpecore.Encoding,
        {"name": "n", "pat_str": ".", "mergeable_ranks": dict(BYTES), "special_tokens": {}},
        {"pat_str": PATTERN, "mergeable_ranks": DICT, "special_tokens": DICT},
    ),
    **{
        f"encoding.{name}": (
            getattr(ENCODING_OBJECT, name),
            {"text": "hello"},
            {"text": TEXT, **SPECIAL},
        )
        for name in ("encode", "count", "encode_with_unstable")
    },
    "encoding.encode_ordinary": (
        ENCODING_OBJECT.encode_ordinary,
        {"text": "hello"},
        {"text": TEXT},
    ),
    "encoding.encode_to_numpy": (
        ENCODING_OBJECT.encode_to_numpy,
        {"text": "hello"},
        {"text": TEXT, **SPECIAL, **ARRAYS},
    ),
    "encoding.encode_single_token": (
        ENCODING_OBJECT.encode_single_token,
        {"text_or_bytes": "hello"},
        {"text_or_bytes": TOKEN},
    ),
    "encoding.encode_batch": (
        ENCODING_OBJECT.encode_batch,
        {"text": ["hello"]},
        {"text": TEXTS, **BATCH, "disallowed_special": DISALLOWED._replace(accepted=(list, str))},
    ),
    "encoding.encode_ordinary_batch": (
        ENCODING_OBJECT.encode_ordinary_batch,
        {"text": ["hello"]},
        {"text": TEXTS, "num_threads": THREADS},
    ),
    "encoding.count_batch": (
        ENCODING_OBJECT.count_batch,
        {"texts": ["hello"]},
        {"texts": TEXTS, **BATCH},
    ),
    "encoding.encode_batch_to_numpy": (
        ENCODING_OBJECT.encode_batch_to_numpy,
        {"texts": ["hello"]},
        {"texts": TEXTS, **BATCH, **ARRAYS},
    ),
    "encoding.count_up_to": (
        ENCODING_OBJECT.count_up_to,
        {"text": "hello", "limit": 3},
        {"text": TEXT, "limit": NUMBER, **SPECIAL},
    ),
    "encoding.truncate": (
        ENCODING_OBJECT.truncate,
        {"text": "hello", "max_tokens": 3},
        {"text": TEXT, "max_tokens": NUMBER, "side": CHOICE, **SPECIAL},
    ),
    **{
        f"encoding.{name}": (
            getattr(ENCODING_OBJECT, name),
            {"text": "hello", "max_tokens": 3},
            {"text": TEXT, **LIMITS, **SPECIAL},
        )
        for name in ("split", "split_spans")
    },
    "encoding.split_batch": (
        ENCODING_OBJECT.split_batch,
        {"texts": ["hello"], "max_tokens": 3},
        {"texts": TEXTS, **LIMITS, **BATCH},
    ),
    "encoding.token_offsets": (
        ENCODING_OBJECT.token_offsets,
        {"text": "hello"},
        {"text": TEXT, "unit": CHOICE, **SPECIAL},
    ),
    **{
        f"encoding.{name}": (
            getattr(ENCODING_OBJECT, name),
            {"tokens": [15339]},
            {"tokens": IDS, **KNOWN},
        )
        for name in ("decode", "decode_bytes")
    },
    **{
        f"encoding.{name}": (
            getattr(ENCODING_OBJECT, name),
            {"tokens": [15339]},
            {"tokens": IDS},
        )
        for name in ("decode_tokens_bytes", "decode_with_offsets")
    },
    **{
        f"encoding.{name}": (
            getattr(ENCODING_OBJECT, name),
            {"batch": [[15339]]},
            {"batch": SEVERAL, "num_threads": THREADS, **KNOWN},
        )
        for name in ("decode_batch", "decode_bytes_batch")
    },
    "encoding.decode_single_token_bytes": (
        ENCODING_OBJECT.decode_single_token_bytes,
        {"token": 15339},
        {"token": ID},
    ),
    **{
        f"model.{name}": (
            getattr(model, name),
            {"model_name": "gpt-4"},
            {"model_name": MODEL},
        )
        for name in ("encoding_for_model", "encoding_name_for_model")
    },
    **{
        f"model.{name}, unknown": (
            getattr(model, name),
            {"model_name": "nobody's"},
            {"default": DEFAULT},
        )
        for name in ("encoding_for_model", "encoding_name_for_model")
    },
    **{
        f"model.{name}": (
            getattr(model, name),
            {"model": "gpt-4", "text": "hello"},
            {"model": MODEL, "text": TEXT, **SPECIAL},
        )
        for name in ("encode_for_model", "count_for_model")
    },
    **{
        cls.__name__: (cls, {"encoding": ENCODING_OBJECT}, {"encoding": ENCODING, **SPECIAL})
        for cls in (TokenCounter, StreamEncoder)
    },
    **{
        f"{cls.__name__}.feed": (cls(ENCODING_OBJECT).feed, {}, {"chunk": TEXT})
        for cls in (TokenCounter, StreamEncoder)
    },
    "StreamDecoder": (
        StreamDecoder,
        {"encoding": ENCODING_OBJECT},
        {"encoding": ENCODING, **KNOWN},
    ),
    "StreamDecoder.feed": (
        StreamDecoder(ENCODING_OBJECT).feed,
        {},
        {"ids": IDS._replace(accepted=(bytes, int))},
    ),
    "StreamDecoderBatch": (
        StreamDecoderBatch,
        {"encoding": ENCODING_OBJECT, "n": 2},
        {"encoding": ENCODING, "n": NUMBER},
    ),
    "StreamDecoderBatch.feed": (
        StreamDecoderBatch(ENCODING_OBJECT, 2).feed,
        {},
        {"ids": Kind((bytes, list), "{0} must be a sequence with an entry for each of 2")},
    ),
    "StreamDecoderBatch.flush": (
        StreamDecoderBatch(ENCODING_OBJECT, 2).flush,
        {},
        {"sequence": NUMBER},
    ),
    "prefix_hashes": (
        prefix_hashes,
        {"ids": np.arange(32), "block": 16},
        {"ids": IDS, "block": NUMBER},
    ),
    "load.load_tiktoken_bpe": (load.load_tiktoken_bpe, {}, {"tiktoken_bpe_file": PATH}),
    "load.read_file": (load.read_file, {}, {"blobpath": PATH}),
    "load.read_file_cached": (load.read_file_cached, {}, {"blobpath": PATH}),
    "load.data_gym_to_mergeable_bpe_ranks": (
        load.data_gym_to_mergeable_bpe_ranks,
        {"encoder_json_file": "x"},
        {"vocab_bpe_file": PATH},
    ),
    "load.dump_tiktoken_bpe": (
        load.dump_tiktoken_bpe,
        {"bpe_ranks": {}, "tiktoken_bpe_file": "x"},
        {"bpe_ranks": DICT, "tiktoken_bpe_file": PATH},
    ),
}


@pytest.mark.parametrize(
    ("call", "argument"),
    [(call, argument) for call, (_, _, kinds) in CALLS.items() for argument in kinds],
)
def test_the_error_says_what_is_wrong(
    call: str, argument: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    function, arguments, kinds = CALLS[call]
    kind = kinds[argument]
    for wrong in WRONG:
        if isinstance(wrong, kind.accepted):
            continue
        with pytest.raises((TypeError, ValueError, AttributeError)) as error:
            function(**{**arguments, argument: wrong})
        message = str(error.value)
        assert re.search(kind.named.format(argument), message), (wrong, message)
        item = wrong[0] if isinstance(wrong, (bytes, list)) else wrong
        shown = {type(wrong).__name__, type(item).__name__, repr(wrong)}
        assert any(got in message for got in shown), (wrong, message)
