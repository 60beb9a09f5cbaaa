"""What a benchmark says if packages or texts are missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from programs import run_python

SOURCE = Path(__file__).parents[2]
if not (SOURCE / "benchmarks").is_dir():
    pytest.skip("the benchmarks come with the source only", allow_module_level=True)


@pytest.mark.parametrize(
    ("program", "missing"),
    [("services", "psutil"), ("event_loop", "tiktoken")],
)
def test_a_missing_package(program: str, missing: str, tmp_path: Path) -> None:
    pytest.importorskip("anyio", reason="needs the extra aio")
    error = f"raise ModuleNotFoundError('No module named {missing}', name={missing!r})\n"
    (tmp_path / f"{missing}.py").write_text(error)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    run = run_python("-m", f"benchmarks.{program}", folder=SOURCE, env=environment)
    assert run.returncode == 1
    assert run.stderr == f'{missing} is not installed: pip install "bpecore[benchmarks]"\n'


def test_a_folder_without_texts(tmp_path: Path) -> None:
    pytest.importorskip("anyio", reason="needs the extra aio")
    pytest.importorskip("psutil")
    run = run_python("-m", "benchmarks.services", tmp_path, folder=SOURCE)
    assert run.returncode == 2
    assert run.stderr.endswith(f"error: no .txt file in {tmp_path}\n")
