"""A worker that hangs is killed and others do its work; a busy one is left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from mixed_text import ENCODING, IDS, MIXED
from waiting import wait_until

import bpecore
from bpecore.pool import PoolClient, TokenizerPool, WorkerDiedError
from bpecore.pool.client import assignments
from bpecore.pool.owner.health import (
    CHECKS,
    DEVICE_PATIENCE,
    SLOWEST_BYTES_PER_SECOND,
    HealthCheck,
    Use,
    check_interval,
    use_of,
)

LIMIT = 8.0
LOOK = check_interval(LIMIT)


def test_who_beats_is_not_stuck_whatever_it_does() -> None:
    health = HealthCheck(LIMIT)
    assert not any(health.is_stuck(turn, 0, Use(0.0, "S")) for turn in range(100))
    assert not any(health.is_stuck(100 + turn, 0, Use(turn * 10.0, "R")) for turn in range(100))


@pytest.mark.parametrize("state", ["S", "T"])
def test_who_sleeps_is_stuck_after_the_limit(state: str) -> None:
    health = HealthCheck(LIMIT)
    assert not health.is_stuck(1, 0, Use(1.0, state))
    found = [health.is_stuck(1, 0, Use(1.0, state)) for _ in range(CHECKS)]
    assert found == [False] * (CHECKS - 1) + [True]


def test_who_waits_for_a_device_has_longer() -> None:
    health = HealthCheck(LIMIT)
    looks = range(2 * DEVICE_PATIENCE * CHECKS)
    found = [health.is_stuck(1, 0, Use(1.0, "D")) for _ in looks].index(True)
    assert DEVICE_PATIENCE * CHECKS - 1 <= found <= DEVICE_PATIENCE * CHECKS + 1


@pytest.mark.parametrize("state", ["R", "t"])
def test_who_waits_for_a_processor_or_is_debugged_is_not_stuck(state: str) -> None:
    health = HealthCheck(LIMIT)
    assert not any(health.is_stuck(1, 0, Use(1.0, state)) for _ in range(1000))
    # Time before it fell asleep does not count.
    assert not any(health.is_stuck(1, 0, Use(1.0, "S")) for _ in range(CHECKS - 1))


@pytest.mark.parametrize("seconds", [0, 30])
def test_who_works_may_do_so_as_long_as_its_request_can_take(seconds: int) -> None:
    health = HealthCheck(LIMIT)
    size = seconds * SLOWEST_BYTES_PER_SECOND
    looks = range(1, 100)
    found = [health.is_stuck(1, size, Use(look * LOOK, "RSD"[look % 3])) for look in looks]
    assert found == [look * LOOK - LOOK > LIMIT + seconds for look in looks]


def test_without_proc_time_counts_as_work() -> None:
    health = HealthCheck(LIMIT)
    size = 4 * SLOWEST_BYTES_PER_SECOND
    found = [health.is_stuck(1, size, None) for _ in range(100)]
    assert found.index(True) * LOOK > LIMIT + 4
    assert found.index(True) * LOOK < LIMIT + 4 + 2 * LOOK
    assert not health.is_stuck(2, size, None)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux")
def test_what_a_process_does() -> None:
    def use() -> Use:
        found = use_of(process.pid)
        assert found is not None
        return found

    process = subprocess.Popen(
        [sys.executable, "-c", "for _ in range(10**7): pass\ninput()"], stdin=subprocess.PIPE
    )
    wait_until(lambda: use().state == "S" and use().seconds > 0)
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: use().state == "T")
    process.kill()
    process.communicate()
    assert use_of(process.pid) is None


def test_stopped_workers_under_load() -> None:
    ended = threading.Event()
    wrong: list[object] = []
    rounds = [0]

    def load(client: PoolClient, names: range) -> None:
        try:
            while not ended.is_set():
                texts = dict.fromkeys(names, "")
                for name in names:
                    client.open_stream(name)
                for token in IDS:
                    for name, text in client.feed_many(dict.fromkeys(names, token)).items():
                        texts[name] += text
                for name, text in client.close_many(names).items():
                    texts[name] += text
                assert texts == dict.fromkeys(names, MIXED)
                assert client.encode_batch([MIXED] * 20) == [IDS] * 20
                rounds[0] += 1
        except BaseException as error:
            wrong.append(error)

    with TokenizerPool(ENCODING, processes=2, stuck_after=1.0) as pool:
        shared, other = pool.client(), pool.client()
        threads = [
            threading.Thread(target=load, args=(client, range(first, first + 20)))
            for client, first in ((shared, 0), (shared, 100), (other, 0))
        ]
        for thread in threads:
            thread.start()
        for number in (0, 1):
            before = rounds[0]
            wait_until(lambda before=before: rounds[0] > before)
            process = pool.metrics().workers[number].process
            os.kill(process, signal.SIGSTOP)
            stopped = time.monotonic()
            wait_until(lambda n=number, p=process: pool.metrics().workers[n].process not in (0, p))
            assert time.monotonic() - stopped >= 0.8
        before = rounds[0]
        wait_until(lambda: rounds[0] > before + 3)
        ended.set()
        for thread in threads:
            thread.join(60)
        assert wrong == []
        assert [worker.restarts for worker in pool.metrics().workers] == [1, 1]
        shared.disconnect()
        other.disconnect()


def test_a_worker_that_is_stopped_while_idle_is_replaced_too() -> None:
    with TokenizerPool(ENCODING, processes=1, stuck_after=1.0) as pool, pool.client() as client:
        client.open_stream(1)
        text = client.feed(1, IDS[:20])
        time.sleep(2.5)  # idle for longer than the limit
        assert pool.metrics().workers[0].restarts == 0
        os.kill(pool.metrics().workers[0].process, signal.SIGSTOP)
        assert text + client.feed(1, IDS[20:]) == MIXED
        assert pool.metrics().workers[0].restarts == 1


@pytest.mark.slow
def test_nobody_is_killed_if_that_is_not_wanted() -> None:
    with TokenizerPool(ENCODING, processes=1, stuck_after=None) as pool, pool.client() as client:
        client.connect()
        worker = pool.metrics().workers[0].process
        os.kill(worker, signal.SIGSTOP)
        threading.Timer(7.0, os.kill, (worker, signal.SIGCONT)).start()
        assert client.encode(MIXED) == IDS
        assert pool.metrics().workers[0].restarts == 0


class Slow(bpecore.Encoding):
    """Takes its time for some texts: by work, or asleep."""

    def encode(self, text: str, **keywords: Any) -> list[int]:
        if text.startswith("work"):
            end = time.process_time() + 2.5
            while time.process_time() < end:
                pass
        elif text.startswith("sleep"):
            time.sleep(60)
        return super().encode(text, **keywords)


@pytest.mark.slow
def test_long_work_is_left_alone_and_endless_sleep_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assignments, "ATTEMPTS", 2)
    slow = Slow(
        "slow",
        pat_str=ENCODING._pat_str,
        mergeable_ranks=ENCODING._mergeable_ranks,
        special_tokens=ENCODING._special_tokens,
    )
    with TokenizerPool(slow, processes=1, stuck_after=1.0) as pool, pool.client() as client:
        long = "work" + " more" * 40_000  # 2 seconds more
        assert client.encode(long) == ENCODING.encode(long)
        assert pool.metrics().workers[0].restarts == 0
        with pytest.raises(WorkerDiedError, match="2 workers died with this request"):
            client.encode("sleep")
        assert client.encode(MIXED) == IDS
        assert pool.metrics().workers[0].restarts == 2


@pytest.mark.parametrize(
    ("stuck_after", "error"),
    [(0.5, ValueError), (float("inf"), ValueError), (float("nan"), ValueError), ("5", TypeError),
     (True, TypeError)],
)  # fmt: skip
def test_seconds_are_checked(stuck_after: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="stuck_after"):
        TokenizerPool(ENCODING, stuck_after=stuck_after)
