"""What processes take, and how they end."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")


def private_bytes(process: int, kind: str = "Private_") -> int:
    """Returns the memory that a process has to itself.

    Args:
        process: its number.
        kind: "Private_": all; "Private_Clean": pages of files that no other process maps.
    """
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(kind)) * 1024


def processor_seconds(process: int) -> float:
    """Returns the processor time that a process has used."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[0]) / 1e9


def segments() -> list[str]:
    """Returns the names of the pools' shared memory."""
    return sorted(path.name for path in SHARED_MEMORY.glob("bpecore-*"))


def lives(process: int) -> bool:
    """Returns whether a process runs."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


PARENT = """
import time
from bpecore.pool import TokenizerPool

if __name__ == "__main__":
    pool = TokenizerPool("o200k_base", processes=2)
    client = pool.client()
    client.open_stream(1)
    client.feed(1, 24912)
    print(*(worker.process for worker in pool.metrics().workers), flush=True)
    while True:
        client.feed(1, 24912)
"""


def seconds_after_killed_parent(folder: Path) -> float:
    """Kills a pool's process under load; returns how long its workers live on.

    Args:
        folder: an empty folder for the program.
    """
    program = folder / "parent.py"
    program.write_text(PARENT)
    parent = subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(number) for number in parent.stdout.readline().split()]
    time.sleep(0.5)
    parent.kill()
    began = time.perf_counter()
    parent.communicate()
    while any(map(lives, workers)) and time.perf_counter() - began < 10:
        time.sleep(0.002)
    return time.perf_counter() - began


def kill(process: int) -> None:
    """Kills a process, if it is still there."""
    if process:
        os.kill(process, 9)
