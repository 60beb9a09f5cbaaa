"""The endpoint with a pool: equal answers from all frontends, and the rows of the load."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from loading import FOLDER, load_example
from programs import run_python
from servers import serving

import bpecore
from bpecore.pool import TokenizerPool

NEEDED = ("anyio", "httpx", "prometheus_client", "starlette", "uvicorn")
PROMPT = "Der Fluss fließt ins Meer. 🌊🤷🏽‍♀️ 中文\n" * 4


def texts_in(body: str) -> list[Any]:
    """Returns the events of a stream, read as JSON; the last is "[DONE]"."""
    events = [line[len("data: ") :] for line in body.splitlines() if line.startswith("data: ")]
    assert events.pop() == "[DONE]"
    return [json.loads(event) for event in events]


def test_answers_are_streamed_whole() -> None:
    endpoint = load_example("pooled_endpoint", *NEEDED)
    import httpx

    messages = [{"role": "user", "content": PROMPT}]
    with TokenizerPool("o200k_base", processes=2) as pool, pool.client() as client:
        app = endpoint.make_app(endpoint.Pooled(client), 1000)
        with serving(app) as url, httpx.Client(base_url=url) as web:
            path = "/v1/chat/completions"
            for tokens, wanted in (
                (1000, PROMPT),
                (21, bpecore.get_encoding("o200k_base").decode(
                    bpecore.get_encoding("o200k_base").encode(PROMPT)[:21])),
            ):  # fmt: skip
                answer = web.post(path, json={"messages": messages, "max_tokens": tokens})
                *texts, usage = texts_in(answer.text)
                assert "".join(t["choices"][0]["delta"]["content"] for t in texts) == wanted
                assert usage["usage"]["prompt_tokens"] == client.count(PROMPT)
            assert web.post(path, content=b"{").status_code == 400
            assert web.post(path, json={"messages": 5}).status_code == 400


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Starts the program; gives its process and the address that it prints."""
    with subprocess.Popen(
        [sys.executable, str(FOLDER / "pooled_endpoint.py"), "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that all of its processes get the Ctrl-C, as in a terminal
    ) as server:
        assert server.stdout is not None
        yield server, server.stdout.readline().strip()


@pytest.mark.parametrize("inline", [False, True])
def test_the_program_serves_and_ends_quietly(inline: bool) -> None:
    load_example("pooled_endpoint", *NEEDED)
    import httpx

    with contextlib.ExitStack() as stack:
        options = ["--inline"] if inline else []
        server, url = stack.enter_context(started("--rate", "20", *options))
        client = stack.enter_context(httpx.Client(base_url=url, timeout=60))
        chat = {"messages": [{"role": "user", "content": PROMPT}]}
        answer = client.post("/v1/chat/completions", json={**chat, "max_tokens": 5})
        assert len(texts_in(answer.text)) > 2
        metrics = client.get("/metrics")
        assert metrics.headers["content-type"].startswith("text/plain")
        worker = 'bpecore_worker_requests_total{pool="o200k_base",worker="1"}'
        assert (worker in metrics.text) is not inline
        cut = stack.enter_context(client.stream("POST", "/v1/chat/completions", json=chat))
        next(cut.iter_raw())
        os.killpg(server.pid, signal.SIGINT)
        output, errors = server.communicate(timeout=60)
    assert (server.returncode, output, errors) == (0, "", "")


def test_termination_ends_it_quietly() -> None:
    load_example("pooled_endpoint", *NEEDED)
    with started() as (server, url):
        assert url.startswith("http://127.0.0.1:")
        server.terminate()
        assert server.communicate(timeout=60) == ("", "")
    assert server.returncode == 0


def test_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds of the default load: the pool keeps the streams on time, tiktoken does not."""
    monkeypatch.syspath_prepend(str(FOLDER))
    load = load_example("pooled_load", *NEEDED)
    default = load.Load()
    short = default._replace(tokens=40, prompts=default.prompts * 40 // default.tokens)

    def p99(values: list[float]) -> float:
        return values[int(0.99 * len(values))]

    for _ in range(4):  # other programs may take the processors meanwhile
        pool = asyncio.run(load.measure(False, short))
        inline = asyncio.run(load.measure(True, short))
        assert load.PROMPT.startswith(pool.text)
        assert len(pool.text) > 100
        for times in (pool, inline):
            assert len(times.late) == pytest.approx(short.streams * (short.tokens - 1), rel=0.2)
            assert len(times.prompts) == short.prompts
            assert len(load.row("name", times).split()) == 5
        if p99(pool.late) < p99(inline.late) / 1.5:
            return
    raise AssertionError(f"late: {p99(pool.late)} with the pool, {p99(inline.late)} inline")


def test_load_as_written() -> None:
    load_example("pooled_endpoint", *NEEDED)
    shown = (FOLDER / "pooled_load.py").read_text().split("\n\n")[1].split()[1:]
    small = ["--streams", "2", "--tokens", "4", "--prompts", "1"]
    run = run_python(*shown, *small, folder=FOLDER.parent)
    assert run.returncode == 0, run.stderr
    names = [line[:28].strip() for line in run.stdout.splitlines()]
    assert names == ["", "", "pool of 2, 2 frontends", "tiktoken inline, 1 process"]
