"""Encodings work in forked children, even if other threads were busy, and in fresh processes.

Each scenario is a program with a time limit, so a child that hangs is a failure.
"""

from __future__ import annotations

import multiprocessing
import os
import textwrap
from pathlib import Path
from typing import Any

import pytest
from own import BYTES, own_encoding
from programs import output_of

import bpecore

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")

TIMEOUT = 60
TEXTS = [
    "hello<|endoftext|> world",
    "中文 naïve 😀 " * 200,
    "don't  stop\n\n" * 500,
    "x" * 5_000,
    "",
]

START = """
import os, sys, threading, time
import bpecore
from bpecore import registry

TEXT = "hello world 中文 don't 123456\\n" * 400
LONG = "The quick brown fox jumps over 13 lazy dogs; " * 400_000

def in_child(work):
    # Ends with 0 in the child if the work is done within its time; returns the child.
    child = os.fork()
    if child == 0:
        status = 1
        try:
            thread = threading.Timer(20, os._exit, (99,))
            thread.daemon = True
            thread.start()
            work()
            status = 0
        finally:
            os._exit(status)
    return child

def wait_for(*children):
    for child in children:
        _, status = os.waitpid(child, 0)
        assert os.WIFEXITED(status), status
        code = os.WEXITSTATUS(status)
        assert code != 99, "a child hangs"
        assert code == 0, code
"""


def run_program(code: str, folder: Path) -> None:
    """Runs a program that begins with START; it must end with 0 within the time."""
    code = START + textwrap.dedent(code)
    output_of(code, folder=folder, options=("-W", "ignore"), timeout=TIMEOUT)


def encode_all(encoding: bpecore.Encoding) -> list[Any]:
    """Returns results of several methods on all texts, for other processes to compare."""
    found: list[Any] = []
    for text in TEXTS:
        ids = encoding.encode(text, allowed_special="all")
        found += [ids, encoding.count(text, allowed_special="all"), encoding.decode(ids)]
        found.append(encoding.encode_to_numpy(text, disallowed_special=()).tolist())
    found.append(encoding.encode_ordinary_batch(TEXTS, num_threads=3))
    return found


def test_encoding_before_the_fork_in_children_and_in_the_parent_at_once(tmp_path: Path) -> None:
    run_program(
        """
        encoding = bpecore.get_encoding("cl100k_base")
        expected = encoding.encode(TEXT)

        def work():
            for _ in range(100):
                assert encoding.encode(TEXT) == expected
                assert encoding.encode_to_numpy(TEXT).tolist() == expected
            assert encoding.encode_ordinary_batch([TEXT] * 8) == [expected] * 8
            other = bpecore.get_encoding("gpt2")
            assert other.decode(other.encode(TEXT)) == TEXT

        children = [in_child(work) for _ in range(4)]
        work()
        wait_for(*children)
        """,
        tmp_path,
    )


def test_fork_while_other_threads_are_encoding(tmp_path: Path) -> None:
    """Forks within a long text, with all idle workspaces taken, and between short texts."""
    run_program(
        """
        encoding = bpecore.get_encoding("o200k_base")
        expected, stop, running = encoding.encode(TEXT), threading.Event(), threading.Barrier(13)

        def encode(text):
            running.wait()
            while not stop.is_set():
                encoding.encode_to_numpy(text)

        threads = [threading.Thread(target=encode, args=(LONG,)) for _ in range(9)]
        threads += [threading.Thread(target=encode, args=(TEXT,)) for _ in range(3)]
        for thread in threads: thread.start()
        running.wait()

        def work():
            for _ in range(20):
                assert encoding.encode(TEXT) == expected
            assert encoding.encode_ordinary_batch([TEXT] * 4) == [expected] * 4
            assert encoding.decode(expected) == TEXT

        for _ in range(6):
            time.sleep(0.02)
            wait_for(in_child(work), in_child(work))
        stop.set()
        for thread in threads: thread.join()
        """,
        tmp_path,
    )


@pytest.mark.parametrize("delay", [0.0, 0.001, 0.01, 0.05, 0.1])
def test_fork_while_another_thread_loads_an_encoding(delay: float, tmp_path: Path) -> None:
    """Forks at several moments of a first load: imports, rank table, pattern, vocabulary."""
    run_program(
        f"""
        loader = threading.Thread(target=bpecore.get_encoding, args=("o200k_base",))
        loader.start()
        time.sleep({delay})

        def work():
            assert bpecore.get_encoding("o200k_base").encode("hello world") == [24912, 2375]
            assert bpecore.get_encoding("gpt2").encode("hello world") == [31373, 995]
            assert len(bpecore.list_encoding_names()) >= 7
            assert "gpt2" in registry.stats()

        wait_for(in_child(work))
        loader.join()
        work()
        """,
        tmp_path,
    )


@pytest.mark.parametrize("delay", [0.0, 0.005, 0.02, 0.05])
def test_fork_while_another_thread_makes_an_encoding(delay: float, tmp_path: Path) -> None:
    """The first encoding, so what it needs is imported meanwhile."""
    run_program(
        f"""
        ranks = {{bytes([value]): value for value in range(256)}}
        ranks.update({{b"%d%d" % (i, j): 256 + 300 * i + j for i in range(300) for j in range(300)
                      if len(b"%d%d" % (i, j)) == 6}})

        def make():
            pattern = r"\\p{{L}}+|\\p{{N}}+|\\s+"
            return bpecore.Encoding(
                "own", pat_str=pattern, mergeable_ranks=ranks, special_tokens={{}})

        maker = threading.Thread(target=make)
        maker.start()
        time.sleep({delay})
        wait_for(in_child(lambda: make().encode("ab 12")))
        maker.join()
        """,
        tmp_path,
    )


def test_a_fork_does_not_wait_for_ever_for_a_load_that_does_not_end(tmp_path: Path) -> None:
    """The parent's lock stays with the thread that holds it; the child's is free."""
    run_program(
        """
        from bpecore._build import locks
        locks.FORK_WAIT_SECONDS = 0.2
        entered, go_on = threading.Event(), threading.Event()
        constructors = registry.list_encoding_names() and registry.ENCODING_CONSTRUCTORS
        original = constructors["r50k_base"]

        def slow():
            entered.set()
            go_on.wait()
            return original()

        constructors["r50k_base"] = slow
        loader = threading.Thread(target=registry.get_encoding, args=("r50k_base",))
        loader.start()
        entered.wait()

        def work():
            go_on.set()
            assert bpecore.get_encoding("gpt2").encode("hello world") == [31373, 995]
            assert bpecore.get_encoding("r50k_base").encode("hello world") == [31373, 995]

        wait_for(in_child(work))
        assert not registry._lock.acquire(blocking=False)
        go_on.set()
        loader.join()
        assert registry._lock.acquire(timeout=30)
        registry._lock.release()
        work()
        """,
        tmp_path,
    )


def test_a_fork_by_the_thread_that_loads(tmp_path: Path) -> None:
    """As a plugin that starts a process does: the lock stays held in both until the load ends."""
    run_program(
        """
        constructors = registry.list_encoding_names() and registry.ENCODING_CONSTRUCTORS
        original = constructors["gpt2"]

        def free_for_others():
            found = []
            def attempt():
                found.append(registry._lock.acquire(blocking=False))
                if found[0]: registry._lock.release()
            thread = threading.Thread(target=attempt)
            thread.start()
            thread.join()
            return found[0]

        def forking():
            wait_for(in_child(lambda: bpecore.get_encoding("cl100k_base").encode("hello")))
            children.append(in_child(check_held))
            assert not free_for_others()
            return original()

        def check_held():
            assert not free_for_others()

        children = []
        constructors["gpt2"] = forking
        assert bpecore.get_encoding("gpt2").encode("hello world") == [31373, 995]
        wait_for(*children)
        assert free_for_others()
        wait_for(in_child(lambda: bpecore.get_encoding("cl100k_base").encode("hello")))
        """,
        tmp_path,
    )


def test_threads_that_fork_at_once(tmp_path: Path) -> None:
    run_program(
        """
        encoding = bpecore.get_encoding("gpt2")
        errors = []

        def work():
            assert encoding.encode("hello world") == [31373, 995]
            bpecore.get_encoding("p50k_base")

        def fork_often():
            try:
                for _ in range(5): wait_for(in_child(work))
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=fork_often) for _ in range(6)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        assert not errors, errors
        work()
        """,
        tmp_path,
    )


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_pool_of_processes(method: str) -> None:
    """Pickled encodings: one by name, one by content."""
    registered = bpecore.get_encoding("cl100k_base")
    own = own_encoding(r"\S+|\s+", {**BYTES, b"ab": 256}, {"<|endoftext|>": 300})
    encodings = [registered, own] * 3
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.map_async(encode_all, encodings).get(timeout=TIMEOUT)
    assert found == [encode_all(encoding) for encoding in encodings]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_bound_method_in_a_pool(method: str) -> None:
    encoding = bpecore.get_encoding("gpt2")
    with multiprocessing.get_context(method).Pool(2) as pool:
        found = pool.map_async(encoding.encode_ordinary, TEXTS).get(timeout=TIMEOUT)
    assert found == [encoding.encode_ordinary(text) for text in TEXTS]
