"""The loop of a worker: it takes requests from its clients' rings and answers them.

One thread. Requests of streams are answered as soon as they are seen. Those with texts are first
set aside, and done one at a time with a look at all rings in between, so that a stream waits for
one request at most; the clients take turns. What is set aside stays in its ring: it is not copied,
and a client that sends faster than it is served fills its ring, not the worker.
"""

from __future__ import annotations

import json
import selectors
import time
from collections import deque
from multiprocessing import parent_process
from typing import Any, Callable, NamedTuple

from bpecore._core import SlotDecoders
from bpecore.core import Encoding
from bpecore.pool.wire.channel import OTHERS_STREAMS, OTHERS_TOKENS, SENT_TOKENS, Channel
from bpecore.pool.wire.control import Control
from bpecore.pool.wire.listener import Listener
from bpecore.pool.wire.messages import (
    ANSWER,
    COUNT,
    DECODE,
    ENCODE,
    ERROR,
    REQUEST,
    RESTORE,
    STATELESS,
    RequestHeader,
    describe_error,
)
from bpecore.pool.wire.segments import open_segment
from bpecore.pool.wire.statistics import Statistics
from bpecore.pool.worker.answers import Answer, Answerer
from bpecore.pool.worker.served_client import ServedClient

CONNECT_SECONDS = 10.0
"""How long the pool's process may take to accept a worker that it has just started."""

PARENT_SECONDS = 0.5
"""How often a worker checks that the pool's process is alive, because another process, such as a
forked child, may keep its pipe open. As often it shows a sign of life."""

FULL_SECONDS = (0.0005, 0.02)
"""How long to wait for room while a client's answers do not fit into its ring: at first, and in the
end. Clients wake a worker for their requests only."""


class WorkerPlace(NamedTuple):
    """A worker's place in its pool.

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


class Worker:
    """Serves its clients until the pool's process ends it.

    Args:
        place: where it works.
        is_orphan: returns whether the pool's process has ended.
    """

    def __init__(self, place: WorkerPlace, is_orphan: Callable[[], bool]) -> None:
        self._place = place
        self._is_orphan = is_orphan
        self._answerer = Answerer(place.encoding)
        self._selector = selectors.DefaultSelector()
        self._clients: dict[int, ServedClient] = {}
        self._waiting: deque[ServedClient] = deque()
        self._ends = False
        self._may_end = False
        segment = open_segment(place.statistics)
        self._statistics = Statistics(segment)
        self._listener = Listener(place.address, self._selector, self._accept)
        self._control = Control.connect(f"{place.folder}/pool", CONNECT_SECONDS)
        self._selector.register(self._control, selectors.EVENT_READ, self._receive_control)
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
        """Works until the pool's process wants it to end or has ended; then closes everything."""
        try:
            self._work_on()
        finally:
            for client in list(self._clients.values()):
                self._drop(client)
            self._statistics.close()
        self._wait_for_orphanhood()

    def _wait_for_orphanhood(self) -> None:
        """Waits until it is clear that the pool's process has ended, unless that ended the worker.

        A process that is killed closes its sockets a moment before it counts as dead.
        """
        end = time.monotonic() + PARENT_SECONDS
        while not self._may_end and not self._is_orphan() and time.monotonic() < end:
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

    def _receive_control(self, source: object) -> None:
        messages = self._control.receive()
        if messages is None:
            self._ends = True
        elif any(message["do"] == "end" for message in messages):
            self._ends = self._may_end = True

    def _accept(self, source: object) -> None:
        control = self._listener.accept()
        if control is not None:
            self._selector.register(control, selectors.EVENT_READ, self._greet)

    def _greet(self, source: Control) -> None:
        """Takes a client's first message: the name of its shared memory."""
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
        client = ServedClient(channel, SlotDecoders(self._place.encoding))
        number = channel.fileno()
        self._clients[number] = client
        self._selector.register(channel, selectors.EVENT_READ, lambda _: self._serve(client))

    def _drop(self, client: ServedClient) -> None:
        """Frees everything that a client had."""
        self._selector.unregister(client.channel)
        del self._clients[client.channel.fileno()]
        if client.set_aside:
            client.set_aside.clear()
            self._waiting.remove(client)
        client.decoders.clear()
        client.channel.close()

    # ---- requests --------------------------------------------------------------------------

    def _serve(self, client: ServedClient) -> None:
        """Takes the requests in a client's ring."""
        if client.channel.clear():
            self._take_all(client)
            client.notify()
        else:
            self._drop(client)

    def _take_all(self, client: ServedClient) -> None:
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

    def _go_on(self, client: ServedClient) -> None:
        """Writes the answers that did not fit; then takes requests again, which had stopped."""
        if client.outbox:
            client.flush()
            if not client.outbox:
                self._take_all(client)
            client.notify()

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
        client.notify()

    def _answer(self, client: ServedClient, header: RequestHeader, body: memoryview) -> None:
        statistics = self._statistics
        statistics.beat(len(body))
        kind = ANSWER
        try:
            answer = self._work(client, header, body)
        except Exception as error:  # any exception is raised in the caller
            kind = ERROR
            answer = Answer(json.dumps(describe_error(error)).encode())
            statistics.failed += 1
        client.put_answer(kind, header.number, answer)
        client.note(header)
        statistics.failed += kind == ANSWER and answer.extra > 0
        statistics.observe(time.monotonic_ns() - header.sent_ns)

    def _work(self, client: ServedClient, header: RequestHeader, body: memoryview) -> Answer:
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
        """Shows each client how much work the others have here, and the pool all numbers."""
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
