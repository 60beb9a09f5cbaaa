"""What a worker process is given when it is started."""

from __future__ import annotations

from typing import NamedTuple

from bpecore.core import Encoding


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
