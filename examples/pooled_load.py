"""Load on the streaming endpoint: what long prompts do to the streams of others.

    python examples/pooled_load.py --streams 20 --prompts 20 --characters 400000

This starts `pooled_endpoint.py` with a pool, then with one process that calls tiktoken inline. Each
time some streams run, and meanwhile long prompts come, evenly spread. tiktoken encodes a prompt in
the loop that also serves the streams, which stand still for that time: their tokens come late. A
pool encodes it in another process. `late` is how much later than planned a token of a stream came;
`prompt` is the time from a long prompt to the first token of its answer.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from pathlib import Path
from typing import NamedTuple

import httpx

sys.path.insert(0, str(Path(__file__).parent))
from pooled_endpoint import listen, make_pool, serving

PROMPT = "The river rises in the mountains, and 河は海に流れる 🌊 after a long way. " * 40


class Load(NamedTuple):
    """What is sent.

    Attributes:
        streams: answers that are streamed all the time.
        tokens: tokens of each of them.
        rate: tokens per second of each of them.
        prompts: long prompts that come meanwhile.
        characters: length of each.
    """

    streams: int = 20
    tokens: int = 100
    rate: float = 20
    prompts: int = 20
    characters: int = 400_000


class Times(NamedTuple):
    """Seconds, each list sorted.

    Attributes:
        late: of each token of the streams but the first, how much later than planned it came.
        prompts: from each long prompt to its answer's first token.
        text: the text of each stream.
    """

    late: list[float]
    prompts: list[float]
    text: str


async def ask(client: httpx.AsyncClient, prompt: str, tokens: int) -> tuple[str, list[float]]:
    """Sends a chat; returns its answer, and the seconds until each of its texts came."""
    body = {"messages": [{"role": "user", "content": prompt}], "max_tokens": tokens}
    texts, times = [], []
    before = time.perf_counter()
    async with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        answer.raise_for_status()
        async for line in answer.aiter_lines():
            if not line.startswith("data: {"):
                continue
            choices = json.loads(line[len("data: ") :])["choices"]
            if choices:
                now = time.perf_counter()
                times.append(now - before)
                before = now
                texts.append(choices[0]["delta"]["content"])
    return "".join(texts), times


async def send(client: httpx.AsyncClient, load: Load) -> Times:
    """Runs the streams and, while they run, sends the long prompts."""
    long = (PROMPT * (load.characters // len(PROMPT) + 1))[: load.characters]
    seconds = load.tokens / load.rate

    async def ask_later(number: int) -> float:
        await asyncio.sleep(seconds * (number + 1) / (load.prompts + 1))
        _, times = await ask(client, f"{number} {long}", 1)
        return times[0]

    streams = [ask(client, PROMPT, load.tokens) for _ in range(load.streams)]
    prompts = [ask_later(number) for number in range(load.prompts)]
    answers, waits = await asyncio.gather(asyncio.gather(*streams), asyncio.gather(*prompts))
    if len({text for text, _ in answers}) != 1:
        raise SystemExit("equal requests got different answers")
    late = [max(0.0, gap - 1 / load.rate) for _, times in answers for gap in times[1:]]
    return Times(sorted(late), sorted(waits), answers[0][0])


async def measure(inline: bool, load: Load) -> Times:
    """Runs the load on one kind of endpoint."""
    with contextlib.ExitStack() as stack:
        pool = None if inline else stack.enter_context(make_pool(2))
        listener = stack.enter_context(listen(0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        limits = httpx.Limits(max_connections=None)
        async with contextlib.AsyncExitStack() as running:
            await running.enter_async_context(
                serving(listener, pool, 1 if inline else 2, load.rate)
            )
            client = httpx.AsyncClient(base_url=url, limits=limits, timeout=60)
            await running.enter_async_context(client)
            # Wait until all frontends have started; earlier requests wait in the socket.
            await asyncio.gather(*(ask(client, PROMPT, 1) for _ in range(8)))
            return await send(client, load)


def row(name: str, times: Times) -> str:
    """Returns a row of the table: medians and 99th percentiles, in milliseconds."""
    cells = [
        values[min(int(share * len(values)), len(values) - 1)] * 1e3
        for values in (times.late, times.prompts)
        for share in (0.5, 0.99)
    ]
    return f"{name:28}" + " ".join(f"{cell:9.1f}" for cell in cells)


async def main() -> None:
    """Measures both and prints a table."""
    load = Load()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=load.streams, help="that run all the time")
    parser.add_argument("--tokens", type=int, default=load.tokens, help="of each stream")
    parser.add_argument("--rate", type=float, default=load.rate, help="tokens per second of each")
    parser.add_argument("--prompts", type=int, default=load.prompts, help="that come meanwhile")
    parser.add_argument("--characters", type=int, default=load.characters, help="of each prompt")
    load = Load(**vars(parser.parse_args()))
    print(f"{'':28}{'late, ms':^20}{'prompt, ms':^20}")
    print(f"{'':28}" + " ".join(f"{cell:>9}" for cell in ("p50", "p99") * 2))
    print(row("pool of 2, 2 frontends", await measure(False, load)), flush=True)
    print(row("tiktoken inline, 1 process", await measure(True, load)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
