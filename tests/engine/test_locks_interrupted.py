"""Signal handlers that raise at any moment leave no lock of the package held."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Callable

import pytest
from interrupting import interruptions

import bpecore
from bpecore._core import holding, locked

SUPPORT = Path(__file__).parents[1] / "support"
CALLS = 5_000
USES_PER_CALL = 40
HAS_FAULT = sys.version_info < (3, 10) or (3, 14) <= sys.version_info < (3, 14, 11)
"""Whether `with lock:` may leave the lock held. The newest version known to be so is 3.14.10."""


class Guarded:
    """Guards a method with a lock in the ways that the package has, or as it must not."""

    def __init__(self, lock: Any) -> None:
        self._lock = lock

    @locked
    def as_method(self) -> None:
        pass

    def as_block(self) -> None:
        with self._lock:
            pass


def is_free(lock: Any) -> bool:
    """Returns whether another thread finds a lock free."""
    found: list[bool] = []

    def attempt() -> None:
        found.append(lock.acquire(timeout=10))
        if found[0]:
            lock.release()

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    return found[0]


def times_left_held(use: Callable[[], object], is_held: Callable[[], bool]) -> int:
    """Interrupts many calls; returns after how many of them the lock was still held."""

    def use_often() -> None:
        for _ in range(USES_PER_CALL):
            use()

    left = interrupted = 0
    with interruptions(40e-6) as interrupt:
        for _ in range(CALLS):
            interrupted += interrupt(use_often)
            left += is_held()
    assert interrupted > CALLS // 100
    return left


@pytest.mark.parametrize("way", ["holding", "locked"])
def test_a_lock_is_free_after_an_interrupted_call(way: str) -> None:
    lock = threading.Lock()
    use = Guarded(lock).as_method if way == "locked" else holding(lock)(lambda: None)
    assert times_left_held(use, lock.locked) == 0


@pytest.mark.parametrize("way", ["holding", "locked"])
def test_so_is_a_lock_that_a_thread_may_take_again(way: str) -> None:
    lock: Any = threading.RLock()
    guarded = Guarded(lock)
    use = holding(lock)(guarded.as_method) if way == "holding" else guarded.as_method
    assert times_left_held(use, lock._is_owned) == 0
    assert is_free(lock)


def test_so_is_a_lock_that_was_waited_for() -> None:
    lock, ends = threading.Lock(), threading.Event()
    use = holding(lock)(lambda: None)

    def occupy() -> None:
        while not ends.is_set():
            holding(lock)(time.sleep)(1e-4)

    threads = [threading.Thread(target=occupy) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        with interruptions(100e-6) as interrupt:
            interrupted = sum(interrupt(use) for _ in range(2_000))
            for _ in range(20_000):  # a busy machine interrupts fewer calls
                if interrupted > 100:
                    break
                interrupted += interrupt(use)
        assert interrupted > 100
    finally:
        ends.set()
    for thread in threads:
        thread.join(30)
    assert is_free(lock)


@pytest.mark.skipif(not HAS_FAULT, reason="this interpreter's `with` statement is safe")
def test_these_calls_would_find_a_lock_left_held() -> None:
    lock = threading.Lock()
    guarded = Guarded(lock)

    def is_held() -> bool:
        was_held = lock.locked()
        if was_held:
            lock.release()
        return was_held

    assert times_left_held(guarded.as_block, is_held) > 0


def test_an_error_frees_the_lock_and_a_function_keeps_its_name() -> None:
    lock = threading.Lock()

    @holding(lock)
    def divide(number: int) -> float:
        """Divides."""
        return 1 / number

    with pytest.raises(ZeroDivisionError):
        divide(0)
    assert divide(2) == 0.5
    assert not lock.locked()
    assert (divide.__name__, divide.__doc__) == ("divide", "Divides.")


PROGRAM = """
import os, sys, threading
sys.path.insert(0, sys.argv[1])
from interrupting import interruptions
from bpecore import Encoding, aio, install_as_tiktoken, registry, uninstall_as_tiktoken
from bpecore._build import assemble, locks

RANKS = {bytes([value]): value for value in range(256)}

def load():
    registry.ENCODINGS.clear()
    registry.get_encoding("gpt2")

def find():
    registry.ENCODING_CONSTRUCTORS = None
    registry.list_encoding_names()
    registry.stats()

def make():
    assemble.compile_split_pattern.cache_clear()
    encoding = Encoding("own", pat_str=r"\\w+|\\W", mergeable_ranks=RANKS, special_tokens={})
    encoding.encode("ab")

def rebuild():
    encoding = registry.get_encoding("gpt2")
    encoding._mergeable_ranks = encoding._core_bpe.vocabulary
    encoding._mergeable_ranks

def replace():
    install_as_tiktoken()
    uninstall_as_tiktoken()

def count():
    encoder.metrics()

def fork():
    child = os.fork()
    if child == 0: os._exit(0)
    os.waitpid(child, 0)

encoder = aio.AsyncEncoder(registry.get_encoding("gpt2"))
for call, longest, times in ((load, 3e-4, 1500), (find, 3e-5, 3000), (make, 1e-3, 500),
                             (rebuild, 5e-3, 60), (replace, 2e-4, 1500), (count, 2e-5, 5000),
                             (fork, 2e-3, 300)):
    call()
    with interruptions(longest) as interrupt:
        interrupted = sum(interrupt(call) for _ in range(times))
    print(call.__name__, interrupted)
    assert interrupted > times // 100, (call, interrupted)

def check_free():
    for lock in (*locks._IN_ORDER, encoder._lock):
        assert lock.acquire(timeout=30), lock
        lock.release()
    free.append(True)

free = []
thread = threading.Thread(target=check_free)
thread.start()
thread.join()
assert free
"""


def test_every_call_that_holds_a_lock(tmp_path: Path) -> None:
    """In its own program, since half an installation as tiktoken stays."""
    pytest.importorskip("anyio")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM, str(SUPPORT)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_package_has_no_other_way() -> None:
    files = Path(bpecore.__file__).parent.rglob("*.py")
    found = [path for path in files if re.search(r"\bwith .*lock:", path.read_text("utf-8"))]
    assert not found
