"""`python -m fuzz.memory_order`: whether this machine keeps the orders of docs/memory-order.md.

First the litmus tests of `litmus.c`, compiled here. Then two processes send each other messages of
all lengths through the rings of a pool, as fast as they can, and compare every byte; each wakes the
other as the pool does, and neither may sleep over a message. To be run on machines whose processors
reorder more than x86-64's do, with nothing else running: each pattern needs two processors at once.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import select
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from bpecore.pool.wire.channel import Channel, channel_bytes
from bpecore.pool.wire.segments import create_segment, new_owner, open_segment

HERE = Path(__file__).parent

PATTERNS = 12
"""Litmus tests, with controls; the rings take as long as all of them."""

RING_BYTES = 1 << 12
LONGEST = 500
"""Bytes of the longest message: some fit into the ring at once, and lie across its end."""

WAKE_SECONDS = 60.0
"""A message that has not been noticed by then never will be."""


def compile_litmus(folder: Path) -> Path:
    """Returns the program.

    Raises:
        subprocess.CalledProcessError: it cannot be compiled.
    """
    compiler = os.environ.get("CC", "cc")
    program = folder / "litmus"
    options = ["-O2", "-D_GNU_SOURCE", "-pthread", "-I", str(HERE.parent / "_ext")]
    command = [*shlex.split(compiler), *options, str(HERE / "litmus.c"), "-o", str(program)]
    subprocess.run(command, check=True)
    return program


def run_litmus(seconds: float) -> bool:
    """Runs each litmus test for some seconds; returns whether no forbidden ending was seen."""
    with tempfile.TemporaryDirectory() as folder:
        return subprocess.run([compile_litmus(Path(folder)), str(seconds)]).returncode == 0


# ---- rings ----------------------------------------------------------------------------------


def messages(seed: int) -> Iterator[bytes]:
    """Yields messages, the same for equal seeds."""
    random_ = random.Random(seed)
    pool = random_.randbytes(1 << 16)
    while True:
        length = random_.randrange(LONGEST)
        start = random_.randrange(len(pool) - LONGEST)
        yield pool[start : start + length]


def sleep(channel: Channel) -> bool:
    """Sleeps until this end is woken; returns whether the other end is alive."""
    if not select.select([channel], [], [], WAKE_SECONDS)[0]:
        raise SystemExit("nobody has woken this end: a message or room was not noticed")
    return channel.clear()


def send_back(segment: str, wake: socket.socket) -> None:
    """Sends each message back."""
    channel = Channel(open_segment(segment), wake, RING_BYTES, is_worker=True)
    while sleep(channel):
        while (message := channel.reader.read()) is not None:
            if not channel.writer.write([message], len(message)):
                raise SystemExit("an answer has no room, although as many as fit were sent")
            del message
            channel.reader.release(channel.reader.cursor)
            if random.random() < 0.5:
                channel.notify()
        channel.notify()
    channel.close()


def run_rings(seconds: float, seed: int) -> int:
    """Sends messages for some seconds; returns how many came back as they were.

    Raises:
        SystemExit: one did not, or an end was not woken.
    """
    segment = create_segment(channel_bytes(RING_BYTES), new_owner())
    ours, theirs = socket.socketpair()
    context = multiprocessing.get_context("spawn")
    other = context.Process(target=send_back, args=(segment.name, theirs))
    other.start()
    theirs.close()
    channel = Channel(segment, ours, RING_BYTES, is_worker=False)
    sent, expected = messages(seed), messages(seed)
    most = RING_BYTES // (LONGEST + 16) - 2
    outstanding = checked = 0
    end = float("inf")  # until the other process has started
    try:
        while outstanding or time.monotonic() < end:
            is_over = time.monotonic() >= end
            for _ in range(0 if is_over else random.randint(0, most - outstanding)):
                message = next(sent)
                assert channel.writer.write([message], len(message))
                outstanding += 1
                if random.random() < 0.5:
                    channel.notify()
            channel.notify()
            while (found := channel.reader.read()) is not None:
                end = min(end, time.monotonic() + seconds)
                if found != next(expected):
                    raise SystemExit(f"message {checked} did not come back as it was")
                del found
                channel.reader.release(channel.reader.cursor)
                outstanding -= 1
                checked += 1
            is_full = outstanding == most
            if outstanding and (is_over or is_full or random.random() < 0.5) and not sleep(channel):
                raise SystemExit("the other process has ended")
    finally:
        segment.unlink()
        channel.close()
        other.join()
    return checked


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="Time for all of it.")
@click.option("--seed", default=0, show_default=True, help="Decides the messages.")
def main(seconds: float, seed: int) -> None:
    """Test the orders in which threads and processes see memory."""
    is_right = run_litmus(seconds / (2 * PATTERNS))
    checked = run_rings(seconds / 2, seed)
    print(f"rings           {checked:11} messages between two processes, all as they were sent")
    sys.exit(not is_right)


if __name__ == "__main__":
    main()
