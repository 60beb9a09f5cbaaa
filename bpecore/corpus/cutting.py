"""Cuts shards of a fixed number of tokens from the drafts of portions.

Where the cuts are follows from the lengths of all documents. They are written down first; then each
shard can be made by itself, anywhere, and again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from bpecore.corpus.drafts import PARTS, DraftReader, Group, draft_name
from bpecore.corpus.folder import Folder, NewFiles
from bpecore.corpus.options import Options
from bpecore.corpus.plan import Plan
from bpecore.corpus.portions import Finished, Report, finished
from bpecore.corpus.tokens import Lengths, type_of_ids
from bpecore.corpus.writers import writer_of
from bpecore.corpus.writers.base import ShardName

CUTS_DOCUMENTS = ("llmc",)
"""Formats in which a document goes on in the next shard."""


@dataclass(frozen=True)
class Piece:
    """What a shard has from the draft of a portion.

    Attributes:
        portion: the portion's number.
        document: the number of its first document in the draft.
        documents: how many; where documents are cut, how many begin in it.
        token: where it begins in the draft.
        tokens: how many.
    """

    portion: int
    document: int
    documents: int
    token: int
    tokens: int


@dataclass(frozen=True)
class Cut:
    """A shard that is cut from drafts.

    Attributes:
        split: the drafts' "train" or "val".
        name: what the shard is for, which differs from `split` where the first shard is for
            validation.
        number: the shard's.
        pieces: what it consists of, in order.
    """

    split: str
    name: str
    number: int
    pieces: tuple[Piece, ...]

    @property
    def record_name(self) -> str:
        """The name of the shard's record."""
        return f"shard_{self.name}_{self.number:05d}"


def cuts_of(plan: Plan, folder: Folder) -> list[Cut]:
    """Returns the shards to be cut, as they were written down, or are now from all drafts."""
    found = read_cuts(folder)
    if found is None:
        splits = ["val", "train"] if plan.options.val_fraction else ["train"]
        made = [cut for split in splits for cut in _cuts_of_split(plan, folder, split)]
        found = list(_numbered(made, plan.options))
        folder.write_json(_cuts_path(folder), [asdict(cut) for cut in found])
    return found


def read_cuts(folder: Folder) -> list[Cut] | None:
    """Returns the shards to be cut that were written down; None if there are none yet."""
    found = folder.read_json(_cuts_path(folder))
    if not isinstance(found, list):
        return None
    return [
        Cut(cut["split"], cut["name"], cut["number"], tuple(Piece(**p) for p in cut["pieces"]))
        for cut in found
    ]


def _cuts_path(folder: Folder) -> str:
    return os.path.join(folder.work, "cuts.json")


def _numbered(cuts: Sequence[Cut], options: Options) -> Iterator[Cut]:
    """Yields shards with their names: those of llmc count on, and the first is for validation."""
    if options.format != "llmc":
        yield from cuts
        return
    for number, cut in enumerate(cuts):
        is_val = cut.split == "val" or (number == 0 and not options.val_fraction)
        yield Cut(cut.split, "val" if is_val else "train", number, cut.pieces)


def _cuts_of_split(plan: Plan, folder: Folder, split: str) -> Iterator[Cut]:
    size = plan.options.tokens_of_shard or (1 << 62)
    pieces: list[Piece] = []
    number = filled = 0
    for piece in _runs(plan, folder, split, size):
        if pieces and piece.tokens and filled + piece.tokens > size:
            yield Cut(split, split, number, tuple(pieces))
            number, pieces, filled = number + 1, [], 0
        last = pieces[-1] if pieces else None
        if last is not None and last.portion == piece.portion:
            pieces[-1] = Piece(
                *(last.portion, last.document, last.documents + piece.documents, last.token),
                last.tokens + piece.tokens,
            )
        else:
            pieces.append(piece)
        filled += piece.tokens
    if pieces or not number:
        yield Cut(split, split, number, tuple(pieces))


def _runs(plan: Plan, folder: Folder, split: str, size: int) -> Iterator[Piece]:
    """Yields stretches of drafts, in order; none goes past the end of a shard."""
    dtype = type_of_ids(plan.options)
    find = _token_runs if plan.options.format in CUTS_DOCUMENTS else _document_runs
    room = size
    for portion in plan.portions:
        lengths = DraftReader(folder, split, portion.number, dtype).length_blocks()
        room = yield from find(portion.number, lengths, size, room)


def _token_runs(
    portion: int, lengths: Iterator[Lengths], size: int, room: int
) -> Generator[Piece, None, int]:
    """Yields the stretches of a draft where documents are cut, each with the number of documents
    that begin in it; returns the room that is left."""
    ends = np.cumsum(np.concatenate([np.empty(0, np.int64), *lengths]))
    document = token = 0
    total = int(ends[-1]) if len(ends) else 0
    while token < total:
        count = min(room, total - token)
        end = token + count
        # A document begins where the one before it ends: the first at 0, the others at `ends`.
        after = len(ends) if end == total else 1 + int(np.searchsorted(ends, end, "left"))
        yield Piece(portion, document, after - document, token, count)
        document, token, room = after, end, room - count or size
    return room


def _document_runs(
    portion: int, lengths: Iterator[Lengths], size: int, room: int
) -> Generator[Piece, None, int]:
    """Yields the stretches of a draft where documents are whole; returns the room that is left.

    A document that is longer than a shard is one by itself.
    """
    document = token = 0
    for block in lengths:
        ends = np.cumsum(block)
        done = base = 0
        while done < len(block):
            count = int(np.searchsorted(ends, base + room, "right")) - done
            if count <= 0:
                if room < size:
                    room = size
                    continue
                count = 1
            tokens = int(ends[done + count - 1]) - base
            yield Piece(portion, document, count, token, tokens)
            document, token = document + count, token + tokens
            done, base, room = done + count, base + tokens, max(0, room - tokens)
    return room


def do_cut(plan: Plan, cut: Cut, folder: Folder, report: Report) -> Finished:
    """Makes a shard from drafts.

    Args:
        plan: the plan.
        cut: the shard.
        folder: where the drafts are and the shard goes.
        report: called after each write.

    Raises:
        OSError: a draft cannot be read, or the shard cannot be written.
    """
    with NewFiles(folder) as files:
        name = ShardName(cut.name, cut.number)
        writer = writer_of(plan.options.format)(files, name, plan.options)
        for group in _groups(plan, cut, folder):
            writer.write(*group)
            report(0, 0, 0)
        writer.documents = sum(piece.documents for piece in cut.pieces)
        record = {"shards": [writer.finish()]}
    return finished(files, folder, cut.record_name, record)


def _groups(plan: Plan, cut: Cut, folder: Folder) -> Iterator[Group]:
    none = np.empty(0, np.int64)
    for piece in cut.pieces:
        reader = DraftReader(folder, cut.split, piece.portion, type_of_ids(plan.options))
        if plan.options.format in CUTS_DOCUMENTS:
            for ids in reader.tokens(piece.token, piece.tokens):
                yield Group(ids, none, ())
        else:
            yield from reader.documents(piece.document, piece.documents, piece.token)


def remove_drafts(plan: Plan, cuts: Sequence[Cut], folder: Folder) -> None:
    """Removes the drafts all of whose shards are finished."""
    for name in drafts_used_up(plan, cuts, folder):
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(folder.path, name))


def drafts_used_up(plan: Plan, cuts: Sequence[Cut], folder: Folder) -> Iterator[str]:
    """Yields the names of the drafts all of whose shards are finished."""
    needed = {
        (cut.split, piece.portion)
        for cut in cuts
        if not os.path.exists(folder.record_path(cut.record_name))
        for piece in cut.pieces
    }
    for split in ("train", "val"):
        for portion in plan.portions:
            if (split, portion.number) not in needed:
                yield from (draft_name(split, portion.number, part) for part in PARTS)
