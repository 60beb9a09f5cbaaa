"""Checks of decoding: lists and arrays of ids, ids that nobody encoded, and growing sequences."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import numpy as np

from bpecore._core import StreamDecoder, StreamDecoderBatch
from bpecore.fuzzing.outcomes import Difference, Raised, compare, excerpt, given, outcome
from bpecore.fuzzing.special_choices import drawn_by
from bpecore.fuzzing.subject import Subject

METHODS = ("decode", "decode_bytes", "decode_tokens_bytes", "decode_with_offsets")
BATCH_METHODS = ("decode_batch", "decode_bytes_batch")

GROWING_LIMIT = 100
"""Ids of the longest sequence that is decoded step by step."""

UNKNOWN_LIMIT = 40
"""Characters of the longest text whose code points are decoded as ids."""


def id_lists(subject: Subject, text: str) -> list[list[int]]:
    """Returns ids that a text suggests: its own, parts of them, and with special tokens between."""
    ids = outcome(lambda: subject.theirs.encode(text, allowed_special="all"))
    if not isinstance(ids, list):
        return []
    special = sorted(subject.definition["special_tokens"].values())
    raw = text.encode("utf-8", "surrogatepass")
    lists = [ids, ids[1:], ids[: len(ids) // 2], ids[::-1], subject.theirs._encode_bytes(raw)]
    if special:
        lists.append([special[0], *ids, special[-1], *ids[1:]])
    return lists


def decoding(subject: Subject, text: str) -> Difference | None:
    """The methods that take ids, with lists and arrays, and ids that cut characters."""
    lists = id_lists(subject, text)
    if len(text) <= UNKNOWN_LIMIT:
        codes = [*map(ord, text)]
        lists += [codes, [code % (subject.theirs.max_token_value + 2) for code in codes]]
    calls: list[tuple[str, Any]] = [(method, ids) for ids in lists for method in METHODS]
    calls += [(method, lists[:-1]) for method in BATCH_METHODS]
    for method, argument in calls:
        difference = in_both(subject, method, argument)
        if difference is not None:
            return difference
    return None


def known_ids(subject: Subject, text: str) -> Difference | None:
    """`decode` and `decode_bytes` without special tokens, and with ids that are no tokens."""
    special = {*subject.definition["special_tokens"].values()}
    ids = [number for row in id_lists(subject, text[:UNKNOWN_LIMIT]) for number in [*row, -100]]
    ids += [subject.theirs.max_token_value + 1, *special]
    for skip in (False, True):
        for unknown, instead in (("skip", b""), ("replace", "\ufffd".encode())):
            content = b"".join(
                b"" if skip and number in special else bytes_or(subject, number, instead)
                for number in ids
            )
            for method, wanted in (
                ("decode_bytes", content),
                ("decode", content.decode("utf-8", "replace")),
            ):
                call = getattr(subject.ours, method)
                found = outcome(call, ids, skip_special=skip, unknown=unknown)
                if found != wanted:
                    name = f"{method}({excerpt(ids, 0)}, skip_special={skip}, unknown={unknown!r})"
                    return Difference(name, found, wanted)
    return None


def bytes_or(subject: Subject, number: int, instead: bytes) -> bytes:
    """Returns the bytes of an id, or something else if it is no token's."""
    content = outcome(subject.theirs.decode_single_token_bytes, number)
    return content if isinstance(content, bytes) else instead


def offsets(subject: Subject, text: str) -> Difference | None:
    """`token_offsets`, in characters and in bytes, beside a sum over tiktoken's tokens."""
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    for arguments in ({"allowed_special": "all"}, {"disallowed_special": ()}):
        ids = outcome(functools.partial(subject.theirs.encode, text, **arguments))
        if not isinstance(ids, list):
            continue
        tokens = subject.theirs.decode_tokens_bytes(ids)
        if b"".join(tokens).decode("utf-8", "replace") != text:
            expected = {unit: Raised("ValueError") for unit in ("characters", "bytes")}
        else:
            expected = places_of(tokens, text)
        for unit, wanted in expected.items():
            call: Any = subject.ours.token_offsets
            found: Any = outcome(call, text, unit=unit, **arguments)
            if not isinstance(found, Raised):
                found = found.tolist()
            if found != wanted:
                return Difference(f"token_offsets in {unit}, {arguments}", found, wanted)
    return None


def places_of(tokens: list[bytes], text: str) -> dict[str, Any]:
    """Returns where tokens begin and end in the text that they are together, by unit."""
    owners = [place for place, character in enumerate(text) for _ in character.encode()]
    in_bytes, in_characters = [], []
    end = 0
    for token in tokens:
        start, end = end, end + len(token)
        in_bytes.append([start, end])
        last = owners[end - 1] + 1 if end else 0
        in_characters.append([owners[start] if token else last, last])
    return {"bytes": in_bytes, "characters": in_characters}


def in_both(subject: Subject, method: str, argument: Any) -> Difference | None:
    """Compares a method's results for a list and, if there are any, for arrays."""
    expected = outcome(getattr(subject.theirs, method), argument)
    forms: list[Any] = [argument]
    if not method.endswith("batch") and not isinstance(expected, Raised):
        forms += [np.array(argument, dtype=dtype) for dtype in (np.uint32, np.int64)]
    for form in forms:
        call = functools.partial(getattr(subject.ours, method), form)
        name = f"{method}({type(form).__name__} {excerpt(argument, 0)})"
        difference = compare(name, call, functools.partial(given, expected))
        if difference is not None:
            return difference
    return None


def growing_ids(subject: Subject, text: str) -> Difference | None:
    """`StreamDecoder` and `StreamDecoderBatch`: the texts of growing sequences of ids."""
    lists = [ids[:GROWING_LIMIT] for ids in id_lists(subject, text)]
    for errors in ("replace", "surrogateescape", "ignore"):
        expected = [outcome(subject.theirs.decode, ids, errors) for ids in lists]
        for ids, wanted in zip(lists, expected):
            found = outcome(one_by_one, subject, ids, errors)
            if found != wanted:
                return Difference(f"StreamDecoder of {excerpt(ids, 0)}, {errors}", found, wanted)
        found = outcome(together, subject, lists, errors)
        if found != expected:
            return Difference(f"StreamDecoderBatch of {lists}, {errors}", found, expected)
    return None


def one_by_one(subject: Subject, ids: list[int], errors: str) -> str:
    """Decodes ids as they arrive."""
    decoder = StreamDecoder(subject.ours, errors)
    return "".join([decoder.feed(number) for number in ids]) + decoder.flush()


def together(subject: Subject, lists: list[list[int]], errors: str) -> list[str]:
    """Decodes several sequences, step by step: an id or several of each, in all three forms."""
    decoder = StreamDecoderBatch(subject.ours, len(lists), errors)
    texts = [""] * len(lists)
    source = drawn_by(str(lists))
    place = 0
    while any(place < len(ids) for ids in lists):
        step = source.choice((1, 1, 2, 5))
        parts = [ids[place : place + step] for ids in lists]
        place += step
        form = source.randrange(3)
        if form == 0:
            found = decoder.feed(parts)
        elif form == 1:
            ends = np.cumsum([0, *map(len, parts)])
            found = decoder.feed_ragged(np.array([*itertools.chain(*parts)], dtype=np.uint32), ends)
        else:
            found = [""] * len(lists)
            for column in range(step):
                row = [part[column] if column < len(part) else None for part in parts]
                found = [text + new for text, new in zip(found, decoder.feed(row))]
        texts = [text + new for text, new in zip(texts, found)]
    return [text + decoder.flush(number) for number, text in enumerate(texts)]
