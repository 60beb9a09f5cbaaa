"""Compares a shard with its record, its vocabulary and the inputs it was made from."""

from __future__ import annotations

import functools
import os
import random
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from bpecore._plural import counted
from bpecore.core import Encoding
from bpecore.corpus.cutting import cuts_of
from bpecore.corpus.errors import CorpusError
from bpecore.corpus.inspection import Origin
from bpecore.corpus.plan import Portion
from bpecore.corpus.portions import record_name
from bpecore.corpus.readers.reading import documents_of
from bpecore.corpus.shards import Shard, ShardError

SAMPLE = 200
"""Documents of a shard that are looked for in the inputs."""

_LONGEST = 1 << 20
_MANY_FILES = ("mds", "litdata")
"""Formats of which a record is about several files."""


class Verified(NamedTuple):
    """What came of the comparison.

    Attributes:
        path: the shard's main file.
        documents: how many documents were compared with the inputs.
        engine: what encoded them again: "tiktoken", or "bpecore" if that is not installed.
        faults: what is wrong, one line each; empty if nothing is.
        notes: what was not compared, and why.
    """

    path: str
    documents: int
    engine: str
    faults: list[str]
    notes: list[str]


def verify_shard(shard: Shard, encoding: Encoding, origin: Origin | None) -> Verified:
    """Compares a shard with all that is known of it.

    Every id must be one of the vocabulary, the record's numbers and checksums those of the ids, and
    a sample of documents must be in the inputs, with the ids that another engine gives.

    Args:
        shard: the shard.
        encoding: its encoding.
        origin: the corpus that it belongs to; None if it is not known.
    """
    faults: list[str] = []
    notes: list[str] = []
    try:
        found = _Contents(shard, encoding, origin)
    except ShardError as error:
        return Verified(shard.path, 0, "", [str(error)], [])
    faults += found.faults
    if origin is None:
        notes.append("not compared with the inputs: there is no manifest beside it")
        return Verified(shard.path, 0, "", faults, notes)
    record = _record_of(origin)
    if record is None:
        notes.append("not compared with its record: there is none")
        return Verified(shard.path, 0, "", faults, notes)
    name, entry, files = record
    faults += _differences(shard, entry, files, found, origin)
    count, engine = 0, ""
    if type(encoding) is not Encoding:
        notes.append("not compared with the inputs: this vocabulary normalizes texts")
    elif not found.sample:
        notes.append("not compared with the inputs: there are no whole documents to look for")
    else:
        engine, encode = _other_engine(encoding, origin.plan.options.allow_special)
        try:
            portions = _portions_of(origin, name)
            count = _compare(found.sample, portions, origin, encode, faults)
        except CorpusError as error:
            notes.append(f"not compared with the inputs: {error}")
    return Verified(shard.path, count, engine, faults, notes)


class _Contents:
    """What is read of a shard: checksums, a sample of its documents, and wrong ids."""

    def __init__(self, shard: Shard, encoding: Encoding, origin: Origin | None) -> None:
        self.faults: list[str] = []
        self.sample: dict[str, list[int]] = {}
        self.documents = self.tokens = self.ids_crc = self.lengths_crc = 0
        self._options = origin.plan.options if origin is not None else None
        self._encoding = encoding
        self._chance = random.Random(0)
        self._seen = 0
        self._keys: list[str] = []
        valid = np.zeros(encoding.max_token_value + 1, np.bool_)
        known = [*encoding._mergeable_ranks.values(), *encoding._special_tokens.values()]
        valid[known] = True
        rest = np.empty(0, np.int64)
        for group in shard.groups():
            ids = np.ascontiguousarray(group.ids)
            self.ids_crc = zlib.crc32(ids.data, self.ids_crc)
            lengths = np.ascontiguousarray(group.lengths, "<i8")
            self.lengths_crc = zlib.crc32(lengths.data, self.lengths_crc)
            self._check_ids(ids.astype(np.int64), valid)
            wide = ids.astype(np.int64)
            if shard.has_documents:
                self._take(wide, lengths)
            else:
                rest = self._take_between(np.concatenate([rest, wide]))
            self.tokens += len(ids)
            self.documents += len(lengths)

    def _check_ids(self, ids: Any, valid: Any) -> None:
        inside = (ids >= 0) & (ids < len(valid))
        wrong = ~inside
        wrong[inside] = ~valid[ids[inside]]
        places = np.flatnonzero(wrong)
        if len(places) and len(self.faults) < 3:
            place = int(places[0])
            self.faults.append(
                f"{counted(len(places), 'id is', 'ids are')} not of {self._encoding.name}, first "
                f"{int(ids[place])} at token {self.tokens + place:,}"
            )

    def _take(self, ids: Any, lengths: Any) -> None:
        """Keeps some documents, each as likely as any other."""
        ends = np.cumsum(lengths).tolist()
        for start, end in zip([0, *ends], ends):
            self._seen += 1
            place = self._seen - 1
            if place >= SAMPLE:
                place = self._chance.randrange(self._seen)
                if place >= SAMPLE:
                    continue
            self._keep(ids[start:end].tolist(), place)

    def _take_between(self, ids: Any) -> Any:
        """Keeps some of the documents between the tokens around them; returns what is left."""
        options = self._options
        if options is None or len(options.append) + len(options.prepend) != 1:
            return ids[:0]
        (mark,) = (*options.append, *options.prepend)
        places = np.flatnonzero(ids == mark)
        if not len(places):
            return ids[-_LONGEST:]
        cuts = places if options.prepend else places + 1
        inside = ids[int(cuts[0]) : int(cuts[-1])]
        self._take(inside, np.diff(cuts))
        return ids[int(cuts[-1]) :]

    def _keep(self, ids: list[int], place: int) -> None:
        options = self._options
        if options is None or len(ids) > _LONGEST:
            return
        if options.max_tokens is not None and len(ids) >= options.max_tokens:
            return
        end = len(ids) - len(options.append)
        try:
            text = self._encoding.decode(ids[len(options.prepend) : end], errors="strict")
        except (UnicodeDecodeError, KeyError):
            return
        if place < len(self._keys):
            self.sample.pop(self._keys[place], None)
            self._keys[place] = text
        else:
            self._keys.append(text)
        self.sample[text] = ids


def _record_of(origin: Origin) -> tuple[str, dict[str, Any], dict[str, int]] | None:
    """Returns the record that has a shard, what it says of it, and the sizes of its files."""
    folder = origin.folder
    for name in folder.record_names():
        record = folder.read_record(name) or {}
        if origin.name in record.get("files", ()):
            for entry in record["shards"]:
                root = entry["name"].rpartition(".")[0]
                if entry["name"] == origin.name or origin.plan.options.format in _MANY_FILES:
                    names = {n: s for n, s in record["files"].items() if n.startswith(root)}
                    return name, entry, names
    return None


def _differences(
    shard: Shard, entry: dict[str, Any], files: dict[str, int], found: _Contents, origin: Origin
) -> Iterator[str]:
    """Yields what differs between a shard and its record."""
    for name, size in files.items():
        path = os.path.join(origin.folder.path, name)
        now = os.path.getsize(path) if os.path.exists(path) else None
        if now != size:
            yield f"{name} has {now} bytes, and had {size} when it was written"
    if shard.format in _MANY_FILES:
        return
    if found.tokens != entry["tokens"]:
        yield f"it has {found.tokens:,} tokens, and the record {entry['tokens']:,}"
    if shard.has_documents and found.documents != entry["documents"]:
        yield f"it has {found.documents:,} documents, and the record {entry['documents']:,}"
    if found.ids_crc != entry["ids_crc32"]:
        yield "its ids are not those that were written: their checksum differs"
    if shard.has_documents and found.lengths_crc != entry["lengths_crc32"]:
        yield "its documents are not those that were written: the checksum of their lengths differs"


def _portions_of(origin: Origin, record: str) -> list[Portion]:
    """Returns the portions that a shard was made from."""
    plan = origin.plan
    for portion in plan.portions:
        if record_name(portion.number) == record:
            return [portion]
    cuts = cuts_of(plan, origin.folder)
    (cut,) = [cut for cut in cuts if cut.record_name == record]
    return [plan.portions[piece.portion] for piece in cut.pieces]


@functools.lru_cache(maxsize=1)
def _other_engine(encoding: Encoding, allow_special: bool) -> tuple[str, Any]:
    """Returns the name of an engine and a function that encodes a text with it."""
    special: dict[str, Any] = {"disallowed_special": ()}
    if allow_special:
        special["allowed_special"] = "all"
    try:
        import tiktoken
    except ImportError:
        return "bpecore", lambda text: encoding.encode(text, **special)
    replaced: Any = tiktoken.Encoding
    if replaced is Encoding:  # bpecore is in its place
        return "bpecore", lambda text: encoding.encode(text, **special)
    theirs = tiktoken.Encoding(
        encoding.name,
        pat_str=encoding._pat_str,
        mergeable_ranks=encoding._mergeable_ranks,
        special_tokens=encoding._special_tokens,
    )
    return "tiktoken", lambda text: theirs.encode(text, **special)


def _compare(
    sample: dict[str, list[int]],
    portions: list[Portion],
    origin: Origin,
    encode: Any,
    faults: list[str],
) -> int:
    """Looks for documents of a shard in the inputs; returns how many were compared."""
    plan = origin.plan
    options = plan.options
    missing = dict(sample)
    for portion in portions:
        for part in portion.ranges:
            for found in documents_of(plan.inputs[part.input], part, options):
                for text in missing.keys() & set(found.texts):
                    wanted = [*options.prepend, *encode(text), *options.append]
                    if missing.pop(text) != wanted:
                        faults.append(f"other ids than the other engine gives for {text!r:.60}")
                if not missing:
                    return len(sample)
    # Lone surrogates become U+FFFD, which the input does not have.
    lost = [text for text in missing if "\ufffd" not in text]
    faults += [f"a document is in no input: {text!r:.60}" for text in lost[:3]]
    return len(sample) - len(missing)
