"""The command `bpecore verify`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from bpecore.cli import comparison
from bpecore.cli.options import DEFAULT_ENCODING, check_known
from bpecore.encodings import ENCODING_CONSTRUCTORS

SHOWN_MISMATCHES = 10


def _check_names(_: click.Context, __: click.Parameter, names: Sequence[str]) -> Sequence[str]:
    """Refuses names other than those of OpenAI's encodings, whose tables are in the package."""
    for name in names:
        check_known(name, ENCODING_CONSTRUCTORS)
    return names


@click.command()
@click.option(
    "--encoding",
    "names",
    multiple=True,
    callback=_check_names,
    help=f"Can be given several times. Default: {DEFAULT_ENCODING}.",
)
@click.option("--all", "all_encodings", is_flag=True, help="All of OpenAI's encodings.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True))
def verify(names: Sequence[str], all_encodings: bool, paths: Sequence[str]) -> None:
    """Compare with the installed tiktoken on PATHS, your own files or folders.

    Prints how many tokens were compared, in how many files they differ, and how many times faster
    bpecore was. Exit code 1 means that some differ. Files that are not UTF-8 are left out.
    """
    chosen = tuple(ENCODING_CONSTRUCTORS) if all_encodings else names or (DEFAULT_ENCODING,)
    files = []
    left_out = 0
    try:
        comparison.import_tiktoken()
        for path in comparison.text_files(map(Path, paths)):
            text = comparison.read_text(path)
            if text is None:
                left_out += 1
            else:
                files.append((path, text))
    except comparison.NoTiktokenError as error:
        raise click.ClickException(str(error)) from None
    rows = [comparison.compare(name, files) for name in chosen]
    click.echo(comparison.table(rows))
    if left_out:
        click.echo(f"left out: {left_out} files that are not UTF-8")
    mismatches = [mismatch for row in rows for mismatch in row.mismatches]
    for mismatch in mismatches[:SHOWN_MISMATCHES]:
        click.echo(str(mismatch))
    if mismatches:
        sys.exit(1)
