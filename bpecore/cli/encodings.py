"""The command `bpecore encodings`."""

from __future__ import annotations

import click

from bpecore.registry import list_encoding_names


@click.command()
def encodings() -> None:
    """Print the names of the encodings, one per line."""
    for name in list_encoding_names():
        click.echo(name)
