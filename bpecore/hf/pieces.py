"""The pieces and added tokens of a text, one by one, with the places that they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpecore._core import SplitPattern, piece_spans
from bpecore.hf.alignment import Aligned, identity, normalized, with_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bpecore._models.encoding import ModelEncoding


def pieces_of(
    encoding: ModelEncoding, text: str, splits_special: bool
) -> Iterator[tuple[Aligned, bool]]:
    """Yields the pieces of a text.

    Args:
        encoding: what encodes it.
        text: the text.
        splits_special: whether special tokens are ordinary text.

    Yields:
        A piece, normalized, and whether it is an added token.
    """
    skipped = encoding.special_tokens_set if splits_special else ()
    rules = encoding._text_rules
    for start, stop, token in rules.first.spans(text, skipped):
        part = identity(text[start:stop], start)
        if token is not None:
            yield part, True
            continue
        part = normalized(part, encoding._parts.normalizer)
        for inner_start, inner_stop, inner_token in rules.second.spans(part.text, skipped):
            inner = part.part(inner_start, inner_stop)
            if inner_token is not None:
                yield inner, True
                continue
            if rules.prefix_space and not inner.text.startswith(" "):
                inner = with_prefix(inner, " ")
            for first, last in _spans(encoding, inner.text):
                yield inner.part(first, last), False


def _spans(encoding: ModelEncoding, text: str) -> Iterator[tuple[int, int]]:
    """Yields where the pieces of ordinary text begin and end, in characters."""
    splitter = encoding._core_bpe.splitter
    if not isinstance(splitter, SplitPattern):
        yield from (found.span() for found in splitter.finditer(text))
        return
    spans = piece_spans(splitter, text.encode())
    if text.isascii():
        yield from spans
        return
    characters = 0
    reached = 0
    data = text.encode()
    for start, stop in spans:
        characters += len(data[reached:start].decode())
        first = characters
        characters += len(data[start:stop].decode())
        reached = stop
        yield first, characters
