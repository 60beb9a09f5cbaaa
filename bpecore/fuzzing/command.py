"""The command `bpecore fuzz`, which is also `python -m fuzz` in the source tree."""

from __future__ import annotations

from pathlib import Path

import click

from bpecore.encodings import ENCODING_CONSTRUCTORS
from bpecore.fuzzing.installed_tiktoken import NoTiktokenError, import_tiktoken
from bpecore.fuzzing.outcomes import Tally
from bpecore.fuzzing.texts import real_texts
from bpecore.fuzzing.vocabularies import GENERATED

TYPE_CHECKING = False  # these modules need tiktoken, which the help can do without
if TYPE_CHECKING:
    from bpecore.fuzzing.finding import Finding

NAMES = [*ENCODING_CONSTRUCTORS, GENERATED]
ROTATION = [name for encoding in ENCODING_CONSTRUCTORS for name in (encoding, GENERATED)]
"""Every second round generates its encodings."""

REGRESSIONS = Path("fuzz") / "regressions"
"""Where mismatches are stored when the command runs in the source tree."""


@click.command(
    short_help="Compare with tiktoken on random texts.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--seconds", default=60.0, show_default=True, help="How long to start new rounds.")
@click.option("--seed", default=0, show_default=True, help="Determines everything except speed.")
@click.option(
    "--encoding",
    "encodings",
    multiple=True,
    type=click.Choice(NAMES),
    help="Encoding to test; can be given several times. Default: all.",
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option(
    "--texts",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of .txt files to mutate. Default: $BPECORE_CORPORA, or files from Python.",
)
@click.option(
    "--save",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder for mismatches. Default: fuzz/regressions if it exists, or the current one.",
)
@click.option("--round", "number", type=click.IntRange(0), help="Run only this round.")
@click.option(
    "--replay",
    "case",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Run a stored mismatch again.",
)
@click.option("--quiet", is_flag=True, help="Show no progress line.")
def fuzz(
    seconds: float,
    seed: int,
    encodings: tuple[str, ...],
    jobs: int,
    texts: Path | None,
    save: Path | None,
    number: int | None,
    case: Path | None,
    quiet: bool,
) -> None:
    """Compare bpecore with tiktoken on random texts; exit with 1 on a mismatch."""
    try:
        import_tiktoken()
    except NoTiktokenError as error:
        raise click.ClickException(str(error)) from None
    from bpecore.fuzzing.finding import NoCaseError, replay
    from bpecore.fuzzing.rounds import run_round
    from bpecore.fuzzing.run import Plan, Progress, run

    if case is not None:
        try:
            difference = replay(case)
        except NoCaseError as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"{case}: equal" if difference is None else f"{case}: mismatch\n{difference}")
        raise SystemExit(difference is not None)
    names = list(encodings) or ROTATION
    try:
        material = real_texts(texts)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if number is not None:
        for name in dict.fromkeys(names):
            finish(run_round(name, seed, number, material, Tally()), save)
        click.echo(f"round {number} of seed {seed}: equal")
        return
    progress = Progress(not quiet)
    try:
        finding = run(Plan(names, seed, seconds, jobs, texts), progress)
    finally:
        progress.close()
    finish(finding, save)
    click.echo(f"seed {seed}, {', '.join(dict.fromkeys(names))}: {str(progress).strip()}; equal")
    options = "".join(f" --encoding {name}" for name in encodings)
    click.echo(progress.row(f"--seed {seed} --seconds {seconds:g} --jobs {jobs}{options}"))


def finish(finding: Finding | None, save: Path | None) -> None:
    """Stores and shows a mismatch, and ends the process with 1."""
    if finding is None:
        return
    folder = save or (REGRESSIONS if REGRESSIONS.is_dir() else Path())
    click.echo(finding.describe(finding.save(folder) if finding.alone else None))
    raise SystemExit(1)
