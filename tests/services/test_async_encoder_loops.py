"""One `AsyncEncoder` serves any number of event loops, one after another and at once."""

from __future__ import annotations

import threading

import pytest
from gated import Gated

from bpecore import Encoding

anyio = pytest.importorskip("anyio", reason="needs the extra aio")
pytest.importorskip("trio", reason="needs trio")

from bpecore.aio import AsyncEncoder  # noqa: E402

LONG = "a text that is long enough for a thread " * 200


def test_one_encoder_serves_one_loop_after_another(encoding: Encoding) -> None:
    encoder = AsyncEncoder(encoding, workers=1)

    async def main() -> None:
        assert await encoder.count(LONG) == encoding.count(LONG)
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(encoder.count, LONG * (1 + number))

    for backend in ("asyncio", "trio", "asyncio"):
        anyio.run(main, backend=backend)
    encoder.close()
    assert encoder.metrics().queue_depth == 0


def test_loops_in_threads_share_an_encoder(encoding: Encoding) -> None:
    encoder = AsyncEncoder(encoding, workers=2, cache_entries=20)
    texts = [LONG + str(number % 30) for number in range(200)]
    expected = [encoding.count(text) for text in texts]
    wrong: list[str] = []

    async def main() -> None:
        async def ask(text: str, count: int) -> None:
            if await encoder.count(text) != count:
                wrong.append(text)

        async with anyio.create_task_group() as tasks:
            for text, count in zip(texts, expected):
                tasks.start_soon(ask, text, count)

    threads = [
        threading.Thread(target=anyio.run, args=(main,), kwargs={"backend": backend})
        for backend in ("asyncio", "trio", "asyncio")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    encoder.close()
    assert wrong == []
    metrics = encoder.metrics()
    assert metrics.queue_depth == 0
    assert metrics.hits + metrics.misses + metrics.joined == 3 * len(texts)


def test_a_loop_that_ended_harms_nobody(gated: Gated) -> None:
    """A thread answers after the loop of the first caller is gone; another loop had joined."""
    encoder = AsyncEncoder(gated, inline_below=0, workers=1)
    answers: list[int] = []

    async def give_up() -> None:
        with anyio.move_on_after(0.01):
            await encoder.count("text")

    async def stay() -> None:
        answers.append(await encoder.count("text"))

    anyio.run(give_up)
    other = threading.Thread(target=anyio.run, args=(stay,))
    other.start()
    gated.gate.set()
    other.join(20)
    assert answers == [4]
    encoder.close()


def test_outside_of_a_loop(encoding: Encoding) -> None:
    encoder = AsyncEncoder(encoding)
    call = encoder.count("text")
    with pytest.raises(RuntimeError):
        call.send(None)
    encoder.close()
