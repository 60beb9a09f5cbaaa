"""Ids of documents on their way: from one portion to the shards that are cut from it, or to another
order.

A draft is three files: ids as shards have them, lengths as int64, and notes, one line per document.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from typing import IO, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bpecore.corpus.folder import WORK, Folder, write_all
from bpecore.corpus.separators import read_exactly
from bpecore.corpus.tokens import Ids, Lengths
from bpecore.corpus.writers.base import ShardWriter

GROUP = 1 << 18
"""Tokens handed on at once."""

PARTS = ("ids", "lengths", "notes")


class Group(NamedTuple):
    """Some documents: what `ShardWriter.write` takes."""

    ids: Ids
    lengths: Lengths
    notes: Sequence[str]


def draft_name(split: str, portion: int, part: str) -> str:
    """Returns the name of a draft's file in the folder of a corpus."""
    return f"{WORK}/drafts/{split}_{portion:05d}.{part}"


class DraftWriter(ShardWriter):
    """Writes a draft that shards are cut from later."""

    def open(self) -> None:
        names = [draft_name(self.name.split, self.name.number, part) for part in PARTS]
        self.parts = [self.open_file(name) for name in names]

    def add(self, ids: Ids, lengths: Lengths, notes: Sequence[str]) -> None:
        write_all(self.parts[0], ids)
        write_all(self.parts[1], lengths)
        if notes:
            write_all(self.parts[2], "".join(f"{note}\n" for note in notes).encode())

    def close(self) -> dict[str, Any]:
        return {}


class ScratchDraft(DraftWriter):
    """A draft that has no name, and can be read in another order."""

    def open(self) -> None:
        self.parts = [self.files.scratch() for _ in PARTS]

    def in_order(self, order: npt.NDArray[np.int64]) -> Iterator[Group]:
        """Yields the documents in an order, and closes the draft."""
        ids, lengths, notes = (file.fileno() for file in self.parts)
        all_lengths = np.fromfile(f"/dev/fd/{lengths}", "<i8")
        starts = np.cumsum(all_lengths) - all_lengths
        size = self.dtype.itemsize
        note_ends = _line_ends(self.parts[2])
        place = 0
        while place < len(order):
            counts = np.cumsum(all_lengths[order[place : place + GROUP]])
            end = place + max(1, int(np.searchsorted(counts, GROUP, "right")))
            chosen = order[place:end]
            data = b"".join(
                os.pread(ids, int(all_lengths[i]) * size, int(starts[i]) * size) for i in chosen
            )
            found = [_note(notes, note_ends, int(i)) for i in chosen] if len(note_ends) else []
            yield Group(np.frombuffer(data, self.dtype), all_lengths[chosen], found)
            place = end
        for file in self.parts:
            file.close()


def _line_ends(file: IO[bytes]) -> npt.NDArray[np.int64]:
    """Returns the byte after each line of a file."""
    file.seek(0)
    place = 0
    found = []
    while block := file.read(1 << 20):
        found.append(np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n")) + place + 1)
        place += len(block)
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _note(file: int, ends: npt.NDArray[np.int64], number: int) -> str:
    start = int(ends[number - 1]) if number else 0
    return os.pread(file, int(ends[number]) - 1 - start, start).decode()


class DraftReader:
    """Reads a draft in the folder of a corpus.

    Args:
        folder: the folder.
        split: "train" or "val".
        portion: the portion that it is of.
        dtype: the type of its ids.
    """

    def __init__(self, folder: Folder, split: str, portion: int, dtype: np.dtype[Any]) -> None:
        self._paths = [
            os.path.join(folder.path, draft_name(split, portion, part)) for part in PARTS
        ]
        self._dtype = dtype

    def length_blocks(self) -> Iterator[Lengths]:
        """Yields the lengths of its documents."""
        with open(self._paths[1], "rb") as file:
            while block := file.read(GROUP * 8):
                yield np.frombuffer(block, "<i8")

    def documents(self, first: int, count: int, token: int) -> Iterator[Group]:
        """Yields consecutive documents.

        Args:
            first: the number of the first one.
            count: how many.
            token: where the first one begins.
        """
        with contextlib.ExitStack() as stack:
            ids, lengths, notes = (stack.enter_context(open(path, "rb")) for path in self._paths)
            lengths.seek(first * 8)
            ids.seek(token * self._dtype.itemsize)
            has_notes = bool(os.fstat(notes.fileno()).st_size)
            for _ in range(first if has_notes else 0):
                notes.readline()
            while count:
                block = np.frombuffer(read_exactly(lengths, min(count, GROUP) * 8), "<i8")
                fitting = max(1, int(np.searchsorted(np.cumsum(block), GROUP, "right")))
                block = block[:fitting]
                lengths.seek((first + fitting) * 8)
                data = read_exactly(ids, int(block.sum()) * self._dtype.itemsize)
                found = [notes.readline().decode()[:-1] for _ in block] if has_notes else []
                yield Group(np.frombuffer(data, self._dtype), block, found)
                first, count = first + fitting, count - fitting

    def tokens(self, start: int, count: int) -> Iterator[Ids]:
        """Yields consecutive ids."""
        with open(self._paths[0], "rb") as file:
            file.seek(start * self._dtype.itemsize)
            while count:
                wanted = min(count, GROUP)
                yield np.frombuffer(read_exactly(file, wanted * self._dtype.itemsize), self._dtype)
                count -= wanted
