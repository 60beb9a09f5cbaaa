"""Options and arguments that several commands share."""

from __future__ import annotations

import codecs
import functools
from collections.abc import Iterable, Sequence
from typing import Any, Callable

import click
from click.shell_completion import CompletionItem

from bpecore._build.nearest import nearest
from bpecore.cli.inputs import STANDARD_INPUT, Reader, Source
from bpecore.model import MODEL_PREFIX_TO_ENCODING, MODEL_TO_ENCODING, encoding_name_for_model
from bpecore.registry import list_encoding_names

DEFAULT_ENCODING = "o200k_base"

Command = Callable[..., None]


def with_options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Returns a decorator that adds options to a command, to be listed in their order."""

    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def _has_option(context: click.Context, name: str) -> bool:
    """Returns whether the command that is run has an option, to advise none that it lacks."""
    return any(parameter.name == name for parameter in context.command.params)


def check_known(context: click.Context, name: str, known: Iterable[str]) -> None:
    """Refuses an encoding's name that is not among those known."""
    known = list(known)
    if name not in known:
        close = nearest(name, known, likeness=0.5)
        hint = f"did you mean {', '.join(close)}? Known" if close else "known"
        if name in MODEL_TO_ENCODING:
            encoding = encoding_name_for_model(name)
            advice = f"--model {name}" if _has_option(context, "model") else f"of {encoding}"
            hint = f"it is a model ({advice}). Known"
        raise click.BadParameter(f"unknown encoding {name!r}; {hint} are {', '.join(known)}")


def check_model(context: click.Context, __: click.Parameter, model: str | None) -> str | None:
    """Refuses a model that is unknown."""
    if model is not None:
        try:
            encoding_name_for_model(model)
        except KeyError:
            prefixes = [f"{prefix}…" for prefix in MODEL_PREFIX_TO_ENCODING]
            close = nearest(model.rpartition("/")[2], MODEL_TO_ENCODING)
            if close:
                direct = " --encoding names an encoding directly."
                raise click.BadParameter(
                    f"unknown model {model!r}; did you mean {', '.join(close)}?"
                    + (direct if _has_option(context, "encoding") else "")
                ) from None
            if model in list_encoding_names() and _has_option(context, "encoding"):
                raise click.BadParameter(
                    f"unknown model {model!r}; it is an encoding (--encoding {model})"
                ) from None
            known = ", ".join([*MODEL_TO_ENCODING, *prefixes])
            raise click.BadParameter(f"unknown model {model!r}; known are {known}") from None
    return model


def complete_encodings(
    _: click.Context, __: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Returns the encodings that a shell offers."""
    return [CompletionItem(name) for name in list_encoding_names() if name.startswith(incomplete)]


def complete_models(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Returns the models that a shell offers, with their encodings."""
    prefixes = {name.rstrip("-"): found for name, found in MODEL_PREFIX_TO_ENCODING.items()}
    models = {**MODEL_TO_ENCODING, **prefixes}
    return [
        CompletionItem(name, help=encoding)
        for name, encoding in sorted(models.items())
        if name.startswith(incomplete)
    ]


def _check_codec(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    if name is not None:
        try:
            codec = codecs.lookup(name)
        except (LookupError, ValueError):
            codec = None
        if codec is None or not codec._is_text_encoding or codec.incrementaldecoder is None:
            raise click.BadParameter(f"unknown character encoding {name!r}")
    return name


input_encoding = click.option(
    "--input-encoding",
    callback=_check_codec,
    metavar="CODEC",
    help="Character encoding of the files, such as latin-1 or utf-16. Default: utf-8.",
)


def with_reader(command: Command, several: bool = True) -> Command:
    """Adds the options on the inputs; the command gets a `reader` and the `sources`.

    Args:
        command: the command.
        several: whether it takes more than one input, for the help.
    """

    @functools.wraps(command)
    def choose(
        files: Sequence[str],
        texts: Sequence[str],
        input_encoding: str | None,
        errors: str,
        **arguments: Any,
    ) -> None:
        sources = [*map(Source, files), *map(Source.of_text, texts)]
        reader = Reader(input_encoding, errors)
        command(reader=reader, sources=sources or [Source(STANDARD_INPUT)], **arguments)

    choose = click.option(
        "-x",
        "--text",
        "texts",
        multiple=True,
        help=f"Use TEXT as input{'; can be given several times' if several else ''}.",
    )(choose)
    choose = click.option(
        "--errors",
        type=click.Choice(["strict", "replace", "ignore"]),
        default="strict",
        help="What to do with bytes that are not text. Default: strict, which is an error.",
    )(choose)
    return input_encoding(choose)


def with_one_input(command: Command) -> Command:
    """Adds the options on a single input; the command gets a `reader` and the `source`."""

    @functools.wraps(command)
    def choose(sources: Sequence[Source], **arguments: Any) -> None:
        if len(sources) > 1:
            raise click.UsageError(f"takes one input, but got {len(sources)}")
        command(source=sources[0], **arguments)

    file = click.argument("files", metavar="[FILE]", nargs=-1, type=_existing_file)
    return with_reader(file(choose), several=False)


_existing_file = click.Path(exists=True, dir_okay=False, allow_dash=True)
files_argument = click.argument("files", nargs=-1, type=_existing_file)
any_paths_argument = click.argument(
    "files", nargs=-1, type=click.Path(readable=False, allow_dash=True)
)
allow_special = click.option(
    "--allow-special",
    "special",
    is_flag=True,
    help="Encode the names of special tokens, such as <|endoftext|>, as those tokens. "
    "By default they are ordinary text.",
)
