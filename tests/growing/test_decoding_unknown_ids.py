"""`decode` and `StreamDecoder` with `skip_special` and `unknown`, beside a loop over the ids."""

from __future__ import annotations

import copy
import pickle
import random
from typing import Any

import numpy as np
import pytest
from own import BYTES, own_encoding
from pairs import Pair
from texts import random_text

import bpecore

UNKNOWN = (-100, -1, -(2**70), 2**32 - 1, 2**40)


def twin(pair: Pair, ids: list[int], skip_special: bool, unknown: str) -> bytes:
    """Decodes id by id with tiktoken."""
    parts = []
    for token in ids:
        try:
            part = pair.theirs.decode_single_token_bytes(token)
        except (KeyError, OverflowError):
            part = "\ufffd".encode() if unknown == "replace" else b""
        else:
            if skip_special and pair.theirs.is_special_token(token):
                part = b""
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("skip_special", [False, True])
@pytest.mark.parametrize("unknown", ["replace", "skip"])
def test_beside_a_loop(pair: Pair, skip_special: bool, unknown: Any) -> None:
    source = random.Random(unknown)
    special = sorted(pair.ours._special_token_values)
    keywords: dict[str, Any] = {"skip_special": skip_special, "unknown": unknown}
    for _ in range(80):
        ids = pair.ours.encode(random_text(source, 8), disallowed_special=())
        for other in source.choices([*UNKNOWN, *special], k=3):
            ids.insert(source.randint(0, len(ids)), other)
        expected = twin(pair, ids, skip_special, unknown)
        text = expected.decode("utf-8", "replace")
        assert pair.ours.decode_bytes(ids, **keywords) == expected
        assert pair.ours.decode(tuple(ids), **keywords) == text
        assert pair.ours.decode_batch([ids], **keywords) == [text]
        assert pair.ours.decode_bytes_batch([ids], **keywords) == [expected]
        small = [token for token in ids if abs(token) < 2**62]
        array = np.array(small, dtype=np.int64)
        assert pair.ours.decode_bytes(array, **keywords) == twin(pair, small, *keywords.values())  # type: ignore[arg-type]
        decoder = bpecore.StreamDecoder(pair.ours, **keywords)
        half = len(ids) // 2
        parts = [decoder.feed(token) for token in ids[:half]] + [decoder.feed(ids[half:])]
        assert "".join(parts) + decoder.flush() == text


@pytest.mark.parametrize("skip_special", [False, True])
@pytest.mark.parametrize("unknown", ["replace", "skip"])
def test_a_batch_beside_decoders(cl100k: Pair, skip_special: bool, unknown: Any) -> None:
    """Each sequence of a `StreamDecoderBatch` is decoded as by a `StreamDecoder` of its own."""
    source = random.Random(f"{skip_special} {unknown}")
    keywords: dict[str, Any] = {"skip_special": skip_special, "unknown": unknown}
    some_ids = [*cl100k.ours.encode("naïve 𓀀 😀 text, そして"), 100257, 100276, 2**32 - 1, -1, -100]

    def row(length: int) -> list[int]:
        return source.choices(some_ids, k=length)

    for errors in ("replace", "ignore"):
        decoders = [bpecore.StreamDecoder(cl100k.ours, errors, **keywords) for _ in range(5)]
        batch = bpecore.StreamDecoderBatch(cl100k.ours, 5, errors, **keywords)
        for turn in range(200):
            single, ragged = row(5), [row(source.randrange(4)) for _ in range(5)]
            entries: Any = [
                source.choice([None, one, np.int64(one), rows]) for one, rows in zip(single, ragged)
            ]
            if turn % 3 == 0:
                given, got = single, batch.feed(np.array(single, dtype=np.int64))
            elif turn % 3 == 1:
                given, got = entries, batch.feed(entries)
            else:
                joined = [one for rows in ragged for one in rows]
                places = np.cumsum([0, *map(len, ragged)])
                given, got = (
                    ragged,
                    batch.feed_ragged(
                        source.choice([joined, np.array(joined, dtype=np.int64)]), places
                    ),
                )
            wanted = [
                "" if ids is None else decoder.feed(ids) for decoder, ids in zip(decoders, given)
            ]
            assert got == wanted, given
            batch = source.choice([batch, copy.copy(batch), pickle.loads(pickle.dumps(batch))])
        assert [batch.flush(i) for i in range(5)] == [decoder.flush() for decoder in decoders]


def error_of(wrong: int) -> tuple[type[Exception], str]:
    """Returns what refuses an unknown id: as with tiktoken, one that no id can be overflows."""
    if 0 <= wrong < 2**32:
        return KeyError, f"Invalid token for decoding: {wrong}"
    return OverflowError, f"{wrong} is out of the range of ids"


def test_a_batch_names_the_unknown_id_and_takes_none(cl100k: Pair) -> None:
    batch = bpecore.StreamDecoderBatch(cl100k.ours, 2, skip_special=True)
    half = cl100k.ours.encode("𓀀")[:1]
    assert batch.feed([half, [15339, 100257]]) == ["", "hello"]
    for wrong in (-100, 2**31, 2**40):
        error, match = error_of(wrong)
        for ids in ([half, wrong], [[], [1, wrong]], np.array([5, wrong])):
            with pytest.raises(error, match=match):
                batch.feed(ids)  # type: ignore[arg-type]
        with pytest.raises(error, match=match):
            batch.feed_ragged([1, 2, wrong], [0, 1, 3])
    assert batch.feed([cl100k.ours.encode("𓀀")[1:], None]) == ["𓀀", ""]
    with pytest.raises(ValueError, match="unknown must be"):
        bpecore.StreamDecoderBatch(cl100k.ours, 1, unknown="ignore")  # type: ignore[arg-type]


def test_the_highest_id_may_be_a_token() -> None:
    """An id stands for the unknown ones inside the decoder; it is no token's."""
    for ids in ((2**32 - 1,), (2**32 - 1, 2**32 - 2)):
        special = {f"<{i}>": i for i in ids}
        encoding = own_encoding(r"\w+", BYTES, special)
        expected = "".join(f"<{i}>" for i in ids)
        assert encoding.decode([*ids, -1, 2**40], unknown="skip") == expected
        assert encoding.decode([*ids, -1], unknown="replace") == expected + "\ufffd"
        assert encoding.decode([*ids, 97], skip_special=True) == "a"


def test_only_special_tokens_left_out(cl100k: Pair) -> None:
    encoding = cl100k.ours
    assert encoding.decode([15339, 100257], skip_special=True) == "hello"
    for wrong in (-100, 2**31, 2**40):
        error, match = error_of(wrong)
        for keywords in ({}, {"skip_special": True}):
            for call in (encoding.decode, encoding.decode_bytes):
                with pytest.raises(error, match=match):
                    call([15339, wrong], **keywords)
            with pytest.raises(error, match=match):
                bpecore.StreamDecoder(encoding, **keywords).feed([15339, wrong])
    with pytest.raises(ValueError, match="unknown must be"):
        encoding.decode([1], unknown="ignore")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="unknown must be"):
        bpecore.StreamDecoder(encoding, unknown="ignore")  # type: ignore[arg-type]
    for wrong_type in ("12", 5, [1.5], ["1"], None):
        with pytest.raises(TypeError):
            encoding.decode(wrong_type, unknown="skip")  # type: ignore[arg-type]


def test_masked_arrays_are_refused(cl100k: Pair) -> None:
    masked: Any = np.ma.masked_array(np.array([1, 2], dtype=np.uint32), mask=[True, False])
    for call in (
        cl100k.ours.decode,
        cl100k.ours.decode_bytes,
        lambda ids: cl100k.ours.decode(ids, unknown="skip"),
        bpecore.StreamDecoder(cl100k.ours).feed,
        bpecore.StreamDecoder(cl100k.ours, unknown="skip").feed,
        bpecore.StreamDecoderBatch(cl100k.ours, 2).feed,
        bpecore.StreamDecoderBatch(cl100k.ours, 2, unknown="skip").feed,
    ):
        with pytest.raises(TypeError, match="masked array"):
            call(masked)
    assert cl100k.ours.decode(masked.compressed()) == cl100k.ours.decode([2])
