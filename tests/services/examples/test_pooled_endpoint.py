"""The endpoint with a pool: equal answers from all frontends, and the rows of the load."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from loading import FOLDER, load_example
from servers import serving

import bpecore
from bpecore.pool import TokenizerPool

NEEDED = ("anyio", "httpx", "starlette", "uvicorn")
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


def test_load(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.version_info < (3, 10):
        pytest.skip("the example's `async with` of several lines needs Python 3.10")
    monkeypatch.syspath_prepend(str(Path(FOLDER)))
    load = load_example("pooled_load", *NEEDED)
    row, text = asyncio.run(load.measure(False, 20, 10, 100))
    assert row.startswith("pool of 2, 2 frontends")
    assert load.PROMPT.startswith(text)
    assert len(text) > 20
