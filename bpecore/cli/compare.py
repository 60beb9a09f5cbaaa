"""The command `bpecore compare`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

import click

from bpecore.cli.count import Search
from bpecore.cli.inputs import Reader, Source, errors_about, printable
from bpecore.cli.options import allow_special, any_paths_argument, with_reader
from bpecore.cli.streams import special_arguments
from bpecore.cli.vocabularies import with_encodings
from bpecore.core import Encoding

if TYPE_CHECKING:
    from bpecore.cli.prices import Cost
    from bpecore.view.scripts import Counts

    ByEncoding = dict[str, Counts]

TOTAL = "total"


@click.command(short_help="Compare the tokens of texts under several vocabularies.")
@with_encodings
@allow_special
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--prices",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False),
    help="Print costs: a JSON object or a CSV file of prices per million tokens, by the names of "
    "encodings and models.",
)
@click.option(
    "--svg",
    metavar="OUT",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="Write a plot of bytes per token by script.",
)
@with_reader
@any_paths_argument
def compare(
    encodings: Sequence[Encoding],
    special: bool,
    as_json: bool,
    prices: str | None,
    svg: str | None,
    reader: Reader,
    sources: Sequence[Source],
) -> None:
    """Compare the tokens of FILES and of the files in folders under several vocabularies.

    Prints the tokens, bytes per token and fertility (tokens per word), by script and by file. In
    scripts that put no blanks between words, a word is a letter. Folders are searched without what
    Git ignores.
    """
    from bpecore.cli.prices import costs_of, read_prices

    try:
        table = read_prices(prices) if prices else {}
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    search = Search(recursive=True)
    found = Comparison([encoding.name for encoding in encodings])
    for source in search.sources(sources):
        try:
            with errors_about(source):
                found.add(source.path, reader.text(source), encodings, special)
        except click.ClickException as error:
            search.skip_or_report(source, error)
    costs, others = costs_of(table, {name: c.tokens for name, c in found.total.items()})
    if as_json:
        _print_json(found, costs, search.failures)
    elif svg != "-" and (found.files or not search.failures):
        _print_tables(found, costs)
    if svg:
        from bpecore.view.plot import bars

        groups = {TOTAL: found.total, **found.scripts}
        values = {
            name: [each.bytes_per_token for each in counts.values()]
            for name, counts in groups.items()
        }
        with click.open_file(svg, "w", encoding="utf-8") as file:
            file.write(bars("Bytes per token, by script", values, found.names))
    if others:
        click.echo(f"prices of what is not compared: {', '.join(others)}", err=True)
    search.report_skipped()
    if search.failures:
        sys.exit(1)


class Comparison:
    """What is counted of all texts.

    Args:
        names: the names of the encodings.

    Attributes:
        names: the same.
        files: the counts under each encoding, by file.
        scripts: the counts under each encoding, by script.
    """

    def __init__(self, names: Sequence[str]) -> None:
        from bpecore.view.scripts import SCRIPTS, Counts

        self.names = list(dict.fromkeys(names))
        if len(self.names) < len(names):
            raise click.UsageError("two of the vocabularies have the same name")
        self.files: dict[str, ByEncoding] = {}
        self._nothing = dict.fromkeys(self.names, Counts())
        self._scripts = dict.fromkeys(SCRIPTS, self._nothing)

    def add(self, path: str, text: str, encodings: Sequence[Encoding], special: bool) -> None:
        """Counts one text."""
        from bpecore.view.scripts import Counts, counts_by_script
        from bpecore.view.tokens import TokenizedText

        allowed = special_arguments(special)["allowed_special"]
        found = {  # complete before anything is added: a text may be refused
            encoding.name: counts_by_script(TokenizedText(encoding, text, allowed))
            for encoding in encodings
        }
        counts = {}
        for name, by_script in found.items():
            counts[name] = reduce(Counts.plus, by_script.values(), Counts())
            for script, more in by_script.items():
                before = self._scripts[script]
                self._scripts[script] = {**before, name: before[name].plus(more)}
        self.files[path] = _sum(self.files.get(path, self._nothing), counts)

    @property
    def scripts(self) -> dict[str, ByEncoding]:
        return {name: counts for name, counts in self._scripts.items() if counts != self._nothing}

    @property
    def total(self) -> ByEncoding:
        return reduce(_sum, self.files.values(), self._nothing)


def _sum(one: ByEncoding, other: ByEncoding) -> ByEncoding:
    return {name: counts.plus(other[name]) for name, counts in one.items()}


def _print_tables(found: Comparison, costs: Sequence[Cost]) -> None:
    groups: list[tuple[str, Mapping[str, ByEncoding]]] = [("", {TOTAL: found.total})]
    if found.scripts:
        groups += [("script", found.scripts)]
    if len(found.files) > 1:
        groups += [("file", found.files)]
    for title, group in groups:
        head = [title, "encoding", "tokens", "bytes/token", "tokens/word"]
        _print_table([head, *_rows(group)])
    if costs:
        rows = [
            [cost.name, cost.encoding, f"{cost.price:g}", f"{cost.cost:,.6f}"] for cost in costs
        ]
        _print_table([["price of", "encoding", "per million", "cost"], *rows])


def _rows(group: Mapping[str, ByEncoding]) -> Iterator[list[str]]:
    for name, counts in group.items():
        for place, (encoding, found) in enumerate(counts.items()):
            ratios = (found.bytes_per_token, found.fertility)
            shown = ["-" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
            yield ["" if place else name, encoding, f"{found.tokens:,}", *shown]


def _print_table(rows: list[list[str]]) -> None:
    """Prints two columns of names and others of numbers, and an empty line."""
    rows = [list(map(printable, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = [
            cell.ljust(width) if place < 2 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths))
        ]
        click.echo("  ".join(cells).rstrip())
    click.echo()


def _print_json(found: Comparison, costs: Sequence[Cost], failures: dict[str, str]) -> None:
    import json

    def described(counts: ByEncoding) -> dict[str, Any]:
        return {
            name: {
                **each._asdict(),
                "bytes_per_token": each.bytes_per_token,
                "tokens_per_word": each.fertility,
            }
            for name, each in counts.items()
        }

    answer = {
        "encodings": found.names,
        "total": described(found.total),
        "scripts": {name: described(counts) for name, counts in found.scripts.items()},
        "inputs": [
            {"name": name, "encodings": described(counts)} for name, counts in found.files.items()
        ],
        "costs": [cost._asdict() for cost in costs],
        "errors": [{"name": name, "error": message} for name, message in failures.items()],
    }
    click.echo(json.dumps(answer, indent=2))
