"""The raw record of a run: every timing, with the machine and the versions, as JSON."""

from __future__ import annotations

import datetime
import json
import statistics
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from .engines import ENGINES, installed_version
from .machine import describe_machine

RESULTS = Path(__file__).parent / "results"


class Sample(NamedTuple):
    """All values of one engine in one measure."""

    measure: str
    encoding: str
    subject: str
    """What it was measured on: a file, a length, a character …"""
    engine: str
    values: list[float]
    """In the order measured: seconds, or bytes of memory."""
    bytes: int = 0
    """UTF-8 bytes of the input."""
    items: int = 0
    """Characters of the input if it is a text, otherwise its elements."""
    unit: str = "s"

    @property
    def value(self) -> float:
        """The best time, or the median of memory."""
        return statistics.median(self.values) if self.unit == "B" else min(self.values)

    @property
    def megabytes_per_second(self) -> float:
        """The speed of the best time; a megabyte is 10^6 bytes."""
        return self.bytes / self.value / 1e6


class LeftOut(NamedTuple):
    """An engine that was left out of a measure, and why."""

    measure: str
    encoding: str
    subject: str
    engine: str
    reason: str


class Record:
    """What a run measured; several runs on one machine may fill the same record."""

    def __init__(self, engines: Iterable[str] = ()) -> None:
        now = datetime.datetime.now(datetime.timezone.utc)
        self.date = f"{now:%Y-%m-%dT%H%M%SZ}"
        self.machine = describe_machine()
        found = {ENGINES[name].distribution: installed_version(name) for name in engines}
        self.versions = {name: version for name, version in found.items() if version}
        self.samples: list[Sample] = []
        self.left_out: list[LeftOut] = []
        self.done: list[tuple[str, str]] = []
        """The groups of measures that are complete, with their encoding."""

    def add(self, group: str, encoding: str, results: Iterable[Sample | LeftOut]) -> None:
        """Takes the results of a group of measures, which is complete with them."""
        for result in results:
            if isinstance(result, Sample):
                self.samples.append(result)
            else:
                self.left_out.append(result)
        self.done.append((group, encoding))

    def find(self, measure: str, encoding: str, engine: str) -> dict[str, Sample]:
        """Returns an engine's samples of a measure by subject, in the order measured."""
        return {
            sample.subject: sample
            for sample in self.samples
            if (sample.measure, sample.encoding, sample.engine) == (measure, encoding, engine)
        }

    def find_any(self, measure: str) -> list[Sample]:
        """Returns all samples of a measure."""
        return [sample for sample in self.samples if sample.measure == measure]

    def encodings(self) -> list[str]:
        """Returns the encodings that were measured, in order."""
        return list(dict.fromkeys(encoding for _, encoding in self.done))

    def write(self, path: Path) -> None:
        """Writes the record, one sample a line, so that a crash leaves the old file or the new."""
        head = {"date": self.date, "machine": self.machine, "versions": self.versions}
        parts = [f'"{key}": {json.dumps(value)}' for key, value in head.items()]
        for key, rows in (("samples", self.samples), ("left_out", self.left_out)):
            lines = ",\n".join(json.dumps(row._asdict(), ensure_ascii=False) for row in rows)
            parts.append(f'"{key}": [\n{lines}\n]')
        parts.append(f'"done": {json.dumps(self.done)}')
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(".part")
        scratch.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
        scratch.replace(path)

    @classmethod
    def read(cls, path: Path) -> Record:
        """Reads what `write` wrote."""
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        record = cls()
        record.date, record.machine = content["date"], content["machine"]
        record.versions = content["versions"]
        record.samples = [Sample(**row) for row in content["samples"]]
        record.left_out = [LeftOut(**row) for row in content["left_out"]]
        record.done = [(group, encoding) for group, encoding in content["done"]]
        return record


def newest_record(folder: Path = RESULTS) -> Path:
    """Returns the newest record's path, by its name.

    Raises:
        FileNotFoundError: there is none.
    """
    found: Iterator[Path] = folder.glob("*.json")
    try:
        return max(found)
    except ValueError:
        raise FileNotFoundError(f"no record in {folder}") from None
