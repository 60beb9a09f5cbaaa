"""`python -m benchmarks --one-pass FOLDER`: large corpora, each document once.

Encoding the same megabyte again and again flatters every cache; a pipeline reads each document
once. So each figure is the first large call of a fresh process, which has loaded the encoding,
encoded two words and read the documents. Engines take turns; the median of the rounds is shown.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click

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
        seconds = statistics.median(timing.seconds for timing in self.timings[cores])
        return f"{size / seconds / 1e6:.0f}"


def time_in_turns(
    encoding: str, engines: Sequence[str], rank_files: Path, path: Path, rounds: int
) -> list[Row]:
    """Times all engines, ways and numbers of cores on a corpus; those that fail only once."""
    numbers = sorted({1, ALL_CORES or 1})
    rows = [Row(engine, way, {n: [] for n in numbers}) for way in WAYS for engine in engines]
    failed: dict[int, str] = {}
    for _ in range(rounds):
        for number, row in enumerate(rows):
            for cores in numbers:
                if number in failed:
                    continue
                try:
                    timing = time_once(row.engine, encoding, rank_files, path, row.way, cores)
                except FailedError as error:
                    failed[number] = str(error)
                else:
                    row.timings[cores].append(timing)
    return [row._replace(failure=failed.get(number)) for number, row in enumerate(rows)]


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


def time_corpora(encoding: str, engines: Sequence[str], folder: Path, rounds: int) -> list[Corpus]:
    """Times every corpus of a folder."""
    corpora = []
    with tempfile.TemporaryDirectory() as made:
        rank_files = Path(made)
        write_rank_files(rank_files, [encoding], True)
        for path in find_corpora(folder):
            documents = corpus(str(path))
            size = sum(len(document.encode("utf-8")) for document in documents)
            rows = time_in_turns(encoding, engines, rank_files, path, rounds)
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
        best: dict[str, Sample] = {}
        for row in rows:
            if row.failure is not None:
                continue
            for cores, timings in row.timings.items():
                seconds = [statistics.median(timing.seconds for timing in timings)]
                measure = f"one pass, {row.way.what}{'' if cores == 1 else ', all cores'}"
                sample = Sample(measure, encoding, name, row.engine, seconds, size, documents)
                yield sample
                if cores == 1 and row.way.ids and (row.engine != "bpecore" or row.way is WAYS[0]):
                    known = best.setdefault(row.engine, sample)
                    best[row.engine] = min(known, sample, key=lambda each: each.values)
        for sample in best.values():
            yield sample._replace(measure="one pass")
