"""Every command has a help, after `-h` and after `--help`, whatever is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest
from programs import WITHOUT_TIKTOKEN, run_python

from bpecore.cli import main
from bpecore.cli.command_line import COMMANDS

# Even if a module of that name is in a cache.
COMMAND = f"""{WITHOUT_TIKTOKEN}
from bpecore.cli import main
sys.argv[0] = "bpecore"
sys.exit(main())
"""


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_without_tiktoken(command: str, option: str, tmp_path: Path) -> None:
    words = [word for word in (command, option) if word]
    run = run_python("-c", COMMAND, *words, folder=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(" ".join(["Usage: bpecore", *words[:-1]]))
    assert "--help" in run.stdout or command == "run"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(command: str) -> None:
    found = main.get_command(click.Context(main), command)
    assert found is not None
    options = [each for each in found.params if isinstance(each, click.Option)]
    assert [each.name for each in options if not each.help] == []


@pytest.mark.parametrize("words", [("fuzz", "--seconds", "1"), ("verify", sys.executable)])
def test_what_needs_tiktoken_says_so(words: tuple[str, ...], tmp_path: Path) -> None:
    run = run_python("-c", COMMAND, *words, folder=tmp_path)
    assert run.returncode == 1
    missing = "tiktoken is not installed: there is nothing to compare with (pip install tiktoken)"
    assert run.stderr == f"Error: {missing}\n"


def test_fuzz_takes_its_options(tmp_path: Path) -> None:
    options = ("--seconds", "0.1", "--encoding", "r50k_base", "--quiet")
    run = run_python("-m", "bpecore", "fuzz", *options, folder=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    assert "equal" in run.stdout
