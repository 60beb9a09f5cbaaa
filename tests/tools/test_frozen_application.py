"""A program that PyInstaller freezes with its default settings does what its source does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("PyInstaller", reason="needs PyInstaller: .ci/run frozen")

PROGRAM = """
import sys
import bpecore
from bpecore.chat import num_tokens_from_messages
from bpecore.cli import main

ranks = {bytes([value]): value for value in range(256)}
own = bpecore.Encoding("own", pat_str=r"\\p{L}+|\\s+", mergeable_ranks=ranks, special_tokens={})
for name in bpecore.list_encoding_names():
    encoding = bpecore.get_encoding(name)
    print(name, len(encoding.encode("hello world")), len(encoding._mergeable_ranks))
print(own.count("ab c"), num_tokens_from_messages([{"role": "user", "content": "hi"}], "gpt-4o"))
sys.argv[1:] = ["count", "count.txt"]
main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["--onedir", "--onefile"])
def test_a_frozen_program_does_what_its_source_does(layout: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    freeze = [sys.executable, "-m", "PyInstaller", "--log-level", "ERROR", layout, "program.py"]
    subprocess.run(freeze, cwd=tmp_path, check=True)
    dist = tmp_path / "dist" / "program"
    frozen = dist / "program" if layout == "--onedir" else dist
    (tmp_path / "count.txt").write_text("hello world")
    outputs = [
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
        for command in ([sys.executable, "program.py"], [str(frozen)])
    ]
    assert outputs[0] == outputs[1]
    assert "o200k_base 2 199998" in outputs[1]
