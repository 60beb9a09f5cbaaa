"""The command `bpecore chat`."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from bpecore.chat import num_tokens_from_messages
from bpecore.cli.chats import read_chat
from bpecore.cli.inputs import Reader, Source
from bpecore.cli.options import check_model, complete_models, with_one_input

COUNTED = (
    *("tools", "tool_choice", "functions", "function_call"),
    *("response_format", "reasoning_effort"),
)
"""What a request may have beside its messages that a prompt is made of."""

OPTIONS = {
    r"Give it: image_sizes=\{url: \(width, height\)\}": "--image-size URL WIDTH HEIGHT gives it",
    r"Give a rule for it: rules=.*": "--cost TYPE TOKENS says it, the type being that of the image",
    r"pass costs=\{(.*): tokens\}": r"--cost \1 TOKENS says it",
    "num_tokens_from_string, or give its .*": "bpecore count",
}
"""What errors of `bpecore.chat` advise, and what to advise here."""


@click.command(short_help="Count what a chat costs as a prompt.")
@click.option(
    "-m",
    "--model",
    required=True,
    callback=check_model,
    shell_complete=complete_models,
    help="The model that it is for.",
)
@click.option(
    "--image-size",
    "image_sizes",
    type=(str, click.IntRange(1), click.IntRange(1)),
    multiple=True,
    metavar="URL WIDTH HEIGHT",
    help="Width and height in pixels of the image with this URL or file id, which is not fetched; "
    "can be given several times.",
)
@click.option(
    "--cost",
    "costs",
    type=(str, click.IntRange(0)),
    multiple=True,
    metavar="TYPE TOKENS",
    help="What content of this type costs, such as input_audio; can be given several times.",
)
@click.option("--explain", is_flag=True, help="Print a table of messages, tools and images.")
@with_one_input
def chat(
    model: str,
    image_sizes: Sequence[tuple[str, int, int]],
    costs: Sequence[tuple[str, int]],
    explain: bool,
    reader: Reader,
    source: Source,
) -> None:
    """Count the tokens that the chat in FILE, or in standard input, costs as a prompt.

    FILE is JSON: a list of messages, or a request with "messages" and perhaps "tools". For gpt-oss
    the number is exact, for other models an estimate.
    """
    name = source.display_name
    request = read_chat(reader.text(source), name)
    counted = {option: request[option] for option in COUNTED if option in request}
    counted["image_sizes"] = {url: (width, height) for url, width, height in image_sizes}
    counted["costs"] = dict(costs)
    try:
        explanation = num_tokens_from_messages(request["messages"], model, explain=True, **counted)
    except (KeyError, TypeError, ValueError) as error:
        message = str(error.args[0])
        for advice, option in OPTIONS.items():
            message = re.sub(advice, option, message)
        raise click.ClickException(f"{name}: {message}") from None
    click.echo(str(explanation) if explain else str(explanation.total))
