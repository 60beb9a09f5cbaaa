"""Cuts texts into chunks: `Encoding.split`, `split_batch` and `split_spans`.

The engine finds the chunks (`_ext/engine/growing/chunk_ends.pxd`) if it splits the text itself and
every character is in a token. For other split patterns they are found here, by counting again.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from bpecore._build.checks import check_number
from bpecore._build.threads import LONG_TEXT, thread_count
from bpecore._core import bytes_of_spans, chunk_spans
from bpecore._engine_calls import do_at_index, texts_of_batch
from bpecore._limits.clean import Clean, exact_str
from bpecore._limits.counting import Counting, refuse
from bpecore._limits.rules import BOUNDARIES, Rules, grapheme_clusters
from bpecore._tiktoken import CoreBPE

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt

WORTH_THREADS = 1 << 20
"""Characters from which several texts are split by several threads."""


class Spans(NamedTuple):
    """Where the chunks of a text are.

    Attributes:
        characters: `int64[n, 2]`, where each chunk begins and ends, in characters.
        bytes: `int64[n, 2]`, the same in bytes of UTF-8; a lone surrogate counts as U+FFFD.
        tokens: `int64[n]`, how many tokens each chunk has by itself.
    """

    characters: npt.NDArray[np.int64]
    bytes: npt.NDArray[np.int64]
    tokens: npt.NDArray[np.int64]


def checked_rules(max_tokens: int, overlap: int, boundary: str, whole_graphemes: bool) -> Rules:
    """Returns the rules of a call after checking them."""
    max_tokens = check_number("max_tokens", max_tokens, 1)
    overlap = check_number("overlap", overlap, 0)
    if overlap >= max_tokens:
        raise ValueError(f"overlap must be below max_tokens, {max_tokens}, not {overlap}")
    if boundary not in BOUNDARIES:
        raise ValueError(f"boundary must be one of {BOUNDARIES}, not {boundary!r}")
    return Rules(max_tokens, overlap, boundary, whole_graphemes)


def split(
    counting: Counting, text: str, rules: Rules, disallowed_special: frozenset[str]
) -> list[str]:
    """Cuts a text into chunks; see `Encoding.split`."""
    text = exact_str(text)
    chunks: list[str] = []
    clean, spans = spans_of(counting, text, rules, disallowed_special, chunks)
    if chunks:
        return chunks
    places = memoryview(spans).cast("q").tolist()
    return [
        text[clean.original(start) : clean.original(end)]
        for start, end in zip(places[::3], places[1::3])
    ]


def split_batch(
    counting: Counting,
    texts: Iterable[str],
    rules: Rules,
    disallowed_special: frozenset[str],
    num_threads: int | None,
) -> list[list[str]]:
    """Cuts many texts into chunks; see `Encoding.split_batch`."""
    texts = texts_of_batch(texts)
    threads = min(thread_count(num_threads), len(texts))

    def chunks_of(number: int) -> list[str]:
        cut = partial(split, counting)
        return do_at_index(number, cut, texts[number], rules, disallowed_special)

    lengths = (len(text) for text in texts if isinstance(text, str))  # others raise by themselves
    if threads > 1 and sum(lengths) >= WORTH_THREADS:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(chunks_of, range(len(texts))))
    return list(map(chunks_of, range(len(texts))))


def split_spans(
    counting: Counting, text: str, rules: Rules, disallowed_special: frozenset[str]
) -> Spans:
    """Finds the chunks of a text without making strings; see `Encoding.split_spans`."""
    import numpy as np

    text = exact_str(text)
    clean, spans = spans_of(counting, text, rules, disallowed_special)
    table = np.frombuffer(spans, dtype=np.int64).reshape(-1, 3)
    places = np.frombuffer(bytes_of_spans(clean.text, spans), dtype=np.int64).reshape(-1, 2)
    characters = table[:, :2]
    if clean.text is not text:
        characters = np.array(
            [[clean.original(place) for place in row] for row in characters.tolist()],
            dtype=np.int64,
        ).reshape(-1, 2)
    return Spans(characters, places, table[:, 2])


def spans_of(
    counting: Counting,
    text: str,
    rules: Rules,
    disallowed_special: frozenset[str],
    chunks: list[str] | None = None,
) -> tuple[Clean, bytearray]:
    """Returns a text without surrogates, and the spans of its chunks as `chunk_spans` does.

    Args:
        counting: how to count.
        text: any text.
        rules: checked.
        disallowed_special: strings that the text may not hold.
        chunks: receives the chunks as strings, if the engine finds them in the text as it is.

    Raises:
        ValueError: a character takes more tokens than a chunk may have, or as for `refuse`.
    """
    refuse(counting, text, disallowed_special)
    core = counting.core
    if type(core) is CoreBPE and core.longest_token and len(text) < 1 << 32:
        clean = Clean(text, is_clean=True)
        try:
            spans, misfit = engine_spans(counting, text, rules, chunks)
        except UnicodeEncodeError:
            if chunks:
                chunks.clear()
            clean = Clean(text)
            spans, misfit = engine_spans(counting, clean.text, rules)
    else:
        from bpecore._limits.counted_chunks import counted_spans

        clean = Clean(text)
        spans, misfit = counted_spans(counting, clean.text, rules)
    if misfit is not None:
        raise ValueError(
            f"the character {clean.text[misfit]!r} at {clean.original(misfit)} takes more than "
            f"max_tokens={rules.max_tokens} tokens"
        )
    return clean, spans


def engine_spans(
    counting: Counting, text: str, rules: Rules, chunks: list[str] | None = None
) -> tuple[bytearray, int | None]:
    """Finds the chunks of a text in the engine; UnicodeEncodeError if it has surrogates."""
    return chunk_spans(
        counting.core,
        text,
        counting.allowed_special,
        thread_count(None) if len(text) >= LONG_TEXT else 1,
        (min(rules.max_tokens, 1 << 62), min(rules.overlap, 1 << 62), rules.start, rules.end),
        BOUNDARIES.index(rules.boundary),
        grapheme_clusters() if rules.whole_graphemes else None,
        chunks,
    )
