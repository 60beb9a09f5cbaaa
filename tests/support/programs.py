"""Python programs in separate processes, away from the source tree."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

WITHOUT_TIKTOKEN = """
import importlib.abc, sys

class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tiktoken", "tiktoken_ext"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Nothing())
"""
"""Begins a program in which tiktoken is not installed."""


def run_python(
    *arguments: object, folder: Path, timeout: float = 120, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Runs Python with some arguments in a folder; the result has its output as text."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=timeout, **options
    )


def output_of(
    code: str, *arguments: object, folder: Path, options: tuple[str, ...] = (), timeout: float = 120
) -> str:
    """Returns what some code prints; it must end with 0."""
    run = run_python(*options, "-c", code, *arguments, folder=folder, timeout=timeout)
    assert run.returncode == 0, run.stderr
    return run.stdout
