"""What tools and people see of the growing classes: signatures, `repr`, errors of arguments."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import bpecore

ENCODING = bpecore.get_encoding("o200k_base")
SPECIAL = "*, allowed_special=frozenset(), disallowed_special='all'"
SIGNATURES = {
    "TokenCounter": f"(encoding, {SPECIAL})",
    "StreamEncoder": f"(encoding, {SPECIAL})",
    "StreamDecoder": "(encoding, errors='replace'",
    "StreamDecoderBatch": "(encoding, n, errors='replace'",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature(name: str) -> None:
    kind = getattr(bpecore, name)
    assert str(inspect.signature(kind)).startswith(SIGNATURES[name])
    for member in ("feed", "flush", "checkpoint", "restore"):
        if hasattr(kind, member):
            assert str(inspect.signature(getattr(kind, member))).startswith("(self")
    assert not (kind.__doc__ or "").startswith(name)


@pytest.mark.parametrize("name", SIGNATURES)
def test_wrong_arguments(name: str) -> None:
    kind = getattr(bpecore, name)
    for arguments, named in [((), {}), ((ENCODING, 1, 2, 3, 4), {}), ((ENCODING, 1), {"x": 1})]:
        with pytest.raises(TypeError, match=rf"^{name}\(\) ") as raised:
            kind(*arguments, **named)
        assert "__" not in str(raised.value)
    with pytest.raises(TypeError, match="expected a bpecore"):
        kind("o200k_base", *((1,) if name == "StreamDecoderBatch" else ()))


def growing(kind: Any, *arguments: Any, fed: object) -> Any:
    made = kind(ENCODING, *arguments)
    made.feed(fed)
    return made


def test_representations() -> None:
    half = ENCODING.encode("𓀀")[0]
    counter = growing(bpecore.TokenCounter, fed="hello world")
    assert repr(counter) == "<TokenCounter of 'o200k_base': total=2>"
    assert repr(counter.checkpoint()) == "<CounterCheckpoint of 'o200k_base': total=2>"
    encoder = growing(bpecore.StreamEncoder, fed="hello wö\ud83d")
    assert repr(encoder) == "<StreamEncoder of 'o200k_base': waiting_characters=4>"
    encoder.flush()
    assert repr(encoder) == "<StreamEncoder of 'o200k_base': flushed>"
    decoder = growing(bpecore.StreamDecoder, "ignore", fed=half)
    assert repr(decoder) == "<StreamDecoder of 'o200k_base': errors='ignore', pending=b'\\xf0'>"
    decoder.flush()
    assert repr(decoder) == "<StreamDecoder of 'o200k_base': errors='ignore', flushed>"
    batch = growing(bpecore.StreamDecoderBatch, 3, fed=[half, None, 24912])
    assert repr(batch) == (
        "<StreamDecoderBatch of 'o200k_base': errors='replace', n=3, incomplete=1>"
    )
