"""The process of a worker: it takes requests from its clients' rings and answers them.

One thread. What streams want is done as soon as it is seen. Work on texts is set aside first, and
done one request at a time with a look at all rings between, so that it does not hold up streams for
longer than one request takes; the clients take turns. What is set aside stays in its ring: it is
not copied, and a client that sends faster than it is served fills its ring, not the worker.
"""

from __future__ import annotations

import gc
import json
import os
import selectors
import shutil
import signal
import time
from collections import deque
from contextlib import suppress
from multiprocessing import parent_process
from typing import Any, Callable, NamedTuple

from bpecore._core import SlotDecoders
from bpecore.core import Encoding
from bpecore.pool.wire.channel import OTHERS_STREAMS, OTHERS_TOKENS, SENT_TOKENS, Channel
from bpecore.pool.wire.control import Control, is_dead
from bpecore.pool.wire.listener import Listener
from bpecore.pool.wire.messages import (
    ANSWER,
    ANSWER_HEADER,
    COUNT,
    DECODE,
    ENCODE,
    ERROR,
    GOES_ON,
    PART,
    REQUEST,
    RESTORE,
    STATELESS,
    Part,
    RequestHeader,
    describe_error,
)
from bpecore.pool.wire.segments import open_segment, unlink_segment
from bpecore.pool.wire.statistics import Statistics
from bpecore.pool.worker.answers import Answer, Answerer

CONNECT_SECONDS = 10.0
"""How long the pool's process may take to accept a worker that it has just started."""

PARENT_SECONDS = 0.5
"""How often a worker looks whether the pool's process lives: another process may keep the pipe that
tells it open, a child that it forked for one. So often it also shows that it lives itself."""

FULL_SECONDS = (0.0005, 0.02)
"""While a client's answers do not fit into its ring: how long to wait for room, at first and at
last. Clients wake a worker for their requests only."""

TOLD_TOGETHER = 4
"""Answers of a batch that a client is woken for at once, while as many of its requests wait here.
Whoever wakes takes the processor from a worker, whose caches it fills: told one by one, a batch
took 8 % longer on two cores, and told by eights no less."""


class WorkerPlace(NamedTuple):
    """What a worker is told when it is started.

    Attributes:
        number: its index in the pool, from 0; a tuple has an `index` of its own.
        generation: how many processes had this place before.
        encoding: what to work with.
        folder: where the pool's sockets are.
        token: the secret that connections begin with.
        statistics: the name of the segment for its numbers.
    """

    number: int
    generation: int
    encoding: Encoding
    folder: str
    token: str
    statistics: str

    @property
    def address(self) -> str:
        """The path of the socket that clients connect to."""
        return f"{self.folder}/{self.number}-{self.generation}"


class Client:
    """A client as its worker sees it.

    Attributes:
        channel: the shared memory.
        decoders: its streams.
        answered_tokens: of its requests, since the channel exists.
        outbox: messages for its ring that did not fit yet; while there are any, nothing is done
            for it.
        set_aside: its requests that wait: header, body in the ring, and where that begins.
    """

    def __init__(self, channel: Channel, decoders: SlotDecoders) -> None:
        self.channel = channel
        self.decoders = decoders
        self.answered_tokens = 0
        self.outbox: deque[tuple[list[Part], int]] = deque()
        self.set_aside: deque[tuple[RequestHeader, memoryview, int]] = deque()
        self._untold = 0
        self._is_awaited = False

    def release(self) -> None:
        """Gives back the room of requests that are answered, up to the first that is not."""
        reader = self.channel.reader
        reader.release(self.set_aside[0][2] if self.set_aside else reader.cursor)

    def put(self, parts: list[Part], length: int) -> None:
        """Writes a message, or keeps it until there is room."""
        if self.outbox or not self.channel.writer.write(parts, length):
            self.outbox.append((parts, length))

    def flush(self) -> None:
        """Writes what did not fit before."""
        while self.outbox and self.channel.writer.write(*self.outbox[0]):
            self.outbox.popleft()

    def note(self, header: RequestHeader) -> None:
        """Notes that a request has been answered."""
        self.answered_tokens += header.tokens
        self._untold += 1
        self._is_awaited = self._is_awaited or not header.flags & GOES_ON

    def tell(self) -> None:
        """Has the client look at what is new for it, unless that can wait for what comes soon.

        It can if nobody waits for one of the answers alone, and those that come have room.
        """
        writer = self.channel.writer
        comes_more = self._untold < TOLD_TOGETHER <= len(self.set_aside)
        if self._is_awaited or not comes_more or not writer.has_room(writer.largest):
            self._untold = 0
            self._is_awaited = self._is_awaited and bool(self.outbox)
            self.channel.tell()


class Worker:
    """All of a worker but its start.

    Args:
        place: where it works.
        is_orphan: tells whether the pool's process has ended.
    """

    def __init__(self, place: WorkerPlace, is_orphan: Callable[[], bool]) -> None:
        self._place = place
        self._is_orphan = is_orphan
        self._answerer = Answerer(place.encoding)
        self._selector = selectors.DefaultSelector()
        self._clients: dict[int, Client] = {}
        self._waiting: deque[Client] = deque()
        self._ends = False
        self._was_told = False
        segment = open_segment(place.statistics)
        self._statistics = Statistics(segment)
        self._listener = Listener(place.address, self._selector, self._accept)
        self._control = Control.connect(f"{place.folder}/pool", CONNECT_SECONDS)
        self._selector.register(self._control, selectors.EVENT_READ, self._hear)
        self._control.send(
            token=place.token,
            role="worker",
            index=place.number,
            generation=place.generation,
        )
        parent = parent_process()
        if parent is not None:
            self._selector.register(parent.sentinel, selectors.EVENT_READ, self._end)

    def run(self) -> None:
        """Works until it is told to end, or the pool's process has ended; then closes all."""
        try:
            self._work_on()
        finally:
            for client in list(self._clients.values()):
                self._drop(client)
            self._statistics.close()
        self._see_whose_end_it_is()

    def _see_whose_end_it_is(self) -> None:
        """Waits until it shows that the pool's process has ended, unless that told it to end.

        A process that is killed closes its sockets a moment before anything else shows it.
        """
        end = time.monotonic() + PARENT_SECONDS
        while not self._was_told and not self._is_orphan() and time.monotonic() < end:
            time.sleep(0.005)

    def _work_on(self) -> None:
        patience = FULL_SECONDS[0]
        checked = time.monotonic()
        while not self._ends:
            self._statistics.beat(0)
            is_stuck = any(client.outbox for client in self._clients.values())
            patience = min(2 * patience, FULL_SECONDS[1]) if is_stuck else FULL_SECONDS[0]
            can_work = any(not client.outbox for client in self._waiting)
            timeout = 0 if can_work else patience if is_stuck else PARENT_SECONDS
            for key, _ in self._selector.select(timeout):
                work: Callable[[Any], None] = key.data
                work(key.fileobj)
            self._listener.watch_again()
            self._do_one()
            if is_stuck:
                for client in self._clients.values():
                    self._go_on(client)
            self._publish()
            if time.monotonic() - checked > PARENT_SECONDS:
                checked = time.monotonic()
                self._ends = self._ends or self._is_orphan()

    # ---- connections -----------------------------------------------------------------------

    def _end(self, source: object) -> None:
        self._ends = True

    def _hear(self, source: object) -> None:
        messages = self._control.receive()
        if messages is None:
            self._ends = True
        elif any(message["do"] == "end" for message in messages):
            self._ends = self._was_told = True

    def _accept(self, source: object) -> None:
        control = self._listener.accept()
        if control is not None:
            self._selector.register(control, selectors.EVENT_READ, self._greet)

    def _greet(self, source: Control) -> None:
        """Takes a client's first message: where its shared memory is."""
        messages = source.receive()
        if messages == []:
            return
        self._selector.unregister(source)
        if messages is None or messages[0].get("token") != self._place.token:
            source.close()
            return
        try:
            segment = open_segment(messages[0]["segment"])
        except (OSError, ValueError):
            source.close()
            return
        source.send(did="open")
        channel = Channel(segment, source.detach(), messages[0]["ring_bytes"], is_worker=True)
        client = Client(channel, SlotDecoders(self._place.encoding))
        number = channel.fileno()
        self._clients[number] = client
        self._selector.register(channel, selectors.EVENT_READ, lambda _: self._serve(client))

    def _drop(self, client: Client) -> None:
        """Frees all that a client had."""
        self._selector.unregister(client.channel)
        del self._clients[client.channel.fileno()]
        if client.set_aside:
            client.set_aside.clear()
            self._waiting.remove(client)
        client.decoders.clear()
        client.channel.close()

    # ---- requests --------------------------------------------------------------------------

    def _serve(self, client: Client) -> None:
        """Takes what is in a client's ring."""
        if client.channel.clear():
            self._take_all(client)
            client.tell()
        else:
            self._drop(client)

    def _take_all(self, client: Client) -> None:
        reader = client.channel.reader
        while not client.outbox:
            begin = reader.cursor
            message = reader.read()
            if message is None:
                return
            header = RequestHeader._make(REQUEST.unpack_from(message))
            body = message[REQUEST.size :]
            if header.kind in STATELESS:
                if not client.set_aside:
                    self._waiting.append(client)
                client.set_aside.append((header, body, begin))
            else:
                self._answer(client, header, body)
                client.release()

    def _go_on(self, client: Client) -> None:
        """Writes the answers that did not fit; then the ring is read again, which had been left."""
        if client.outbox:
            client.flush()
            if not client.outbox:
                self._take_all(client)
            client.tell()

    def _do_one(self) -> None:
        """Answers one request that was set aside, of the client whose turn it is."""
        client = next((client for client in self._waiting if not client.outbox), None)
        if client is None:
            return
        self._waiting.remove(client)
        header, body, _ = client.set_aside[0]
        self._answer(client, header, body)
        client.set_aside.popleft()
        client.release()
        if client.set_aside:
            self._waiting.append(client)
        self._take_all(client)
        client.tell()

    def _answer(self, client: Client, header: RequestHeader, body: memoryview) -> None:
        statistics = self._statistics
        statistics.beat(len(body))
        kind = ANSWER
        try:
            answer = self._work(client, header, body)
        except Exception as error:  # told to the caller, whatever it is
            kind = ERROR
            answer = Answer(json.dumps(describe_error(error)).encode())
            statistics.failed += 1
        _put_answer(client, kind, header.number, answer)
        client.note(header)
        statistics.failed += kind == ANSWER and answer.extra > 0
        statistics.observe(time.monotonic_ns() - header.sent_ns)

    def _work(self, client: Client, header: RequestHeader, body: memoryview) -> Answer:
        if header.kind == ENCODE:
            self._statistics.texts += header.items
            return self._answerer.encode(header, body)
        if header.kind == COUNT:
            self._statistics.texts += header.items
            return self._answerer.count(header, body)
        if header.kind == DECODE:
            return self._answerer.decode(header, body)
        if header.kind != RESTORE:
            self._statistics.fed_ids += header.tokens
        return self._answerer.feed(header, body, client.decoders)

    def _publish(self) -> None:
        """Tells each client what the others have it do, and the pool how it stands."""
        statistics = self._statistics
        clients = self._clients.values()
        tokens = [
            client.channel.words.load(SENT_TOKENS) - client.answered_tokens for client in clients
        ]
        all_tokens = sum(tokens)
        streams = sum(len(client.decoders) for client in clients)
        for client, own in zip(clients, tokens):
            words = client.channel.words
            words.store(OTHERS_TOKENS, max(all_tokens - own, 0))
            words.store(OTHERS_STREAMS, streams - len(client.decoders))
        statistics.streams = streams
        statistics.clients = len(clients)
        statistics.queue_depth = sum(len(client.set_aside) for client in self._waiting)
        statistics.publish()


def _put_answer(client: Client, kind: int, number: int, answer: Answer) -> None:
    """Writes an answer, in as many messages as it needs."""
    parts = answer.parts
    length = sum(map(len, parts))
    room = client.channel.writer.largest - ANSWER_HEADER.size
    if length > room:
        whole = memoryview(b"".join(parts))
        # Whole words, so that what is put together again is aligned.
        step = room // 8 * 8
        last = (length - 1) // step * step
        for start in range(0, last, step):
            header = ANSWER_HEADER.pack(PART, 0, number)
            client.put([header, whole[start : start + step]], len(header) + step)
        parts, length = (whole[last:],), length - last
    header = ANSWER_HEADER.pack(kind, answer.extra, number)
    client.put([header, *parts], len(header) + length)


def main(place: WorkerPlace) -> None:
    """Runs a worker; the target of its process."""
    # Ctrl-C goes to all processes of a terminal; the pool's process decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pool, started_by = parent_process(), os.getppid()
    is_child = pool is None or pool.pid == started_by  # else of a forkserver, which may die alone

    def is_orphan() -> bool:
        has_ended = pool is not None and not pool.is_alive()
        return has_ended or (is_child and os.getppid() != started_by)

    try:
        worker = Worker(place, is_orphan)
        gc.collect()
        gc.freeze()  # a full collection would walk through all modules, for milliseconds
        worker.run()
    finally:
        if is_orphan() and is_dead(f"{place.folder}/pool"):
            _tidy(place)


def _tidy(place: WorkerPlace) -> None:
    """Removes what the pool's process can no longer remove."""
    shutil.rmtree(place.folder, ignore_errors=True)
    with suppress(FileNotFoundError):
        segment = open_segment(place.statistics)
        unlink_segment(segment)
        segment.close()
