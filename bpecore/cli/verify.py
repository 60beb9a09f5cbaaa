"""The command `bpecore verify`."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import click

from bpecore import __version__
from bpecore._core import simd
from bpecore._plural import counted
from bpecore.cli import verification
from bpecore.cli.inputs import printable
from bpecore.cli.options import DEFAULT_ENCODING, check_known, complete_encodings
from bpecore.cli.rank_sources import rank_source, table_of
from bpecore.encodings import ENCODING_CONSTRUCTORS
from bpecore.fuzzing.installed_tiktoken import NoTiktokenError, import_tiktoken

SHOWN = 10
"""Mismatches, and files that cannot be read, that are printed."""

FIRST_PASS = (
    "The times are a first pass: each engine encoded each file once, after loading.\n"
    "bpecore remembers pieces and is faster on repeated text; `python -m benchmarks`\n"
    "measures both."
)


def _check_names(context: click.Context, _: click.Parameter, names: Sequence[str]) -> Sequence[str]:
    """Refuses names other than those of OpenAI's encodings, whose tables are in the package."""
    for name in names:
        check_known(context, name, ENCODING_CONSTRUCTORS)
    return names


@click.command(short_help="Compare with tiktoken on your own files.")
@click.option(
    "-e",
    "--encoding",
    "names",
    multiple=True,
    callback=_check_names,
    shell_complete=complete_encodings,
    help=f"Encoding to compare; can be given several times. Default: {DEFAULT_ENCODING}.",
)
@click.option("--all", "all_encodings", is_flag=True, help="All of OpenAI's encodings.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, readable=False))
def verify(names: Sequence[str], all_encodings: bool, paths: Sequence[str]) -> None:
    """Compare with the installed tiktoken on PATHS, your own files or folders.

    Prints the versions, where the ranks came from, how many tokens were compared, in how many
    files they differ, and how many times faster bpecore was in a first pass. Exit code 1 means that
    some differ, or that no file could be compared. Files that are not UTF-8 or cannot be read are
    skipped and reported.
    """
    chosen = tuple(ENCODING_CONSTRUCTORS) if all_encodings else names or (DEFAULT_ENCODING,)
    try:
        import_tiktoken()
    except NoTiktokenError as error:
        raise click.ClickException(str(error)) from None
    found = Files()
    found.read(paths)
    click.echo(versions())
    sources = {name: rank_source(name) for name in dict.fromkeys(map(table_of, chosen))}
    for source in sources.values():
        click.echo(str(source))
    rows = [
        verification.compare(name, found.texts, sources[table_of(name)].ranks) for name in chosen
    ]
    click.echo(verification.table(rows))
    click.echo(FIRST_PASS)
    found.report()
    mismatches = [mismatch for row in rows for mismatch in row.mismatches]
    for mismatch in mismatches[:SHOWN]:
        click.echo(printable(str(mismatch)))
    if mismatches or not found.texts:
        sys.exit(1)


def versions() -> str:
    """Returns the versions of what is compared, in one line."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return (
        f"bpecore {__version__} ({simd}), tiktoken {metadata.version('tiktoken')}, "
        f"{python}, {platform.system()} {platform.machine()}"
    )


class Files:
    """The files that are compared.

    Attributes:
        texts: those that are text, with their texts.
        not_text: how many are not UTF-8.
        unreadable: what could not be read, with the reason.
    """

    def __init__(self) -> None:
        self.texts: list[tuple[Path, str]] = []
        self.not_text = 0
        self.unreadable: list[str] = []

    def read(self, paths: Sequence[str]) -> None:
        """Reads all files of the paths."""
        for path in verification.text_files(map(Path, paths), self._skip):
            try:
                text = verification.read_text(path)
            except OSError as error:
                self._skip(error)
                continue
            if text is None:
                self.not_text += 1
            else:
                self.texts.append((path, text))

    def _skip(self, error: OSError) -> None:
        name = printable(os.path.normpath(error.filename))
        self.unreadable.append(f"{name}: {error.strerror}")

    def report(self) -> None:
        """Prints what was left out."""
        if self.not_text:
            one, several = "file that is not UTF-8", "files that are not UTF-8"
            click.echo(f"left out: {counted(self.not_text, one, several)}")
        for line in self.unreadable[:SHOWN]:
            click.echo(f"left out: {line}")
        if len(self.unreadable) > SHOWN:
            click.echo(f"left out: {len(self.unreadable) - SHOWN} more that cannot be read")
