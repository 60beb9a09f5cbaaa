"""Encodes and counts texts of any length in little memory.

A text is cut at sure borders, where the ids of the two parts are those of the whole; each part then
goes through the engine at full speed. Memory is bounded by the size of a chunk. A stretch of
more than `LONGEST_STRETCH` characters without such a border, which only a text without words has,
goes through a `StreamEncoder`, which does not hold long pieces either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Callable, TypeVar

from bpecore import StreamEncoder
from bpecore.core import Encoding

LONGEST_STRETCH = 1 << 21
LONG_PIECE = 1 << 20
"""Bytes of a piece from which on its ids are looked for before it ends."""

WINDOWS = (1 << 10, 1 << 16)
"""Characters at the end of a text in which a border is looked for first."""

Result = TypeVar("Result")


def special_arguments(special: bool) -> dict[str, Any]:
    """Returns arguments with which no text is refused."""
    return {"allowed_special": "all" if special else set(), "disallowed_special": ()}


def stream(
    encoding: Encoding,
    chunks: Iterable[str],
    special: bool,
    of_text: Callable[..., Result],
    of_ids: Callable[[list[int]], Result],
) -> Iterator[Result]:
    """Yields the results for successive parts of a text.

    Args:
        encoding: the encoding.
        chunks: the text.
        special: whether special tokens are encoded as such.
        of_text: makes a result of a part of the text, with the arguments of `encode`.
        of_ids: makes a result of the ids of a part.
    """
    arguments = special_arguments(special)
    if getattr(encoding, "_rules", None) is not None:
        # Places in the text are not places in what is encoded.
        yield from _stream_with_rules(encoding, chunks, arguments, of_text, of_ids)
        return
    tokens = [*encoding.special_tokens_set, *encoding._core_bpe.special_tokens.added]
    margin = max(map(len, tokens), default=0)
    encoder = None
    rest = ""
    for chunk in chunks:
        if encoder is not None:
            yield of_ids(encoder.feed(chunk))
            continue
        searched, rest = len(rest), rest + chunk
        border = last_border(encoding, rest, searched, margin)
        if border:
            yield of_text(rest[:border], **arguments)
            rest = rest[border:]
        elif len(rest) > LONGEST_STRETCH and encoding._core_bpe.splits_by_automaton:
            encoder = StreamEncoder(encoding, **arguments)
            encoder._settle_long_pieces(LONG_PIECE)
            yield of_ids(encoder.feed(rest))
            rest = ""
    if encoder is not None:
        yield of_ids(encoder.flush())
    elif rest:
        yield of_text(rest, **arguments)


def _stream_with_rules(
    encoding: Encoding,
    chunks: Iterable[str],
    arguments: Any,
    of_text: Callable[..., Result],
    of_ids: Callable[[list[int]], Result],
) -> Iterator[Result]:
    try:
        encoder = StreamEncoder(encoding, **arguments)
    except ValueError:  # the rules need the whole text
        yield of_text("".join(chunks), **arguments)
        return
    for chunk in chunks:
        yield of_ids(encoder.feed(chunk))
    yield of_ids(encoder.flush())


def last_border(encoding: Encoding, text: str, searched: int, margin: int) -> int:
    """Returns the last sure border of the beginning of a text, 0 if there is none.

    Args:
        encoding: the encoding.
        text: begins at a sure border, and goes on after its end.
        searched: how many characters at its beginning have been searched in vain.
        margin: length of the longest special token, which may cross an edge of what is searched.
    """
    first = max(0, searched - 2 * margin - 1)
    for size in (*WINDOWS, len(text)):
        start = max(first, len(text) - size)
        borders = encoding._core_bpe._sure_borders(text[start:])
        lowest = margin if start else 0
        while borders and borders[-1] + start > len(text) - margin:
            borders.pop()
        if borders and borders[-1] >= lowest:
            return start + borders[-1]
        if start == first:
            break
    return 0
