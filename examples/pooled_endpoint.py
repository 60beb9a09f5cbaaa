"""A streaming endpoint like OpenAI's, with several frontend processes and one pool of tokenizers.

    python examples/pooled_endpoint.py --port 8000 --frontends 2 --workers 2 --rate 50

Each frontend is a process with a web server on the same socket. The pool encodes the prompts. A
fake engine makes one id per step for each running request, as a batching engine does; the ids of a
step go to the pool in one `feed_many`, and each text to its request. The answer repeats the prompt.
With `--inline` the frontends call tiktoken themselves, for comparison.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import multiprocessing
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bpecore.pool import PoolClient, TokenizerPool

ENCODING = "o200k_base"


class Tokenizer(Protocol):
    """What a frontend needs: the ids of a prompt, and the text of generated ids."""

    async def encode(self, text: str) -> list[int]:
        """Returns a text's ids."""

    async def open(self, name: int) -> None:
        """Starts the answer to a request."""

    async def feed(self, ids: dict[int, int]) -> dict[int, str]:
        """Returns the new text of each request."""

    async def close(self, names: list[int]) -> dict[int, str]:
        """Ends answers; returns the rest of each text."""


class Pooled:
    """The tokenizer of a pool's client."""

    def __init__(self, client: PoolClient) -> None:
        self.client = client.awaitable

    async def encode(self, text: str) -> list[int]:
        return await self.client.encode(text, disallowed_special=())

    async def open(self, name: int) -> None:
        await self.client.open_stream(name)

    async def feed(self, ids: dict[int, int]) -> dict[int, str]:
        return await self.client.feed_many(ids)

    async def close(self, names: list[int]) -> dict[int, str]:
        return await self.client.close_many(names)


class Inline:
    """tiktoken in the frontend's own loop. A character in several tokens becomes U+FFFD."""

    def __init__(self) -> None:
        import tiktoken

        from bpecore.encodings import ENCODING_CONSTRUCTORS

        self.encoding = tiktoken.Encoding(**ENCODING_CONSTRUCTORS[ENCODING]())

    async def encode(self, text: str) -> list[int]:
        return self.encoding.encode(text, disallowed_special=())

    async def open(self, name: int) -> None:
        pass

    async def feed(self, ids: dict[int, int]) -> dict[int, str]:
        return {name: self.encoding.decode([token]) for name, token in ids.items()}

    async def close(self, names: list[int]) -> dict[int, str]:
        return dict.fromkeys(names, "")


class FakeEngine:
    """Makes the next id of each running request at a fixed rate.

    Args:
        tokenizer: turns the ids into text.
        rate: steps per second.
    """

    def __init__(self, tokenizer: Tokenizer, rate: float) -> None:
        self.tokenizer = tokenizer
        self.interval = 1 / rate
        self.running: dict[int, tuple[list[int], asyncio.Queue[str | None]]] = {}
        self.names = itertools.count()

    async def generate(self, ids: list[int]) -> AsyncIterator[str]:
        """Yields the text of ids as they are made."""
        name = next(self.names)
        await self.tokenizer.open(name)
        texts: asyncio.Queue[str | None] = asyncio.Queue()
        self.running[name] = (ids[::-1], texts)
        try:
            while (text := await texts.get()) is not None:
                yield text
        finally:
            # Not ended by `step`: the client has gone away.
            if self.running.pop(name, None) is not None:
                await self.tokenizer.close([name])

    async def run(self) -> None:
        """Makes ids forever."""
        clock = asyncio.get_running_loop().time
        planned = clock()
        while True:
            planned = max(planned + self.interval, clock())
            await asyncio.sleep(planned - clock())
            await self.step()

    async def step(self) -> None:
        """Makes one id for each request, and ends the complete answers."""
        feed = {name: ids.pop() for name, (ids, _) in self.running.items() if ids}
        for name, text in (await self.tokenizer.feed(feed)).items():
            if text and name in self.running:
                self.running[name][1].put_nowait(text)
        ended = [name for name, (ids, _) in self.running.items() if not ids]
        queues = {name: self.running.pop(name)[1] for name in ended}
        for name, rest in (await self.tokenizer.close(ended)).items():
            if rest:
                queues[name].put_nowait(rest)
            queues[name].put_nowait(None)


def make_app(tokenizer: Tokenizer, rate: float) -> Starlette:
    """Returns a frontend.

    Args:
        tokenizer: a pool's client, or tiktoken.
        rate: tokens per second of each request.
    """
    engine = FakeEngine(tokenizer, rate)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        running = asyncio.create_task(engine.run())
        yield
        running.cancel()

    async def chat(request: Request) -> Response:
        try:
            body = json.loads(await request.body())
            prompt = "\n".join(message["content"] for message in body["messages"])
            ids = await tokenizer.encode(prompt)
        except (ValueError, KeyError, TypeError) as error:
            return JSONResponse({"error": f"not a chat request: {error}"}, 400)

        async def events() -> AsyncIterator[str]:
            async for text in engine.generate(ids[: body.get("max_tokens", 1000)]):
                yield f"data: {json.dumps({'choices': [{'delta': {'content': text}}]})}\n\n"
            yield f"data: {json.dumps({'choices': [], 'usage': {'prompt_tokens': len(ids)}})}\n\n"
            yield "data: [DONE]\n\n"

        return StreamingResponse(events(), media_type="text/event-stream")

    return Starlette(
        routes=[Route("/v1/chat/completions", chat, methods=["POST"])], lifespan=lifespan
    )


def serve(listener: socket.socket, client: PoolClient | None, rate: float) -> None:
    """Runs a frontend in this process. Without a client it calls tiktoken itself."""
    tokenizer: Tokenizer = Inline() if client is None else Pooled(client)
    config = uvicorn.Config(make_app(tokenizer, rate), log_level="error")
    uvicorn.Server(config).run(sockets=[listener])


@asynccontextmanager
async def serving(
    listener: socket.socket, pool: TokenizerPool | None, frontends: int, rate: float
) -> AsyncIterator[list[Any]]:
    """Runs frontends on a listening socket; gives their processes."""
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=serve, args=(listener, pool and pool.client(), rate), daemon=True)
        for _ in range(frontends)
    ]
    for process in processes:
        process.start()
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
            await asyncio.to_thread(process.join)


def listen(port: int) -> socket.socket:
    """Returns a socket that listens on this machine; port 0 means any free one."""
    return socket.create_server(("127.0.0.1", port), backlog=2048)


async def main() -> None:
    """Serves until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--frontends", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rate", type=float, default=50, help="tokens per second of a request")
    parser.add_argument("--inline", action="store_true", help="tiktoken instead of the pool")
    options = parser.parse_args()
    pool = None if options.inline else TokenizerPool(ENCODING, processes=options.workers)
    with listen(options.port) as listener:
        async with serving(listener, pool, options.frontends, options.rate) as processes:
            await asyncio.to_thread(processes[0].join)
    if pool is not None:
        pool.close()


if __name__ == "__main__":
    asyncio.run(main())
