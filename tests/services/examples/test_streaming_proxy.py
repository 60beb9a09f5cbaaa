"""The proxy in front of a local server: what it forwards and what it counts."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from loading import FOLDER, load_example
from servers import serving

import bpecore
from bpecore.chat import num_tokens_from_messages

NEEDED = ("httpx", "starlette", "uvicorn")
for module in NEEDED:
    pytest.importorskip(module, reason="needs the extra services")
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


def echo_server() -> Any:
    """Returns a server that answers with what it was sent, or with what the request orders."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    async def echo(request: Request) -> Response:
        body = await request.body()
        if request.headers.get("x-answer"):
            return Response(body, media_type=request.headers["x-answer"])
        report = {
            "method": request.method,
            "path": request.scope["raw_path"].decode(),
            "query": request.scope["query_string"].decode(),
            "headers": request.headers.items(),
            "body": body.decode("latin-1"),
        }
        answer = Response(json.dumps(report), int(request.headers.get("x-status", "200")))
        answer.headers.append("set-cookie", "a=1")
        answer.headers.append("set-cookie", "b=2")
        answer.headers["x-request-id"] = "7"
        answer.headers["connection"] = "x-of-this-connection"
        answer.headers["x-of-this-connection"] = "1"
        return answer

    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    return Starlette(routes=[Route("/{path:path}", echo, methods=methods)])


@contextlib.contextmanager
def proxied(upstream: Any) -> Iterator[Any]:
    """Gives a client of a proxy in front of a server."""
    proxy = load_example("streaming_proxy", *NEEDED)
    import httpx

    with contextlib.ExitStack() as stack:
        url = stack.enter_context(serving(upstream))
        url = stack.enter_context(serving(proxy.make_app(url)))
        yield stack.enter_context(httpx.Client(base_url=url))


@pytest.mark.parametrize(
    "path", ["/v1/models", "/v1/chat/completions", "/", "/v1/a%2Fb/x?q=%20&q="]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_all_of_a_request_is_forwarded_and_all_of_its_answer_returned(
    path: str, method: str
) -> None:
    sent = {
        "authorization": "Bearer secret",
        "openai-organization": "org",
        "content-type": "application/json",
        "user-agent": "a client",
        "x-hop": "1",
        "connection": "x-hop",
        "x-status": "429" if method == "PUT" else "200",
    }
    body = b"" if method in ("GET", "OPTIONS") else b"\xff{}"
    with proxied(echo_server()) as client:
        answer = client.request(method, path, headers=sent, content=body)
        assert client.get("/usage").json()["completion_tokens"] == 0
    assert answer.status_code == int(sent["x-status"])
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.headers["x-request-id"] == "7"
    assert "x-of-this-connection" not in answer.headers
    report = answer.json()
    assert report["method"] == method
    assert [report["path"], report["query"]] == [*path.split("?"), ""][:2]
    assert report["body"].encode("latin-1") == body
    headers = dict(report["headers"])
    assert len(headers) == len(report["headers"])
    for name in ("authorization", "openai-organization", "content-type", "user-agent"):
        assert headers[name] == sent[name]
    assert "x-hop" not in headers
    assert headers["host"] != answer.request.headers["host"]


def test_head_and_large_bodies_in_pieces() -> None:
    def pieces() -> Iterator[bytes]:
        yield from [b"x" * 100_000] * 30

    with proxied(echo_server()) as client:
        answer = client.head("/v1/models")
        assert (answer.status_code, answer.content) == (200, b"")
        answer = client.post("/v1/files", content=pieces(), headers={"x-answer": "text/plain"})
        assert answer.content == b"x" * 3_000_000


CALL = {"index": 0, "id": "c", "function": {"name": "find_river", "arguments": '{"in":'}}
DELTAS = [
    {"role": "assistant", "content": ""},
    {"reasoning_content": "The user wants "},
    {"reasoning_content": "a river."},
    {"content": "Der Fl"},
    {"content": "uss"},
    {"tool_calls": [CALL]},
    {"tool_calls": [{"index": 0, "function": {"arguments": ' "Asia"}'}}]},
    {"refusal": "I cannot."},
    {"content": None, "tool_calls": None},
]
WRITTEN = ["The user wants a river.", "Der Fluss", "find_river", '{"in": "Asia"}', "I cannot."]


def completion_tokens(written: list[str]) -> int:
    encoding = bpecore.get_encoding("o200k_base")
    return sum(map(encoding.count, written))


def test_an_estimate_of_all_that_a_request_has() -> None:
    """Images count as the largest, and what has no published cost as nothing."""
    proxy = load_example("streaming_proxy", *NEEDED)
    parts = [
        {"type": "text", "text": "hi"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "input_audio", "input_audio": {"data": ""}},
    ]
    tools = [{"type": "function", "function": {"name": "f"}}]
    messages = [{"role": "user", "content": parts}]
    text = [{"role": "user", "content": "hi"}]
    for model in ("gpt-4o", "someone-elses"):
        request = {"model": model, "messages": messages, "tools": tools, "tool_choice": "none"}
        expected = num_tokens_from_messages(text, "gpt-4o", tools=tools, tool_choice="none")
        assert proxy.estimate(json.dumps(request).encode())[0] == expected + 1445


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 11, "completion_tokens": 2222}])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
def test_what_is_counted_in_a_stream(usage: Any, path: str) -> None:
    sent: list[Any] = [{"choices": [{"index": 0, "delta": delta}]} for delta in DELTAS]
    sent += [{"choices": [], "usage": usage}]
    body = "".join(f"data: {json.dumps(event)}\r\n\r\n" for event in [*sent, "last"]).rstrip()
    with proxied(echo_server()) as client:
        answer = client.post(path, content=body, headers={"x-answer": "text/event-stream"})
        assert answer.text == body
        assert client.get("/usage").json() == {
            "requests": 1,
            "prompt_tokens": usage["prompt_tokens"] if usage else 0,
            "completion_tokens": 2222 if usage else completion_tokens(WRITTEN),
        }


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 11, "completion_tokens": 2222}])
def test_what_is_counted_in_an_answer_that_is_not_streamed(usage: Any) -> None:
    calls = [{"function": {"name": "find_river", "arguments": '{"in": "Asia"}'}}] * 2
    messages = [
        {"content": "Der Fluss", "tool_calls": calls, "reasoning": "It flows."},
        {"content": None, "function_call": {"name": "f", "arguments": "{}"}},
    ]
    choices = [{"index": n, "message": message} for n, message in enumerate(messages)]
    # The request is the answer: a chat with what the server adds.
    body = {"model": "gpt-4o", "messages": MESSAGES, "choices": choices, "usage": usage}
    with proxied(echo_server()) as client:
        answer = client.post("/v1/chat/completions", json=body, headers={"x-answer": "text/json"})
        assert answer.json() == body
        found = client.get("/usage").json()
    written = ["Der Fluss", *["find_river", '{"in": "Asia"}'] * 2, "It flows.", "f", "{}"]
    assert found == {
        "requests": 1,
        "prompt_tokens": 11 if usage else num_tokens_from_messages(MESSAGES, "gpt-4o"),
        "completion_tokens": 2222 if usage else completion_tokens(written),
    }


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"3", b'{"usage": 3, "choices": 5}', b"\xff\0"])
@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
def test_what_cannot_be_counted_is_passed_through(body: bytes, kind: str) -> None:
    with proxied(echo_server()) as client:
        answer = client.post("/v1/chat/completions", content=body, headers={"x-answer": kind})
        assert (answer.status_code, answer.content) == (200, body)
        assert client.get("/usage").json()["completion_tokens"] == 0


def test_a_client_that_goes_away_is_counted() -> None:
    stream = events(ANSWER * 100, 5)
    with proxied(chat_server(stream, 50)) as client:
        chat = {"model": "gpt-4", "messages": MESSAGES}
        with client.stream("POST", "/v1/chat/completions", json=chat) as answer:
            next(answer.iter_raw())
        end = time.monotonic() + 20
        while not (found := client.get("/usage").json())["requests"]:
            assert time.monotonic() < end
            time.sleep(0.01)
    assert found["prompt_tokens"] == num_tokens_from_messages(MESSAGES, "gpt-4")


def test_no_server() -> None:
    proxy = load_example("streaming_proxy", *NEEDED)
    import httpx

    with serving(proxy.make_app("http://127.0.0.1:9")) as url, httpx.Client(base_url=url) as client:
        for path in ("/v1/chat/completions", "/v1/models"):
            answer = client.post(path, json={"model": "gpt-4", "messages": MESSAGES})
            assert answer.status_code == 502
            assert "cannot be reached" in answer.json()["error"]
        assert client.get("/usage").json()["requests"] == 0


def test_the_command_that_its_docstring_shows() -> None:
    proxy = load_example("streaming_proxy", *NEEDED)
    import httpx

    shown = proxy.__doc__.split("\n\n")[1].split()
    assert shown[:2] == ["UPSTREAM=http://localhost:9000", "uvicorn"]
    with serving(echo_server()) as upstream:
        environment = {**os.environ, "UPSTREAM": upstream}
        command = [sys.executable, "-m", *shown[1:], "--port", "0"]
        with subprocess.Popen(
            command, cwd=FOLDER.parent, env=environment, stderr=subprocess.PIPE, text=True
        ) as server:
            try:
                assert server.stderr is not None
                address = next(line.split()[4] for line in server.stderr if "running on" in line)
                answer = httpx.get(f"{address}/v1/models", headers={"authorization": "Bearer x"})
            finally:
                server.terminate()
    assert dict(answer.json()["headers"])["authorization"] == "Bearer x"
    assert len(answer.headers.get_list("date")) == len(answer.headers.get_list("server")) == 1
