"""Reads the text of files and of standard input."""

from __future__ import annotations

import sys

import click

STANDARD_INPUT = "-"


def display_name(path: str) -> str:
    """Returns an input's name for messages."""
    return "standard input" if path == STANDARD_INPUT else click.format_filename(path)


def read_text(path: str) -> str:
    """Returns the text of a file or of standard input, unchanged.

    Raises:
        click.ClickException: it cannot be read or is not UTF-8; the message says where.
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
