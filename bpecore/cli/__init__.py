"""The command line, `bpecore`."""

from bpecore.cli.commands import main

__all__ = ["main"]
