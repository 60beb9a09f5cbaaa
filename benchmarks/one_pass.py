"""`python -m benchmarks --one-pass FOLDER`: large corpora, each document once.

Encoding the same megabyte again and again flatters every cache; a pipeline reads each document
once. So each figure is the first large call of a fresh process, which has loaded the encoding,
encoded two words and read the documents. Engines take turns; the median of the rounds is shown.

The last corpus is encoded a second time by bpecore alone, with a table of dashes of every length
from 1 to 5,000 in it.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from .engines import ENGINES, Engine
from .host_memory import fetch_host_memory
from .inputs import corpus
from .processes import FailedError, Worker
from .rank_files import write_rank_files
from .record import Sample


class Way(NamedTuple):
    """One way to encode a corpus."""

    what: str
    method: str
    kind: str
    """Of the input, see `inputs.py`."""
    ids: bool = True
    """Whether it gives ids, which are compared."""


WAYS = (
    Way("arrays", "encode_documents", "corpus"),
    Way("arrays, file", "encode_file", "file_name"),
    Way("lists", "list_documents", "corpus"),
    Way("counts", "count_documents", "corpus", ids=False),
)

ALL_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


FEWER_ROUNDS = 1
"""Rounds at most where nothing is judged: other engines' lists, and their arrays on all cores."""

DASHES = 5_000
"""The longest piece of the table of dashes."""

DASHED = "dashes.jsonl"
"""The corpus with that table."""


class Timing(NamedTuple):
    """What one process took."""

    seconds: float
    digest: str


def find_corpora(folder: Path) -> list[Path]:
    """Returns the corpora of a folder.

    Raises:
        UsageError: there is none.
    """
    found = sorted([*folder.glob("*.jsonl"), *folder.glob("*.txt")])
    if not found:
        raise click.UsageError(f"no .jsonl or .txt file in {folder}")
    return found


def cut_corpus(path: Path, megabytes: int | None, folder: Path) -> Path:
    """Returns a corpus of the first MB of a file: the file itself, or its beginning in a folder.

    Args:
        path: the file.
        megabytes: how much is read of it, in whole documents; None for all. A .txt file is one.
        folder: where the beginning is written to.
    """
    if megabytes is None or path.suffix == ".txt" or path.stat().st_size <= megabytes * 1_000_000:
        return path
    cut = folder / path.name
    with path.open("rb") as lines, cut.open("wb") as kept:
        while kept.tell() < megabytes * 1_000_000:
            kept.write(next(lines))
    return cut


def with_dashes(path: Path, folder: Path) -> Path:
    """Writes a corpus with a table of dashes of every length between its documents."""
    documents = corpus(str(path))
    step = -(-DASHES // len(documents))
    dashed = folder / DASHED
    with dashed.open("w", encoding="utf-8") as lines:
        for number, document in enumerate(documents):
            first = number * step + 1
            rows = [f"| {'-' * n} |" for n in range(first, min(first + step, DASHES + 1))]
            lines.write(json.dumps({"text": "\n".join([document, *rows])}) + "\n")
    return dashed


def time_once(
    engine: str, encoding: str, rank_files: Path, path: Path, way: Way, cores: int
) -> Timing:
    """Encodes a corpus in a fresh process.

    Raises:
        FailedError: the engine lacks this way, or failed.
    """
    words = rank_files / "words.jsonl"
    words.write_text('{"text": "hello world"}\n', encoding="utf-8")
    with Worker(engine, encoding, rank_files, cores) as worker:
        for file in (words, path):
            worker.ask(
                "prepare",
                method=way.method,
                description={"kind": way.kind, "path": str(file.resolve())},
                arguments={"threads": cores},
            )
            fetch_host_memory()
            answer = worker.ask("time_first")
    return Timing(answer["seconds"][0], answer["digest"])


class Row(NamedTuple):
    """The timings of an engine that encodes a corpus in one way."""

    engine: str
    way: Way
    timings: dict[int, list[Timing]]
    """By number of cores."""
    failure: str | None = None

    def speed(self, size: int, cores: int) -> str:
        """Returns the median speed in MB of UTF-8 per second."""
        if not self.timings[cores]:
            return "-"
        seconds = statistics.median(timing.seconds for timing in self.timings[cores])
        return f"{size / seconds / 1e6:.0f}"


def time_in_turns(
    encoding: str,
    engines: Sequence[str],
    rank_files: Path,
    path: Path,
    rounds: int,
    ways: Sequence[Way] = WAYS,
) -> list[Row]:
    """Times all engines, ways and numbers of cores on a corpus; those that fail only once."""
    numbers = sorted({1, ALL_CORES or 1})
    rows = [
        Row(engine, way, {n: [] for n in numbers})
        for way in ways
        for engine in engines
        if has_way(ENGINES[engine], way)
    ]
    failed: dict[int, str] = {}
    for turn in range(rounds):
        for number, row in enumerate(rows):
            for cores in numbers:
                if number in failed or turn >= rounds_of(row, cores, rounds):
                    continue
                try:
                    timing = time_once(row.engine, encoding, rank_files, path, row.way, cores)
                except FailedError as error:
                    failed[number] = str(error)
                else:
                    row.timings[cores].append(timing)
    return [row._replace(failure=failed.get(number)) for number, row in enumerate(rows)]


def has_way(engine: type[Engine], way: Way) -> bool:
    """Returns whether an engine has a way that is not another one's, such as lists for arrays."""
    method = getattr(engine, way.method, None)
    lists = getattr(engine, "list_documents", None)
    return method is not None and (way.method == "list_documents" or method is not lists)


def rounds_of(row: Row, cores: int, rounds: int) -> int:
    """Returns in how many rounds an engine takes part."""
    arrays = row.way.method in ("encode_documents", "encode_file")
    if row.engine != "bpecore" and cores > 1 and not arrays:
        return 0
    judged = row.engine == "bpecore" or (cores == 1 and (arrays or row.engine == "tiktoken"))
    return rounds if judged else min(rounds, FEWER_ROUNDS)


def different_ids(rows: Sequence[Row]) -> list[str]:
    """Returns which engines' ids are not those of the first row that has ids."""
    digests = [
        (f"{row.engine}, {row.way.what}", timing.digest)
        for row in rows
        if row.way.ids and row.failure is None
        for timings in row.timings.values()
        for timing in timings
    ]
    return list(dict.fromkeys(who for who, digest in digests if digest != digests[0][1]))


class Corpus(NamedTuple):
    """A corpus, and how long each engine took for it."""

    name: str
    documents: int
    size: int
    """Bytes of UTF-8."""
    rows: list[Row]


def time_corpora(
    encoding: str,
    engines: Sequence[str],
    folder: Path,
    rounds: int,
    megabytes: int | None = None,
) -> list[Corpus]:
    """Times every corpus of a folder, or so many MB of each."""
    corpora = []
    found = find_corpora(folder)
    bpecore = [engine for engine in engines if engine == "bpecore"]
    with tempfile.TemporaryDirectory() as made:
        rank_files = Path(made)
        write_rank_files(rank_files, [encoding], True)
        paths = [cut_corpus(path, megabytes, rank_files) for path in found]
        for path in (*paths, *(with_dashes(path, rank_files) for path in paths[-1:] if bpecore)):
            documents = corpus(str(path))
            size = sum(len(document.encode("utf-8")) for document in documents)
            chosen = (bpecore, WAYS[:1]) if path.name == DASHED else (engines, WAYS)
            rows = time_in_turns(encoding, chosen[0], rank_files, path, rounds, chosen[1])
            corpora.append(Corpus(path.name, len(documents), size, rows))
    return corpora


def one_pass_table(encoding: str, corpora: Sequence[Corpus]) -> str:
    """Returns a table of MB/s for each corpus."""
    lines = []
    for name, documents, size, rows in corpora:
        numbers = list(rows[0].timings)
        lines.append(
            f"\n{encoding}, {name}: {documents:,} documents, {size / 1e6:.1f} MB; "
            f"MB/s with {' and '.join(map(str, numbers))} threads"
        )
        for row in rows:
            if row.failure is None:
                speeds = "".join(f"{row.speed(size, n):>8}" for n in numbers)
                lines.append(f"  {row.way.what:<14}{row.engine:<18}{speeds}")
            elif not row.failure.startswith("no "):
                lines.append(f"  {row.way.what:<14}{row.engine:<18}  {row.failure}")
        wrong = different_ids(rows)
        lines.append(f"  other ids: {'; '.join(wrong)}" if wrong else "  all ids are equal")
    return "\n".join(lines)


def samples_of(encoding: str, corpora: Sequence[Corpus]) -> Iterator[Sample]:
    """Gives each median for a record, by way and number of cores.

    What `one pass` measures, without a way, is the fastest of an engine's ways that give ids, and
    for bpecore its arrays.
    """
    for name, documents, size, rows in corpora:
        if name == DASHED:
            took = statistics.median(timing.seconds for timing in rows[0].timings[1])
            yield Sample(
                "one pass, with dashes",
                encoding,
                corpora[-2].name,
                "bpecore",
                [took],
                size,
                documents,
            )
            continue
        best: dict[str, Sample] = {}
        for row in rows:
            if row.failure is not None:
                continue
            for cores, timings in row.timings.items():
                if not timings:
                    continue
                seconds = [statistics.median(timing.seconds for timing in timings)]
                measure = f"one pass, {row.way.what}{'' if cores == 1 else ', all cores'}"
                sample = Sample(measure, encoding, name, row.engine, seconds, size, documents)
                yield sample
                if cores == 1 and row.way.ids and (row.engine != "bpecore" or row.way is WAYS[0]):
                    known = best.setdefault(row.engine, sample)
                    best[row.engine] = min(known, sample, key=lambda each: each.values)
        for sample in best.values():
            yield sample._replace(measure="one pass")
