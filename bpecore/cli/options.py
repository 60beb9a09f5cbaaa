"""Options and arguments that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any, Callable

import click

from bpecore.model import MODEL_PREFIX_TO_ENCODING, MODEL_TO_ENCODING, encoding_name_for_model
from bpecore.registry import get_encoding, list_encoding_names

DEFAULT_ENCODING = "o200k_base"

Command = Callable[..., None]


def check_known(name: str, known: Iterable[str]) -> None:
    """Refuses an encoding's name that is not among those known."""
    known = list(known)
    if name not in known:
        raise click.BadParameter(f"unknown encoding {name!r}; known are {', '.join(known)}")


def _check_encoding(_: click.Context, __: click.Parameter, name: str | None) -> str | None:
    if name is not None:
        check_known(name, list_encoding_names())
    return name


def _check_model(_: click.Context, __: click.Parameter, model: str | None) -> str | None:
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

    choose = click.option("--model", callback=_check_model, help="Use this model's encoding.")(
        choose
    )
    return click.option(
        "--encoding",
        "encoding_name",
        callback=_check_encoding,
        help=f"Name of the encoding. Default: {DEFAULT_ENCODING}.",
    )(choose)


files_argument = click.argument(
    "files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True)
)
allow_special = click.option(
    "--allow-special",
    "special",
    is_flag=True,
    help="Treat the text of special tokens (<|endoftext|> …) as these tokens. "
    "Without it such text is ordinary text.",
)


def special_arguments(special: bool) -> dict[str, Any]:
    """Returns arguments with which no text is refused."""
    return {"allowed_special": "all" if special else set(), "disallowed_special": ()}
