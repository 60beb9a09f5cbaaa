"""The receive path: from a worker's ring to the callers that wait for its answers.

One thread of a client, the reader, takes the answers of all workers.
"""

from __future__ import annotations

import json

from bpecore.pool.client.assignments import Assignments
from bpecore.pool.client.calls import Call, StreamCall
from bpecore.pool.client.links import Link
from bpecore.pool.wire.messages import ANSWER_HEADER, CLOSE, ERROR, PARTIAL, rebuild_error


def take_answers(link: Link, assignments: Assignments) -> None:
    """Takes all answers in a worker's ring, and wakes the callers that have theirs."""
    reader = link.channel.reader
    while (message := reader.read()) is not None:
        kind, extra, number = ANSWER_HEADER.unpack_from(message)
        body = message[ANSWER_HEADER.size :]
        if kind == PARTIAL:
            link.partial.setdefault(number, []).append(bytes(body))
        else:
            if number in link.partial:
                body = memoryview(b"".join([*link.partial.pop(number), body]))
            call = assignments.answered(link, number)
            if call is not None:
                if call.kind == CLOSE and isinstance(call, StreamCall):
                    assignments.release(link, call.feeds.streams)
                _take_answer(call, kind, body, extra)
        del message, body
        reader.release(reader.cursor)
    # Even without an answer: the worker may have made room since the last one was taken.
    assignments.send_backlogs(link)


def _take_answer(call: Call, kind: int, body: memoryview, extra: int) -> None:
    if kind == ERROR:
        call.fail(rebuild_error(json.loads(bytes(body))))
        return
    try:
        call.take(body, extra)
    except Exception as error:  # memory may run out, but the caller must not wait for ever
        call.fail(error)
