"""Programs that have a pool, in separate processes."""

from __future__ import annotations

import os
from pathlib import Path

from programs import run_python


def run_pool_program(code: str, folder: Path) -> None:
    """Runs a program, which must be a file; it prints "done", ends well and leaves nothing."""
    program = folder / "program.py"
    program.write_text(code)
    sockets = folder / "sockets"
    sockets.mkdir()
    # From Python 3.12 on, each fork of a process with threads warns.
    options = ("-W", "ignore:This process:DeprecationWarning")
    done = run_python(
        *options, program, folder=folder, env={**os.environ, "TMPDIR": str(sockets)}, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
    assert not list(sockets.glob("bpecore-*"))
