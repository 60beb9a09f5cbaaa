"""A worker's decoders by slot give what a `StreamDecoder` for each stream gives."""

from __future__ import annotations

from array import array

import pytest

import bpecore
from bpecore import StreamDecoder
from bpecore._core import SlotDecoders

TEXTS = ("héllo wörld", "日本語のテキスト", "\U0001f600\U0001f468‍\U0001f469 emoji", "")


@pytest.fixture(scope="module")
def encoding() -> bpecore.Encoding:
    return bpecore.get_encoding("o200k_base")


def test_an_id_for_each_slot(encoding: bpecore.Encoding) -> None:
    ids = [encoding.encode(text * 3) for text in TEXTS]
    slots = [3, 0, 700, 2]
    decoders = SlotDecoders(encoding)
    alone = {slot: StreamDecoder(encoding) for slot in slots}
    for step in range(max(map(len, ids))):
        now = [(slot, of[step]) for slot, of in zip(slots, ids) if step < len(of)]
        numbers = array("I", [slot for slot, _ in now] + [token for _, token in now])
        assert decoders.feed_each(numbers) == [alone[slot].feed(token) for slot, token in now]
    assert len(decoders) == 3


def test_several_ids_for_a_slot(encoding: bpecore.Encoding) -> None:
    decoders = SlotDecoders(encoding)
    ids = encoding.encode("\U0001f468‍\U0001f469 日本")
    found = [decoders.feed(5, ids[:2]), decoders.feed(5, []), decoders.feed(5, ids[2:])]
    assert "".join(found) == encoding.decode(ids)


def test_an_unknown_id_leaves_all_slots_as_they_were(encoding: bpecore.Encoding) -> None:
    decoders = SlotDecoders(encoding)
    first, *rest = encoding.encode("\U00013000")
    assert rest
    assert decoders.feed_each(array("I", [0, first])) == [encoding.decode([first]).rstrip("�")]
    assert decoders.feed_each(array("I", [0, 1, rest[0], 2**32 - 1])) is None
    with pytest.raises(KeyError):
        decoders.feed(0, 2**32 - 1)
    assert decoders.feed(0, rest) == "\U00013000"[-1]


def test_an_ended_slot_is_that_of_a_new_stream(encoding: bpecore.Encoding) -> None:
    decoders = SlotDecoders(encoding)
    first = encoding.encode_single_token(b"\xf0\x9f")
    assert decoders.feed(1, first) == ""
    assert len(decoders) == 1
    assert decoders.end(1) == "�"
    assert decoders.end(1) == decoders.end(0) == decoders.end(10**9) == ""
    assert len(decoders) == 0
    assert decoders.feed(1, encoding.encode("a")) == "a"
    decoders.clear()
    assert len(decoders) == 0
    assert decoders.end(1) == ""


def test_what_clients_do_not_send_is_refused(encoding: bpecore.Encoding) -> None:
    with pytest.raises(ValueError, match="there is no slot 4294967295"):
        SlotDecoders(encoding).feed(2**32 - 1, 0)
    with pytest.raises(TypeError, match=r"expected a bpecore\.Encoding"):
        SlotDecoders(object()).feed(0, 0)  # type: ignore[arg-type]
