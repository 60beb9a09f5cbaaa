"""Finds files of a corpus that were removed or cut short, so that they are made again."""

from __future__ import annotations

import os
from collections.abc import Collection

from bpecore.corpus.cutting import drafts_used_up, read_cuts
from bpecore.corpus.folder import Folder
from bpecore.corpus.plan import Plan
from bpecore.corpus.portions import record_name


def forget_lost(plan: Plan, folder: Folder) -> None:
    """Removes the records of portions and shards whose files are missing or have other sizes.

    Args:
        plan: the plan.
        folder: the folder, which no other process works on.
    """
    for name in folder.record_names():
        if name.startswith("shard_"):
            _forget_if_lost(folder, name, ())
    cuts = read_cuts(folder) if plan.options.tokens_of_shard is not None else None
    used_up = set(drafts_used_up(plan, cuts, folder)) if cuts else set()
    for portion in plan.portions:
        _forget_if_lost(folder, record_name(portion.number), used_up)


def _forget_if_lost(folder: Folder, name: str, unneeded: Collection[str]) -> None:
    record = folder.read_record(name)
    if record is None:
        return
    for file, size in record["files"].items():
        path = os.path.join(folder.path, file)
        if file not in unneeded and not (os.path.isfile(path) and os.path.getsize(path) == size):
            os.remove(folder.record_path(name))
            return
