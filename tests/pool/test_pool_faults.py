"""Killed workers, killed clients, a killed parent: nothing is lost, doubled or left behind."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mixed_text import ENCODING, IDS, MIXED
from waiting import encode_for_ever, wait_until

from bpecore.pool import PoolClient, PoolClosedError, TokenizerPool, WorkerDiedError
from bpecore.pool.client import assignments
from bpecore.pool.wire.segments import FOLDER


@pytest.fixture
def pool() -> Iterator[TokenizerPool]:
    with TokenizerPool(ENCODING, processes=2) as pool:
        yield pool


def kill_a_worker(pool: TokenizerPool, number: int) -> None:
    wait_until(lambda: pool.metrics().workers[number].process)
    process = pool.metrics().workers[number].process
    os.kill(process, signal.SIGKILL)
    wait_until(lambda: pool.metrics().workers[number].process != process)


def names() -> list[str]:
    return [path.name for path in FOLDER.glob("bpecore-*")] if FOLDER.is_dir() else []


def test_streams_outlive_their_workers_at_every_place(pool: TokenizerPool) -> None:
    with pool.client() as client:
        texts = dict.fromkeys(range(len(IDS)), "")
        for name in texts:
            client.open_stream(name)
            # Each is at another place, many in the middle of a character.
            texts[name] += client.feed(name, IDS[:name]) if name else ""
        for number in (0, 1, 0):
            kill_a_worker(pool, number)
        for name, text in client.feed_many({name: IDS[name:] for name in texts}).items():
            texts[name] += text
        assert texts == dict.fromkeys(texts, MIXED)
        assert client.close_many(texts) == dict.fromkeys(texts, "")


needs_bounds = pytest.mark.skipif(not FOLDER.is_dir(), reason="memory is not set aside here")


class LittleMemory:
    """Replaces `os.posix_fallocate`: some calls find room, and the next ones do not.

    Args:
        calls: those that there is room for.
        refusals: how many find none; after them there is room again.
    """

    def __init__(self, calls: int, refusals: int) -> None:
        self._refused = range(calls, calls + refusals)
        self._call = 0

    def __call__(self, descriptor: int, offset: int, size: int) -> None:
        self._call += 1
        if self._call - 1 in self._refused:
            raise OSError(errno.ENOSPC, "No space left on device")


FOR_EVER = 1 << 40


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))


@needs_bounds
@pytest.mark.parametrize("calls", [0, 1, 5])
def test_a_client_that_there_is_no_memory_for(
    pool: TokenizerPool, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    with pool.client() as client:
        before = descriptors()
        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", LittleMemory(calls, FOR_EVER))
            with pytest.raises(OSError, match="bytes of shared memory"):
                client.encode("hello")
        wait_until(lambda: descriptors() == before)  # the pool's end of the connection is here, too
        assert client.encode("hello") == ENCODING.encode("hello")


@needs_bounds
def test_a_client_waits_for_the_memory_of_one_that_has_just_left(
    pool: TokenizerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pool.client() as client:
        monkeypatch.setattr(os, "posix_fallocate", LittleMemory(1, 20))
        assert client.encode("hello") == ENCODING.encode("hello")


@needs_bounds
def test_a_client_goes_on_without_a_new_worker_that_there_is_no_memory_for(
    pool: TokenizerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pool.client() as client:
        client.open_stream("a")
        begun = client.feed("a", IDS[:50])
        with monkeypatch.context() as patch:
            # There is room for the new worker's numbers, which the pool in this process makes.
            patch.setattr(os, "posix_fallocate", LittleMemory(1, FOR_EVER))
            kill_a_worker(pool, 0)
            for _ in range(20):
                assert client.encode("hello") == ENCODING.encode("hello")
            assert begun + client.feed("a", IDS[50:]) == MIXED
            assert pool.metrics().workers[0].clients == 0
        wait_until(lambda: pool.metrics().workers[0].clients == 1)
        assert client.encode_batch(["hello"] * 500) == [ENCODING.encode("hello")] * 500


@needs_bounds
def test_a_client_without_memory_for_the_only_worker_ends_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with TokenizerPool(ENCODING, processes=1) as pool, pool.client() as client:
        client.connect()
        with monkeypatch.context() as patch:
            patch.setattr(os, "posix_fallocate", LittleMemory(1, FOR_EVER))
            kill_a_worker(pool, 0)
            with pytest.raises(PoolClosedError, match="bytes of shared memory"):
                encode_for_ever(client)
        client.disconnect()
        assert client.encode("hello") == ENCODING.encode("hello")


def test_load_while_workers_are_killed(pool: TokenizerPool) -> None:
    ended = threading.Event()
    wrong: list[object] = []

    def streams(client: PoolClient, seed: int) -> None:
        chance = random.Random(seed)
        try:
            while not ended.is_set():
                texts, places = dict.fromkeys(range(50), ""), dict.fromkeys(range(50), 0)
                for name in texts:
                    client.open_stream((seed, name))
                while min(places.values()) < len(IDS):
                    feed = {}
                    for name, place in places.items():
                        count = chance.choice((0, 1, 1, 3))
                        feed[seed, name] = IDS[place : place + count]
                        places[name] += count
                    for (_, name), text in client.feed_many(feed).items():
                        texts[name] += text
                for (_, name), text in client.close_many((seed, name) for name in texts).items():
                    texts[name] += text
                assert texts == dict.fromkeys(texts, MIXED)
                assert client.encode_batch([MIXED] * 20) == [IDS] * 20
        except BaseException as error:
            wrong.append(error)

    shared, other = pool.client(), pool.client()
    threads = [
        threading.Thread(target=streams, args=(client, seed))
        for seed, client in enumerate((shared, shared, other))
    ]
    for thread in threads:
        thread.start()
    for number in (0, 1, 1, 0, 1):
        kill_a_worker(pool, number)
    ended.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    wait_until(lambda: all(worker.process for worker in pool.metrics().workers))
    assert sum(worker.restarts for worker in pool.metrics().workers) == 5
    shared.disconnect()
    other.disconnect()


def test_all_workers_killed_at_once(pool: TokenizerPool) -> None:
    with pool.client() as client:
        client.open_stream(1)
        text = client.feed(1, IDS[:20])
        for worker in pool.metrics().workers:
            os.kill(worker.process, signal.SIGKILL)
        client.open_stream(2)
        assert client.encode(MIXED) == IDS
        assert text + client.feed(1, IDS[20:]) == MIXED
        assert client.feed(2, IDS) == MIXED


def test_what_every_worker_dies_with_is_given_up(
    pool: TokenizerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assignments, "ATTEMPTS", 2)
    with pool.client() as client:
        client.connect()
        processes = [worker.process for worker in pool.metrics().workers]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        errors: list[Exception] = []

        def ask() -> None:
            try:
                client.encode(MIXED)
            except WorkerDiedError as error:
                errors.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.1)
        for process in processes:
            os.kill(process, signal.SIGKILL)
            time.sleep(0.1)
        asking.join(30)
        if not errors:  # the machine was slow: the second worker had died before the first
            pytest.skip("the request was sent again to a worker that lives")
        assert "encode: 2 workers died with this request" in str(errors[0])
        assert client.encode(MIXED) == IDS


def hold_streams(client: PoolClient, ready: Any) -> None:
    """Runs in its own process."""
    for name in range(100):
        client.open_stream(name)
    client.feed_many(dict.fromkeys(range(100), 24912))
    ready.set()
    time.sleep(60)


def test_a_killed_client_frees_its_streams(pool: TokenizerPool) -> None:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=hold_streams, args=(pool.client(), ready))
    process.start()
    assert ready.wait(30)
    wait_until(lambda: sum(worker.streams for worker in pool.metrics().workers) == 100)
    process.kill()
    process.join()
    wait_until(lambda: sum(worker.streams for worker in pool.metrics().workers) == 0)
    wait_until(lambda: pool.metrics().clients == 0)
    assert [worker.restarts for worker in pool.metrics().workers] == [0, 0]


PROGRAM = """
import sys, time
from bpecore.pool import TokenizerPool

if __name__ == "__main__":
    pool = TokenizerPool("o200k_base", processes=2)
    client = pool.client()
    client.open_stream(1)
    client.feed(1, 24912)
    workers = [worker.process for worker in pool.metrics().workers]
    print(*workers, pool._supervisor.folder, flush=True)
    {end}
"""


def start(end: str, folder: Path) -> tuple[subprocess.Popen[str], list[int], Path]:
    """Starts a program with a pool; returns it, its workers' processes, its sockets' folder."""
    file = folder / "program.py"
    file.write_text(PROGRAM.format(end=end))
    program = subprocess.Popen(
        [sys.executable, str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert program.stdout is not None
    *workers, sockets = program.stdout.readline().split()
    return program, list(map(int, workers)), Path(sockets)


def has_ended(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


@pytest.mark.skipif(not FOLDER.is_dir(), reason="needs Linux")
@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("pass", 0),
        ("raise ValueError('an exception')", 1),
        ("client.encode_batch(['x' * 5000] * 1_000_000)", -signal.SIGKILL),
        ("import os\n    if os.fork() == 0: time.sleep(2); sys.exit()\n    time.sleep(60)", None),
    ],
)
def test_nothing_is_left_behind(end: str, status: int | None, tmp_path: Path) -> None:
    program, workers, sockets = start(end, tmp_path)
    if status is None or status < 0:
        time.sleep(0.2)
        program.kill()
    else:
        _, errors = program.communicate(timeout=30)
        assert ("an exception" in errors) == (status == 1)
        assert "resource_tracker" not in errors
    program.wait(30)
    assert status in (None, program.returncode)
    wait_until(lambda: all(map(has_ended, workers)))
    wait_until(lambda: not sockets.exists())
    makers = {str(process) for process in (program.pid, *workers)}
    assert not [name for name in names() if name.split("-")[1] in makers]
    program.communicate()


def ask_on(client: PoolClient, results: Any) -> None:
    """Runs in its own process, until the pool is gone."""
    client.connect()
    results.put("connected")
    try:
        while True:
            client.encode("hello world")
    except Exception as error:
        results.put(type(error))


def test_clients_are_told_that_the_pool_is_gone() -> None:
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    with TokenizerPool(ENCODING, processes=1) as pool:
        process = context.Process(target=ask_on, args=(pool.client(), results))
        process.start()
        assert results.get(timeout=30) == "connected"
    assert results.get(timeout=30) is PoolClosedError
    process.join()
