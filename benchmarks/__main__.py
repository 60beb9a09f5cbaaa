"""`python -m benchmarks [FOLDER]`: engines side by side, the bars, the record and the plots."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click

from bpecore.encodings import ENCODING_CONSTRUCTORS

from .corpora import find_texts
from .engines import BEFORE_VARIABLE, ENGINES, BeforeEngine, installed_version
from .measures import GROUPS
from .measures.settings import Settings
from .one_pass import one_pass_table, samples_of, time_corpora
from .processes import Workers
from .rank_files import write_rank_files
from .record import RESULTS, Record, newest_record
from .report import all_values, bars_table, heading, ratios_table

REPOSITORY = Path(__file__).parents[1]
DEFAULT_ENCODINGS = ("o200k_base", "cl100k_base")


def chosen_names(context: click.Context, parameter: click.Parameter, value: str) -> list[str]:
    """Reads an option of names parted by commas."""
    known = ENGINES if parameter.name == "engines" else GROUPS
    names = value.split(",")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise click.BadParameter(f"unknown {unknown}; known are {', '.join(known)}")
    return [name for name in known if name in names]


def take_before(context: click.Context, _: click.Parameter, python: str | None) -> None:
    """Lets the bpecore of another environment take turns with this one."""
    if python is not None:
        BeforeEngine.python = os.environ[BEFORE_VARIABLE] = python
        context.default_map = {"engines": "before,bpecore", "record": False}


@click.command(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="\b\nMeasures:\n"
    + "\n".join(f"  {name:<9} {group.what}" for name, group in GROUPS.items()),
)
@click.argument(
    "folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--encoding",
    "encodings",
    multiple=True,
    type=click.Choice(list(ENCODING_CONSTRUCTORS)),
    help=f"Can be given several times. [default: {', '.join(DEFAULT_ENCODINGS)}]",
)
@click.option("--engines", default=",".join(ENGINES), show_default=True, callback=chosen_names)
@click.option("--measures", default=",".join(GROUPS), show_default=True, callback=chosen_names)
@click.option(
    "--before",
    callback=take_before,
    expose_value=False,
    is_eager=True,
    help="The Python of another environment, whose bpecore is timed in turns with this one.",
)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option(
    "--resume",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A record to complete: measures that are in it are not run again. It takes what --one-pass"
    " measures, too.",
)
@click.option(
    "--show",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Print a record; measure nothing.",
)
@click.option(
    "--record/--no-record",
    default=None,
    help="Keep all timings in benchmarks/results/. [default: if all measures are run]",
)
@click.option(
    "--one-pass",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Instead: time large corpora, each document once. A folder of .jsonl files, whose lines"
    ' have a "text", or of .txt files. With --measures, these too.',
)
@click.option(
    "--megabytes",
    type=click.IntRange(1),
    help="Of --one-pass: read so many MB of each .jsonl file. [default: all]",
)
@click.option(
    "--update-docs",
    is_flag=True,
    help="Write the newest record's figures and plots into docs/speed.md, docs/pictures/ and"
    " README.md.",
)
def main(
    folder: Path | None,
    encodings: Sequence[str],
    engines: list[str],
    measures: list[str],
    rounds: int,
    resume: Path | None,
    show: Path | None,
    record: bool | None,
    one_pass: Path | None,
    megabytes: int | None,
    update_docs: bool,
) -> None:
    """Verify that the engines give equal ids for every .txt file of FOLDER, then time them.

    Each engine runs in a process of its own, pinned to one core and never at the same time as
    another. Engines that are not installed are left out. Default for FOLDER: $BPECORE_CORPORA,
    ../shared/corpora, or some texts that come with Python.
    """
    present = [name for name in engines if installed_version(name) is not None]
    all_measures = measures == list(GROUPS)
    if one_pass is not None:
        result = Record.read(resume) if resume else Record(present)
        path = RESULTS / f"{result.date}.json" if record and not resume else resume
        for encoding in encodings or DEFAULT_ENCODINGS:
            if ("one pass", encoding) in result.done:
                continue
            corpora = time_corpora(encoding, present, one_pass, rounds, megabytes)
            click.echo(one_pass_table(encoding, corpora))
            result.add("one pass", encoding, samples_of(encoding, corpora))
            if path:
                result.write(path)
        if not all_measures:
            run(result, path, encodings, present, measures, find_texts(folder), rounds)
        click.echo("\n" + bars_table(result))
    elif show is not None:
        print_record(Record.read(show))
    elif not update_docs:
        result = Record.read(resume) if resume else Record(present)
        if record is None:
            record = all_measures
        path = RESULTS / f"{result.date}.json" if record or resume else None
        files = find_texts(folder)
        click.echo(heading(result))
        run(result, path, encodings, present, measures, files, rounds)
        print_record(result)
        click.echo(f"\nrecorded in {path}" if path else "\nnot recorded (see --record)")
    if update_docs:
        from .speed_page import update

        click.echo(
            f"docs/speed.md, README.md and the plots show {update(REPOSITORY, newest_record())}"
        )


def encodings_of(group: str, chosen: Sequence[str]) -> list[str]:
    """Returns the encodings that a group of measures runs with; `chosen` is empty by default."""
    definition = GROUPS[group]
    wanted = [*(chosen or (*DEFAULT_ENCODINGS, *definition.also_encodings))]
    only = [name for name in wanted if name in definition.only_encodings]
    return only if definition.only_encodings else wanted


def run(
    record: Record,
    path: Path | None,
    encodings: Sequence[str],
    engines: Sequence[str],
    measures: Sequence[str],
    files: Sequence[Path],
    rounds: int,
) -> None:
    """Runs every group of measures that the record lacks, and writes it after each to `path`."""
    plan = [(name, group) for group in measures for name in encodings_of(group, encodings)]
    names = list(dict.fromkeys(name for name, _ in plan))
    with tempfile.TemporaryDirectory() as folder:
        rank_files = Path(folder)
        write_rank_files(rank_files, names, not {"tokenizers", "snaptokens"}.isdisjoint(engines))
        for encoding in names:
            with Workers(encoding, rank_files) as workers:
                settings = Settings(encoding, engines, files, rounds, rank_files, workers)
                for group in [group for name, group in plan if name == encoding]:
                    if (group, encoding) in record.done:
                        continue
                    before = time.perf_counter()
                    record.add(group, encoding, GROUPS[group].run(settings))
                    seconds = time.perf_counter() - before
                    print(f"{encoding} {group}: {seconds:.1f} s", file=sys.stderr, flush=True)
                    if path:
                        record.write(path)


def print_record(record: Record) -> None:
    """Prints all values of a record, and the bars."""
    click.echo(heading(record))
    for table in all_values(record):
        click.echo(table)
    click.echo("\n" + (ratios_table(record) or bars_table(record)))


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
