"""Does a portion of a plan: reads its ranges, makes ids, and writes its shard or draft.

What it writes depends on the plan alone. It can be done anywhere the inputs and the folder can be
reached, and again after it was interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple

import numpy as np
import numpy.typing as npt

from bpecore.corpus import chance
from bpecore.corpus.documents import Aside, Documents
from bpecore.corpus.drafts import DraftWriter, Group, ScratchDraft
from bpecore.corpus.errors import CorpusError
from bpecore.corpus.folder import WORK, Folder, NewFiles, write_all
from bpecore.corpus.inputs import InputFile
from bpecore.corpus.layout import first_lines
from bpecore.corpus.memory import TURN
from bpecore.corpus.options import Options
from bpecore.corpus.plan import Plan, Portion
from bpecore.corpus.ranges import Range
from bpecore.corpus.readers.reading import documents_of
from bpecore.corpus.tokens import DocumentEncoder, Lengths
from bpecore.corpus.writers import writer_of
from bpecore.corpus.writers.base import ShardName, ShardWriter

BATCH = 1 << 20
"""Bytes of documents encoded at once per thread."""

SHUFFLED = 1 << 21
"""Documents of a portion that are put in random order together; 40 bytes of memory for each."""

LONGEST_KEPT = 1 << 20
"""Bytes of a record that are written aside; of longer ones only the beginning is."""

Report = Callable[[int, int, int], None]
"""Is called with bytes read, documents and tokens since it was last called."""


class Settings(NamedTuple):
    """How a portion is done, which changes nothing in the result.

    Attributes:
        threads: threads for encoding.
        is_strict: whether the first broken record is an error.
    """

    threads: int = 1
    is_strict: bool = False


class Finished(NamedTuple):
    """A portion whose files are written, but may not be on the disk.

    Attributes:
        commit: brings them there, gives them their names and writes the record, which it returns.
    """

    commit: Callable[[], dict[str, Any]]


def finished(files: NewFiles, folder: Folder, name: str, record: dict[str, Any]) -> Finished:
    """Returns what commits files and then writes their record, which gets their sizes."""

    def commit() -> dict[str, Any]:
        record["files"] = files.commit()
        folder.write_json(folder.record_path(name), record)
        return record

    return Finished(commit)


def record_name(number: int) -> str:
    """Returns the name of a portion's record."""
    return f"portion_{number:05d}"


def do_portion(
    plan: Plan, number: int, folder: Folder, settings: Settings, report: Report
) -> Finished:
    """Does a portion.

    Args:
        plan: the plan.
        number: the portion's.
        folder: where shards go.
        settings: how it is done.
        report: called with the progress.

    Raises:
        CorpusError: it cannot be done; the message is one line.
        OSError: the folder cannot be written to.
    """
    try:
        with NewFiles(folder) as files:
            record = _Task(plan, plan.portions[number], files, settings, report).run()
    finally:
        TURN.end()
    return finished(files, folder, record_name(number), record)


class _Task:
    """One portion while it is done."""

    def __init__(
        self, plan: Plan, portion: Portion, files: NewFiles, settings: Settings, report: Report
    ) -> None:
        self._plan, self._portion, self._files = plan, portion, files
        self._settings, self._report = settings, report
        options = plan.options
        self._encoder = DocumentEncoder(options, settings.threads)
        is_cut_later = options.tokens_of_shard is not None
        writer: type[ShardWriter] = DraftWriter if is_cut_later else writer_of(options.format)
        splits = ["train", "val"] if options.val_fraction else ["train"]
        self._writers = {
            split: writer(files, ShardName(split, portion.number), options) for split in splits
        }
        self._scratch: ScratchDraft | None = None
        self._shuffled = 0
        if options.shuffle:
            self._scratch = self._new_scratch()
        self._documents = 0
        self._passed = [0] * len(portion.ranges)
        self._of_range = [[0] * len(portion.ranges) for _ in range(2)]
        self._aside = 0
        self._aside_file: Any = None

    def run(self) -> dict[str, Any]:
        """Writes the files; returns the record without their sizes."""
        for batch in _batches(self._found(), BATCH * self._settings.threads):
            self._do(batch)
            TURN.end()
        if self._scratch is not None:
            self._shuffle(self._scratch)
        return {
            "portion": self._portion.number,
            "passed": self._passed,
            "documents": self._of_range[0],
            "tokens": self._of_range[1],
            "aside": self._aside,
            "dropped": self._encoder.dropped,
            "cut": self._encoder.cut,
            "shards": [writer.finish() for writer in self._writers.values()],
        }

    def _do(self, batch: _Batch) -> None:
        ids, lengths, kept = self._encoder.encode(batch.texts)
        batch.texts.clear()
        notes = batch.notes
        if kept is not None and notes:
            notes = [note for note, is_kept in zip(notes, kept) if is_kept]
        self._count(batch.runs, lengths, kept)
        self._write(Group(ids, lengths, notes))
        self._report(batch.read, len(lengths), len(ids))

    def _count(
        self,
        runs: list[tuple[int, int]],
        lengths: Lengths,
        kept: npt.NDArray[np.bool_] | None,
    ) -> None:
        """Adds the documents and tokens of a batch to those of their ranges."""
        ends = np.concatenate([[0], np.cumsum(lengths)])
        kept_before = None if kept is None else np.concatenate([[0], np.cumsum(kept)])
        place = first = 0
        for part, count in runs:
            place += count
            last = place if kept_before is None else int(kept_before[place])
            self._of_range[0][part] += last - first
            self._of_range[1][part] += int(ends[last] - ends[first])
            first = last

    def _write(self, group: Group) -> None:
        if self._scratch is None:
            self._write_split(group)
            return
        while len(group.lengths):
            room = SHUFFLED - self._scratch.documents
            tokens = int(group.lengths[:room].sum())
            self._scratch.write(group.ids[:tokens], group.lengths[:room], group.notes[:room])
            group = Group(group.ids[tokens:], group.lengths[room:], group.notes[room:])
            if self._scratch.documents == SHUFFLED:
                self._shuffle(self._scratch)
                self._scratch = self._new_scratch()

    def _new_scratch(self) -> ScratchDraft:
        name = ShardName("all", self._portion.number)
        return ScratchDraft(self._files, name, self._plan.options)

    def _shuffle(self, scratch: ScratchDraft) -> None:
        """Writes the documents of a draft in a random order."""
        seed, count = self._plan.options.seed, scratch.documents
        order = chance.order(seed, self._portion.number, self._shuffled, count)
        self._shuffled += count
        for group in scratch.in_order(order):
            self._write_split(group)

    def _write_split(self, group: Group) -> None:
        """Writes documents to the shards for training and for validation."""
        options = self._plan.options
        count = len(group.lengths)
        if not options.val_fraction:
            self._writers["train"].write(*group)
            return
        held = chance.held_out(
            *(options.seed, self._portion.number, self._documents, count, options.val_fraction)
        )
        self._documents += count
        for split, chosen in (("train", ~held), ("val", held)):
            ids = group.ids[np.repeat(chosen, group.lengths)]
            notes = [note for note, is_in in zip(group.notes, chosen) if is_in]
            self._writers[split].write(ids, group.lengths[chosen], notes)

    def _found(self) -> Iterator[_Batch]:
        """Yields the documents of all ranges with their notes; sets broken records aside."""
        wants_notes = self._plan.options.format == "olmo"
        for place, part in enumerate(self._portion.ranges):
            file = self._plan.inputs[part.input]
            for found in documents_of(file, part, self._plan.options):
                self._passed[place] += found.passed
                for aside in found.aside:
                    self._set_aside(place, aside)
                notes = []
                if wants_notes:
                    notes = _notes(found, file.name, max(0, part.first_line))
                yield _Batch(found.texts, notes, found.read, [(place, len(found.texts))])

    def _set_aside(self, place: int, aside: Aside) -> None:
        part = self._portion.ranges[place]
        file = self._plan.inputs[part.input]
        if self._settings.is_strict:
            number = aside.record + first_number(file, part, self._plan.options) + 1
            what = word_for_record(file, self._plan.options)
            raise CorpusError(f"{file.name}: {what} {number:,} {aside.reason}")
        self._aside += 1
        if self._aside_file is None:
            file_name = f"{WORK}/aside/{record_name(self._portion.number)}.jsonl"
            self._aside_file = self._files.open(file_name)
        entry = {
            "file": file.name,
            "range": place,
            "record": aside.record,
            "reason": aside.reason,
            "bytes": len(aside.data),
            "data": aside.data[:LONGEST_KEPT].decode("utf-8", "backslashreplace"),
        }
        write_all(self._aside_file, json.dumps(entry).encode() + b"\n")


def word_for_record(file: InputFile, options: Options) -> str:
    """Returns what a record of an input is called."""
    if file.format in ("parquet", "arrow"):
        return "row"
    return "line" if file.format == "jsonl" or options.document == "line" else "document"


def first_number(file: InputFile, part: Range, options: Options) -> int:
    """Returns the number of the first record of a range, counted where the plan does not say."""
    if part.first_line >= 0 or part.start == 0 or word_for_record(file, options) != "line":
        return max(0, part.first_line)
    return first_lines(file, [part.start, part.end])[0]


class _Batch(NamedTuple):
    """Documents that are encoded together."""

    texts: list[str]
    notes: list[str]
    read: int
    runs: list[tuple[int, int]]
    """The ranges that they are from, in order, and how many are from each."""


def _batches(found: Iterator[_Batch], size: int) -> Iterator[_Batch]:
    """Joins small batches, so that each has at least a number of bytes of input."""
    joined = _Batch([], [], 0, [])
    characters = 0
    for batch in found:
        characters += sum(map(len, batch.texts))
        joined.texts.extend(batch.texts)
        batch.texts.clear()  # their memory is freed once they are encoded, not a batch later
        joined.notes.extend(batch.notes)
        joined.runs.extend(batch.runs)
        joined = joined._replace(read=joined.read + batch.read)
        if characters >= size // 2:
            yield joined
            joined, characters = _Batch([], [], 0, []), 0
    if joined.texts or joined.read:
        yield joined


def _notes(found: Documents, file: str, first_line: int) -> list[str]:
    """Returns what OLMo's tables have of each document: its name, its file and its line."""
    names = found.names or [""] * len(found.texts)
    return [
        json.dumps([name, file, first_line + record + 1])
        for name, record in zip(names, found.records)
    ]
