"""`python -m benchmarks [FOLDER]`: MB/s of each engine side by side, over a folder's texts."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bpecore.encodings import ENCODING_CONSTRUCTORS

from .engines import ENGINES
from .machine import describe_machine
from .measure import Measurement, measure

REPOSITORY = Path(__file__).parents[1]
DEFAULT_FOLDER = os.environ.get("BPECORE_CORPORA") or str(REPOSITORY.parent / "shared" / "corpora")
RESULTS = Path(__file__).parent / "results"


@click.command()
@click.argument(
    "folder", default=DEFAULT_FOLDER, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--encoding",
    "encodings",
    multiple=True,
    type=click.Choice(list(ENCODING_CONSTRUCTORS)),
    default=["r50k_base", "cl100k_base", "o200k_base"],
    show_default=True,
    help="May be given several times.",
)
@click.option(
    "--engines",
    default=",".join(ENGINES),
    show_default=True,
    help="Names parted by commas; the others are compared with the first.",
)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option("--record", is_flag=True, help="Keep all timings under benchmarks/results/.")
def main(folder: Path, encodings: Sequence[str], engines: str, rounds: int, record: bool) -> None:
    """Verify that the engines give equal ids for every .txt file of FOLDER, then time them.

    Each engine runs in a process of its own, on one core and never at the same time as another; of
    all rounds the best counts.
    """
    names = engines.split(",")
    unknown = [name for name in names if name not in ENGINES]
    if unknown:
        raise click.UsageError(f"unknown engines {unknown}; known are {', '.join(ENGINES)}")
    files = sorted(folder.glob("*.txt"))
    if not files:
        raise click.UsageError(f"no .txt file in {folder}")
    machine = describe_machine()
    click.echo("  ".join(f"{key}: {value}" for key, value in machine.items()))
    click.echo(f"MB/s on one core, best of {rounds}; the ids of all engines were equal")
    records: list[dict[str, Any]] = []
    for encoding in encodings:
        measurements, workers = measure(encoding, names, files, rounds)
        versions = (f"{name} {hello['version']}" for name, hello in workers.items())
        click.echo(f"\n{encoding} ({', '.join(versions)})")
        click.echo(table(measurements, names))
        records.append(
            {"engines": workers, "measurements": [item._asdict() for item in measurements]}
        )
    if record:
        click.echo(f"\nrecorded in {write_record(machine, records)}")


def table(measurements: Sequence[Measurement], engines: Sequence[str]) -> str:
    """Returns a line a measurement: speeds, and how many times the first engine's each is."""
    heading = f"{'file':<16}{'method':<18}" + "".join(f"{engine:>11}" for engine in engines)
    lines = [heading + "".join(f"{engine + ' ratio':>14}" for engine in engines[1:])]
    for item in measurements:
        speeds = [item.megabytes_per_second(engine) for engine in engines]
        lines.append(
            f"{item.file:<16}{item.method:<18}"
            + "".join(f"{speed:>11.1f}" for speed in speeds)
            + "".join(f"{speed / speeds[0]:>14.1f}" for speed in speeds[1:])
        )
    return "\n".join(lines)


def write_record(machine: dict[str, str], records: list[dict[str, Any]]) -> Path:
    """Writes every timing to a file named by the time, and returns its path."""
    now = datetime.datetime.now(datetime.timezone.utc)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{now:%Y-%m-%dT%H%M%SZ}.json"
    content = {"date": now.isoformat(), "machine": machine, "runs": records}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
