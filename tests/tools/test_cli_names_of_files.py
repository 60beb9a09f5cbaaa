"""Names of files that would control a terminal: people see them escaped, programs as they are."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bpecore.cli import main
from bpecore.cli.count import Counted, _print_table
from bpecore.cli.inputs import printable

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")

NAME = "b\033[31m\u202ez\n.txt"
SHOWN = r"b\x1b[31m\u202ez\n.txt"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path(NAME).write_text("hello world")
    Path(f"{NAME}2").write_bytes(b"\xff")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_tables(capsys: pytest.CaptureFixture[str]) -> None:
    compared = run("compare", NAME, "-x", "a").stdout.splitlines()
    assert [line.split()[:3] for line in compared if SHOWN in line] == [[SHOWN, "o200k_base", "2"]]
    _print_table([Counted(NAME, 2, 11)])
    assert capsys.readouterr().out.splitlines()[1] == f"     2          11  {SHOWN}"


@pytest.mark.parametrize(
    "command",
    [
        *(["count"], ["encode"], ["decode"], ["view"], ["compare"], ["chat", "-m", "gpt-4o"]),
        *(["truncate", "-t", "9"], ["split", "-t", "9"]),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("suffix", ["2", "3"], ids=["no text", "missing"])
def test_errors(command: list[str], suffix: str) -> None:
    result = run(*command, f"{NAME}{suffix}")
    assert result.exit_code in (1, 2)
    if suffix == "2":
        assert f"Error: {SHOWN}2: " in result.stderr
    assert r"b\x1b[31m\u202ez" in result.stderr
    assert "\033" not in result.stderr
    assert "\u202e" not in result.stderr


def test_programs_get_names_as_they_are() -> None:
    assert run("count", NAME, "-x", "a").stdout == f"2 {NAME}\n1 a\n3 total\n"
    found = json.loads(run("count", "--json", NAME, f"{NAME}2").stdout)
    assert [row["name"] for row in found["inputs"] + found["errors"]] == [NAME, f"{NAME}2"]


@pytest.mark.parametrize(
    "name", ["plain.txt", "\u00e9\u4e2d\U0001f600 a\u00a0b", "\\x1b", "a\u200db"]
)
def test_other_names_are_shown_as_they_are(name: str) -> None:
    assert printable(name) == name
