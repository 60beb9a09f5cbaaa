"""Pools in programs that do as they please with signals, sockets, folders and their end."""

from __future__ import annotations

import math
import os
import signal
import socket
import tempfile
import threading
import time
from multiprocessing import forkserver
from pathlib import Path
from typing import Any

import pytest
from pool_programs import run_pool_program
from waiting import encode_for_ever, wait_until

import bpecore
from bpecore.pool import PoolClosedError, PoolError, TokenizerPool
from bpecore.pool.client import connection
from bpecore.pool.client.calls import BlockingWaiter
from bpecore.pool.owner import worker_process

ENCODING = bpecore.get_encoding("o200k_base")
HELLO = ENCODING.encode("hello")


def kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)


def first_process(pool: TokenizerPool) -> int:
    return pool.metrics().workers[0].process


def test_sigchld_is_ignored(tmp_path: Path) -> None:
    """Then nobody can wait for a process and know that it has ended."""
    code = """
import os, signal
from bpecore.pool import TokenizerPool
if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with TokenizerPool("o200k_base", processes=1) as pool, pool.client() as client:
        for _ in range(3):
            client.encode("hello")
            os.kill(pool.metrics().workers[0].process, signal.SIGKILL)
        client.encode("hello")
    print("done")
"""
    run_pool_program(code, tmp_path)


def test_sigpipe_ends_the_program(tmp_path: Path) -> None:
    """As in programs that end when `head` does; the ends of workers and clients do not count."""
    code = """
import signal, socket
from bpecore.pool.wire.channel import Channel, channel_bytes
from bpecore.pool.wire.control import Control
from bpecore.pool.wire.segments import create_segment, new_owner
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
one, other = socket.socketpair()
other.close()
Control(one).send(do="end")
segment = create_segment(channel_bytes(1 << 14), new_owner())
segment.unlink()
channel = Channel(segment, one, 1 << 14, is_worker=False)
channel.notify(now=True)
channel.close()
print("done")
"""
    run_pool_program(code, tmp_path)


def test_a_pool_that_a_child_process_does_not_close(tmp_path: Path) -> None:
    code = """
import multiprocessing
from bpecore.pool import TokenizerPool

def work():
    global pool
    pool = TokenizerPool("o200k_base", processes=1)
    assert pool.client().encode("hello") == [24912]

if __name__ == "__main__":
    for method in ("spawn", "fork"):
        child = multiprocessing.get_context(method).Process(target=work)
        child.start()
        child.join()
        assert child.exitcode == 0
    print("done")
"""
    run_pool_program(code, tmp_path)


@pytest.mark.parametrize("name", ["pool", "0-0"])
@pytest.mark.parametrize("garbage", [b"hello\n", b"5\n", b"\xff\n", b"[]\n", bytes(1 << 21)])
def test_garbage_at_its_sockets(name: str, garbage: bytes) -> None:
    with TokenizerPool(ENCODING, processes=1) as pool, pool.client() as client:
        client.connect()
        process = first_process(pool)
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(f"{pool._supervisor.folder}/{name}")
            try:
                stranger.sendall(garbage)
                assert stranger.recv(1) == b""
            except ConnectionError:
                pass
        assert client.encode("hello") == HELLO
        assert first_process(pool) == process
        kill(process)
        assert client.encode("hello") == HELLO


def test_a_client_that_comes_while_a_worker_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has its link later, and waits only a moment for the others."""
    monkeypatch.setattr(connection, "GREET_SECONDS", (0.3, 0.1))
    results: list[Any] = []
    with TokenizerPool(ENCODING, processes=2, stuck_after=None) as pool:
        processes = [worker.process for worker in pool.metrics().workers]
        os.kill(processes[0], signal.SIGSTOP)
        with pool.client() as late, pool.client() as later:
            assert late.encode("hello") == HELLO
            os.kill(processes[1], signal.SIGSTOP)
            thread = threading.Thread(target=lambda: results.append(later.encode("hello")))
            thread.start()
            thread.join(1.0)
            assert thread.is_alive()
            os.kill(processes[0], signal.SIGCONT)
            thread.join()
            assert results == [HELLO]
            os.kill(processes[1], signal.SIGCONT)
            wait_until(lambda: [worker.clients for worker in pool.metrics().workers] == [2, 2])


@pytest.mark.parametrize(
    ("timeout", "error"),
    [("5", TypeError), (None, TypeError), (-1, ValueError), (math.nan, ValueError)],
)
def test_a_pool_can_be_closed_after_a_wrong_close(timeout: Any, error: Any) -> None:
    pool = TokenizerPool(ENCODING, processes=1)
    with pytest.raises(error, match="timeout"):
        pool.close(timeout)
    with pool.client() as client:
        assert client.encode("hello") == HELLO
    pool.close(math.inf)
    assert not Path(pool._supervisor.folder).exists()


def test_a_pool_is_closed_whatever_interrupts_it() -> None:
    class Interrupting(BlockingWaiter):
        def wait(self, timeout: float = -1) -> None:
            raise KeyboardInterrupt

    pool = TokenizerPool(ENCODING, processes=1)
    pool._supervisor._all_drained = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        pool.close()
    assert not Path(pool._supervisor.folder).exists()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ends_by_an_error_ends_the_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    with TokenizerPool(ENCODING, processes=1) as pool:
        client, early = pool.client(), pool.client()
        early.connect()
        monkeypatch.setattr(pool._supervisor, "_greet", lambda control: 1 // 0)
        with pytest.raises(PoolClosedError):
            client.connect()
        with pytest.raises(PoolClosedError):
            encode_for_ever(early)
        wait_until(lambda: not Path(pool._supervisor.folder).exists())


def test_the_folder_of_a_dead_pool_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folders = [tmp_path / f"bpecore-pool-{name}" for name in ("dead", "living", "beginning")]
    with socket.socket(socket.AF_UNIX) as dead, socket.socket(socket.AF_UNIX) as living:
        for folder in folders:
            folder.mkdir()
        dead.bind(str(folders[0] / "pool"))
        dead.close()
        living.bind(str(folders[1] / "pool"))
        living.listen()
        for folder in folders:
            os.utime(folder, (time.time() - 100,) * 2)
        with TokenizerPool(ENCODING, processes=1):
            assert [folder.exists() for folder in folders] == [False, True, True]


def test_a_forkserver_dies() -> None:
    """Its workers die with it; the pool lives and starts others."""
    server: Any = forkserver
    pool = TokenizerPool(ENCODING, processes=1, start_method="forkserver")
    with pool, pool.client() as client:
        assert client.encode("hello") == HELLO
        process = first_process(pool)
        kill(server._forkserver._forkserver_pid)
        wait_until(lambda: first_process(pool) not in (0, process))
        assert client.encode("hello") == HELLO


def test_no_worker_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for ever, and everything goes on once there is one again."""
    monkeypatch.setattr(worker_process, "RESTART_SECONDS", (0.01, 0.05))
    with TokenizerPool(ENCODING, processes=1) as pool, pool.client() as client:
        client.open_stream("a")
        assert client.feed("a", HELLO) == "hello"
        folder = Path(pool._supervisor.folder)
        elsewhere = folder.rename(folder.with_suffix(".away"))
        kill(first_process(pool))
        for ask in (lambda: encode_for_ever(client), lambda: client.feed("a", HELLO)):
            with pytest.raises(PoolError, match="no worker can be started: it ended"):
                ask()
        elsewhere.rename(folder)
        wait_until(lambda: client.is_connected() and client._session.connected()._has_workers)
        assert client.encode("hello") == HELLO
        assert client.feed("a", HELLO) == "hello"


def test_a_worker_dies_before_it_has_answered_a_new_client() -> None:
    """The client has a link to the next one, and no error."""
    results: list[Any] = []
    with TokenizerPool(ENCODING, processes=1, stuck_after=None) as pool, pool.client() as client:
        process = first_process(pool)
        os.kill(process, signal.SIGSTOP)
        thread = threading.Thread(target=lambda: results.append(client.encode("hello")))
        thread.start()
        thread.join(0.5)
        kill(process)
        thread.join()
    assert results == [HELLO]
