"""How far the work on a corpus is."""

from __future__ import annotations

import time
from typing import Callable, NamedTuple

_INTERVAL = 0.1
"""Seconds between two calls of the caller's function."""


class Progress(NamedTuple):
    """How far the work is.

    Attributes:
        stage: "tokenize", or "cut" while shards are cut from drafts.
        read: bytes of input so far, those of an earlier run included.
        size: bytes of all inputs.
        documents: documents so far.
        tokens: tokens so far.
        aside: records set aside so far.
        tasks_done: portions or shards that are finished.
        tasks: how many there are.
        seconds: since this run began.
        bytes_per_second: of input, in this run.
        tokens_per_second: in this run.
        seconds_left: an estimate; None if there is nothing to go by.
    """

    stage: str
    read: int
    size: int
    documents: int
    tokens: int
    aside: int
    tasks_done: int
    tasks: int
    seconds: float
    bytes_per_second: float
    tokens_per_second: float
    seconds_left: float | None


OnProgress = Callable[[Progress], None]


class Meter:
    """Adds up the progress.

    Args:
        size: bytes of all inputs.
        on_progress: is called now and then, and at the end of each stage.
    """

    def __init__(self, size: int, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress
        self._size = size
        self._begun = time.monotonic()
        self._last = 0.0
        self._earlier = (0, 0)
        self._stage, self._tasks = "tokenize", 0
        self.read = self.documents = self.tokens = self.aside = self.done = 0

    @property
    def seconds(self) -> float:
        """Seconds since this began."""
        return time.monotonic() - self._begun

    def start(self, stage: str, tasks: int) -> None:
        """Begins a stage, with what has been added so far as an earlier run's."""
        self._stage, self._tasks, self.done = stage, tasks, 0
        self._earlier = self.read, self.tokens

    def add(self, read: int, documents: int, tokens: int) -> None:
        """Adds what was done since."""
        self.read += read
        self.documents += documents
        self.tokens += tokens
        self.tell()

    def tell(self, always: bool = False) -> None:
        """Calls the caller's function, unless it was called a moment ago."""
        now = time.monotonic()
        if self._on_progress is None or (now - self._last < _INTERVAL and not always):
            return
        self._last = now
        seconds = self.seconds
        read, tokens = self.read - self._earlier[0], self.tokens - self._earlier[1]
        rate = read / max(seconds, 1e-9)
        left = max(0, self._size - self.read) / rate if read else None
        self._on_progress(
            Progress(
                stage=self._stage,
                read=min(self.read, self._size),
                size=self._size,
                documents=self.documents,
                tokens=self.tokens,
                aside=self.aside,
                tasks_done=self.done,
                tasks=self._tasks,
                seconds=seconds,
                bytes_per_second=rate,
                tokens_per_second=tokens / max(seconds, 1e-9),
                seconds_left=left,
            )
        )
