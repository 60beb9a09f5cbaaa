"""A main module that makes its pool without a guard, which each worker then imports."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from programs import run_python

UNGUARDED = """
from bpecore.pool import TokenizerPool
with TokenizerPool("o200k_base", processes=2, start_method={0!r}) as pool:
    print(pool.client().encode("hello world"))
"""
GUARD = 'make the pool under `if __name__ == "__main__":`'


def error_of(code: str, folder: Path) -> str:
    """Runs a program that fails; returns what it prints on standard error."""
    program = folder / "program.py"
    program.write_text(code)
    sockets = folder / "sockets"
    sockets.mkdir()
    run = run_python(program, folder=folder, env={**os.environ, "TMPDIR": str(sockets)})
    assert run.returncode == 1
    assert run.stdout == ""
    assert not list(sockets.glob("bpecore-*"))
    return run.stderr


def test_the_error_says_what_to_do_and_nothing_else_is_printed(tmp_path: Path) -> None:
    error = error_of(UNGUARDED.format("spawn"), tmp_path)
    assert error.count("Traceback") == 1
    last = error.splitlines()[-1]
    assert last.startswith("bpecore.pool.errors.PoolError: worker ")
    assert last.endswith(f"it imported the main module, which makes a pool: {GUARD}")


def test_a_forkserver(tmp_path: Path) -> None:
    last = error_of(UNGUARDED.format("forkserver"), tmp_path).splitlines()[-1]
    assert "PoolError" in last
    assert GUARD in last or "printed an error" in last


def test_another_process_that_imports_such_a_module(tmp_path: Path) -> None:
    code = """
import multiprocessing
from bpecore.pool import TokenizerPool
if multiprocessing.current_process().name == "other":
    TokenizerPool("o200k_base", processes=1)
if __name__ == "__main__":
    other = multiprocessing.get_context("spawn").Process(target=print, name="other")
    other.start()
    other.join()
    raise SystemExit(other.exitcode)
"""
    last = error_of(code, tmp_path).splitlines()[-1]
    assert last.endswith(f"a new process imports the main module, which makes a pool: {GUARD}")


def test_a_main_module_that_fails_in_the_workers(tmp_path: Path) -> None:
    code = """
from bpecore.pool import TokenizerPool
if __name__ != "__main__":
    1 // 0
if __name__ == "__main__":
    TokenizerPool("o200k_base", processes=1)
"""
    error = error_of(code, tmp_path)
    assert "ZeroDivisionError" in error
    assert "worker 0 did not start: it ended with exit code 1 before it was ready" in error


@pytest.mark.skipif(not hasattr(os, "kill"), reason="needs signals")
def test_a_worker_that_is_killed_before_it_is_ready(tmp_path: Path) -> None:
    code = """
import os, signal
from bpecore.pool import TokenizerPool
if __name__ != "__main__":
    os.kill(os.getpid(), signal.SIGKILL)
if __name__ == "__main__":
    TokenizerPool("o200k_base", processes=1)
"""
    error = error_of(code, tmp_path)
    assert error.endswith("worker 0 did not start: signal 9 ended it before it was ready\n")
