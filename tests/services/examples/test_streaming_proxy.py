"""The proxy in front of a local server: what it forwards and what it counts."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from loading import load_example
from servers import serving

import bpecore
from bpecore.chat import num_tokens_from_messages

NEEDED = ("httpx", "starlette", "uvicorn")
ANSWER = "Der Fluss fließt ins Meer. 🌊 <|endoftext|> " + "x = compute(y)\n" * 50
MESSAGES = [{"role": "user", "content": "Where does the river go?"}]


def events(text: str, step: int) -> bytes:
    """Returns a stream of events, a few characters in each."""
    lines = [b": a comment", b"data: not json", b"data: []", b'data: {"choices": 3}']
    for start in range(0, len(text), step):
        delta = {"choices": [{"index": 0, "delta": {"content": text[start : start + step]}}]}
        lines.append(b"data: " + json.dumps(delta, ensure_ascii=False).encode())
    lines.append(b"data: [DONE]")
    return b"\n\n".join(lines) + b"\n\n"


def chat_server(body: bytes, cut: int) -> Any:
    """Returns a server that answers any chat with a stream, sent in pieces of `cut` bytes."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import StreamingResponse
    from starlette.routing import Route

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), cut):
            yield body[start : start + cut]

    async def chat(request: Request) -> StreamingResponse:
        assert (await request.json())["model"]
        return StreamingResponse(pieces(), media_type="text/event-stream")

    return Starlette(routes=[Route("/v1/chat/completions", chat, methods=["POST"])])


@pytest.mark.parametrize(("step", "cut"), [(1, 50), (7, 3), (10_000, 100_000)])
def test_proxy(step: int, cut: int) -> None:
    proxy = load_example("streaming_proxy", *NEEDED)
    import httpx

    stream = events(ANSWER, step)
    tokens = bpecore.get_encoding("cl100k_base").count(ANSWER, disallowed_special=())
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(serving(chat_server(stream, cut)))
        url = stack.enter_context(serving(proxy.make_app(upstream)))
        client = stack.enter_context(httpx.Client(base_url=url))
        for requests in (1, 2):
            answer = client.post(
                "/v1/chat/completions", json={"model": "gpt-4", "messages": MESSAGES}
            )
            assert answer.content == stream
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert client.get("/usage").json() == {
                "requests": requests,
                "prompt_tokens": requests * num_tokens_from_messages(MESSAGES, "gpt-4"),
                "completion_tokens": requests * tokens,
            }


def test_what_is_no_chat_and_no_server() -> None:
    proxy = load_example("streaming_proxy", *NEEDED)
    import httpx

    with serving(proxy.make_app("http://127.0.0.1:9")) as url, httpx.Client(base_url=url) as client:
        path = "/v1/chat/completions"
        assert client.post(path, content=b"{").status_code == 400
        assert client.post(path, json={"model": "gpt-4"}).status_code == 400
        assert client.post(path, json={"model": "gpt-4", "messages": "hi"}).status_code == 400
        answer = client.post(path, json={"model": "gpt-4", "messages": MESSAGES})
        assert answer.status_code == 502
        assert client.get("/usage").json()["requests"] == 0
