"""What readers yield."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Aside(NamedTuple):
    """A record that has no text.

    Attributes:
        record: its number in the range, from 0 on.
        reason: why it has none.
        data: the record.
    """

    record: int
    reason: str
    data: bytes


class Documents(NamedTuple):
    """Some documents of a range, in order.

    Attributes:
        texts: the documents.
        records: for each document the number of its record in the range, from 0 on.
        passed: how many records of the range these are, with blank lines and those set aside.
        aside: the records that are set aside.
        read: bytes of input that they took.
        names: for each document the name that its record has for it; empty unless asked for.
    """

    texts: list[str]
    records: Sequence[int]
    passed: int
    aside: list[Aside]
    read: int
    names: list[str]
