"""A proxy in front of an API like OpenAI's that counts the tokens of chats as they stream by.

    UPSTREAM=http://localhost:9000 uvicorn examples.streaming_proxy:app

Put any server there, such as `https://api.openai.com`, and give its clients the base URL
`http://localhost:8000/v1`. Every request is forwarded with its method, path, query, headers and
body, and every answer is returned as it is, byte for byte as it comes.

`POST …/chat/completions` is also counted, streamed or not; `GET /usage` shows the sums.
What the server says in `usage` is what counts. If it says nothing, as streams do unless the client
sets `stream_options`, prompts are estimated, and answers counted by `TokenCounter`s that are fed
only the new text, so that the cost of a chunk does not grow with the answer.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Iterable
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

# They concern one connection, not the request; the proxy's server and client set their own.
HOP_BY_HOP = {
    b"connection",
    b"expect",
    b"keep-alive",
    b"proxy-authenticate",
    b"proxy-authorization",
    b"proxy-connection",
    b"te",
    b"trailer",
    b"transfer-encoding",
    b"upgrade",
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]

# What of a request costs tokens besides its messages.
COUNTED = ("tools", "tool_choice", "functions", "function_call", "response_format")
TOKENS_OF_IMAGE = 1445  # the largest one of GPT-4o, for images whose size is not known

Headers = list[tuple[bytes, bytes]]


@dataclass
class Usage:
    """Tokens since the proxy started.

    Attributes:
        requests: chats answered with success.
        prompt_tokens: their prompts' tokens, estimates where the server did not say.
        completion_tokens: their answers' tokens.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class AnswerCounter:
    """Counts the tokens of an answer, a stream of events or one JSON object.

    Args:
        encoding: the encoding of the model that answers.
        is_stream: whether the answer is a stream of events.

    Attributes:
        usage: what the server said, if it did.
    """

    def __init__(self, encoding: bpecore.Encoding, is_stream: bool) -> None:
        self.encoding = encoding
        self.is_stream = is_stream
        self.usage: dict[str, int] | None = None
        self._counters: dict[tuple[object, ...], TokenCounter] = {}
        self._rest = b""  # the beginning of an incomplete line, or all of the JSON so far

    def feed(self, chunk: bytes) -> None:
        """Takes some bytes of the answer, cut anywhere."""
        if not self.is_stream:
            self._rest += chunk
            return
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            self._take_line(line)

    def end(self) -> None:
        """Takes the end of the answer."""
        (self._take_line if self.is_stream else self._take)(self._rest)
        self._rest = b""

    def _take_line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._take(line[len(b"data:") :])

    def _take(self, data: bytes) -> None:
        """Takes an event or an answer; one that is not understood is not counted."""
        try:
            answer = json.loads(data)
            for choice in answer.get("choices") or []:
                index = choice.get("index", 0)
                message = choice.get("delta") or choice.get("message") or {}
                for place, text in texts_of(message):
                    self._count((index, *place), text)
            usage = answer.get("usage")
            if usage:
                names = ("prompt_tokens", "completion_tokens")
                self.usage = {name: int(usage[name]) for name in names}
        except (ValueError, AttributeError, KeyError, TypeError):
            return

    def _count(self, place: tuple[object, ...], text: str) -> None:
        counter = self._counters.get(place)
        if counter is None:
            # A special token spelled out in an answer is ordinary text.
            counter = TokenCounter(self.encoding, disallowed_special=())
            self._counters[place] = counter
        counter.feed(text)

    @property
    def total(self) -> int:
        """Tokens of the answer: what the server said, or those of all text so far."""
        if self.usage is not None:
            return self.usage["completion_tokens"]
        return sum(counter.total for counter in self._counters.values())


def texts_of(message: dict[str, Any]) -> Iterable[tuple[tuple[object, ...], str]]:
    """Yields what a model wrote in a message or a part of one, and where in the message."""
    for field in ("content", "refusal", "reasoning_content", "reasoning"):
        if isinstance(message.get(field), str):
            yield (field,), message[field]
    calls = [(call.get("index", n), call) for n, call in enumerate(message.get("tool_calls") or [])]
    functions = [(index, call.get("function") or {}) for index, call in calls]
    for index, function in [*functions, ("", message.get("function_call") or {})]:
        for field in ("name", "arguments"):
            if isinstance(function.get(field), str):
                yield ("call", index, field), function[field]


def make_app(upstream: str, transport: httpx.AsyncBaseTransport | None = None) -> Starlette:
    """Returns the proxy in front of a server.

    Args:
        upstream: the server's URL; requests' paths are appended.
        transport: how to reach it; None: over the network.
    """
    sums = Usage()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        # A model may think for minutes before it sends its first byte.
        timeout = httpx.Timeout(None, connect=10)
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(transport=transport, timeout=timeout, limits=limits) as client:
            app.state.client = client
            yield

    async def send(request: Request, headers: Headers, content: Any) -> httpx.Response | Response:
        """Returns the server's answer, its body unread, or what to answer without one."""
        path = request.scope.get("raw_path") or request.url.path.encode()
        query = request.scope["query_string"]
        url = upstream.rstrip("/") + path.decode("ascii") + ("?" if query else "") + query.decode()
        client: httpx.AsyncClient = request.app.state.client
        forwarded = httpx.Request(
            request.method,
            url,
            headers=headers,
            content=content,
            extensions={"timeout": client.timeout.as_dict()},
        )
        try:
            return await client.send(forwarded, stream=True)
        except httpx.TransportError as error:
            return JSONResponse({"error": f"the server cannot be reached: {error!r}"}, 502)

    async def pass_through(request: Request) -> Response:
        has_body = {"content-length", "transfer-encoding"} & set(request.headers)
        content = request.stream() if has_body else None
        answer = await send(request, end_to_end(request.headers.raw, {b"host"}), content)
        return answer if isinstance(answer, Response) else returned(answer, raw_body(answer))

    async def chat(request: Request) -> Response:
        body = await request.body()
        # Compressed answers could not be read on the way.
        headers = end_to_end(request.headers.raw, {b"host", b"accept-encoding", b"content-length"})
        answer = await send(request, [*headers, (b"accept-encoding", b"identity")], body)
        if isinstance(answer, Response):
            return answer
        if not answer.is_success:
            return returned(answer, raw_body(answer))
        prompt_tokens, encoding = estimate(body)
        content_type = answer.headers.get("content-type", "")
        counter = AnswerCounter(encoding, content_type.startswith("text/event-stream"))

        async def counted() -> AsyncIterator[bytes]:
            try:
                async for chunk in answer.aiter_raw():
                    counter.feed(chunk)
                    yield chunk
                counter.end()
            finally:  # also if the client goes away in the middle: what was sent is counted
                sums.requests += 1
                sums.completion_tokens += counter.total
                sums.prompt_tokens += (counter.usage or {}).get("prompt_tokens", prompt_tokens)
                await answer.aclose()

        return returned(answer, counted())

    async def show_usage(request: Request) -> Response:
        return JSONResponse(asdict(sums))

    routes = [
        Route("/usage", show_usage),
        Route("/chat/completions", chat, methods=["POST"]),
        Route("/{path:path}/chat/completions", chat, methods=["POST"]),
        Route("/{path:path}", pass_through, methods=METHODS),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def end_to_end(headers: Headers, dropped: set[bytes]) -> Headers:
    """Returns the headers that are forwarded: all but those of the connection, and `dropped`."""
    named = {
        name.strip().lower()
        for key, value in headers
        if key.lower() == b"connection"
        for name in value.split(b",")
    }
    left_out = HOP_BY_HOP | named | dropped
    return [(key, value) for key, value in headers if key.lower() not in left_out]


async def raw_body(answer: httpx.Response) -> AsyncIterator[bytes]:
    """Yields the bytes of an answer as they come, and closes it."""
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()


def returned(answer: httpx.Response, body: AsyncIterator[bytes]) -> Response:
    """Returns the server's answer with its status and headers, and a body that closes it."""
    response = StreamingResponse(body, answer.status_code)
    # The proxy's own server adds these two.
    response.raw_headers = end_to_end(answer.headers.raw, {b"date", b"server"})
    return response


def estimate(body: bytes) -> tuple[int, bpecore.Encoding]:
    """Returns the tokens of a request's prompt, 0 if it is not understood, and its encoding."""
    encoding = bpecore.get_encoding("o200k_base")
    try:
        request = json.loads(body)
        encoding = encoding_of(request["model"])
        options = {name: request[name] for name in COUNTED if request.get(name) is not None}
        tokens = num_tokens_from_messages(
            request["messages"],
            request["model"],
            default="o200k_base",
            costs={"image_url": TOKENS_OF_IMAGE, "*": 0},
            **options,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0, encoding
    return tokens, encoding


def encoding_of(model: str) -> bpecore.Encoding:
    """Returns a model's encoding; for an unknown model, the newest one."""
    try:
        return bpecore.encoding_for_model(model)
    except KeyError:
        return bpecore.get_encoding("o200k_base")


app = make_app(os.environ.get("UPSTREAM", "http://localhost:9000"))
