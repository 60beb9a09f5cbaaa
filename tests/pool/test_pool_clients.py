"""Threads share a client; processes, forks and pickles have their own clients."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest
from mixed_text import IDS, MIXED
from pool_programs import run_pool_program

from bpecore.pool import (
    PoolClient,
    TokenizerPool,
)


def test_threads_share_a_client(client: PoolClient) -> None:
    wrong: list[object] = []

    def use(number: int) -> None:
        try:
            client.open_stream(number)
            text = "".join(client.feed(number, token) for token in IDS)
            assert text + client.close(number) == MIXED
            assert client.encode_batch([MIXED] * 30) == [IDS] * 30
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def frontend(client: PoolClient, results: Any) -> None:
    """Runs in its own process."""
    client.open_stream("mine")
    text = "".join(client.feed("mine", token) for token in IDS)
    results.put((text + client.close("mine"), client.encode(MIXED)))


def test_clients_in_other_processes(pool: TokenizerPool, client: PoolClient) -> None:
    client.open_stream("mine")  # every client has its own
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    processes = [context.Process(target=frontend, args=(client, results)) for _ in range(2)]
    for process in processes:
        process.start()
    assert [results.get() for _ in processes] == [(MIXED, IDS)] * 2
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert client.feed("mine", IDS) == MIXED


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_child_of_a_fork_connects_by_itself(tmp_path: Path) -> None:
    code = """
import os
from bpecore.pool import TokenizerPool
if __name__ == "__main__":
    with TokenizerPool("o200k_base", processes=1) as pool, pool.client() as client:
        client.open_stream(1)
        assert client.feed(1, 24912) == "hello"
        child = os.fork()
        if child == 0:
            assert client.encode("hello world") == [24912, 2375]
            client.open_stream(1)
            client.disconnect()
            pool.close()
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert client.feed(1, 2375) == " world"
        print("done")
"""
    run_pool_program(code, tmp_path)


def test_pickled_clients_connect_at_first_use(pool: TokenizerPool, client: PoolClient) -> None:
    before = pool.metrics().clients
    copy = pickle.loads(pickle.dumps(client))
    assert pool.metrics().clients == before
    assert copy.encode("hello world") == [24912, 2375]
    copy.disconnect()
    assert copy.count("hello world") == 2
    copy.disconnect()


def test_a_repr_tells_the_state_and_no_secret() -> None:
    with TokenizerPool("gpt2", processes=1) as pool, pool.client() as client:
        assert repr(pool) == "<TokenizerPool of <Encoding 'gpt2'>, processes=1>"
        assert repr(client) == "<PoolClient, not connected>"
        client.connect()
        assert repr(client) == "<PoolClient, connected>"
    assert repr(pool).endswith("processes=1, closed>")
    assert repr(client) == "<PoolClient, not connected>"
