"""The command line, `bpecore`."""

from bpecore.cli.command_line import main

__all__ = ["main"]
