"""Writes what a format has besides its shards, once all of them are there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from bpecore.corpus.folder import Folder
from bpecore.corpus.plan import Plan


def finish_format(plan: Plan, folder: Folder, records: Mapping[str, Mapping[str, Any]]) -> None:
    """Writes the `index.json` of MDS; other formats have nothing of the kind.

    Args:
        plan: the plan.
        folder: where the shards are.
        records: the records of all portions and shards, by name.
    """
    if plan.options.format != "mds":
        return
    of_split: dict[str, list[Any]] = {}
    is_cut_later = plan.options.tokens_of_shard is not None
    for name, record in sorted(records.items()):
        if name.startswith("shard" if is_cut_later else "portion"):
            for shard in record["shards"]:
                of_split.setdefault(shard["split"], []).extend(shard["mds"])
    for split, shards in of_split.items():
        path = os.path.join(folder.path, split, "index.json")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        folder.write_json(path, {"version": 2, "shards": shards})
