"""Who is woken in a pool: any process that might sleep over a message, but not for each answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from programs import run_python

from bpecore._core import RingReader, RingWriter, SharedWords
from bpecore.pool.client.calls import Reply
from bpecore.pool.client.requests import ARRAYS, LISTS, text_calls
from bpecore.pool.wire.messages import ENCODE, FEED, GOES_ON, REQUEST, RequestHeader, pack_options
from bpecore.pool.worker.served_client import NOTIFIED_TOGETHER, ServedClient

ECHO = """
import os, random, select, socket, sys
from bpecore.pool.wire.channel import Channel, channel_bytes
from bpecore.pool.wire.segments import create_segment, new_owner, open_segment

MESSAGES, RING, SECONDS = 60_000, 1 << 10, 10

def receive(channel):
    while channel.reader.read() is not None:
        channel.reader.release(channel.reader.cursor)
        yield

def sleep(channel):
    if not select.select([channel], [], [], SECONDS)[0]:
        sys.exit("nobody has woken this end")
    return channel.clear()

segment = create_segment(channel_bytes(RING), new_owner())
again = open_segment(segment.name)
segment.unlink()
ours, theirs = socket.socketpair()
if os.fork() == 0:
    ours.close()
    worker = Channel(again, theirs, RING, is_worker=True)
    while sleep(worker):
        for _ in receive(worker):
            assert worker.writer.write([bytes(8)], 8)
            if random.random() < 0.5:
                worker.notify()
        worker.notify()
    os._exit(0)
theirs.close()
client = Channel(segment, ours, RING, is_worker=False)
sent = answered = 0
while answered < MESSAGES:
    for _ in range(min(random.randint(1, 4), 8 - (sent - answered), MESSAGES - sent)):
        assert client.writer.write([bytes(8)], 8)
        sent += 1
        if random.random() < 0.5:
            client.notify()
    client.notify()
    allowed = random.randint(0, 7) if sent < MESSAGES else 0
    answered += sum(1 for _ in receive(client))
    while sent - answered > allowed:
        assert sleep(client), "the other end is gone"
        answered += sum(1 for _ in receive(client))
client.close()
print(os.wait()[1])
"""


def test_nobody_sleeps_over_a_message(tmp_path: Path) -> None:
    done = run_python("-c", ECHO, folder=tmp_path)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_a_reader_is_woken_unless_it_has_something_left_to_read() -> None:
    words, data = SharedWords(bytearray(128)), memoryview(bytearray(256))
    writer, reader = RingWriter(words, 0, 8, data), RingReader(words, 0, 8, data)
    assert not writer.must_wake()
    assert writer.write([b"first"], 5)
    for _ in range(2):
        assert writer.must_wake(), "nobody has woken it yet"
    writer.notified()
    assert not writer.must_wake()
    assert writer.write([b"second"], 6)
    assert not writer.must_wake()
    writer.notified()
    for _ in range(2):
        assert reader.read() is not None
    assert writer.write([b"third"], 5)
    assert not writer.must_wake(), "it has not given back what it has read: it will look again"
    writer.notified()
    reader.release(reader.cursor)
    assert writer.write([b"fourth"], 6)
    assert not writer.must_wake(), "the third is there"
    writer.notified()
    for _ in range(2):
        assert reader.read() is not None
    reader.release(reader.cursor)
    assert writer.write([b"fifth"], 5)
    assert writer.write([b"sixth"], 5)
    assert reader.read() is not None
    reader.release(reader.cursor)
    assert writer.must_wake(), "it may have seen the fifth and slept before the sixth was there"


class Notified:
    """Replaces a channel and its writer; counts how often the client is notified."""

    largest = 100

    def __init__(self) -> None:
        self.times = 0
        self.has_much_room = True
        self.writer = self

    def has_room(self, length: int) -> bool:
        assert length == self.largest
        return self.has_much_room

    def write(self, fragments: object, length: int) -> bool:
        return True

    def notify(self) -> None:
        self.times += 1


def header(kind: int, flags: int) -> RequestHeader:
    return RequestHeader(kind, flags, 1, 1, 0, 1, 0)


@pytest.mark.parametrize(
    ("kind", "flags", "waiting", "notified"),
    [
        (ENCODE, GOES_ON, NOTIFIED_TOGETHER, [0, 0, 0, 1, 1, 1, 1, 2]),
        (ENCODE, GOES_ON, NOTIFIED_TOGETHER - 1, [1, 2, 3, 4, 5, 6, 7, 8]),
        (ENCODE, GOES_ON, 0, [1, 2, 3, 4, 5, 6, 7, 8]),
        (ENCODE, 0, 100, [1, 2, 3, 4, 5, 6, 7, 8]),
        (FEED, 0, 100, [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_answers_of_a_batch_are_notified_together_while_enough_is_left(
    kind: int, flags: int, waiting: int, notified: list[int]
) -> None:
    channel = Notified()
    client = ServedClient(cast(Any, channel), cast(Any, None))
    client.set_aside.extend([cast(Any, None)] * waiting)
    found = []
    for _ in notified:
        client.note(header(kind, flags))
        client.notify()
        found.append(channel.times)
    assert found == notified


def test_an_answer_that_somebody_waits_for_is_notified_with_those_before() -> None:
    channel = Notified()
    client = ServedClient(cast(Any, channel), cast(Any, None))
    client.set_aside.extend([cast(Any, None)] * 100)
    client.note(header(ENCODE, GOES_ON))
    client.notify()
    assert channel.times == 0
    client.note(header(FEED, 0))
    client.note(header(ENCODE, GOES_ON))
    client.notify()
    assert channel.times == 1
    client.note(header(ENCODE, GOES_ON))
    client.notify()
    assert channel.times == 1


def test_a_client_whose_ring_is_half_full_is_notified() -> None:
    channel = Notified()
    client = ServedClient(cast(Any, channel), cast(Any, None))
    client.set_aside.extend([cast(Any, None)] * 100)
    channel.has_much_room = False
    for times in (1, 2, 3):
        client.note(header(ENCODE, GOES_ON))
        client.notify()
        assert channel.times == times


def test_an_awaited_answer_that_had_no_room_is_notified_when_it_has() -> None:
    channel = Notified()
    client = ServedClient(cast(Any, channel), cast(Any, None))
    client.set_aside.extend([cast(Any, None)] * 100)
    channel.has_much_room = False
    client.outbox.append(([b"answer"], 6))
    client.note(header(FEED, 0))
    client.notify()
    assert channel.times == 1
    channel.has_much_room = True
    client.flush()
    client.notify()
    assert channel.times == 2
    client.note(header(ENCODE, GOES_ON))
    client.notify()
    assert channel.times == 2


class Nobody:
    """Waits for nothing."""

    def wake(self) -> None:
        raise AssertionError("nothing was answered")


@pytest.mark.parametrize("form", [LISTS, ARRAYS])
@pytest.mark.parametrize("count", [1, 2, 30])
def test_all_messages_of_a_batch_but_the_last_go_on(form: Any, count: int) -> None:
    texts = ["x" * 100_000] * count
    calls = text_calls(
        form, texts, pack_options(frozenset(), "all", None), 1 << 20, Reply(Nobody())
    )
    headers = [
        RequestHeader._make(REQUEST.unpack(cast(bytes, call.fragments(1)[0]))) for call in calls
    ]
    assert len(calls) == count
    assert [bool(found.flags & GOES_ON) for found in headers] == [True] * (count - 1) + [False]
