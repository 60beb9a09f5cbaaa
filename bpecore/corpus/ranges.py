"""Stretches of inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Unit(NamedTuple):
    """A row group or a record batch.

    Attributes:
        size: bytes of input.
        rows: how many rows it has.
    """

    size: int
    rows: int


@dataclass(frozen=True)
class Range:
    """A stretch of an input, with the records that begin in it.

    Attributes:
        input: the number of the input in the plan.
        start: where it begins: a byte, a row group or a record batch, as the input has them.
        end: where it ends; -1 for the end of an input that is read as a whole.
        size: bytes of input.
        first_line: the number of the first record in the input, from 0 on; -1 if it is unknown.
    """

    input: int
    start: int
    end: int
    size: int
    first_line: int = -1
