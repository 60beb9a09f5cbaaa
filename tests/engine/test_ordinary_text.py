"""`Encoding.ordinary`: the encoding to which every text is ordinary text."""

from __future__ import annotations

import copy
import pickle
import random
import subprocess
import sys
from typing import Any

import pytest
import tiktoken
from own import own_encoding
from pairs import Pair
from texts import random_texts

import bpecore
from bpecore import Encoding

ALLOWED: tuple[Any, ...] = (set(), "all", {"<|endoftext|>"})


def texts_with_special_tokens(encoding: Encoding, count: int) -> list[str]:
    source = random.Random(8)
    names = sorted(encoding.special_tokens_set)
    found = []
    for text in random_texts(seed=8, count=count):
        place = source.randint(0, len(text))
        found.append(text[:place] + source.choice(names) + text[place:])
    return found


@pytest.mark.parametrize("allowed", ALLOWED, ids=str)
def test_every_method_takes_special_tokens_as_text(pair: Pair, allowed: Any) -> None:
    texts = texts_with_special_tokens(pair.ours, 60)
    expected = [pair.theirs.encode_ordinary(text) for text in texts]
    counts = list(map(len, expected))
    ordinary, special = pair.ours.ordinary, {"allowed_special": allowed}
    assert [ordinary.encode(text, **special) for text in texts] == expected
    assert [ordinary.encode_ordinary(text) for text in texts] == expected
    assert [ordinary.encode_to_numpy(text, **special).tolist() for text in texts] == expected
    assert [ordinary.count(text, **special) for text in texts] == counts
    assert ordinary.encode_batch(texts, **special) == expected
    assert ordinary.count_batch(texts, **special) == counts
    ids, offsets = ordinary.encode_batch_to_numpy(texts, **special)
    assert [ids[a:b].tolist() for a, b in zip(offsets, offsets[1:])] == expected
    for text, count in zip(texts, counts):
        assert ordinary.count_up_to(text, count, **special) == count
        assert ordinary.count_up_to(text, count - 1, **special) is None
        assert ordinary.truncate(text, count, **special) == text
        assert "".join(ordinary.split(text, 30, **special)) == text
        assert bpecore.TokenCounter(ordinary, **special).feed(text) == count
    encoder = bpecore.StreamEncoder(ordinary, **special)
    streamed = [number for character in texts[0] for number in encoder.feed(character)]
    assert streamed + encoder.flush() == expected[0]


def test_other_strings_may_still_be_refused(cl100k: Pair) -> None:
    with pytest.raises(ValueError, match="secret"):
        cl100k.ours.ordinary.count("a secret", disallowed_special={"secret"})


def test_special_tokens_are_decoded_and_found_by_name(pair: Pair) -> None:
    ordinary = pair.ours.ordinary
    for name, number in list(pair.ours._special_tokens.items())[:50]:
        assert ordinary.decode([number]) == pair.theirs.decode([number])
        assert bpecore.StreamDecoder(ordinary).feed(number) == pair.theirs.decode([number])
        assert ordinary.encode_single_token(name) == number
        assert ordinary.is_special_token(number)
    for fact in ("name", "n_vocab", "max_token_value", "_special_tokens", "_pat_str"):
        assert getattr(ordinary, fact) == getattr(pair.ours, fact)
    assert ordinary.token_byte_values() == pair.theirs.token_byte_values()


def test_it_is_made_once_and_stays_ordinary(cl100k: Pair) -> None:
    ordinary = cl100k.ours.ordinary
    assert ordinary is cl100k.ours.ordinary is ordinary.ordinary
    assert repr(ordinary) == "<Encoding 'cl100k_base', ordinary>"
    assert cl100k.ours.special_tokens_set == cl100k.theirs.special_tokens_set
    with pytest.raises(ValueError, match="endoftext"):
        cl100k.ours.encode("<|endoftext|>")


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_copies_and_pickles(cl100k: Pair, again: Any) -> None:
    text = "<|endoftext|>"
    own = own_encoding(r"\w+|\W", special_tokens={text: 256})
    for ordinary in (cl100k.ours.ordinary, own.ordinary):
        found = again(ordinary)
        assert found.encode(text, allowed_special="all") == ordinary.encode(text)
        assert found.decode([found.eot_token]) == text
        assert repr(found) == repr(ordinary)
    assert again(own).encode(text, allowed_special="all") == [256]


def test_in_another_process(cl100k: Pair) -> None:
    program = (
        "import pickle, sys\n"
        "print(pickle.load(sys.stdin.buffer).count('<|endoftext|>'), 'bpecore.core' in sys.modules)"
    )
    pickled = pickle.dumps(cl100k.ours.ordinary)
    found = subprocess.run(
        [sys.executable, "-c", program], input=pickled, capture_output=True, check=True
    )
    assert found.stdout.split() == [b"7", b"True"]


def test_in_event_loops(cl100k: Pair) -> None:
    anyio = pytest.importorskip("anyio")
    from bpecore.aio import AsyncEncoder

    text, ordinary = "a <|endoftext|> b", cl100k.ours.ordinary
    expected = cl100k.theirs.encode_ordinary(text)

    async def main() -> None:
        async with AsyncEncoder(ordinary) as encoder:
            assert await encoder.encode(text) == expected
            assert await encoder.count(text) == len(expected)

    anyio.run(main)


def test_in_pools(cl100k: Pair) -> None:
    pools = pytest.importorskip("bpecore.pool", exc_type=ImportError)
    text, ordinary = "a <|endoftext|> b", cl100k.ours.ordinary
    with pools.TokenizerPool(ordinary, processes=1) as pool, pool.client() as client:
        assert client.encode(text) == cl100k.theirs.encode_ordinary(text)
        assert client.decode([100257]) == "<|endoftext|>"


class Shouting(Encoding):
    def encode(self, text: str, **keywords: Any) -> list[int]:
        return super().encode(text.upper(), **keywords)


def test_subclasses_and_engines_that_a_user_puts_in(cl100k: Pair) -> None:
    own = own_encoding(r"\w+|\W", special_tokens={"<A>": 256})
    shouting = Shouting(
        "shouting",
        pat_str=own._pat_str,
        mergeable_ranks=own._mergeable_ranks,
        special_tokens=own._special_tokens,
    )
    assert type(shouting.ordinary) is Shouting
    assert shouting.ordinary.encode("<a>") == [*b"<A>"]
    theirs = tiktoken.Encoding(
        "theirs",
        pat_str=own._pat_str,
        mergeable_ranks=own._mergeable_ranks,
        special_tokens=own._special_tokens,
    )
    replaced: Any = copy.copy(own)
    replaced._core_bpe = theirs._core_bpe
    assert replaced.ordinary.encode("<A>") == [*b"<A>"]


def test_patterns_without_an_automaton() -> None:
    own = own_encoding(r"(?<=a)b|\w|\W", special_tokens={"<a>": 256})
    assert own.ordinary.encode("<a>", allowed_special="all") == [*b"<a>"]
    assert own.ordinary.split("<a>" * 3, 3) == ["<a>"] * 3
