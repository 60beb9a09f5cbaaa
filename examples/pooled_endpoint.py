"""A streaming endpoint like OpenAI's, with several frontend processes and one pool of tokenizers.

    python examples/pooled_endpoint.py --port 8000 --frontends 2 --workers 2 --rate 50

Each frontend is a process with a web server on the same socket. The pool encodes the prompts. A
fake engine makes one id per step for each running request, as a batching engine does; the ids of a
step go to the pool in one `feed_many`, and each text to its request. The answer repeats the prompt.
`/metrics` shows the pool to Prometheus. Ctrl-C ends all of it. With `--inline` the frontends call
tiktoken themselves, for comparison.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import multiprocessing
import signal
import socket
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from multiprocessing.connection import Client, Listener
from pathlib import Path
from typing import Any, Callable, Optional, Protocol

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from bpecore.pool import PoolClient, TokenizerPool
from bpecore.prometheus import PoolCollector

ENCODING = "o200k_base"

# Where the process that has the pool answers frontends; None without a pool.
MetricsAddress = Optional[str]


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


def make_app(
    tokenizer: Tokenizer, rate: float, read_metrics: Callable[[], bytes] = bytes
) -> Starlette:
    """Returns a frontend.

    Args:
        tokenizer: a pool's client, or tiktoken.
        rate: tokens per second of each request.
        read_metrics: returns what Prometheus reads.
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

    async def metrics(request: Request) -> Response:
        return Response(await asyncio.to_thread(read_metrics), media_type=CONTENT_TYPE_LATEST)

    routes = [
        Route("/v1/chat/completions", chat, methods=["POST"]),
        Route("/metrics", metrics),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def make_pool(workers: int) -> TokenizerPool:
    """Returns a pool that takes prompts of up to eight megabytes."""
    return TokenizerPool(ENCODING, processes=workers, ring_bytes=1 << 24)


@contextmanager
def answering_metrics(pool: TokenizerPool | None) -> Iterator[MetricsAddress]:
    """Lets frontends read the pool's metrics, which only the process that has the pool knows."""
    if pool is None:
        yield None
        return
    registry = CollectorRegistry()
    registry.register(PoolCollector({ENCODING: pool}))

    def answer() -> None:
        with suppress(OSError):  # closed
            while True:
                with listener.accept() as connection:
                    connection.send_bytes(generate_latest(registry))

    with tempfile.TemporaryDirectory() as folder:
        address = str(Path(folder) / "metrics")
        with Listener(address) as listener:
            threading.Thread(target=answer, daemon=True).start()
            yield address


def serve(
    listener: socket.socket, client: PoolClient | None, rate: float, metrics: MetricsAddress
) -> None:
    """Runs a frontend in this process. Without a client it calls tiktoken itself."""

    def read_metrics() -> bytes:
        if metrics is None:
            return b""
        with Client(metrics) as connection:
            return connection.recv_bytes()

    tokenizer: Tokenizer = Inline() if client is None else Pooled(client)
    app = make_app(tokenizer, rate, read_metrics)
    # A stream that still runs a second after the end was asked for is cut.
    config = uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


@asynccontextmanager
async def serving(
    listener: socket.socket, pool: TokenizerPool | None, frontends: int, rate: float
) -> AsyncIterator[list[Any]]:
    """Runs frontends on a listening socket; gives their processes."""
    context = multiprocessing.get_context("spawn")
    with answering_metrics(pool) as metrics:
        processes = [
            context.Process(
                target=serve, args=(listener, pool and pool.client(), rate, metrics), daemon=True
            )
            for _ in range(frontends)
        ]
        # Ctrl-C reaches all processes: ignored in a frontend until its server handles it.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        for process in processes:
            process.start()
        signal.signal(signal.SIGINT, before)
        try:
            yield processes
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
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
    stopped = asyncio.Event()
    with listen(options.port) as listener:
        pool = None if options.inline else make_pool(options.workers)
        try:
            async with serving(listener, pool, options.frontends, options.rate) as processes:
                loop = asyncio.get_running_loop()
                for number in (signal.SIGINT, signal.SIGTERM):
                    loop.add_signal_handler(number, stopped.set)
                for process in processes:
                    loop.add_reader(process.sentinel, stopped.set)  # it has ended
                print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
                await stopped.wait()
        finally:
            if pool is not None:
                pool.close()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):  # before everything has started
        asyncio.run(main())
