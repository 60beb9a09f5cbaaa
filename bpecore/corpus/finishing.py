"""Writes what a format has besides its shards, once all of them are there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from bpecore.corpus.folder import Folder
from bpecore.corpus.plan import Plan
from bpecore.corpus.writers.litdata import CONFIG

_ENTRIES = {"mds": "mds", "litdata": "chunks"}
"""What a record calls the entries of an index, by format."""


def finish_format(plan: Plan, folder: Folder, records: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes the `index.json` of MDS and litdata; other formats have nothing of the kind.

    Args:
        plan: the plan.
        folder: where the shards are.
        records: the records of all portions and shards, by name.
    """
    entries = _ENTRIES.get(plan.options.format)
    if entries is None:
        return
    of_split: dict[str, list[Any]] = {}
    checksums: dict[str, int] = {}
    is_cut_later = plan.options.tokens_of_shard is not None
    for name, record in sorted(records.items()):
        if name.startswith("shard" if is_cut_later else "portion"):
            for shard in record["shards"]:
                split = shard["split"]
                of_split.setdefault(split, []).extend(shard[entries])
                checksums[split] = checksums.get(split, 0) + shard["ids_crc32"]
    for split, found in of_split.items():
        path = os.path.join(folder.path, split, "index.json")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        index: dict[str, Any] = {"version": 2, "shards": found}
        if entries == "chunks":
            # litdata tells versions of a data set apart by the time; equal bytes have an equal one.
            index = {"chunks": found, "config": CONFIG, "updated_at": str(checksums[split])}
        folder.write_json(path, index)
