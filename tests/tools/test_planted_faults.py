"""The faults that are planted to test the fuzzer fit the engine's present source."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_each_planted_fault_applies() -> None:
    patches = [*(SOURCE / "fuzz" / "mutants").rglob("*.patch")]
    assert len(patches) > 20
    check = ["git", "apply", "-C1", "--check"]
    runs = [subprocess.run([*check, patch], cwd=SOURCE, capture_output=True) for patch in patches]
    assert [patch.name for patch, run in zip(patches, runs) if run.returncode] == []
