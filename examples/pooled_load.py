"""Load on the streaming endpoint: time to first token and per token, with pool and tiktoken.

    python examples/pooled_load.py --requests 200 --tokens 100 --rate 50

This starts `pooled_endpoint.py` with one process that calls tiktoken inline, then with two
frontends and a pool, sends all requests at once, and reads their streams. Everything runs on this
machine, including the load: on two cores, five processes share what two have in the other row, so
the pool shows its worth on more cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parent))
from pooled_endpoint import ENCODING, listen, serving

from bpecore.pool import TokenizerPool

PROMPT = "The river rises in the mountains, and 河は海に流れる 🌊 after a long way. " * 40


async def ask(client: httpx.AsyncClient, tokens: int, first: list[float], gaps: list[float]) -> str:
    """Sends one request; records the seconds to its first text and between its texts."""
    body = {"messages": [{"role": "user", "content": PROMPT}], "max_tokens": tokens}
    texts = []
    before = time.perf_counter()
    async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        async for line in answer.aiter_lines():
            if not line.startswith("data: {"):
                continue
            choices = json.loads(line[len("data: ") :])["choices"]
            if choices:
                now = time.perf_counter()
                (gaps if texts else first).append(now - before)
                before = now
                texts.append(choices[0]["delta"]["content"])
    return "".join(texts)


async def measure(inline: bool, requests: int, tokens: int, rate: float) -> tuple[str, str]:
    """Runs the load on one kind of endpoint; returns a row of the table, and an answer's text."""
    first: list[float] = []
    gaps: list[float] = []
    with contextlib.ExitStack() as stack:
        pool = None if inline else stack.enter_context(TokenizerPool(ENCODING, processes=2))
        listener = stack.enter_context(listen(0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        limits = httpx.Limits(max_connections=None)
        async with (
            serving(listener, pool, 1 if inline else 2, rate),
            httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client,
        ):
            # Wait until all frontends have started; earlier requests wait in the socket.
            await asyncio.gather(*(ask(client, 1, [], []) for _ in range(8)))
            answers = await asyncio.gather(
                *(ask(client, tokens, first, gaps) for _ in range(requests))
            )
    if set(answers) != {answers[0]}:
        raise SystemExit("equal requests got different answers")

    def show(values: list[float]) -> str:
        values = sorted(values)
        at = [values[min(int(share * len(values)), len(values) - 1)] for share in (0.5, 0.99)]
        return " ".join(f"{value * 1e3:9.1f}" for value in at)

    name = "tiktoken inline, 1 process" if inline else "pool of 2, 2 frontends"
    return f"{name:28} {show(first)}  {show(gaps)}", answers[0]


async def main() -> None:
    """Measures both and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=200, help="at once")
    parser.add_argument("--tokens", type=int, default=100, help="of each answer")
    parser.add_argument("--rate", type=float, default=50, help="tokens per second of a request")
    options = parser.parse_args()
    print(f"{'':28} {'first token, ms':^20} {'per token, ms':^20}")
    print(f"{'':28} {'p50':>9} {'p99':>9}  {'p50':>9} {'p99':>9}")
    for inline in (False, True):
        row, _ = await measure(inline, options.requests, options.tokens, options.rate)
        print(row, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
