"""Completion in a real bash, switched on by the line that docs/command-line.md shows."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "command-line.md"
SETUP = 'eval "$(_BPECORE_COMPLETE=bash_source bpecore)"'

# What bash does at a Tab: the function that `complete` has registered is called with these words.
TAB = """
compopt() { local IFS=" "; echo "bash completes: $*"; }
at_tab() {
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
    $(complete -p bpecore | sed 's/.*-F \\([^ ]*\\).*/\\1/') bpecore
    echo "${COMPREPLY[*]}"
}
"""


def at_tab(folder: Path, *words: str) -> str:
    """Returns what bash offers for the last of some words."""
    program = folder / "bpecore"
    program.write_text(
        f"#!{sys.executable}\nfrom bpecore.cli import main\nmain(prog_name='bpecore')\n"
    )
    program.chmod(0o755)
    code = f"{SETUP}\n{TAB}\nat_tab {' '.join(map(repr, words))}"
    run = subprocess.run(
        ["bash", "--norc", "-euc", code],
        env={**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout.strip()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("co",), "compare count"),
        (("count", "-e", "o200k_h"), "o200k_harmony"),
        (("count", "--enc"), "--encoding"),
        (("truncate", "--side", "st"), "start"),
        (("fuzz", "--encoding", "r5"), "r50k_base"),
        (("embed",), ""),
        (("count", "no"), "bash completes: -o default"),
        (("run", "scr"), "bash completes: -o default"),
    ],
)
def test_what_is_offered(words: tuple[str, ...], offered: str, tmp_path: Path) -> None:
    assert at_tab(tmp_path, "bpecore", *words) == offered


@pytest.mark.skipif(not DOCUMENT.is_file(), reason="needs the source tree")
def test_the_line_is_documented() -> None:
    assert SETUP in DOCUMENT.read_text(encoding="utf-8")
