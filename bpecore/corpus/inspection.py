"""Says what a shard holds."""

from __future__ import annotations

import os
from typing import NamedTuple

import numpy as np

from bpecore.core import Encoding
from bpecore.corpus.encoding_source import EncodingSource
from bpecore.corpus.errors import CorpusError
from bpecore.corpus.folder import WORK, Folder
from bpecore.corpus.manifest import read_plan
from bpecore.corpus.plan import Plan
from bpecore.corpus.shards import Shard, format_of_shard, open_shard
from bpecore.corpus.tokens import Ids
from bpecore.registry import list_encoding_names

_FREQUENT = 10
_BESIDE = {
    ".idx": (".bin",),
    ".offsets.npy": (".npy", ".bin"),
    ".csv.gz": (".npy",),
    ".ds.index": (".ds",),
    ".ds.metadata": (".ds",),
}
"""The endings of files beside a shard's main file, and how that one ends."""


class Inspected(NamedTuple):
    """What a shard holds.

    Attributes:
        path: its main file.
        format: its format.
        dtype: the type of its ids.
        encoding: the encoding's name.
        documents: how many; None if the format does not say.
        tokens: how many.
        shortest: tokens of the shortest document.
        median: tokens of the median document.
        longest: tokens of the longest document.
        distinct: how many different ids there are.
        highest: the highest id.
        frequent: the most frequent ids, each with how often it occurs.
        shown: the first documents, decoded; the beginning of the shard without documents.
    """

    path: str
    format: str
    dtype: str
    encoding: str
    documents: int | None
    tokens: int
    shortest: int
    median: float
    longest: int
    distinct: int
    highest: int
    frequent: list[tuple[int, int]]
    shown: list[str]


class Origin(NamedTuple):
    """The corpus that a shard belongs to.

    Attributes:
        folder: the corpus.
        plan: its plan.
        name: the shard's name there.
    """

    folder: Folder
    plan: Plan
    name: str


def origin_of(path: str) -> Origin | None:
    """Returns the corpus that a shard belongs to, by the manifest beside it; None without one."""
    path = os.path.abspath(path)
    parent = os.path.dirname(path)
    for base in (parent, os.path.dirname(parent)):
        folder = Folder(base)
        if os.path.exists(folder.manifest):
            name = os.path.relpath(path, base).replace(os.sep, "/")
            return Origin(folder, read_plan(folder), name)
    return None


def shards_at(path: str) -> list[str]:
    """Returns the main files of the shards that a path names: one, or all of a corpus.

    Raises:
        CorpusError: there are none.
    """
    if not os.path.isdir(path):
        if not os.path.exists(path):
            raise CorpusError(f"{path}: No such file or directory")
        return [_main_file(path)]
    folder = Folder(path)
    read_plan(folder)
    names = []
    for entry in folder.record_names():
        record = folder.read_record(entry) or {}
        names += [name for name in record.get("files", ()) if _is_main(name)]
    if not names:
        raise CorpusError(f"{path}: has no finished shards")
    return [os.path.join(path, name) for name in names]


def _main_file(path: str) -> str:
    """Returns the main file of the shard that a file belongs to."""
    for ending, mains in _BESIDE.items():
        if path.endswith(ending):
            candidates = [path[: -len(ending)] + main for main in mains]
            return next(filter(os.path.isfile, candidates), path)
    return path


def _is_main(name: str) -> bool:
    return not name.endswith(tuple(_BESIDE)) and not name.startswith(f"{WORK}/")


def encoding_of(path: str, origin: Origin | None, source: EncodingSource | None) -> Encoding:
    """Returns the encoding of a shard: what the caller says, or the manifest.

    Raises:
        CorpusError: neither says, or it is another one now.
    """
    if source is not None:
        return source.load()
    if origin is None:
        raise CorpusError(f"{path}: there is no manifest beside it: --encoding names the encoding")
    kept = origin.plan.options.encoding
    if kept.vocabulary is not None:
        found = EncodingSource.of_file(kept.vocabulary, kept.pattern, kept.special_tokens)
    elif kept.name in list_encoding_names():
        found = EncodingSource.of(kept.name)
    else:
        raise CorpusError(f"{kept.name!r} is no registered encoding: --vocabulary names its file")
    if found.digest != kept.digest:
        raise CorpusError(
            f"the encoding {kept.name!r} is not the one that the shards were made with"
        )
    return found.load()


def open_with_origin(path: str, format_name: str, dtype: str, origin: Origin | None) -> Shard:
    """Opens a shard, as its manifest says if the caller does not."""
    if origin is not None:
        options = origin.plan.options
        format_name = format_name or options.format
        if options.format == "nanogpt" and not dtype:
            dtype = options.dtype
    return open_shard(path, format_name or format_of_shard(path), dtype)


def inspect_shard(shard: Shard, encoding: Encoding, documents: int) -> Inspected:
    """Reads a shard and says what it holds.

    Args:
        shard: the shard.
        encoding: its encoding.
        documents: how many documents are decoded.

    Raises:
        CorpusError: it is damaged.
    """
    counts = np.zeros(encoding.max_token_value + 1, np.int64)
    beyond = tokens = 0
    highest = -1
    lengths = []
    shown: list[str] = []
    for group in shard.groups():
        ids = group.ids.astype(np.int64)
        tokens += len(ids)
        highest = max(highest, int(ids.max(initial=-1)))
        valid = ids[(ids >= 0) & (ids < len(counts))]
        beyond += len(ids) - len(valid)
        counts += np.bincount(valid, minlength=len(counts))
        lengths.append(group.lengths)
        ends = np.cumsum(group.lengths) if shard.has_documents else np.array([len(ids)])
        for start, end in zip([0, *ends.tolist()], ends.tolist()):
            if len(shown) >= documents:
                break
            shown.append(decoded(encoding, ids[start:end][:4096]))
    all_lengths = np.concatenate(lengths) if lengths else np.empty(0, np.int64)
    order = np.argsort(-counts, kind="stable")[:_FREQUENT]
    return Inspected(
        path=shard.path,
        format=shard.format,
        dtype=shard.dtype,
        encoding=encoding.name,
        documents=len(all_lengths) if shard.has_documents else None,
        tokens=tokens,
        shortest=int(all_lengths.min(initial=1 << 62)) if len(all_lengths) else 0,
        median=float(np.median(all_lengths)) if len(all_lengths) else 0.0,
        longest=int(all_lengths.max(initial=0)),
        distinct=int(np.count_nonzero(counts)),
        highest=highest,
        frequent=[(int(i), int(counts[i])) for i in order if counts[i]],
        shown=shown,
    )


def decoded(encoding: Encoding, ids: Ids) -> str:
    """Returns the text of ids; an id that is none is U+FFFD."""
    try:
        return encoding.decode(ids.tolist())
    except KeyError:
        return "".join(_one(encoding, int(token)) for token in ids)


def _one(encoding: Encoding, token: int) -> str:
    try:
        return encoding.decode([token])
    except (KeyError, OverflowError):
        return "\ufffd"
