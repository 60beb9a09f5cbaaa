"""`AsyncEncoder` under asyncio and trio: answers, the cache, sharing, and the queue."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from gated import Gated

from bpecore import Encoding

anyio = pytest.importorskip("anyio", reason="needs the extra aio")
pytest.importorskip("trio", reason="needs trio")

from bpecore.aio import AsyncEncoder, EncoderClosedError, QueueFullError  # noqa: E402

pytestmark = pytest.mark.anyio

LONG = "a text that is long enough for a thread " * 200
SPECIAL = "<|endoftext|>"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


async def until(condition: Any) -> None:
    with anyio.fail_after(20):
        while not condition():
            await anyio.sleep(0.001)


@pytest.mark.parametrize("inline_below", [0, 20, 4096, 10**9])
@pytest.mark.parametrize("cache_max_text", [0, 10, 65536, 10**9])
async def test_answers_equal_the_encodings(
    encoding: Encoding, inline_below: int, cache_max_text: int
) -> None:
    texts = ["", "a", "hello world", "中文 🌊", "x\ud800y", LONG, LONG + "\udfff", "ab " * 40_000]
    async with AsyncEncoder(
        encoding, inline_below=inline_below, cache_max_text=cache_max_text
    ) as encoder:
        for _ in range(2):
            for text in texts:
                assert await encoder.encode(text) == encoding.encode(text)
                assert await encoder.count(text) == encoding.count(text)
        metrics = encoder.metrics()
    assert metrics.queue_depth == 0
    assert metrics.hits + metrics.misses == 4 * len(texts)
    assert sum(metrics.latency_counts) == 4 * len(texts)


async def test_special_tokens_are_part_of_the_question(encoding: Encoding) -> None:
    text = f"a {SPECIAL} b"
    async with AsyncEncoder(encoding) as encoder:
        for _ in range(2):
            for arguments in (
                {"allowed_special": "all"},
                {"allowed_special": {SPECIAL}},
                {"disallowed_special": ()},
                {"disallowed_special": None},
                {"allowed_special": {SPECIAL}, "disallowed_special": ()},
            ):
                expected = encoding.encode(text, **arguments)  # type: ignore[arg-type]
                assert await encoder.encode(text, **arguments) == expected
                assert await encoder.count(text, **arguments) == len(expected)
            with pytest.raises(ValueError, match="endoftext"):
                await encoder.encode(text)
            with pytest.raises(ValueError, match="endoftext"):
                await encoder.count(LONG + text)


async def test_a_caller_owns_its_list(encoding: Encoding) -> None:
    for text in ("short", LONG, "ab " * 40_000):
        async with AsyncEncoder(encoding) as encoder:
            first = await encoder.encode(text)
            first.clear()
            assert await encoder.encode(text) == encoding.encode(text)


async def test_numpy(encoding: Encoding) -> None:
    async with AsyncEncoder(encoding) as encoder:
        for text in ("short", LONG):
            ids = encoding.encode(text)
            assert (await encoder.encode_to_numpy(text)).tolist() == ids
            out = np.zeros(len(ids) + 1, np.int64)
            found = await encoder.encode_to_numpy(text, append=5, out=out)
            assert out.tolist() == found.tolist() == [*ids, 5]
            assert (await encoder.encode_to_numpy(text, dtype="int32")).dtype == np.int32
            with pytest.raises(OverflowError, match="uint16"):
                await encoder.encode_to_numpy(text, dtype=np.uint16)


async def test_cutting(encoding: Encoding) -> None:
    async with AsyncEncoder(encoding) as encoder:
        for text in ("one two three four", LONG):
            assert await encoder.count_up_to(text, 3) is None
            assert await encoder.count_up_to(text, 10**6) == encoding.count(text)
            for side in ("end", "start", "middle"):
                cut = await encoder.truncate(text, 3, side=side)
                assert cut == encoding.truncate(text, 3, side=side)
            assert await encoder.split(text, 100) == encoding.split(text, 100)
            options: dict[str, Any] = {"boundary": "word", "whole_graphemes": True}
            chunks = await encoder.split(text, 10, overlap=2, **options)
            assert chunks == encoding.split(text, 10, overlap=2, **options)
        with pytest.raises(ValueError, match="-1"):
            await encoder.truncate("text", -1)


@pytest.mark.parametrize("wrong", [None, b"bytes", 5, ["a"]])
async def test_what_is_no_text(encoding: Encoding, wrong: Any) -> None:
    async with AsyncEncoder(encoding) as encoder:
        for method in (encoder.encode, encoder.count, encoder.encode_to_numpy):
            with pytest.raises(TypeError, match="expected str"):
                await method(wrong)
        for wrong_set in (["a"], "a", None):
            with pytest.raises(TypeError, match="allowed_special"):
                await encoder.encode("a", allowed_special=wrong_set)
        assert await encoder.count("state unharmed") == 3


async def test_a_subclass_of_str_is_what_it_holds(encoding: Encoding) -> None:
    class AllEqual(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 5

    async with AsyncEncoder(encoding) as encoder:
        for text in ("one", "two words", LONG):
            assert await encoder.encode(AllEqual(text)) == encoding.encode(text)


async def test_the_cache_keeps_the_newest(encoding: Encoding) -> None:
    async with AsyncEncoder(encoding, cache_entries=3) as encoder:
        for text in ("a", "b", "c", "a", "d"):
            await encoder.encode(text)
        hits = encoder.metrics().hits
        assert hits == 1
        assert encoder.metrics().evictions == 1
        for text in ("a", "c", "d"):
            await encoder.encode(text)
        assert encoder.metrics().hits == hits + 3
        await encoder.encode("b")
        assert encoder.metrics().hits == hits + 3


async def test_ids_answer_for_their_number_but_not_the_other_way(encoding: Encoding) -> None:
    async with AsyncEncoder(encoding) as encoder:
        assert await encoder.count("one two") == 2
        assert await encoder.encode("one two") == encoding.encode("one two")
        assert encoder.metrics().hits == 0
        assert await encoder.count("one two") == 2
        assert encoder.metrics().hits == 1


async def test_errors_are_not_remembered(encoding: Encoding) -> None:
    async with AsyncEncoder(encoding) as encoder:
        for text in (SPECIAL, LONG + SPECIAL):
            for _ in range(2):
                with pytest.raises(ValueError, match="endoftext"):
                    await encoder.encode(text)
        assert encoder.metrics().cached_texts == 0
        assert encoder.metrics().queue_depth == 0


async def test_equal_texts_at_once_are_encoded_once(gated: Gated) -> None:
    results: list[int] = []
    async with AsyncEncoder(gated, inline_below=0, workers=2) as encoder:

        async def ask() -> None:
            results.append(await encoder.count("same"))

        async with anyio.create_task_group() as tasks:
            for _ in range(50):
                tasks.start_soon(ask)
            await until(lambda: encoder.metrics().joined == 49)
            gated.gate.set()
        assert gated.begun == ["same"]
    assert results == [4] * 50


async def test_an_error_reaches_all_who_share_it(gated: Gated) -> None:
    errors: list[ValueError] = []
    async with AsyncEncoder(gated, inline_below=0) as encoder:

        async def ask() -> None:
            with pytest.raises(ValueError, match="bad: bad text") as caught:
                await encoder.count("bad text")
            errors.append(caught.value)

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(ask)
            await until(lambda: encoder.metrics().joined == 9)
            gated.gate.set()
        assert gated.begun == ["bad text"]
        assert len({id(error) for error in errors}) == 10, "tracebacks would mix"
        assert await encoder.count("good") == 4


@pytest.mark.parametrize("begun", [False, True])
async def test_the_first_who_asked_may_be_cancelled(gated: Gated, begun: bool) -> None:
    """Callers that joined get their answer, whether a thread had started or not."""
    results: list[int] = []
    async with AsyncEncoder(gated, inline_below=0, workers=1) as encoder:

        async def ask(text: str) -> None:
            results.append(await encoder.count(text))

        async with anyio.create_task_group() as tasks:
            if not begun:
                tasks.start_soon(ask, "in the way")
                await until(lambda: gated.begun == ["in the way"])
            scope = anyio.CancelScope()

            async def first() -> None:
                with scope:
                    await encoder.count("shared")

            tasks.start_soon(first)
            await until(lambda: encoder.metrics().queue_depth == (1 if begun else 2))
            if begun:
                await until(lambda: gated.begun == ["shared"])
            for _ in range(3):
                tasks.start_soon(ask, "shared")
            await until(lambda: encoder.metrics().joined == 3)
            scope.cancel()
            await until(lambda: scope.cancelled_caught)
            gated.gate.set()
    assert results.count(6) == 3
    assert gated.begun.count("shared") == 1


async def test_texts_of_one_turn_are_one_batch(gated: Gated) -> None:
    gated.gate.set()
    async with AsyncEncoder(gated, inline_below=0, workers=1) as encoder:
        async with anyio.create_task_group() as tasks:
            for number in range(40):
                tasks.start_soon(encoder.count, f"text {number}")
        assert encoder.metrics().batches == 1
        assert len(gated.begun) == 40


async def test_one_turn_runs_no_more_inline_than_is_said(gated: Gated) -> None:
    threads: list[str] = []

    def count(text: str, **arguments: Any) -> int:
        threads.append(threading.current_thread().name)
        return len(text)

    gated.count = count  # type: ignore[method-assign]
    async with AsyncEncoder(gated, inline_below=100, workers=1) as encoder:
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(encoder.count, f"{number:50}")
        here = threads.count(threading.current_thread().name)
        assert here == 2
        assert len(threads) == 20
        await encoder.count("the next turn")
        assert threads[-1] == threading.current_thread().name


async def test_a_full_queue_makes_callers_wait(gated: Gated) -> None:
    results: list[int] = []
    async with AsyncEncoder(gated, inline_below=0, queue=3, workers=1) as encoder:

        async def ask(number: int) -> None:
            results.append(await encoder.count("x" * (number + 1)))

        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(ask, number)
            await until(lambda: encoder.metrics().waiting_for_queue == 7)
            assert encoder.metrics().queue_depth == 3
            assert results == []
            gated.gate.set()
        assert encoder.metrics().queue_depth == 0
        assert encoder.metrics().waiting_for_queue == 0
        assert encoder.metrics().rejected == 0
    assert sorted(results) == list(range(1, 11))


async def test_a_full_queue_raises_if_told_to(gated: Gated) -> None:
    refused: list[str] = []
    async with AsyncEncoder(
        gated, inline_below=0, queue=3, workers=1, when_full="raise"
    ) as encoder:

        async def ask(text: str) -> None:
            try:
                await encoder.count(text)
            except QueueFullError as error:
                refused.append(f"{text}: {error}")

        async with anyio.create_task_group() as tasks:
            for number in range(3):
                tasks.start_soon(ask, f"text {number}")
            await until(lambda: encoder.metrics().queue_depth == 3)
            tasks.start_soon(ask, "one too many")
            tasks.start_soon(ask, "text 1")  # is there already: needs no room
            await until(lambda: refused and encoder.metrics().joined == 1)
            gated.gate.set()
        assert refused == ["one too many: the queue is full: 3 texts wait or are encoded"]
        assert encoder.metrics().rejected == 1
        assert await encoder.count("one too many") == 12


async def test_cancellation_frees_the_slot(gated: Gated) -> None:
    async with AsyncEncoder(
        gated, inline_below=0, queue=2, workers=1, when_full="raise"
    ) as encoder:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(encoder.count, "on the thread")
            await until(lambda: gated.begun == ["on the thread"])
            for number in range(5):
                with anyio.move_on_after(0.01) as scope:
                    await encoder.count(f"text {number}")
                assert scope.cancelled_caught
                assert encoder.metrics().queue_depth == 1
            gated.gate.set()
        assert gated.begun == ["on the thread"]


async def test_cancellation_while_waiting_for_room(gated: Gated) -> None:
    results: list[int] = []
    async with AsyncEncoder(gated, inline_below=0, queue=1, workers=1) as encoder:

        async def ask(text: str) -> None:
            results.append(await encoder.count(text))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, "on the thread")
            await until(lambda: gated.begun)
            with anyio.move_on_after(0.01):
                await encoder.count("given up")
            tasks.start_soon(ask, "patient")
            await until(lambda: encoder.metrics().waiting_for_queue == 1)
            gated.gate.set()
    assert sorted(results) == [7, 13]
    assert "given up" not in gated.begun


async def test_closing_while_requests_wait(gated: Gated) -> None:
    outcomes: list[object] = []
    encoder = AsyncEncoder(gated, inline_below=0, queue=2, workers=1)

    async def ask(text: str) -> None:
        try:
            outcomes.append(await encoder.count(text))
        except EncoderClosedError:
            outcomes.append("closed")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "running")
        await until(lambda: gated.begun)
        for number in range(5):
            tasks.start_soon(ask, f"waiting {number}")
        await until(lambda: encoder.metrics().waiting_for_queue == 4)
        encoder.close()
        await until(lambda: len(outcomes) == 5)
        gated.gate.set()
        await encoder.aclose()
    assert outcomes == ["closed"] * 5 + [7]
    assert encoder.metrics().queue_depth == 0


async def test_use_after_close(encoding: Encoding) -> None:
    encoder = AsyncEncoder(encoding)
    await encoder.count("remembered")
    await encoder.aclose()
    await encoder.aclose()
    for text in ("remembered", "new", LONG):
        for method in (encoder.count, encoder.encode, encoder.encode_to_numpy):
            with pytest.raises(EncoderClosedError, match="closed"):
                await method(text)
    assert encoder.metrics().misses == 1


async def test_threads_end_with_the_encoder(encoding: Encoding) -> None:
    def ours() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if "bpecore" in thread.name}

    before = ours()
    async with AsyncEncoder(encoding) as encoder:
        await encoder.count(LONG)
        assert ours() - before
    assert not ours() - before
