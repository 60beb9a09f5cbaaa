"""Options that choose one or several encodings: by name, by model, or from a file."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Callable

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


def _check_encodings(context: click.Context, _: click.Parameter, names: Any) -> Any:
    for name in _several(names):
        check_known(context, name, list_encoding_names())
    return names


def _check_models(context: click.Context, parameter: click.Parameter, models: Any) -> Any:
    for model in _several(models):
        check_model(context, parameter, model)
    return models


def _several(given: str | Sequence[str] | None) -> Sequence[str]:
    """Returns the values of an option, whether or not it can be given several times."""
    if given is None:
        return ()
    return [given] if isinstance(given, str) else given


def vocabulary_options(
    several: bool, default: str = DEFAULT_ENCODING
) -> Callable[[Command], Command]:
    """Returns the options that name encodings, models and vocabularies.

    Args:
        several: whether encodings, models and vocabularies can be given several times.
        default: what is used without any, for the help.
    """
    again = "; can be given several times" if several else ""
    return with_options(
        click.option(
            "-e",
            "--encoding",
            multiple=several,
            callback=_check_encodings,
            shell_complete=complete_encodings,
            help=f"Name of an encoding{again}. Default: {default}.",
        ),
        click.option(
            "-m",
            "--model",
            multiple=several,
            callback=_check_models,
            shell_complete=complete_models,
            help=f"Use this model's encoding{again}.",
        ),
        click.option(
            "--vocabulary",
            multiple=several,
            type=click.Path(exists=True),
            help="A model's own file or folder: tokenizer.json, .tiktoken, tekken.json or GGUF"
            f"{again}.",
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
    )


def check_one_of(encoding: str | None, model: str | None, vocabulary: str | None) -> None:
    """Refuses more than one choice of an encoding."""
    if sum(given is not None for given in (encoding, model, vocabulary)) > 1:
        raise click.UsageError("give one of --encoding, --model and --vocabulary")


def check_has_file(
    vocabulary: str | Sequence[str] | None, pattern: str | None, special_tokens: str | None
) -> None:
    """Refuses what is only for a vocabulary's file if there is none."""
    for option, given in (("--pattern", pattern), ("--special-tokens", special_tokens)):
        if given is not None and not vocabulary:
            raise click.UsageError(f"{option} is for a file, which --vocabulary names")


def with_encoding(command: Command) -> Command:
    """Adds the options that choose an encoding; the command gets it as `encoding`."""

    @functools.wraps(command)
    def choose(
        encoding: str | None,
        model: str | None,
        vocabulary: str | None,
        pattern: str | None,
        special_tokens: str | None,
        **arguments: Any,
    ) -> None:
        check_one_of(encoding, model, vocabulary)
        check_has_file(vocabulary, pattern, special_tokens)
        if vocabulary is not None:
            found = _from_file(vocabulary, pattern, special_tokens)
        else:
            name = encoding_name_for_model(model) if model else encoding or DEFAULT_ENCODING
            found = get_encoding(name)
        command(encoding=found, **arguments)

    return vocabulary_options(several=False)(choose)


def with_encodings(command: Command) -> Command:
    """Adds the options that choose encodings; the command gets a list of them as `encodings`."""

    @functools.wraps(command)
    def choose(
        encoding: Sequence[str],
        model: Sequence[str],
        vocabulary: Sequence[str],
        pattern: str | None,
        special_tokens: str | None,
        **arguments: Any,
    ) -> None:
        check_has_file(vocabulary, pattern, special_tokens)
        names = [*encoding, *map(encoding_name_for_model, model)]
        encodings = [get_encoding(name) for name in dict.fromkeys(names)]
        encodings += [_from_file(file, pattern, special_tokens) for file in vocabulary]
        command(encodings=encodings or [get_encoding(DEFAULT_ENCODING)], **arguments)

    return vocabulary_options(several=True)(choose)


def _from_file(path: str, pattern: str | None, special_tokens: str | None) -> Encoding:
    try:
        return Encoding.from_file(path, pattern=pattern, special_tokens=special_tokens)
    except (OSError, ValueError) as error:
        raise click.ClickException(advice_on_options(error)) from None


def advice_on_options(error: Exception) -> str:
    """Returns the message of `Encoding.from_file` with an option in place of an argument."""
    return str(error).replace("pass pattern=", "pass --pattern")
