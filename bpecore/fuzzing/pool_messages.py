"""Checks of what a pool sends, without its processes: texts through a ring, decoders by slot."""

from __future__ import annotations

from bpecore._core import (
    PackedTexts,
    RingReader,
    RingWriter,
    SharedWords,
    SlotDecoders,
    unpack_texts,
)
from bpecore.fuzzing.decoding import GROWING_LIMIT, id_lists
from bpecore.fuzzing.outcomes import Difference, excerpt, outcome
from bpecore.fuzzing.subject import Subject

LONGEST_TEXT = 300
"""Characters of the longest text of a message, so that messages go round the ring."""

LIMIT = 200
"""Bytes of a message of several texts."""

RING_BYTES = 4096


def pool_messages(subject: Subject, text: str) -> Difference | None:
    """A pool's texts arrive as they were sent, and its decoders give each stream's text."""
    text = text[:LONGEST_TEXT]
    texts = [text, "", *text.split(" "), text[1:], *text[:20]]
    found = outcome(through_a_ring, texts)
    if found != texts:
        return Difference("texts through a ring", found, texts)
    lists = [ids[:GROWING_LIMIT] for ids in id_lists(subject, text)]
    expected = [outcome(subject.theirs.decode, ids) for ids in lists]
    decoded = outcome(by_slots, subject, lists)
    if decoded != expected:
        return Difference(f"SlotDecoders of {excerpt(lists, 0)}", decoded, expected)
    return None


def through_a_ring(texts: list[str]) -> list[str]:
    """Returns texts as a ring's reader finds them."""
    words, memory = SharedWords(bytearray(16)), bytearray(RING_BYTES)
    writer, reader = RingWriter(words, 0, 1, memory), RingReader(words, 0, 1, memory)
    found: list[str] = []
    sent = 0
    while sent < len(texts):
        packed = PackedTexts(texts, sent, LIMIT)
        sent += packed.count
        # Three words in front, as a message has its number there.
        if not writer.write([b"\1" * 24, packed], 24 + len(packed)):
            raise RuntimeError("the ring has no room")
        message = reader.read()
        assert message is not None
        found += unpack_texts(message[24:], packed.count)[0]
        del message
        reader.release(reader.cursor)
    return found


def by_slots(subject: Subject, lists: list[list[int]]) -> list[str]:
    """Decodes several sequences in slots, an id of each at a time."""
    decoders = SlotDecoders(subject.ours)
    texts = [""] * len(lists)
    for place in range(max(map(len, lists), default=0)):
        for slot, ids in enumerate(lists):
            texts[slot] += decoders.feed(slot, ids[place : place + 1])
    return [text + decoders.end(slot) for slot, text in enumerate(texts)]
