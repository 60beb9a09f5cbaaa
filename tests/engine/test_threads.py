"""Sixteen threads over one `Encoding` get the results of one thread, at every entry point."""

from __future__ import annotations

import random
import threading

import pytest

import bpecore
from bpecore.fuzzing.outcomes import outcome
from bpecore.fuzzing.subject import Subject, available_instructions, openai_subject
from bpecore.fuzzing.texts import real_texts
from fuzz.threads import Call, Failure, Totals, calls_on, round_of_calls, run_threads

THREADS = 16


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gpt2", "cl100k_base", "o200k_harmony"])
def test_sixteen_threads_get_what_one_gets(name: str) -> None:
    subject = openai_subject(name)
    subject.use(available_instructions()[0])
    calls = round_of_calls(subject, random.Random(f"threads {name}"), real_texts())
    totals, failure = run_threads(subject.ours, calls, THREADS, 1.5, seed=1)
    assert failure is None, str(failure)
    assert totals.calls > 100


def test_a_pattern_that_the_regex_library_splits() -> None:
    subject = Subject(
        {
            "name": "backreference",
            "pat_str": r"(\w)\1|\w+|[^\w]",
            "mergeable_ranks": bpecore.get_encoding("gpt2")._mergeable_ranks,
            "special_tokens": {"<|endoftext|>": 60_000},
        }
    )
    texts = ["aabb hello<|endoftext|>" * 5, "中中文 x" * 50, "aa", " " * 100, "don't stop"]
    calls = [call for text in texts for call in calls_on(subject, text)]
    _, failure = run_threads(subject.ours, calls, THREADS, 0.5, seed=1)
    assert failure is None, str(failure)


def test_all_methods_that_take_text_or_ids_are_called() -> None:
    calls = calls_on(openai_subject("gpt2"), "hello<|endoftext|>")
    called = {call.name.partition(",")[0] for call in calls}
    public = {name for name in vars(bpecore.Encoding) if name.startswith(("encode", "decode"))}
    assert public - called == {"decode_single_token_bytes"}, "decode_tokens_bytes calls it"
    assert {"count", "_encode_bytes", "_encode_single_piece"} <= called


def test_more_threads_than_idle_workspaces_at_once() -> None:
    """All are in the engine at the same time, with long texts that release the GIL."""
    encoding = bpecore.get_encoding("o200k_base")
    texts = ["the quick brown fox, 中文. " * 5_000, "Jumps over 12345 lazy dogs\n" * 5_000]
    expected = [encoding.encode_ordinary(text) for text in texts]
    found: dict[int, object] = {}
    count = 40
    barrier = threading.Barrier(count)

    def work(number: int) -> None:
        barrier.wait()
        found[number] = encoding.encode_ordinary(texts[number % 2])

    workers = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(found[number] == expected[number % 2] for number in range(count))


@pytest.mark.parametrize("count", [1, THREADS])
def test_a_wrong_outcome_is_reported(count: int) -> None:
    right = Call("encode", "a", lambda encoding: [1], [1], 1)
    wrong = Call("encode", "b", lambda encoding: [1], [2], 1)
    totals, failure = run_threads(bpecore.get_encoding("gpt2"), [right, wrong], count, 5.0, 1)
    assert isinstance(failure, Failure)
    assert isinstance(totals, Totals)
    assert failure.call is wrong
    assert "'b'" in str(failure)


def test_an_exception_is_an_outcome() -> None:
    subject = openai_subject("gpt2")
    calls = [call for call in calls_on(subject, "no token at all") if "single_token" in call.name]
    assert len(calls) == 1
    _, failure = run_threads(subject.ours, calls, 2, 0.05, 1)
    assert failure is None
    assert outcome(lambda: calls[0].method(subject.ours)) == calls[0].expected
