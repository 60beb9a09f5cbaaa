"""What a corpus holds, in sum: read from the records of its portions and shards."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bpecore.corpus.folder import Folder, removed_on_error, sync_folder
from bpecore.corpus.plan import Plan, Portion
from bpecore.corpus.portions import record_name, word_for_record


@dataclass(frozen=True)
class FileSummary:
    """What came of one input, or is in one shard.

    Attributes:
        name: the input's name, or that of the shard's first file.
        documents: how many documents; of a shard that begins inside one, how many begin in it.
        tokens: how many tokens.
    """

    name: str
    documents: int
    tokens: int


@dataclass(frozen=True)
class Summary:
    """What a corpus holds.

    Attributes:
        documents: how many documents.
        tokens: how many tokens, with those that were prepended and appended.
        aside: records that were set aside.
        dropped: documents that were dropped for their length.
        cut: documents that were cut for their length.
        files: the inputs, in order.
        shards: the shards, in order.
        failures: why portions are missing, one line each; empty if the corpus is whole.
        seconds: what this run took.
    """

    documents: int
    tokens: int
    aside: int
    dropped: int
    cut: int
    files: tuple[FileSummary, ...]
    shards: tuple[FileSummary, ...]
    failures: tuple[str, ...]
    seconds: float


def summarize(
    plan: Plan,
    records: Mapping[str, Mapping[str, Any]],
    failures: Sequence[str],
    seconds: float,
) -> Summary:
    """Returns the summary of a corpus.

    Args:
        plan: the plan.
        records: the records of portions and shards, by name.
        failures: why portions are missing.
        seconds: what the run took.
    """
    of_file = [[0, 0] for _ in plan.inputs]
    sums = dict.fromkeys(("aside", "dropped", "cut"), 0)
    for portion in plan.portions:
        record = records.get(record_name(portion.number))
        if record is None:
            continue
        for name in sums:
            sums[name] += record[name]
        for place, part in enumerate(portion.ranges):
            of_file[part.input][0] += record["documents"][place]
            of_file[part.input][1] += record["tokens"][place]
    files = tuple(FileSummary(file.name, *counts) for file, counts in zip(plan.inputs, of_file))
    is_cut_later = plan.options.tokens_of_shard is not None
    shards = tuple(
        FileSummary(shard["name"], shard["documents"], shard["tokens"])
        for name, record in sorted(records.items())
        if not (is_cut_later and name.startswith("portion"))
        for shard in record["shards"]
    )
    documents, tokens = (sum(counts[i] for counts in of_file) for i in (0, 1))
    return Summary(
        *(documents, tokens, sums["aside"], sums["dropped"], sums["cut"], files, shards),
        *(tuple(failures), seconds),
    )


def join_aside(plan: Plan, folder: Folder, records: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Writes all records that were set aside to one file, each with its line.

    Returns:
        The file, or None if there are none.
    """
    if not any(record.get("aside") for record in records.values()):
        return None
    path = os.path.join(folder.work, "aside.jsonl")
    new = folder.new_path("aside")
    firsts = _first_records(plan, records)
    with removed_on_error([new]), open(new, "x", encoding="utf-8") as joined:
        for portion in plan.portions:
            name = record_name(portion.number)
            if not records[name]["aside"]:
                continue
            with open(os.path.join(folder.work, "aside", f"{name}.jsonl"), "rb") as file:
                for line in file:
                    entry = _with_line(json.loads(line), plan, portion, firsts)
                    joined.write(json.dumps(entry, ensure_ascii=False) + "\n")
        joined.flush()
        os.fsync(joined.fileno())
    os.replace(new, path)
    sync_folder(folder.work)
    return path


def _first_records(
    plan: Plan, records: Mapping[str, Mapping[str, Any]]
) -> dict[tuple[int, int], int]:
    """Returns the number of the first record of each range, by its input and where it starts."""
    passed = {
        (part.input, part.start): count
        for portion in plan.portions
        for part, count in zip(portion.ranges, records[record_name(portion.number)]["passed"])
    }
    firsts = {}
    total, last = 0, -1
    for place, count in sorted(passed.items()):
        total, last = 0 if place[0] != last else total, place[0]
        firsts[place] = total
        total += count
    return firsts


def _with_line(
    entry: dict[str, Any], plan: Plan, portion: Portion, firsts: Mapping[tuple[int, int], int]
) -> dict[str, Any]:
    """Returns what was set aside, with the number of its line in the file."""
    part = portion.ranges[entry["range"]]
    word = word_for_record(plan.inputs[part.input], plan.options)
    number = firsts[part.input, part.start] + entry["record"] + 1
    rest = {name: entry[name] for name in ("reason", "bytes", "data")}
    return {"file": entry["file"], word: number, **rest}
