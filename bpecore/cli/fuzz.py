"""The command `bpecore fuzz`, which refuses to run if tiktoken is missing."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bpecore.cli.comparison import NoTiktokenError, import_tiktoken


@click.command(
    short_help="Compare with tiktoken on random texts.",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def fuzz(arguments: Sequence[str]) -> None:
    """Compare with the installed tiktoken on random texts; --help says more."""
    try:
        import_tiktoken()
    except NoTiktokenError as error:
        raise click.ClickException(str(error)) from None
    from bpecore.fuzzing import command

    command.fuzz.main(args=list(arguments), prog_name="bpecore fuzz")
