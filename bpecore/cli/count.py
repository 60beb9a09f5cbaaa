"""The command `bpecore count`."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any, Callable, NamedTuple

import click

from bpecore._plural import counted
from bpecore.cli.inputs import NotTextError, Reader, Source, errors_about, printable
from bpecore.cli.options import allow_special, any_paths_argument, with_reader
from bpecore.cli.streams import stream
from bpecore.cli.vocabularies import with_encoding
from bpecore.core import Encoding

LONG_INPUT = 1 << 26
"""Bytes from which a terminal sees a progress bar."""


class Counted(NamedTuple):
    """The result for one input.

    Attributes:
        name: its path or a short form of its text.
        tokens: number of tokens.
        characters: number of characters.
    """

    name: str
    tokens: int
    characters: int


@click.command(short_help="Count the tokens of each file.")
@with_encoding
@allow_special
@click.option(
    "-r", "--recursive", is_flag=True, help="Search directories, without what Git ignores."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--sort", type=click.Choice(["tokens", "name"]), help="Sort by tokens, most first, or by name."
)
@with_reader
@any_paths_argument
def count(
    encoding: Encoding,
    special: bool,
    recursive: bool,
    as_json: bool,
    sort: str | None,
    reader: Reader,
    sources: Sequence[Source],
) -> None:
    """Count the tokens of each of FILES, or of standard input.

    One input prints only the number; several print a line each, with the name, and the total. If
    an input cannot be read, that is reported, the others are counted, and the exit code is 1.

    With -r, directories are searched, except for what .gitignore excludes; files that are not text
    are skipped.
    """
    search = Search(recursive)
    of_source = functools.partial(_counted, encoding, special, reader)
    results = _each(search.sources(sources), of_source, search)
    has_names = len(sources) > 1 or recursive
    if as_json:
        _print_json(encoding, _sorted(results, sort), search.failures)
    elif not has_names:
        for result in results:
            click.echo(str(result.tokens))
    elif sys.stdout.isatty():
        _print_table(_sorted(results, sort))
    else:
        _print_lines(_sorted(results, sort) if sort else results)
    search.report_skipped()
    if search.failures:
        sys.exit(1)


class Search:
    """Finds the inputs, and keeps what went wrong.

    Attributes:
        recursive: whether directories are searched.
        failures: the messages of inputs that could not be counted, by name.
        skipped: how many files below directories are not text.
    """

    def __init__(self, recursive: bool) -> None:
        self.recursive = recursive
        self.failures: dict[str, str] = {}
        self.skipped = 0
        self._found: set[str] = set()

    def sources(self, sources: Sequence[Source]) -> Iterator[Source]:
        """Yields the inputs; with `recursive`, files instead of directories."""
        for source in sources:
            if source.text is None and os.path.isdir(source.path) and self.recursive:
                from bpecore.cli.search import files_below

                for path in files_below(source.path, self._report_directory):
                    self._found.add(path)
                    yield Source(path)
            elif source.text is None and os.path.isdir(source.path):
                self.report(source, f"{source.display_name}: Is a directory (-r searches it)")
            else:
                yield source

    def _report_directory(self, error: OSError) -> None:
        source = Source(os.fsdecode(error.filename))
        self.report(source, f"{source.display_name}: {error.strerror}")

    def report(self, source: Source, message: str) -> None:
        """Reports an input that could not be counted."""
        self.failures[source.path] = message
        click.ClickException(message).show()

    def skip_or_report(self, source: Source, error: click.ClickException) -> None:
        """Skips a file below a directory that is not text; reports every other failure."""
        if source.path in self._found and isinstance(error, NotTextError):
            self.skipped += 1
        else:
            self.report(source, error.message)

    def report_skipped(self) -> None:
        """Reports how many files were skipped."""
        if self.skipped:
            files = counted(self.skipped, "file that is not text", "files that are not text")
            click.echo(f"skipped: {files}", err=True)


def _each(
    sources: Iterator[Source], of_source: Callable[..., Counted], search: Search
) -> Iterator[Counted]:
    """Yields the results of all inputs that can be counted; long ones with a progress bar."""
    if sys.stderr.isatty():
        found = list(sources)
        size = sum(source.size for source in found)
        sources = iter(found)
        if size >= LONG_INPUT:
            with click.progressbar(length=size, label="counting", file=sys.stderr) as bar:
                counting = functools.partial(of_source, progress=bar.update)
                results = list(_without_failures(sources, counting, search))
            yield from results
            return
    yield from _without_failures(sources, of_source, search)


def _without_failures(
    sources: Iterator[Source], of_source: Callable[[Source], Counted], search: Search
) -> Iterator[Counted]:
    for source in sources:
        try:
            yield of_source(source)
        except click.ClickException as error:
            search.skip_or_report(source, error)


def _counted(
    encoding: Encoding,
    special: bool,
    reader: Reader,
    source: Source,
    progress: Callable[[int], None] | None = None,
) -> Counted:
    """Counts one input.

    Args:
        progress: gets the size of each chunk in bytes, about.
    """
    characters = 0

    def chunks() -> Iterator[str]:
        nonlocal characters
        for chunk in reader.chunks(source):
            characters += len(chunk)
            yield chunk
            if progress is not None:
                progress(len(chunk) if chunk.isascii() else len(chunk.encode(errors="replace")))

    with errors_about(source):
        tokens = sum(stream(encoding, chunks(), special, encoding.count, len))
    return Counted(source.path, tokens, characters)


def _sorted(results: Iterator[Counted], order: str | None) -> list[Counted]:
    if order == "tokens":
        return sorted(results, key=lambda result: (-result.tokens, result.name))
    return sorted(results, key=lambda result: result.name) if order else list(results)


def _total(results: Sequence[Counted]) -> Counted:
    tokens = sum(row.tokens for row in results)
    return Counted("total", tokens, sum(row.characters for row in results))


def _print_lines(results: Iterator[Counted] | list[Counted]) -> None:
    """Prints plain columns, each line as soon as it is known."""
    total = 0
    for result in results:
        total += result.tokens
        click.echo(b"%d %b" % (result.tokens, os.fsencode(result.name)))
    click.echo(f"{total} total")


def _print_table(results: list[Counted]) -> None:
    """Prints a table for people."""
    rows = [("tokens", "characters", "")]
    rows += [
        (f"{row.tokens:,}", f"{row.characters:,}", printable(row.name))
        for row in [*results, _total(results)]
    ]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for place, row in enumerate(rows):
        if place == len(rows) - 1:
            click.echo("-" * (sum(widths) + 2))
        numbers = (cell.rjust(width) for cell, width in zip(row, widths))
        click.echo("  ".join([*numbers, row[2]]).rstrip())


def _print_json(encoding: Encoding, results: list[Counted], failures: dict[str, str]) -> None:
    import json

    total: dict[str, Any] = _total(results)._asdict()
    del total["name"]
    answer = {
        "encoding": encoding.name,
        "inputs": [result._asdict() for result in results],
        "errors": [{"name": name, "error": message} for name, message in failures.items()],
        "total": total,
    }
    click.echo(json.dumps(answer, indent=2))
