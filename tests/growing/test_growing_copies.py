"""Copies and pickles of growing texts continue exactly where the originals are."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import random
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pytest
from growing_texts import (
    ARGUMENTS,
    PATTERNS,
    SPECIAL_TOKENS,
    chunks_of,
    random_ranks,
    text_with_special_parts,
)
from own import own_encoding

import bpecore

ENCODING = bpecore.get_encoding("o200k_base")


def pickled(protocol: int) -> Callable[[Any], Any]:
    return lambda growing: pickle.loads(pickle.dumps(growing, protocol))


WAYS: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    *map(pickled, range(pickle.HIGHEST_PROTOCOL + 1)),
]


def check_text(encoding: bpecore.Encoding, text: str, seed: int, **arguments: Any) -> None:
    """Compares what is copied before every chunk with the whole text."""
    source = random.Random(seed)
    chunks = chunks_of(source, text, 9)
    counter = bpecore.TokenCounter(encoding, **arguments)
    encoder = bpecore.StreamEncoder(encoding, **arguments)
    ids, so_far = [], ""
    for chunk in chunks:
        left = [counter, encoder]
        counter, encoder, checkpoint = map(
            source.choice(WAYS), (counter, encoder, counter.checkpoint())
        )
        assert counter.total == encoding.count(so_far, **arguments)
        so_far += chunk
        expected = encoding.count(so_far, **arguments)
        assert counter.feed(chunk) == expected, (so_far, chunk)
        ids += encoder.feed(chunk)
        counter.restore(checkpoint)
        assert counter.feed(chunk) == expected, (so_far, chunk)
        for original in left:
            original.feed("what becomes of the original means nothing to the copy")
    assert ids + encoder.flush() == encoding.encode(text, **arguments)


@pytest.mark.parametrize("arguments", ARGUMENTS, ids=["none", "all"])
def test_texts(arguments: dict[str, Any]) -> None:
    source = random.Random(1)
    for seed in range(25):
        check_text(ENCODING, text_with_special_parts(source), seed, **arguments)


@pytest.mark.parametrize("special_tokens", SPECIAL_TOKENS, ids=["none", "longer", "inside"])
@pytest.mark.parametrize("pattern", PATTERNS)
def test_random_vocabularies(pattern: str, special_tokens: dict[str, int]) -> None:
    for seed in range(3):
        source = random.Random(seed)
        ranks = {**random_ranks(source, b"ab "), b"b": 900}
        encoding = own_encoding(pattern, ranks, special_tokens)
        text = "".join(source.choices(["a", "b", " ", *special_tokens], k=15))
        check_text(encoding, text, seed, allowed_special="all")
        check_text(encoding, text, seed, disallowed_special=())


@pytest.mark.parametrize("way", WAYS)
def test_half_a_character(way: Callable[[Any], Any]) -> None:
    counter, encoder = way(bpecore.TokenCounter(ENCODING)), way(bpecore.StreamEncoder(ENCODING))
    counter.feed("\ud83d"), encoder.feed("\ud83d")
    assert way(counter).feed("\ude00") == ENCODING.count("😀")
    again = way(encoder)
    assert again.feed("\ude00") + again.flush() == ENCODING.encode("😀")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("disallowed", ["all", {"<|endoftext|>"}, {"no token"}])
def test_what_is_disallowed_is_found_across_the_copy(
    way: Callable[[Any], Any], disallowed: Any
) -> None:
    name = "no token" if "no token" in disallowed else "<|endoftext|>"
    for kind in (bpecore.TokenCounter, bpecore.StreamEncoder):
        growing = kind(ENCODING, disallowed_special=disallowed)
        growing.feed(f"hello {name[:5]}")
        again = way(way(growing))
        with pytest.raises(ValueError, match="disallowed special token"):
            again.feed(name[5:])
        again.feed(" x")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("errors", ["replace", "ignore", "strict"])
def test_decoders(way: Callable[[Any], Any], errors: str) -> None:
    ids = ENCODING.encode("hi 𓀀! 漢字 🤯")
    decoder = bpecore.StreamDecoder(ENCODING, errors)
    batch = bpecore.StreamDecoderBatch(ENCODING, 2, errors)
    texts = ["", ""]
    for id_ in ids:
        decoder, batch = way(decoder), way(batch)
        texts[0] += decoder.feed(id_)
        texts[1] += batch.feed([None, id_])[1]
    assert texts == ["hi 𓀀! 漢字 🤯"] * 2
    cut = ENCODING.encode("𓀀")[:1]
    decoder.feed(cut)
    again = way(decoder)
    assert repr(again) == repr(decoder)
    if errors == "strict":
        with pytest.raises(UnicodeDecodeError):
            again.flush()
    else:
        assert again.flush() == decoder.flush() == ENCODING.decode(cut, errors)
        with pytest.raises(ValueError, match="flushed"):
            way(again).feed(1)


@pytest.mark.parametrize("way", WAYS)
def test_one_that_is_flushed_stays_so(way: Callable[[Any], Any]) -> None:
    encoder = bpecore.StreamEncoder(ENCODING)
    encoder.feed("hello")
    encoder.flush()
    with pytest.raises(ValueError, match="flushed"):
        way(encoder).feed("x")


def test_a_pickle_holds_no_text_that_is_finished() -> None:
    counter = bpecore.TokenCounter(ENCODING)
    counter.feed("hello world, " * 100_000)
    assert len(pickle.dumps(counter)) < 300
    encoder = bpecore.StreamEncoder(ENCODING)
    encoder.feed("hello world, " * 100_000)
    assert len(pickle.dumps(encoder)) < 300


def test_copies_share_the_encoding() -> None:
    own = own_encoding(r"\w+|\W+", {bytes([i]): i for i in range(256)})
    counter = bpecore.TokenCounter(own)
    counter.restore(copy.deepcopy(counter).checkpoint())


def test_a_checkpoint_of_ones_own_encoding_from_elsewhere() -> None:
    own = own_encoding(r"\w+|\W+", {bytes([i]): i for i in range(256)}, {"<end>": 300})
    counter = bpecore.TokenCounter(own, allowed_special="all")
    counter.feed("one two<en")
    counter.restore(pickle.loads(pickle.dumps(counter.checkpoint())))
    assert counter.feed("d>") == 8
    other = own_encoding(r"\w+|\W+", {bytes([i]): i for i in range(256)}, {"<end>": 301})
    foreign = pickle.loads(pickle.dumps(bpecore.TokenCounter(other, allowed_special="all")))
    with pytest.raises(ValueError, match="another encoding"):
        counter.restore(foreign.checkpoint())


def finished(growing: Any, end: Any) -> Any:
    """Called in another process; returns what comes of the end, and what can be continued."""
    first = growing.feed(end)
    return first, growing


def test_there_and_back_between_processes() -> None:
    counter = bpecore.TokenCounter(ENCODING)
    encoder = bpecore.StreamEncoder(ENCODING)
    decoder = bpecore.StreamDecoder(ENCODING)
    counter.feed("hel"), encoder.feed("hel"), decoder.feed(ENCODING.encode("𓀀")[:1])
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        total, counter = executor.submit(finished, counter, "lo wor").result()
        ids, encoder = executor.submit(finished, encoder, "lo wor").result()
        text, decoder = executor.submit(finished, decoder, ENCODING.encode("𓀀")[1:]).result()
        _, checkpoint = executor.submit(finished_checkpoint, counter).result()
    assert (total, ids, text) == (2, [24912], "𓀀")
    assert counter.feed("ld") == 2
    assert encoder.feed("ld") + encoder.flush() == [2375]
    counter.restore(checkpoint)
    assert counter.feed("k") == ENCODING.count("hello work")


def finished_checkpoint(counter: bpecore.TokenCounter) -> Any:
    return counter.total, counter.checkpoint()
