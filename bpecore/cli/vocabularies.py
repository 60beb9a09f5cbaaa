"""Options that choose one or several encodings: by name, by model, or from a file."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import click

from bpecore.cli.options import (
    DEFAULT_ENCODING,
    Command,
    check_known,
    check_model,
    complete_encodings,
    complete_models,
    with_options,
)
from bpecore.core import Encoding
from bpecore.model import encoding_name_for_model
from bpecore.registry import get_encoding, list_encoding_names


def _check_encodings(_: click.Context, __: click.Parameter, names: Sequence[str]) -> Sequence[str]:
    for name in names:
        check_known(name, list_encoding_names())
    return names


def _check_models(
    context: click.Context, parameter: click.Parameter, models: Sequence[str]
) -> Sequence[str]:
    for model in models:
        check_model(context, parameter, model)
    return models


def with_encodings(command: Command) -> Command:
    """Adds the options that choose encodings; the command gets a list of them as `encodings`."""

    @functools.wraps(command)
    def choose(
        encoding_names: Sequence[str],
        models: Sequence[str],
        vocabulary_files: Sequence[str],
        pattern: str | None,
        special_tokens: str | None,
        **arguments: Any,
    ) -> None:
        names = [*encoding_names, *map(encoding_name_for_model, models)]
        encodings = [get_encoding(name) for name in dict.fromkeys(names)]
        encodings += [_from_file(file, pattern, special_tokens) for file in vocabulary_files]
        command(encodings=encodings or [get_encoding(DEFAULT_ENCODING)], **arguments)

    return with_options(
        click.option(
            "-e",
            "--encoding",
            "encoding_names",
            multiple=True,
            callback=_check_encodings,
            shell_complete=complete_encodings,
            help=f"Name of an encoding; can be given several times. Default: {DEFAULT_ENCODING}.",
        ),
        click.option(
            "-m",
            "--model",
            "models",
            multiple=True,
            callback=_check_models,
            shell_complete=complete_models,
            help="Use this model's encoding; can be given several times.",
        ),
        click.option(
            "--vocabulary",
            "vocabulary_files",
            multiple=True,
            type=click.Path(exists=True),
            help="A model's own file or folder: tokenizer.json, .tiktoken or tekken.json; can "
            "be given several times.",
        ),
        click.option(
            "--pattern",
            help="The split pattern of .tiktoken files: a regular expression or a model's "
            "name, such as qwen3.",
        ),
        click.option(
            "--special-tokens",
            help="The special tokens of .tiktoken files: a model's name, such as qwen3.",
        ),
    )(choose)


def _from_file(path: str, pattern: str | None, special_tokens: str | None) -> Encoding:
    try:
        return Encoding.from_file(path, pattern=pattern, special_tokens=special_tokens)
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
