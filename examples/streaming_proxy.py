"""A proxy in front of a chat server that counts the tokens of answers as they stream by.

    UPSTREAM=http://localhost:9000 uvicorn examples.streaming_proxy:app

The server streams events as OpenAI's API does: lines `data: {"choices": [{"delta": {"content":
…}}]}` and finally `data: [DONE]`. Each chunk of bytes is forwarded as it comes. A `TokenCounter` is
fed only the new text, so the cost of a chunk does not grow with the answer, and its total is always
what counting the whole answer would give. `GET /usage` shows the sums.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

import bpecore
from bpecore import TokenCounter
from bpecore.chat import num_tokens_from_messages


@dataclass
class Usage:
    """Tokens since the proxy started; those of prompts are estimates."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class CompletionCounter:
    """Counts the tokens of the text in a stream of events.

    Args:
        encoding: the encoding of the model that answers.

    Attributes:
        counters: a counter for each of the answer's choices.
    """

    def __init__(self, encoding: bpecore.Encoding) -> None:
        self.encoding = encoding
        self.counters: dict[int, TokenCounter] = {}
        self._line = b""  # the beginning of an incomplete line

    def feed(self, chunk: bytes) -> None:
        """Takes some bytes of the stream, cut anywhere."""
        *lines, self._line = (self._line + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._take_event(line[len(b"data:") :].strip())

    def _take_event(self, event: bytes) -> None:
        if event == b"[DONE]":
            return
        try:
            choices: list[dict[str, Any]] = json.loads(event).get("choices") or []
            for choice in choices:
                text = (choice.get("delta") or {}).get("content")
                if isinstance(text, str):
                    index = choice.get("index", 0)
                    if index not in self.counters:
                        # A special token spelled out in an answer is ordinary text.
                        counter = TokenCounter(self.encoding, disallowed_special=())
                        self.counters[index] = counter
                    self.counters[index].feed(text)
        except (ValueError, AttributeError, TypeError):
            return  # an event that is not understood is forwarded but not counted

    @property
    def total(self) -> int:
        """Tokens of all text so far."""
        return sum(counter.total for counter in self.counters.values())


def make_app(upstream: str, transport: httpx.AsyncBaseTransport | None = None) -> Starlette:
    """Returns the proxy in front of a server.

    Args:
        upstream: the server's URL, without a path.
        transport: how to reach it; None: over the network.
    """
    usage = Usage()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(base_url=upstream, transport=transport) as client:
            app.state.client = client
            yield

    async def chat(request: Request) -> Response:
        try:
            body = json.loads(await request.body())
            model = body["model"]
            prompt_tokens = num_tokens_from_messages(
                body["messages"], model, tools=body.get("tools"), default="o200k_base"
            )
        except (ValueError, KeyError, TypeError) as error:
            return JSONResponse({"error": f"not a chat request: {error}"}, 400)
        client: httpx.AsyncClient = request.app.state.client
        forwarded = client.build_request("POST", "/v1/chat/completions", json=body, timeout=None)
        try:
            answer = await client.send(forwarded, stream=True)
        except httpx.TransportError as error:
            return JSONResponse({"error": f"the server cannot be reached: {error}"}, 502)
        counter = CompletionCounter(encoding_of(model))

        async def counted() -> AsyncIterator[bytes]:
            try:
                async for chunk in answer.aiter_bytes():
                    counter.feed(chunk)
                    yield chunk
            finally:  # also if the client goes away in the middle: what was sent is counted
                usage.requests += 1
                usage.prompt_tokens += prompt_tokens
                usage.completion_tokens += counter.total
                await answer.aclose()

        content_type = answer.headers.get("content-type", "application/octet-stream")
        return StreamingResponse(counted(), answer.status_code, {"content-type": content_type})

    async def show_usage(request: Request) -> Response:
        return JSONResponse(asdict(usage))

    routes = [
        Route("/v1/chat/completions", chat, methods=["POST"]),
        Route("/usage", show_usage),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def encoding_of(model: str) -> bpecore.Encoding:
    """Returns a model's encoding; for an unknown model, the newest one."""
    try:
        return bpecore.encoding_for_model(model)
    except KeyError:
        return bpecore.get_encoding("o200k_base")


app = make_app(os.environ.get("UPSTREAM", "http://localhost:9000"))
