"""Every entry point of an `Encoding`, as functions by name, for the tests of memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Callable

import numpy as np

from bpecore._pattern.families import CL100K_PATTERN
from bpecore.core import Encoding
from bpecore.encodings import ENCODING_CONSTRUCTORS

SPECIAL_TOKEN = "<|end|>"
MISSING_CHARACTER = "\0"
"""A character without a token in `small_ranks`: a text with it cannot be encoded."""

PATTERNS = {
    "blocks": CL100K_PATTERN,
    "automaton": r"[a-z]+|\p{Lu}\p{L}*|\s+|[^\s\p{L}]+|\p{L}+",
    "guided automaton": r"\d{1,3}(?=(?:\d{3})*\b)|\b\w|\w+|\W+",
    "regex library": r"(\w)\1+|\w+|\W+",
}
"""A pattern for each of the four ways to split a text."""


def _unstable(encoding: Encoding, text: str) -> tuple[list[int], list[list[int]]]:
    stable, completions = encoding.encode_with_unstable(text, allowed_special="all")
    return stable, sorted(completions)


TEXT_CALLS: dict[str, Callable[[Encoding, str], Any]] = {
    "encode": lambda encoding, text: encoding.encode(text, allowed_special="all"),
    "encode, some allowed": lambda encoding, text: encoding.encode(
        text, allowed_special={SPECIAL_TOKEN}, disallowed_special={"<no such token>"}
    ),
    "encode, none refused": lambda encoding, text: encoding.encode(text, disallowed_special=()),
    "encode_ordinary": lambda encoding, text: encoding.encode_ordinary(text),
    "encode_to_numpy": lambda encoding, text: encoding.encode_to_numpy(
        text, allowed_special="all"
    ).tolist(),
    "encode_to_numpy, appended": lambda encoding, text: encoding.encode_to_numpy(
        text, allowed_special="all", dtype=np.int64, append=0
    ).tolist(),
    "ordinary": lambda encoding, text: encoding.ordinary.encode(text),
    "count": lambda encoding, text: encoding.count(text, allowed_special="all"),
    "encode_batch": lambda encoding, text: encoding.encode_batch(
        [text, text], num_threads=2, allowed_special="all"
    ),
    "encode_ordinary_batch": lambda encoding, text: encoding.encode_ordinary_batch(
        [text, text], num_threads=2
    ),
    "encode_batch_to_numpy": lambda encoding, text: [
        array.tolist()
        for array in encoding.encode_batch_to_numpy([text, text], allowed_special="all")
    ],
    "count_batch": lambda encoding, text: encoding.count_batch([text, text], allowed_special="all"),
    "_encode_single_piece": lambda encoding, text: encoding._encode_single_piece(text),
    "_encode_bytes": lambda encoding, text: encoding._encode_bytes(text.encode()),
    "_encode_bytes, no UTF-8": lambda encoding, text: encoding._encode_bytes(
        text.encode() + b"\xff"
    ),
    "CoreBPE.encode": lambda encoding, text: encoding._core_bpe.encode(text, {SPECIAL_TOKEN}),
    "CoreBPE.encode_to_tiktoken_buffer": lambda encoding, text: memoryview(
        encoding._core_bpe.encode_to_tiktoken_buffer(text, {SPECIAL_TOKEN})
    ).tolist(),
    "CoreBPE._merge": lambda encoding, text: encoding._core_bpe._merge(text.encode()),
}
"""Calls on a text of any length."""

SHORT_TEXT_CALLS: dict[str, Callable[[Encoding, str], Any]] = {
    "encode_with_unstable": _unstable,
    "encode_single_token": lambda encoding, text: encoding.encode_single_token(SPECIAL_TOKEN),
}
"""Calls on short texts only."""

ID_CALLS: dict[str, Callable[[Encoding, Sequence[int]], Any]] = {
    "decode": lambda encoding, ids: encoding.decode(ids),
    "decode_bytes": lambda encoding, ids: encoding.decode_bytes(ids),
    "decode_bytes of an array": lambda encoding, ids: encoding.decode_bytes(
        np.array(ids, dtype=np.uint32)  # type: ignore[arg-type]
    ),
    "decode_with_offsets": lambda encoding, ids: encoding.decode_with_offsets(ids),
    "decode_tokens_bytes": lambda encoding, ids: encoding.decode_tokens_bytes(ids),
    "decode_single_token_bytes": lambda encoding, ids: encoding.decode_single_token_bytes(ids[-1]),
    "decode_batch": lambda encoding, ids: encoding.decode_batch([ids, ids], num_threads=2),
    "decode_bytes_batch": lambda encoding, ids: encoding.decode_bytes_batch(
        [ids, ids], num_threads=2
    ),
}
"""Calls on ids."""


class BrokenSequence(Sequence[int]):
    """A sequence of ids that fails midway."""

    def __len__(self) -> int:
        return 1000

    def __getitem__(self, index: Any) -> Any:
        if index == 600:
            raise ZeroDivisionError("midway")
        return 97


def _texts_that_fail() -> Iterator[str]:
    yield "one good text"
    raise ZeroDivisionError("midway")


_LONG = "Some text, of which there is more. " * 16
_LONG_OTHER = "Ещё немного текста, 漢字. " * 24


def _wrong(value: Any) -> Any:
    """Hides a value's type from type checkers: the argument is wrong on purpose."""
    return value


def _calling(call: Callable[[Encoding, Any], Any], argument: Any) -> Callable[[Encoding], Any]:
    return lambda encoding: call(encoding, argument)


FAILING_CALLS: dict[str, tuple[Any, Callable[[Encoding], Any]]] = {
    **{
        f"{name}: {what}": (error, _calling(call, text))
        for name, call in TEXT_CALLS.items()
        for what, error, text in (
            ("byte without a token", ValueError, _LONG + MISSING_CHARACTER),
            ("byte without a token, long text of two bytes", ValueError, _LONG_OTHER + "\0"),
            ("no text", (TypeError, AttributeError), _wrong(5)),
        )
    },
    "encode: refused special token": (
        ValueError,
        lambda encoding: encoding.encode(_LONG + SPECIAL_TOKEN),
    ),
    "count: refused string": (
        ValueError,
        lambda encoding: encoding.count(_LONG, disallowed_special={"more"}),
    ),
    "encode_batch: refused special token": (
        ValueError,
        lambda encoding: encoding.encode_batch(["a", _LONG_OTHER + SPECIAL_TOKEN], num_threads=2),
    ),
    "encode_ordinary_batch: the texts end in an error": (
        ZeroDivisionError,
        lambda encoding: encoding.encode_ordinary_batch(_texts_that_fail(), num_threads=2),
    ),
    "encode_to_numpy: surrogate in allowed_special": (
        UnicodeEncodeError,
        lambda encoding: encoding.encode_to_numpy(_LONG_OTHER, allowed_special={"\ud800"}),
    ),
    "encode_with_unstable: surrogate in allowed_special": (
        UnicodeEncodeError,
        lambda encoding: encoding.encode_with_unstable(_LONG, allowed_special={"\udfff"}),
    ),
    "encode: allowed_special is a list": (
        TypeError,
        lambda encoding: encoding.encode(_LONG, allowed_special=_wrong([SPECIAL_TOKEN])),
    ),
    "encode: allowed_special holds a number": (
        TypeError,
        lambda encoding: encoding.encode(_LONG, allowed_special=_wrong({1})),
    ),
    "encode: disallowed_special holds a number": (
        TypeError,
        lambda encoding: encoding.encode(_LONG, disallowed_special=_wrong({1})),
    ),
    "_encode_single_piece: empty": (
        ValueError,
        lambda encoding: encoding._encode_single_piece(b""),
    ),
    "encode_single_token: none such": (
        KeyError,
        lambda encoding: encoding.encode_single_token(_LONG),
    ),
    "decode: unknown id": (KeyError, lambda encoding: encoding.decode([97] * 600 + [10**9])),
    "decode: negative id": (OverflowError, lambda encoding: encoding.decode([97] * 600 + [-1])),
    "decode: id of another type": (
        TypeError,
        lambda encoding: encoding.decode(_wrong([97] * 600 + ["a"])),
    ),
    "decode: no sequence": (TypeError, lambda encoding: encoding.decode(_wrong(5))),
    "decode: sequence that fails": (
        ZeroDivisionError,
        lambda encoding: encoding.decode(BrokenSequence()),
    ),
    "decode: invalid UTF-8": (
        UnicodeDecodeError,
        lambda encoding: encoding.decode(
            [97, encoding.encode_single_token(b"\xff")], errors="strict"
        ),
    ),
    "decode_batch: unknown id": (
        KeyError,
        lambda encoding: encoding.decode_batch([[97], [10**9]], num_threads=2),
    ),
    "decode_single_token_bytes: unknown id": (
        KeyError,
        lambda encoding: encoding.decode_single_token_bytes(10**9),
    ),
}
"""Calls that fail midway, with the exception or exceptions that they may raise."""


@lru_cache(maxsize=1)
def small_ranks() -> dict[bytes, int]:
    """Returns the first thousand tokens of cl100k_base, without `MISSING_CHARACTER`.

    Example:
        >>> len(small_ranks())
        999
    """
    ranks = ENCODING_CONSTRUCTORS["cl100k_base"]()["mergeable_ranks"]
    missing = MISSING_CHARACTER.encode()
    return {token: rank for token, rank in ranks.items() if rank < 1000 and token != missing}


def small_encoding(kind: str, extra: dict[bytes, int] | None = None) -> Encoding:
    """Makes an encoding with a small vocabulary.

    Args:
        kind: a key of `PATTERNS`.
        extra: tokens besides those of `small_ranks`, and their ranks.

    Returns:
        The encoding; `SPECIAL_TOKEN` is its one special token.

    Example:
        >>> small_encoding("blocks").encode("the end")
        [339, 68, 842]
    """
    return Encoding(
        f"small, {kind}",
        pat_str=PATTERNS[kind],
        mergeable_ranks={**small_ranks(), **(extra or {})},
        special_tokens={SPECIAL_TOKEN: 2000},
    )


FAILING_CONSTRUCTIONS: dict[str, tuple[type[Exception], Callable[[], Any]]] = {
    "two tokens of one rank": (ValueError, lambda: small_encoding("blocks", {b"never": 5})),
    "rank out of range": (OverflowError, lambda: small_encoding("blocks", {b"never": -1})),
    "token that is not bytes": (TypeError, lambda: small_encoding("blocks", {_wrong("a"): 5000})),
    "pattern that is invalid": (ValueError, lambda: _encoding(pat_str=r"(\w)\1+|(")),
    "special token that is empty": (ValueError, lambda: _encoding(special_tokens={"": 2000})),
    "special token that is not str": (TypeError, lambda: _encoding(special_tokens={b"": 2000})),
    "special token's id out of range": (
        OverflowError,
        lambda: _encoding(special_tokens={"<a>": 5000, "<b>": 2**32}),
    ),
    "explicit_n_vocab that is wrong": (AssertionError, lambda: _encoding(explicit_n_vocab=7)),
}
"""Constructions that fail, and the exception that they raise."""


def _encoding(**changed: Any) -> Encoding:
    arguments: dict[str, Any] = {
        "pat_str": CL100K_PATTERN,
        "mergeable_ranks": small_ranks(),
        "special_tokens": {SPECIAL_TOKEN: 2000},
    }
    return Encoding("fails", **{**arguments, **changed})
