"""A pool answers like the encoding, in any number of processes; what does not fit is refused."""

from __future__ import annotations

import gc
import random
import threading
import time
from array import array
from pathlib import Path
from typing import Any, Literal

import pytest
from mixed_text import ENCODING, IDS, MIXED
from texts import random_text
from waiting import wait_until

import bpecore
from bpecore import _core
from bpecore.pool import (
    FeedError,
    PoolBusy,
    PoolClient,
    PoolClosedError,
    RequestTooLargeError,
    StreamAlreadyOpenError,
    StreamNotOpenError,
    TokenizerPool,
)


def test_texts(client: PoolClient) -> None:
    chance = random.Random(1)
    texts = [random_text(chance, 200) for _ in range(200)]
    texts += ["", "a\ud800b", "\ud83c\udf0a", "<|endoftext|>", "é" * 5000, "x🌊" * 5000]
    arguments: dict[str, Any] = {"disallowed_special": ()}
    wanted = ENCODING.encode_batch(texts, **arguments)
    assert client.encode_batch(iter(texts), **arguments) == wanted
    assert [client.encode(text, **arguments) for text in texts[-20:]] == wanted[-20:]
    assert [client.count(text, **arguments) for text in texts[-20:]] == list(map(len, wanted[-20:]))
    assert all(map(gc.is_tracked, client.encode_batch(iter(texts), **arguments)))
    assert client.encode_batch([]) == []
    assert client.encode("<|endoftext|>", allowed_special="all") == [199999]
    assert client.encode("<|endoftext|>", allowed_special={"<|endoftext|>"}) == [199999]


def test_texts_to_arrays(client: PoolClient) -> None:
    np = pytest.importorskip("numpy")
    chance = random.Random(2)
    texts = [random_text(chance, 2000) for _ in range(300)]
    texts += ["", "<|endoftext|>", "é" * 5000, "x🌊" * 5000]
    for arguments in ({"disallowed_special": ()}, {"allowed_special": {"<|endoftext|>"}}):
        for batch in (texts, texts[-1:], []):
            wanted = ENCODING.encode_batch_to_numpy(batch, **arguments)  # type: ignore[arg-type]
            found = client.encode_batch_to_numpy(iter(batch), **arguments)  # type: ignore[arg-type]
            for theirs, ours in zip(wanted, found):
                assert np.array_equal(theirs, ours)
                assert (theirs.dtype, theirs.flags.writeable) == (ours.dtype, ours.flags.writeable)
    ids = client.encode_to_numpy(MIXED)
    assert ids.tolist() == IDS
    assert (ids.dtype, ids.flags.writeable) == (np.uint32, False)


@pytest.mark.parametrize("dtype", [None, "int64", "uint32"])
@pytest.mark.parametrize("append", [None, 199999])
def test_forms_of_arrays(client: PoolClient, dtype: str | None, append: int | None) -> None:
    np = pytest.importorskip("numpy")
    texts = ["", MIXED, "", "a" * 100_000, "a\ud800b", *["hello "] * 30_000]
    out = np.zeros(200_000, dtype or np.int32)
    for options in ({"dtype": dtype, "append": append}, {"append": append, "out": out}):
        wanted = ENCODING.encode_batch_to_numpy(texts, **options)  # type: ignore[arg-type]
        place = wanted[0].copy()
        found = client.encode_batch_to_numpy(iter(texts), **options)  # type: ignore[arg-type]
        assert np.array_equal(found[0], place)
        assert np.array_equal(found[1], wanted[1])
        assert found[0].dtype == wanted[0].dtype
        assert np.shares_memory(found[0], out) == ("out" in options)
        one = client.encode_to_numpy(MIXED, **options)  # type: ignore[arg-type]
        assert one.tolist() == IDS + ([] if append is None else [append])
        assert client.encode_batch_to_numpy([], **options)[0].tolist() == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "options",
    [
        {"dtype": "uint16"},
        {"dtype": float},
        {"append": -1},
        {"append": 1 << 32},
        {"append": "<|endoftext|>"},
        {"out": [0]},
        {"out": "room for one"},
    ],
    ids=str,
)
def test_wrong_forms_of_arrays(client: PoolClient, options: dict[str, Any]) -> None:
    np = pytest.importorskip("numpy")
    if options.get("out") == "room for one":
        options = {"out": np.zeros(1, np.uint32)}
    raised: list[Exception] = []
    for one in (client, ENCODING):
        for call in (
            lambda one=one: one.encode_to_numpy("hello world", **options),
            lambda one=one: one.encode_batch_to_numpy(["hello", " world"], **options),
        ):
            with pytest.raises((TypeError, ValueError, OverflowError)) as caught:
                call()
            raised.append(caught.value)
    assert len({(type(error), str(error)) for error in raised}) == 1


def test_counts_of_many_texts(client: PoolClient) -> None:
    texts = [MIXED * 9] * 300 + ["", "a\ud800b", "<|endoftext|>", "x🌊" * 5000]
    for arguments in ({"disallowed_special": ()}, {"allowed_special": "all"}):
        wanted = ENCODING.count_batch(texts, **arguments)  # type: ignore[arg-type]
        assert client.count_batch(iter(texts), **arguments) == wanted  # type: ignore[arg-type]
    assert client.count_batch([]) == []
    assert client.count_batch(["hello"]) == [1]
    with pytest.raises(ValueError, match=r"^at index 302: .*endoftext"):
        client.count_batch(texts)
    with pytest.raises(TypeError, match="single str"):
        client.count_batch("hello")


@pytest.mark.parametrize(
    ("texts", "error"),
    [
        (["a", "<|endoftext|>"], ValueError),
        (["\ud800", "<|endoftext|>\ud800"], ValueError),
        (["a" * 100_000] * 3 + ["<|endoftext|>"], ValueError),
        (["a", None], TypeError),
    ],
)
def test_errors_of_arrays(client: PoolClient, texts: Any, error: type[Exception]) -> None:
    pytest.importorskip("numpy")
    raised = []
    for one in (client, ENCODING):
        with pytest.raises(error) as caught:
            one.encode_batch_to_numpy(texts)
        raised.append(caught.value)
    assert type(raised[0]) is type(raised[1])
    assert raised[0].args == raised[1].args or error is TypeError
    assert client.encode_to_numpy("hello").tolist() == [24912]


def test_more_than_the_rings_hold(client: PoolClient) -> None:
    texts = [MIXED * 20] * 400
    assert 4 * sum(map(len, texts)) > 8 * (1 << 18)
    assert client.encode_batch(texts) == [ENCODING.encode(MIXED * 20)] * 400


def test_answers_larger_than_the_ring(client: PoolClient) -> None:
    spaces = ENCODING.encode(" " * 128)
    assert len(spaces) == 1
    ids = spaces * 20_000
    assert client.decode(ids) == " " * 128 * 20_000
    client.open_stream(1)
    assert client.feed(1, ids) == " " * 128 * 20_000
    client.close(1)


@pytest.mark.parametrize(
    ("memory", "texts"),
    [
        (array("q"), 0),
        (array("q", [0, 0]), 2),
        (array("q", [1, 1]), 1),
        (array("q", [0, 3, 2]), 2),
        (array("q", [0, 3, 2, 7, 7]), 3),
        (array("q", [0, 1, 7, 7]), 2),
        (memoryview(array("q", [0, 1, 1])).cast("B")[:-1], 1),
        (memoryview(array("q", [0, 0, 0])).cast("B")[4:-4], 1),
    ],
)
def test_places_of_ids_are_checked(memory: Any, texts: int) -> None:
    with pytest.raises(ValueError, match="places"):
        _core.hidden_lists_of_ids(memory, texts)


def test_ids_and_their_places_become_lists() -> None:
    memory = array("q", [0, 2, 2, 4, 7 << 32 | 5, (1 << 40) - 1])
    parts = [_core.hidden_lists_of_ids(memory, 3) for _ in range(2)]
    found = _core.joined_lists(parts)
    assert found == [[5, 7], [], [0xFFFFFFFF, 0xFF]] * 2
    assert all(map(gc.is_tracked, [found, *found]))
    with pytest.raises(TypeError):
        _core.joined_lists([()])


def test_decode(client: PoolClient) -> None:
    np = pytest.importorskip("numpy")
    for ids in (IDS, tuple(IDS), np.array(IDS), np.array(IDS, dtype=np.uint32), [], IDS[:7]):
        assert client.decode(ids) == ENCODING.decode(ids)
    broken = ENCODING.encode("🤷🏽")[:1]
    assert client.decode(broken, "ignore") == ENCODING.decode(broken, "ignore")
    assert client.decode(broken, "surrogateescape") == ENCODING.decode(broken, "surrogateescape")


@pytest.mark.parametrize("skip_special", [False, True])
@pytest.mark.parametrize("unknown", ["raise", "replace", "skip"])
def test_decode_of_ids_that_are_no_text(
    client: PoolClient, unknown: Literal["raise", "replace", "skip"], skip_special: bool
) -> None:
    def decoded(by: Any, ids: list[int]) -> Any:
        try:
            return by.decode(ids, "ignore", skip_special=skip_special, unknown=unknown)
        except (KeyError, OverflowError) as error:
            return type(error), str(error)

    special = ENCODING.eot_token
    for ids in ([*IDS, special, 5], [*IDS, special, 10_000_000, 5], [special, -100, *IDS], []):
        assert decoded(client, ids) == decoded(ENCODING, ids)


def test_decode_with_a_wrong_choice(client: PoolClient) -> None:
    with pytest.raises(ValueError, match="unknown"):
        client.decode(IDS, unknown="drop")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda e: e.encode("a <|endoftext|>"), ValueError),
        (lambda e: e.encode(b"bytes"), TypeError),
        (lambda e: e.encode("a", allowed_special="some"), TypeError),
        (lambda e: e.encode("a", allowed_special={1}), TypeError),
        (lambda e: e.encode_batch(["a", "<|endoftext|>", "b"]), ValueError),
        (lambda e: e.encode_batch(["a", None]), TypeError),
        (lambda e: e.count("<|endofprompt|>"), ValueError),
        (lambda e: e.decode([0, 10_000_000]), KeyError),
        (lambda e: e.decode([-1]), OverflowError),
        (lambda e: e.decode([1 << 32]), OverflowError),
        (lambda e: e.decode("ab"), TypeError),
        (lambda e: e.decode(5), TypeError),
        (lambda e: e.decode([0.5]), TypeError),
        (lambda e: e.decode(ENCODING.encode("🤷🏽")[:1], "strict"), UnicodeDecodeError),
        (lambda e: e.decode(ENCODING.encode("🤷🏽")[:1], "no such handler"), LookupError),
    ],
)
def test_errors_are_those_of_the_encoding(client: PoolClient, call: Any, error: Any) -> None:
    with pytest.raises(error) as found:
        call(client)
    if error in (ValueError, KeyError, UnicodeDecodeError):
        with pytest.raises(error) as wanted:
            call(ENCODING)
        assert str(found.value).replace("'", "") == str(wanted.value).replace("'", "")
    assert client.encode("hello world") == [24912, 2375]


@pytest.mark.parametrize("method", ["encode_batch", "encode_batch_to_numpy", "count_batch"])
@pytest.mark.parametrize("before", [1, 30_000])
def test_what_is_no_text_of_a_batch_is_named_by_its_index(
    client: PoolClient, method: str, before: int
) -> None:
    with pytest.raises(TypeError, match=rf"^at index {before}: expected str, got int: 5$"):
        getattr(client, method)(["hello world"] * before + [5])
    with pytest.raises(TypeError, match=r"^expected str, got int: 5$"):
        client.count(5)  # type: ignore[arg-type]


def test_too_large_is_said_by_name_and_size(client: PoolClient) -> None:
    large = r"^at index 1: encode: a text of 200000 characters .*200008"
    with pytest.raises(RequestTooLargeError, match=large):
        client.encode_batch(["short", "x" * 200_000])
    with pytest.raises(RequestTooLargeError, match=r"^count: a text of 50000 characters .*200008"):
        client.count("🌊" * 50_000)
    with pytest.raises(RequestTooLargeError, match="count: the special-token arguments take"):
        client.count("a", disallowed_special={f"<|{number:0100}|>" for number in range(2_000)})
    with pytest.raises(RequestTooLargeError, match="decode: 40000 ids"):
        client.decode([5] * 40_000)
    client.open_stream("long")
    with pytest.raises(RequestTooLargeError, match="feed: 40000 ids for the stream 'long'"):
        client.feed("long", [5] * 40_000)
    assert client.feed("long", IDS) + client.close("long") == MIXED


def test_streams(client: PoolClient) -> None:
    names: list[Any] = [*range(150), "text", ("a", 1)]
    for name in names:
        client.open_stream(name)
    texts = dict.fromkeys(names, "")
    chance = random.Random(2)
    places = dict.fromkeys(names, 0)
    while any(place < len(IDS) for place in places.values()):
        feed: dict[Any, Any] = {}
        for name in chance.sample(names, 60):
            count = chance.choice([0, 1, 1, 1, 2, 9])
            ids = IDS[places[name] : places[name] + count]
            places[name] += len(ids)
            feed[name] = ids[0] if len(ids) == 1 else ids
        answer = client.feed_many(feed)
        assert list(answer) == list(feed)
        for name, text in answer.items():
            texts[name] += text
    assert client.feed_many({}) == {}
    wrong: Any = [1, 2]
    with pytest.raises(TypeError, match="ids must be a mapping of streams to their ids, not list"):
        client.feed_many(wrong)
    assert texts == dict.fromkeys(names, MIXED)
    assert client.close_many(names) == dict.fromkeys(names, "")


def test_a_stream_that_ends_in_the_middle_of_a_character(client: PoolClient) -> None:
    part = ENCODING.encode("🤷🏽")[:1]
    client.open_stream(1)
    text = client.feed(1, part)
    assert text + client.close(1) == ENCODING.decode(part)
    client.open_stream(1)
    assert client.close(1) == ""


def test_streams_that_are_not_open(client: PoolClient) -> None:
    client.open_stream(1)
    with pytest.raises(StreamAlreadyOpenError, match="1 is open already"):
        client.open_stream(1)
    for call in (
        lambda: client.feed(2, 5),
        lambda: client.feed_many({1: 5, 2: 5}),
        lambda: client.close(2),
        lambda: client.close_many([1, 2]),
    ):
        with pytest.raises(StreamNotOpenError, match="no open stream 2"):
            call()
    assert client.feed(1, IDS) + client.close(1) == MIXED
    with pytest.raises(StreamNotOpenError):
        client.feed(1, 5)


def test_a_bad_id_fails_its_stream_alone(client: PoolClient) -> None:
    for name in "abcd":
        client.open_stream(name)
    for bad in (10_000_000, [24912, 10_000_000]):
        with pytest.raises(FeedError, match="1 of 4") as error:
            client.feed_many({"a": 24912, "b": bad, "c": 24912, "d": 24912})
        assert error.value.texts == {"a": "hello", "c": "hello", "d": "hello"}
        assert [*error.value.errors] == ["b"]
        assert isinstance(error.value.errors["b"], KeyError)
        with pytest.raises(KeyError):
            client.feed("b", bad)
    for wrong in (-1, 1 << 32, "text", 0.5, None, [0.5], [[1]]):
        with pytest.raises((OverflowError, TypeError)):
            client.feed_many({"a": 24912, "b": wrong})
    assert client.feed("b", [24912, 2375]) == "hello world"
    assert client.close_many("abcd") == dict.fromkeys("abcd", "")


def test_full_rings_and_too_much_in_flight() -> None:
    with TokenizerPool("o200k_base", processes=1, max_inflight=1) as pool:
        waiting, refusing = pool.client(), pool.client(when_full="raise")
        busy = threading.Event()
        outcomes = set()

        def ask(client: PoolClient) -> None:
            busy.wait()
            for _ in range(10):
                try:
                    assert client.encode_batch([MIXED] * 20) == [IDS] * 20
                    outcomes.add((client is refusing, "answered"))
                except PoolBusy:
                    outcomes.add((client is refusing, "busy"))

        threads = [
            threading.Thread(target=ask, args=(client,))
            for client in (waiting, refusing)
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        busy.set()
        for thread in threads:
            thread.join()
        assert outcomes == {(False, "answered"), (True, "answered"), (True, "busy")}
        waiting.disconnect()
        refusing.disconnect()


def test_a_closed_pool(tmp_path: Path) -> None:
    pool = TokenizerPool("o200k_base", processes=1)
    client, late = pool.client(), pool.client()
    client.open_stream(1)
    folder = pool._supervisor.folder
    answers = []
    thread = threading.Thread(target=lambda: answers.append(client.encode_batch([MIXED] * 500)))
    thread.start()
    while not pool.metrics().workers[0].requests:
        pass
    pool.close()
    thread.join()
    assert answers == [[IDS] * 500], "what was sent is answered"
    for call in (lambda: client.encode("a"), lambda: client.feed(1, 5), lambda: late.count("a")):
        with pytest.raises(PoolClosedError):
            call()
    pool.close()
    client.disconnect()
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"encoding": 5}, TypeError),
        ({"encoding": "none"}, ValueError),
        ({"processes": 0}, ValueError),
        ({"processes": "2"}, TypeError),
        ({"max_inflight": 0}, ValueError),
        ({"ring_bytes": 100}, ValueError),
        ({"ring_bytes": (1 << 32) + 1}, ValueError),
        ({"ring_bytes": 1 << 70}, ValueError),
        ({"when_full": "explode"}, ValueError),
        ({"start_method": "fork"}, ValueError),
    ],
)
def test_arguments(arguments: dict[str, Any], error: Any) -> None:
    with pytest.raises(error):
        TokenizerPool(**{"encoding": "o200k_base", **arguments})


def test_prometheus(pool: TokenizerPool, client: PoolClient) -> None:
    prometheus_client = pytest.importorskip("prometheus_client")
    from bpecore.prometheus import PoolCollector

    registry = prometheus_client.CollectorRegistry()
    registry.register(PoolCollector({"main": pool}))
    client.encode_batch(["hello"] * 10)
    wait_until(lambda: all(worker.clients for worker in pool.metrics().workers))
    for worker in ("0", "1"):
        labels = {"pool": "main", "worker": worker}
        requests = registry.get_sample_value("bpecore_worker_requests_total", labels)
        answers = registry.get_sample_value("bpecore_worker_latency_seconds_count", labels)
        assert requests == answers
        assert registry.get_sample_value("bpecore_worker_clients", labels) >= 1
        assert registry.get_sample_value("bpecore_worker_restarts_total", labels) == 0


def test_own_vocabulary() -> None:
    encoding = bpecore.Encoding(
        "mine",
        pat_str=r"\w+|\W",
        mergeable_ranks={bytes([byte]): byte for byte in range(256)},
        special_tokens={"<|end|>": 1 << 22},
    )
    with TokenizerPool(encoding, processes=1) as pool, pool.client() as client:
        ids = client.encode("né<|end|>", allowed_special="all")
        assert ids == encoding.encode("né<|end|>", allowed_special="all")
        client.open_stream(1)
        assert [client.feed(1, token) for token in ids] == ["n", "", "é", "<|end|>"]


def test_metrics(pool: TokenizerPool) -> None:
    with pool.client() as client:
        before = pool.metrics()
        for name in range(10):
            client.open_stream(name)
        client.feed_many(dict.fromkeys(range(10), 24912))
        client.encode_batch(["hello"] * 7)
        with pytest.raises(KeyError):
            client.decode([10_000_000])

        def grown(field: str) -> int:
            return sum(
                getattr(now, field) - getattr(then, field)
                for now, then in zip(after.workers, before.workers)
            )

        end = time.monotonic() + 20
        after = pool.metrics()
        while grown("requests") < 4:  # a worker publishes its numbers after its answers
            assert time.monotonic() < end
            after = pool.metrics()
        assert (grown("requests"), grown("fed_ids"), grown("texts"), grown("failed")) == (
            4,
            10,
            7,
            1,
        )
        counts = [sum(worker.latency_counts) for worker in after.workers]
        assert counts == [worker.requests for worker in after.workers]
        assert sum(worker.streams for worker in after.workers) == 10
        assert [worker.restarts for worker in after.workers] == [0, 0]
        assert all(worker.process for worker in after.workers)
