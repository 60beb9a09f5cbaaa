"""The command `bpecore tokenize`."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Sequence
from typing import Any, Callable

import click

from bpecore._corpus_formats import FORMATS
from bpecore.cli.inputs import printable
from bpecore.cli.options import DEFAULT_ENCODING, Command, with_options
from bpecore.cli.tokenize_report import Reporter
from bpecore.cli.vocabularies import (
    advice_on_options,
    check_has_file,
    check_one_of,
    vocabulary_options,
)


def _with_unit(units: dict[str, int], example: str) -> Callable[..., int | None]:
    """Returns a callback for numbers that may have a unit after them."""

    def convert(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
        if value is None:
            return None
        text = re.sub(r"[_,\s]", "", value.lower())
        found = re.fullmatch(r"(\d+\.?\d*)([a-z]*)", text)
        if found is None or found[2] not in units:
            raise click.BadParameter(f"{value!r} is not a number such as {example}")
        return int(float(found[1]) * units[found[2]])

    return convert


_size = _with_unit(
    {
        f"{letter}{rest}": (1024 if rest.startswith("i") else 1000) ** power
        for power, letter in enumerate(("", "k", "m", "g", "t"))
        for rest in ("", "b", "ib")
    },
    "256MB",
)
_count = _with_unit({"": 1, "k": 1000, "m": 10**6, "g": 10**9, "b": 10**9, "t": 10**12}, "100M")


def _input_options(command: Command) -> Command:
    """Adds the options on what is read."""
    return with_options(
        click.option(
            "--input-format",
            type=click.Choice(["auto", "text", "jsonl", "parquet", "arrow"]),
            default="auto",
            help="What the inputs hold. Default: what each looks like.",
        ),
        click.option(
            "--text-field",
            "text_fields",
            multiple=True,
            metavar="FIELD",
            help="The field or column with the text, such as a.b. Given several times, the "
            "texts of a record are joined. Default: text.",
        ),
        click.option(
            "--join", default="\n\n", help="What joins several fields. Default: a blank line."
        ),
        click.option(
            "--document",
            type=click.Choice(["file", "line"]),
            help="What a document of plain text is. Default: a file.",
        ),
        click.option("--separator", help="What is between the documents of plain text."),
        click.option(
            "--errors",
            type=click.Choice(["aside", "replace"]),
            default="aside",
            help="What is done with text that is not UTF-8. Default: the record is set aside.",
        ),
        click.option(
            "--allow-special",
            is_flag=True,
            help="Encode names of special tokens in texts as those tokens.",
        ),
    )(command)


def _token_options(command: Command) -> Command:
    """Adds the options on documents and shards."""
    return with_options(
        click.option(
            "--append",
            multiple=True,
            metavar="TOKEN",
            help="Put a token after each document: eot, bos, a special token's name, or an id.",
        ),
        click.option("--prepend", multiple=True, metavar="TOKEN", help="Put a token before each."),
        click.option("--max-tokens", callback=_count, help="Tokens per document, at most."),
        click.option(
            "--over",
            type=click.Choice(["cut", "drop"]),
            default="cut",
            help="What is done with longer documents. Default: cut.",
        ),
        click.option(
            "--shard-tokens",
            callback=_count,
            help="Tokens per shard; 0 for a single shard. Default: shards follow the inputs.",
        ),
        click.option(
            "--shard-size",
            callback=_size,
            default="0",
            help="Bytes of input per shard, such as 256MB. Default: a sixteenth of all, from "
            "64 MB to 1 GB.",
        ),
        click.option(
            "--shuffle",
            is_flag=True,
            help="Deal blocks of 16 MB of the inputs to shards at random, and put the documents of "
            "each shard in random order.",
        ),
        click.option(
            "--seed",
            type=click.IntRange(0),
            default=0,
            help="Seed of --shuffle and --val-fraction. Default: 0.",
        ),
        click.option(
            "--val-fraction",
            type=click.FloatRange(0, 1, max_open=True),
            default=0.0,
            help="Hold out this fraction of the documents for validation.",
        ),
        click.option("--dtype", type=click.Choice(["uint16", "uint32"]), help="Type of ids."),
        click.option("--prefix", default="", help="What the names of shards begin with."),
    )(command)


def _run_options(command: Command) -> Command:
    """Adds the options on how it is done, which change nothing in the result."""
    return with_options(
        click.option("--workers", type=click.IntRange(1), help="Processes. Default: all CPUs."),
        click.option(
            "--ray", metavar="ADDRESS", help="Do it on a Ray cluster: auto, or HOST:PORT."
        ),
        click.option(
            "--dry-run", is_flag=True, help="Write nothing; estimate tokens, size and time."
        ),
        click.option("--strict", is_flag=True, help="Stop at the first broken record."),
        click.option(
            "--restart", is_flag=True, help="Remove what an earlier run made, and begin again."
        ),
        click.option(
            "--json", "as_json", is_flag=True, help="Print progress and summary as JSON lines."
        ),
    )(command)


def _with_tidy_options(command: Command) -> Command:
    """Makes options of `bpecore.corpus.tokenize` of those of the command line."""

    @functools.wraps(command)
    def tidy(document: str | None, separator: str | None, dtype: str | None, **rest: Any) -> None:
        if separator is not None:
            if document is not None:
                raise click.UsageError("give --document or --separator, not both")
            document, separator = "separator", _unescaped(separator)
        fields = tuple(rest.pop("text_fields")) or ("text",)
        command(
            document=document or "file",
            separator=separator or "",
            dtype=dtype or "",
            text_fields=fields,
            **rest,
        )

    return tidy


def _unescaped(text: str) -> str:
    """Returns a separator with `\\n`, `\\t`, `\\0` and `\\\\` as the characters that they name."""
    for escape, character in ((r"\n", "\n"), (r"\t", "\t"), (r"\r", "\r"), (r"\0", "\0")):
        text = text.replace(escape, character)
    return text


@click.command(short_help="Make shards of token ids from files of text.")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-f",
    "--format",
    "format_name",
    type=click.Choice(FORMATS),
    required=True,
    help="Format of the shards: which programs can read them.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False),
    required=True,
    metavar="FOLDER",
    help="Where the shards go: a folder for this run alone.",
)
@vocabulary_options(several=False)
@_input_options
@_token_options
@_run_options
@_with_tidy_options
def tokenize(
    inputs: Sequence[str],
    output: str,
    as_json: bool,
    dry_run: bool,
    format_name: str,
    **options: Any,
) -> None:
    """Make shards of token ids from files of text, for training.

    INPUT is a file, a folder, a glob, a URL, or - for standard input: plain text, JSON Lines,
    Parquet or Arrow, also compressed. The same command goes on where it was interrupted. Exit code
    1 if records were set aside, 2 if it could not be done.
    """
    try:
        from bpecore.corpus import CorpusError
        from bpecore.corpus import tokenize as make
        from bpecore.corpus.memory import keep_little_memory
    except ImportError as error:
        raise Refused(f'{error} (pip install "bpecore[corpus]")') from None
    options["encoding"] = source_of(options)
    reporter = Reporter(as_json)
    try:
        if dry_run:
            del options["ray"]
            from bpecore.corpus.estimates import estimate

            estimated = estimate(inputs, output, format=format_name, **options)
            reporter.show_estimate(estimated)
            return
        keep_little_memory()
        on_progress = reporter.show_progress
        summary = make(inputs, output, format=format_name, on_progress=on_progress, **options)
    except CorpusError as error:
        raise Refused(str(error)) from None
    except KeyboardInterrupt:
        reporter.clear()
        click.echo("Interrupted. The same command goes on from here.", err=True)
        sys.exit(130)
    finally:
        reporter.clear()
    reporter.show_summary(summary, output)
    for failure in summary.failures:
        click.echo(f"Error: {printable(failure)}", err=True)
    if summary.failures:
        sys.exit(2)
    if summary.aside:
        sys.exit(1)


class Refused(click.ClickException):
    """It could not be done."""

    exit_code = 2


def source_of(options: dict[str, Any]) -> Any:
    """Returns where the encoding comes from, by the options that choose it."""
    from bpecore.corpus import CorpusError, EncodingSource
    from bpecore.model import encoding_name_for_model

    names = ("encoding", "model", "vocabulary", "pattern", "special_tokens")
    name, model, vocabulary, pattern, special_tokens = (options.pop(key) for key in names)
    check_one_of(name, model, vocabulary)
    check_has_file(vocabulary, pattern, special_tokens)
    try:
        if vocabulary is not None:
            return EncodingSource.of_file(vocabulary, pattern, special_tokens)
        if model is not None:
            name = encoding_name_for_model(model)
        return EncodingSource.of(name or DEFAULT_ENCODING)
    except CorpusError:
        raise
    except (OSError, ValueError) as error:
        raise Refused(advice_on_options(error)) from None
