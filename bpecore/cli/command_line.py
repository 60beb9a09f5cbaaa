"""The command `bpecore`. Each subcommand is in the module of its name, imported when it is used.

Text is UTF-8 whatever the locale says, and line ends are left as they are. Exit codes: 0 for
success, 1 if an input is not what it should be (or cannot be read, for `count`), 2 if the command
itself was wrong (an unknown encoding, a file that does not exist).
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Any, cast

import click

from bpecore import __version__
from bpecore.cli.inputs import printable

COMMANDS = (
    *("chat", "compare", "count", "decode", "encode", "encodings", "fuzz"),
    *("info", "inspect", "run", "split", "tokenize", "truncate", "verify", "view"),
)


class CommandLine(click.Group):
    """The subcommands. `run` is handed to the other program before click reads the arguments."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return cast(click.Command, getattr(import_module(f"bpecore.cli.{cmd_name}"), cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        close = [] if args[0] in COMMANDS else get_close_matches(args[0], COMMANDS)
        if close:
            ctx.fail(f"No such command {args[0]!r}; did you mean {', '.join(close)}?")
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        # Inside click, the other program's errors, interrupts and options would be click's.
        arguments = sys.argv[1:] if args is None else list(args)
        if arguments[:1] == ["run"]:
            from bpecore.cli.program import run_program

            return run_program(arguments[1:])
        return super().main(args, *rest, **options)

    def invoke(self, ctx: click.Context) -> Any:
        if sys.stdout is None:
            raise click.ClickException("standard output: it is closed")
        if os.name == "nt":
            _write_utf8()
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            lines = map(printable, error.message.split("\n"))
            vars(error).update(message="\n".join(lines))
            raise
        except OSError as error:
            if _is_broken_pipe(error):
                raise BrokenPipeError(errno.EPIPE, "") from None  # click ends quietly
            name = printable(str(error.filename or "standard output"))
            raise click.ClickException(f"{name}: {error.strerror or error}") from None


def _write_utf8() -> None:
    """Makes Windows write UTF-8 into files and pipes; in a console Python does so anyway."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")


def _is_broken_pipe(error: OSError) -> bool:
    """Returns whether the reader of standard output has gone. Windows says EINVAL then, and would
    say it again when the program ends."""
    if os.name == "nt" and error.errno == errno.EINVAL and error.filename is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return True
    return error.errno == errno.EPIPE


@click.group(cls=CommandLine, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bpecore")
def main() -> None:
    """Count, encode and decode tokens as OpenAI's models do. Needs no network."""
