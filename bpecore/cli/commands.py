"""The command line: `count`, `encode`, `decode`, `encodings`, over files or standard input; `run`.

`verify` and `fuzz` compare with the installed tiktoken.

Text is UTF-8 whatever the locale says, and line ends are left as they are. Exit codes: 0 when all
went well, 1 when an input could not be read as what it should be, 2 when the command itself was
wrong (an unknown encoding, a file that is not there).
"""

from __future__ import annotations

import errno
import functools
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Callable

import click

from bpecore import __version__
from bpecore.cli.run import run_program
from bpecore.core import Encoding
from bpecore.encodings import ENCODING_CONSTRUCTORS
from bpecore.model import MODEL_PREFIX_TO_ENCODING, MODEL_TO_ENCODING, encoding_name_for_model
from bpecore.registry import get_encoding, list_encoding_names

DEFAULT_ENCODING = "o200k_base"
STANDARD_INPUT = "-"
SHOWN_MISMATCHES = 10
LARGEST_ID_DIGITS = len(str(2**32))

Command = Callable[..., None]


def check_encoding_name(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    """Refuses an encoding that is not registered, naming those that are."""
    if name is not None and name not in list_encoding_names():
        raise click.BadParameter(
            f"unknown encoding {name!r}; known are {', '.join(list_encoding_names())}"
        )
    return name


def check_encoding_names(
    _: click.Context, __: click.Parameter, names: Sequence[str]
) -> Sequence[str]:
    """Refuses names that are not of OpenAI's encodings: `verify` has the tables of no other."""
    for name in names:
        if name not in ENCODING_CONSTRUCTORS:
            raise click.BadParameter(
                f"unknown encoding {name!r}; known are {', '.join(ENCODING_CONSTRUCTORS)}"
            )
    return names


def check_model(_: click.Context, __: click.Parameter, model: str | None) -> str | None:
    """Refuses a model whose encoding is not known, naming the models that are."""
    if model is not None:
        try:
            encoding_name_for_model(model)
        except KeyError:
            prefixes = [f"{prefix}…" for prefix in MODEL_PREFIX_TO_ENCODING]
            known = ", ".join([*MODEL_TO_ENCODING, *prefixes])
            raise click.BadParameter(f"unknown model {model!r}; known are {known}") from None
    return model


def with_encoding(command: Command) -> Command:
    """Adds the options that choose an encoding; the command gets it as `encoding`."""

    @functools.wraps(command)
    def choose(encoding_name: str | None, model: str | None, **arguments: Any) -> None:
        if encoding_name and model:
            raise click.UsageError("give --encoding or --model, not both")
        name = encoding_name_for_model(model) if model else encoding_name or DEFAULT_ENCODING
        command(encoding=get_encoding(name), **arguments)

    choose = click.option("--model", callback=check_model, help="The encoding of this model.")(
        choose
    )
    return click.option(
        "--encoding",
        "encoding_name",
        callback=check_encoding_name,
        help=f"Name of the encoding. Default: {DEFAULT_ENCODING}.",
    )(choose)


files_argument = click.argument(
    "files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)
allow_special_option = click.option(
    "--allow-special",
    is_flag=True,
    help="Take the text of special tokens (<|endoftext|> …) for these tokens. "
    "Without it such text is ordinary text.",
)


class CommandLine(click.Group):
    """The commands; `run` hands the process over before click reads a word."""

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        # Under click, the other program's errors, interrupts and options would be click's.
        arguments = sys.argv[1:] if args is None else list(args)
        if arguments[:1] == ["run"]:
            return run_program(arguments[1:])
        return super().main(args, *rest, **options)

    def invoke(self, ctx: click.Context) -> Any:
        if sys.stdout is None:
            raise click.ClickException("standard output: it is closed")
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # click ends quietly for a reader that has seen enough
            raise click.ClickException(
                f"{error.filename or 'standard output'}: {error.strerror or error}"
            ) from None


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bpecore")
def main() -> None:
    """Count, encode and decode tokens as OpenAI's models do. Offline."""


@main.command()
@with_encoding
@allow_special_option
@files_argument
def count(encoding: Encoding, allow_special: bool, files: Sequence[str]) -> None:
    """Print the number of tokens of each of FILES, or of standard input.

    For one input the number alone; for several a line each with its name, and the total.
    """
    inputs = files or [STANDARD_INPUT]
    total = 0
    failed = False
    for path in inputs:
        try:
            text = read_text(path)
        except click.ClickException as error:
            error.show()
            failed = True
            continue
        tokens = encoding.count(text, **special_arguments(allow_special))
        total += tokens
        click.echo(b"%d %b" % (tokens, os.fsencode(path)) if len(inputs) > 1 else str(tokens))
    if len(inputs) > 1:
        click.echo(f"{total} total")
    if failed:
        sys.exit(1)


@main.command()
@with_encoding
@allow_special_option
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list an input.")
@files_argument
def encode(encoding: Encoding, allow_special: bool, as_json: bool, files: Sequence[str]) -> None:
    """Print the token ids of each of FILES, or of standard input: a line each."""
    for path in files or [STANDARD_INPUT]:
        ids = encoding.encode(read_text(path), **special_arguments(allow_special))
        click.echo(json.dumps(ids) if as_json else " ".join(map(str, ids)))


@main.command()
@with_encoding
@files_argument
def decode(encoding: Encoding, files: Sequence[str]) -> None:
    """Write the bytes of the token ids in FILES, or in standard input, and nothing else.

    Ids are parted by white space or commas, or stand in JSON lists, as `encode` prints them.
    """
    for path in files or [STANDARD_INPUT]:
        ids = parse_ids(read_text(path), path)
        try:
            content = encoding.decode_bytes(ids)
        except (KeyError, OverflowError) as error:
            raise click.ClickException(f"{display_name(path)}: {error.args[0]}") from None
        click.echo(content, nl=False)


@main.command()
def encodings() -> None:
    """Print the names of the encodings, a line each."""
    for name in list_encoding_names():
        click.echo(name)


@main.command(name="run")
def describe_run() -> None:
    """Run a Python program with bpecore in tiktoken's place."""


@main.command()
@click.option(
    "--encoding",
    "names",
    multiple=True,
    callback=check_encoding_names,
    help=f"May be given several times. Default: {DEFAULT_ENCODING}.",
)
@click.option("--all", "all_encodings", is_flag=True, help="All of OpenAI's encodings.")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True))
def verify(names: Sequence[str], all_encodings: bool, paths: Sequence[str]) -> None:
    """Compare with the installed tiktoken on PATHS, files or folders of your own.

    Prints how many tokens were compared, in how many files they differ, and how many times faster
    bpecore was. Exit code 1 means that some differ. Files that are not UTF-8 are left out.
    """
    from bpecore.cli import verify as comparison

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
    rows = [comparison.verify(name, files) for name in chosen]
    click.echo(comparison.table(rows))
    if left_out:
        click.echo(f"left out: {left_out} files that are not UTF-8")
    mismatches = [mismatch for row in rows for mismatch in row.mismatches]
    for mismatch in mismatches[:SHOWN_MISMATCHES]:
        click.echo(str(mismatch))
    if mismatches:
        sys.exit(1)


@main.command(name="fuzz", add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def start_fuzzing(arguments: Sequence[str]) -> None:
    """Compare with the installed tiktoken on random texts; --help says more."""
    from bpecore.cli.verify import NoTiktokenError, import_tiktoken

    try:
        import_tiktoken()
    except NoTiktokenError as error:
        raise click.ClickException(str(error)) from None
    from bpecore.fuzzing.command import fuzz

    fuzz.main(args=list(arguments), prog_name="bpecore fuzz")


def special_arguments(allow_special: bool) -> dict[str, Any]:
    """Returns the arguments by which no text is refused."""
    return {"allowed_special": "all" if allow_special else set(), "disallowed_special": ()}


def display_name(path: str) -> str:
    return "standard input" if path == STANDARD_INPUT else click.format_filename(path)


def read_text(path: str) -> str:
    """Returns the text of a file or of standard input, exactly.

    Raises:
        click.ClickException: It cannot be read or is no UTF-8; the message tells where.
    """
    if path == STANDARD_INPUT and sys.stdin is None:
        raise click.ClickException(f"{display_name(path)}: it is closed")
    try:
        with click.open_file(path, "rb") as file:
            content = file.read()
    except OSError as error:
        raise click.ClickException(f"{display_name(path)}: {error.strerror}") from None
    try:
        text: str = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise click.ClickException(
            f"{display_name(path)}: not UTF-8 at byte offset {error.start}: {error.reason}"
        ) from None
    return text


def parse_ids(text: str, path: str) -> list[int]:
    """Returns the ids that a text lists.

    Args:
        text: Decimal numbers parted by white space or commas, or JSON lists of them.
        path: Where the text is from, for the error.

    Raises:
        click.ClickException: Something else stands there; the message shows it.
    """
    if text.lstrip().startswith("["):
        try:
            return [id for ids in json_values(text) for id in checked_ids(ids)]
        except (ValueError, RecursionError) as error:
            raise click.ClickException(
                f"{display_name(path)}: no JSON list of ids: {error}"
            ) from None
    words = text.replace(",", " ").split()
    for word in words:
        if not (word.isascii() and word.isdigit() and len(word) <= LARGEST_ID_DIGITS):
            raise click.ClickException(f"{display_name(path)}: no token id: {word[:80]!r}")
    return list(map(int, words))


def json_values(text: str) -> Iterator[object]:
    """Yields the JSON values that stand one after another in a text."""
    decoder = json.JSONDecoder()
    text = text.strip()
    position = 0
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        yield value
        while position < len(text) and text[position].isspace():
            position += 1


def checked_ids(value: object) -> list[int]:
    """Returns a JSON value that is a list of integers.

    Raises:
        ValueError: It is something else.
    """
    if not isinstance(value, list) or any(type(id) is not int for id in value):
        raise ValueError("only lists of integers are understood")
    return value
