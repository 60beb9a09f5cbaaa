"""The command `bpecore view`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from bpecore.cli.inputs import Reader, Source, errors_about, printable
from bpecore.cli.options import allow_special, with_one_input
from bpecore.cli.streams import special_arguments
from bpecore.cli.vocabularies import with_encodings
from bpecore.core import Encoding

if TYPE_CHECKING:
    from bpecore.view.tokens import TokenizedText


@click.command(short_help="Show the tokens of a text in colour.")
@with_encodings
@allow_special
@click.option(
    "--ids",
    type=click.Choice(["below", "beside"]),
    help="Print ids below the tokens, or beside them with the bytes, one token per line.",
)
@click.option("-w", "--white-space", is_flag=True, help="Make spaces and tabs visible.")
@click.option(
    "--color",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="Use colours. Default: auto, which is on a terminal, unless NO_COLOR is set.",
)
@click.option(
    "--html",
    "page",
    metavar="OUT",
    type=click.Path(dir_okay=False, writable=True, allow_dash=True),
    help="Write a page instead: one file that a browser shows without a network.",
)
@click.option(
    "--chat",
    "is_chat",
    is_flag=True,
    help="FILE is JSON: messages, or a request with messages and tools. Show it as gpt-oss sees "
    "it, with all that its format adds.",
)
@with_one_input
def view(
    encodings: Sequence[Encoding],
    special: bool,
    ids: str | None,
    white_space: bool,
    color: str,
    page: str | None,
    is_chat: bool,
    reader: Reader,
    source: Source,
) -> None:
    """Show the tokens of FILE, or of standard input.

    Neighbouring tokens differ in colour; without colours, there are bars between them. ↵ is a line
    end, ␍ a carriage return, ⟨e4 b8⟩ bytes of a character that goes on in another token, ⟨U+200D⟩
    a character that cannot be seen, and ⟦…⟧ a special token.
    """
    from bpecore.view.tokens import TokenizedText

    text = reader.text(source)
    texts: Iterable[TokenizedText]
    if is_chat:
        from bpecore.cli.chats import tokens_of_chat

        texts = [tokens_of_chat(text, source.display_name, encodings)]
    else:
        allowed = special_arguments(special)["allowed_special"]
        texts = (TokenizedText(encoding, text, allowed) for encoding in encodings)
    if page is None:
        with errors_about(source):
            print_tokens(texts, color, white_space, ids)
        return
    from bpecore.view.page import page_of

    with errors_about(source):
        content = page_of(list(texts), source.display_name)
    with click.open_file(page, "w", encoding="utf-8") as file:
        file.write(content)


def print_tokens(
    texts: Iterable[TokenizedText], color: str, white_space: bool, ids: str | None
) -> None:
    """Prints texts' tokens; the options are those of the command."""
    from bpecore.view.terminal import Style, heading, printed

    in_colour = has_colour() if color == "auto" else color == "always"
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    style = Style(in_colour, white_space, ids, width)
    for number, tokens in enumerate(texts):
        if number:
            click.echo()
        for line in printed(tokens, style):
            click.echo(line, color=True)
        click.echo(heading(printable(tokens.summary()), style), color=True)


def has_colour() -> bool:
    """Returns whether standard output shows colours and its user wants them."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stdout.isatty() or bool(os.environ.get("FORCE_COLOR"))
