"""What programs do with bpecore, for type checkers: `mypy --strict` and `pyright` must accept it.

`tests/tools/test_typing.py` runs it too. The annotations here are the point: each says what
a checker has to find out by itself.
"""

from __future__ import annotations

import copy
import pickle
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

import bpecore
import bpecore as tiktoken
from bpecore import Encoding, encoding_for_model, get_encoding
from bpecore._educational import SimpleBytePairEncoding
from bpecore.chat import (
    Explanation,
    Rules,
    Tiles,
    num_tokens_from_messages,
    truncate_tokens_from_messages,
)
from bpecore.load import dump_tiktoken_bpe, load_tiktoken_bpe

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def encode_and_count() -> tuple[list[int], int]:
    encoding: Encoding = tiktoken.get_encoding("o200k_base")
    ids: list[int] = encoding.encode("hello world")
    ids += encoding.encode("<|endoftext|>", allowed_special="all")
    ids += encoding.encode("<|endoftext|>", allowed_special={"<|endoftext|>"})
    ids += encoding.encode("<|endoftext|>", allowed_special=frozenset({"<|endoftext|>"}))
    ids += encoding.encode("<|endoftext|>", disallowed_special=())
    ids += encoding.encode("hello", disallowed_special=["<|endoftext|>", "x"])
    ids += encoding.encode(
        "hello", disallowed_special=encoding.special_tokens_set - {"<|endoftext|>"}
    )
    ids += encoding.encode_ordinary("hello")
    count: int = encoding.count("hello world", disallowed_special=())
    count += bpecore.count_for_model("gpt-4o", "hello")
    ids += bpecore.encode_for_model("gpt-4o", "hello", allowed_special="all")
    return ids, count


def count_chats() -> tuple[int, Explanation, list[Any]]:
    messages = [{"role": "user", "content": "hello"}]
    ours = Rules("our-*", "our bills", "2026-11", encoding="o200k_base", image=Tiles(85, 170))
    tokens: int = num_tokens_from_messages(messages, "our-model", rules=[ours], costs={"*": 0})
    explanation: Explanation = num_tokens_from_messages(
        messages, "gpt-4o", tools=[{"name": "f"}], tool_choice="auto", explain=True
    )
    kept: list[Any] = truncate_tokens_from_messages(messages, "gpt-4o", 100, default="gpt-4o")
    return tokens, explanation, kept


def encode_many() -> list[list[int]]:
    encoding = get_encoding("cl100k_base")
    batches: list[list[int]] = encoding.encode_batch(["hello", "world"], num_threads=2)
    batches += encoding.encode_ordinary_batch(("hello", "world"))
    batches += encoding.encode_batch([], allowed_special="all", disallowed_special=())
    stable: list[int]
    completions: list[list[int]]
    stable, completions = encoding.encode_with_unstable("hello fanta")
    return [*batches, stable, *completions]


def decode() -> str:
    encoding = encoding_for_model("gpt-4o")
    ids = encoding.encode("hello world")
    text: str = encoding.decode(ids)
    text += encoding.decode(tuple(ids), errors="strict")
    raw: bytes = encoding.decode_bytes(range(10)) + encoding.decode_single_token_bytes(5)
    parts: list[bytes] = encoding.decode_tokens_bytes(ids)
    shown: str
    offsets: list[int]
    shown, offsets = encoding.decode_with_offsets(ids)
    texts: list[str] = encoding.decode_batch([ids, ids], errors="ignore", num_threads=1)
    raws: list[bytes] = encoding.decode_bytes_batch([ids])
    return text + shown + "".join(texts) + str((raw, parts, offsets, raws))


def arrays() -> int:
    encoding = get_encoding("o200k_base")
    array: npt.NDArray[np.uint32] = encoding.encode_to_numpy("hello world")
    return int(array.sum()) + len(encoding.decode(array.tolist()))


def facts() -> dict[str, object]:
    encoding = get_encoding("gpt2")
    vocabulary: int = encoding.n_vocab
    highest: int = encoding.max_token_value
    end: int = encoding.eot_token
    specials: set[str] = encoding.special_tokens_set
    name: str = encoding.name
    single: int = encoding.encode_single_token("hello") + encoding.encode_single_token(b" world")
    special: bool = encoding.is_special_token(end)
    values: list[bytes] = encoding.token_byte_values()
    names: list[str] = bpecore.list_encoding_names()
    model: str = bpecore.encoding_name_for_model("gpt-4")
    loads: int = bpecore.registry.stats()["gpt2"]["loads"]
    version: str = bpecore.__version__
    known: dict[str, str] = bpecore.model.MODEL_TO_ENCODING
    return {
        "numbers": (vocabulary, highest, end, single, loads, len(values), len(known)),
        "strings": (name, model, version, sorted(specials), names),
        "special": special,
    }


def own_encoding(folder: Path) -> Encoding:
    base = get_encoding("cl100k_base")
    file = folder / "ranks.tiktoken"
    dump_tiktoken_bpe({bytes([byte]): byte for byte in range(256)}, file)
    ranks: dict[bytes, int] = load_tiktoken_bpe(str(file))
    checked: bytes = bpecore.load.read_file_cached(file, expected_hash=None)
    assert checked
    bytes_only = Encoding(
        "bytes", pat_str=r"[\s\S]", mergeable_ranks=ranks, special_tokens={}, explicit_n_vocab=256
    )
    assert bytes_only.encode("a") == [97]
    # As the README of tiktoken extends an encoding.
    return tiktoken.Encoding(
        name="cl100k_im",
        pat_str=base._pat_str,
        mergeable_ranks=base._mergeable_ranks,
        special_tokens={**base._special_tokens, "<|im_start|>": 100264, "<|im_end|>": 100265},
    )


class Limited(Encoding):
    """A subclass with an additional method."""

    def fits(self, text: str, limit: int) -> bool:
        return self.count(text, disallowed_special=()) <= limit


def pass_around(encoding: Encoding) -> list[int]:
    tokenize: Callable[[str], list[int]] = partial(encoding.encode, allowed_special="all")
    length: Callable[[str], int] = lambda text: len(encoding.encode(text))  # noqa: E731
    again: Encoding = pickle.loads(pickle.dumps(copy.copy(encoding)))
    return [*tokenize("hello"), length("hello"), *again.encode("hello")]


def stand_in() -> str:
    with bpecore.install_as_tiktoken():
        pass
    bpecore.install_as_tiktoken()
    bpecore.uninstall_as_tiktoken()
    simple: SimpleBytePairEncoding = SimpleBytePairEncoding.from_tiktoken("gpt2")
    ids: list[int] = simple.encode("hello", visualise=None)
    return simple.decode(ids)
