"""The command `bpecore chat`."""

from __future__ import annotations

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


@click.command(short_help="Count what a chat costs as a prompt.")
@click.option(
    "-m",
    "--model",
    required=True,
    callback=check_model,
    shell_complete=complete_models,
    help="The model that it is for.",
)
@click.option("--explain", is_flag=True, help="Print a table of messages, tools and images.")
@with_one_input
def chat(model: str, explain: bool, reader: Reader, source: Source) -> None:
    """Count the tokens that the chat in FILE, or in standard input, costs as a prompt.

    FILE is JSON: a list of messages, or a request with "messages" and perhaps "tools". For gpt-oss
    the number is exact, for other models an estimate.
    """
    name = source.display_name
    request = read_chat(reader.text(source), name)
    counted = {option: request[option] for option in COUNTED if option in request}
    try:
        explanation = num_tokens_from_messages(request["messages"], model, explain=True, **counted)
    except (KeyError, TypeError, ValueError) as error:
        raise click.ClickException(f"{name}: {error.args[0]}") from None
    click.echo(str(explanation) if explain else str(explanation.total))
