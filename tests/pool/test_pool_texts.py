"""Texts are put into a pool's messages and read as they were; damaged messages are refused."""

from __future__ import annotations

from array import array
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpecore import _core

TEXTS = ["", "a", "abcde", "é" * 3, "中文", "🌊", "a\ud800", "x" * 1000]


def ring(memory: bytearray) -> _core.RingWriter:
    return _core.RingWriter(_core.SharedWords(bytearray(16)), 0, 1, memory)


def message_with(packed: _core.PackedTexts, before: int = 8) -> bytearray:
    size = before + len(packed)
    memory = bytearray(b"\xff" * ((size + 7) // 8 * 8 + 16))
    writer = ring(memory)
    assert writer.write([b"\0" * before, packed], size)
    writer.close()
    assert memory[8:].startswith(b"\0" * before)
    assert memory[8 + size :].strip(b"\xff") == b"", "nothing is written behind the texts"
    return memory[8 + before :]


@given(st.lists(st.text(st.characters()), max_size=20), st.integers(8, 200))
def test_messages_hold_all_texts_in_order(texts: list[str], limit: int) -> None:
    texts = [*TEXTS, *texts]
    found: list[str] = []
    while len(found) < len(texts):
        packed = _core.PackedTexts(texts, len(found), limit)
        assert packed.count > 0
        assert len(packed) <= limit or packed.count == 1
        part, size = _core.unpack_texts(message_with(packed), packed.count)
        assert size == len(packed)
        assert packed.characters == sum(map(len, part))
        found += part
    assert found == texts


def test_a_text_more_than_fits_goes_into_the_next_message() -> None:
    size = len(_core.PackedTexts(["abc"], 0, 100))
    assert size == 12
    for limit, count in ((3 * size - 1, 2), (3 * size, 3), (3 * size + 1, 3), (0, 1)):
        assert _core.PackedTexts(["abc"] * 4, 0, limit).count == count
    assert _core.PackedTexts(["abc"] * 4, 3, 1000).count == 1


def test_a_subclass_of_str_is_read_as_its_characters() -> None:
    class Loud(str):
        __slots__ = ()

        def __str__(self) -> str:
            return self.upper()

    packed = _core.PackedTexts([Loud("abc")], 0, 100)
    assert _core.unpack_texts(message_with(packed), 1)[0] == ["abc"]
    assert type(_core.unpack_texts(message_with(packed), 1)[0][0]) is str


@pytest.mark.parametrize("text", [None, b"abc", 5])
def test_what_is_no_text_is_refused(text: Any) -> None:
    with pytest.raises(TypeError, match="expected str"):
        _core.PackedTexts(["a", text], 0, 100)


@pytest.mark.parametrize(("before", "length"), [(0, 11), (4, 15), (1, 13), (2, 14), (100, 104)])
def test_nothing_is_written_where_there_is_no_room(before: int, length: int) -> None:
    memory = bytearray(128)
    with pytest.raises(ValueError, match="bytes of texts do not go into"):
        ring(memory).write([bytes(before), _core.PackedTexts(["abc"], 0, 100)], length)
    assert memory[8:] == bytes(120)


@pytest.mark.parametrize(
    ("numbers", "count", "reason"),
    [
        ([], 1, "do not hold 1 texts"),
        ([1], 1, "do not hold 1 texts"),
        ([1, 1], 1, "are not in 0 bytes"),
        ([5, 1, 0], 1, "are not in 4 bytes"),
        ([1, 3, 0], 1, "takes 1, 2 or 4 bytes, not 3"),
        ([1, 0, 0], 1, "takes 1, 2 or 4 bytes, not 0"),
        ([0xFFFFFFFF, 4, 0], 1, "are not in 4 bytes"),
        ([1, 1, 1, 4, 0], 2, "are not in 0 bytes"),
        ([1, 1, 0], 1 << 61, "do not hold"),
    ],
)
def test_damaged_messages_are_refused(numbers: list[int], count: int, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        _core.unpack_texts(array("I", numbers), count)


def test_a_message_at_no_whole_word_is_refused() -> None:
    memory = memoryview(bytearray(64))
    with pytest.raises(ValueError, match="multiple of 4"):
        _core.unpack_texts(memory[1:], 1)
