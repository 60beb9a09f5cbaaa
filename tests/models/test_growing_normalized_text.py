"""Texts in chunks, for encodings with normalizers and added tokens in two searches."""

from __future__ import annotations

import copy
import pickle
import random
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hf_choices import CONTENTS, chosen_texts
from small_models import added_tokens, both, model_json

from bpecore import Encoding, StreamEncoder, TokenCounter
from bpecore._models.growing_text import COUNTED_WAITING
from bpecore._models.normalizers import is_border
from bpecore.cli import streams
from bpecore.cli.chunk_stream import chunk_stream

FORMS = [{"type": kind} for kind in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase")]
NORMALIZERS: list[Any] = [None, *FORMS, {"type": "Sequence", "normalizers": [*FORMS, FORMS[0]]}]


def chosen_encoding(source: random.Random, folder: Path) -> Encoding:
    tokens = [
        {"content": content, "normalized": source.random() < 0.5, "special": source.random() < 0.5}
        for content in source.sample([*CONTENTS, "aa", "a"], source.randrange(6))
    ]
    file = model_json(normalizer=source.choice(NORMALIZERS), added_tokens=added_tokens(*tokens))
    return both(file, folder)[0]


def chosen_chunks(source: random.Random, text: str) -> list[str]:
    chunks = []
    while text:
        size = source.choice([1, 1, 2, 3, 9, 40])
        chunks.append(text[:size])
        text = text[size:]
    return chunks


@pytest.mark.parametrize("seed", range(25))
def test_chunks_give_what_the_whole_text_gives(seed: int, tmp_path: Path) -> None:
    source = random.Random(seed)
    encoding = chosen_encoding(source, tmp_path)
    special = encoding.special_tokens_set
    for _ in range(12):
        text = "".join(chosen_texts(source, 4))
        if source.random() < 0.2:
            text += "\ud83d" + text + "\ude00\ud83d\ude00"
        allowed = {token for token in special if source.random() < 0.6}
        options: dict[str, Any] = {"allowed_special": allowed, "disallowed_special": ()}
        encoder = StreamEncoder(encoding, **options)
        counter = TokenCounter(encoding, **options)
        ids: list[int] = []
        so_far = ""
        for chunk in chosen_chunks(source, text):
            so_far += chunk
            ids += encoder.feed(chunk)
            total = counter.feed(chunk)
            if not "\ud800" <= so_far[-1] <= "\udbff":
                assert total == counter.total == encoding.count(so_far, **options), so_far
            if source.random() < 0.2:
                encoder = source.choice([copy.copy, copy.deepcopy])(encoder)
                counter = copy.copy(counter)
            if source.random() < 0.1:
                mark = counter.checkpoint()
                counter.feed("é <ab>\u0301x")
                counter.restore(mark)
                assert counter.total == total
        assert ids + encoder.flush() == encoding.encode(text, **options), text


def test_streams_can_be_pickled(tmp_path: Path) -> None:
    encoding, _ = both(model_json(normalizer={"type": "NFC"}), tmp_path)
    encoder, counter = StreamEncoder(encoding), TokenCounter(encoding)
    text = "the tool a\u030a e"
    ids = encoder.feed(text)
    counter.feed(text)
    assert "waiting_characters=" in repr(encoder)
    assert repr(counter).endswith(f"total={counter.total}>")
    encoder, counter = pickle.loads(pickle.dumps((encoder, counter)))
    mark = pickle.loads(pickle.dumps(counter.checkpoint()))
    counter.feed("zzz")
    counter.restore(mark)
    ids += [*encoder.feed("\u0301 x"), *encoder.flush()]
    assert ids == encoding.encode(text + "\u0301 x")
    assert counter.feed("\u0301 x") == len(ids)


def test_disallowed_tokens_are_refused_across_chunks(tmp_path: Path) -> None:
    tokens = added_tokens({"content": "<s>", "special": True})
    file = model_json(normalizer={"type": "NFC"}, added_tokens=tokens)
    encoding, _ = both(file, tmp_path)
    for stream in (StreamEncoder(encoding), TokenCounter(encoding)):
        stream.feed("a <")
        with pytest.raises(ValueError, match="disallowed special token"):
            stream.feed("s>")
        stream.feed("a")


def test_a_chunk_that_fails_is_not_taken(tmp_path: Path) -> None:
    model = model_json()["model"]
    vocab = {token: number for token, number in model["vocab"].items() if token != "q"}
    merges = [pair for pair in model["merges"] if "q" not in "".join(pair)]
    vocab = {token: number for token, number in vocab.items() if "q" not in token}
    vocab = {token: number for number, token in enumerate(vocab)}
    file = model_json(normalizer={"type": "NFC"}, model={**model, "vocab": vocab, "merges": merges})
    encoding, _ = both(file, tmp_path)
    encoder, counter = StreamEncoder(encoding), TokenCounter(encoding)
    ids = encoder.feed("the a\u030a tool ")
    total = counter.feed("the a\u030a tool ")
    for stream in (encoder, counter):
        with pytest.raises(ValueError, match="byte"):
            stream.feed("x q x")
    ids += [*encoder.feed("\u0301 the"), *encoder.flush()]
    assert counter.total == total
    assert counter.feed("\u0301 the") == len(ids) == encoding.count("the a\u030a tool \u0301 the")
    assert ids == encoding.encode("the a\u030a tool \u0301 the")


@pytest.mark.parametrize(
    "changes",
    [
        {"normalizer": {"type": "Strip", "strip_left": True, "strip_right": True}},
        {"normalizer": {"type": "Replace", "pattern": {"String": "a"}, "content": "b"}},
        {"added_tokens": [{"content": "<a>", "lstrip": True}]},
    ],
)
def test_what_needs_the_whole_text_is_refused(changes: dict[str, Any], tmp_path: Path) -> None:
    if "added_tokens" in changes:
        changes = {"added_tokens": added_tokens(*changes["added_tokens"])}
    encoding, _ = both(model_json(**changes), tmp_path)
    for stream in (StreamEncoder, TokenCounter):
        with pytest.raises(ValueError, match="a text in chunks cannot be encoded by"):
            stream(encoding)


@pytest.mark.parametrize("normalizer", [None, *FORMS, {"type": "Prepend", "prepend": "x"}])
def test_the_command_line_streams_them(normalizer: Any, tmp_path: Path) -> None:
    tokens = added_tokens({"content": "<a>"}, {"content": "tool", "normalized": True})
    encoding, _ = both(model_json(normalizer=normalizer, added_tokens=tokens), tmp_path)
    source = random.Random(3)
    for _ in range(20):
        text = "".join(chosen_texts(source, 6)) + "e\u0301 1\u0301"
        chunks = chosen_chunks(source, text)
        parts = streams.stream(encoding, chunks, False, encoding.encode, list)
        assert [number for part in parts for number in part] == encoding.encode(
            text, disallowed_special=()
        )


@pytest.mark.parametrize("form", ["NFC", "NFKC"])
def test_nothing_is_joined_across_a_border(form: Any) -> None:
    source = random.Random(1)
    points = [*range(0xD800), *range(0xE000, 0x20000), *range(0x2F800, 0x2FA20)]
    before = [
        "a",
        "\u1100",
        "\uac00",
        "\u09c7",
        "\u0301",
        "\u30ab",
        "\u1025",
        "\U0001133f",
        "\u0dd9",
    ]
    for point in points:
        if is_border(chr(point)):
            for first in (*before[:2], source.choice(before)):
                both_ends = unicodedata.normalize(form, first + chr(point))
                alone = [unicodedata.normalize(form, part) for part in (first, chr(point))]
                assert both_ends == "".join(alone), (first, hex(point))


def test_a_counter_refuses_an_endless_character(tmp_path: Path) -> None:
    """It normalizes what waits for each chunk, so that what waits must have a bound."""
    encoding = both(model_json(normalizer={"type": "NFC"}), tmp_path)[0]
    counter = TokenCounter(encoding)
    for chunk in ("xa", "\u0301" * (COUNTED_WAITING - 2), "\u0301"):
        total = counter.feed(chunk)
    text = "xa" + "\u0301" * (COUNTED_WAITING - 1)
    assert total == encoding.count(text)
    for chunk in ("\u0301", "\u0301" * 100_000):
        with pytest.raises(ValueError, match="may join"):
            counter.feed(chunk)
    assert counter.feed("b\u0301") == encoding.count(f"{text}b\u0301")
    encoder = StreamEncoder(encoding)
    ids = [id for chunk in (text, "\u0301" * 100_000) for id in encoder.feed(chunk)]
    assert ids + encoder.flush() == encoding.encode(text + "\u0301" * 100_000)


def test_chunks_of_a_stream_are_those_of_split(tmp_path: Path) -> None:
    encoding, _ = both(model_json(normalizer={"type": "NFC"}), tmp_path)
    special: dict[str, Any] = {"allowed_special": set(), "disallowed_special": ()}
    parts = chunk_stream(encoding, ["aa ab ", "abab b"], 2, special)
    assert [chunk for part in parts for chunk in part] == encoding.split("aa ab abab b", 2)
    with pytest.raises(ValueError, match="normalizers"):
        list(chunk_stream(encoding, ["a\u0308"], 2, special))
