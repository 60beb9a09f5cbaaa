"""The pieces and added tokens of a text, one by one, with the places that they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpecore._models.pieces import spans_of_pieces
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
            for first, last in spans_of_pieces(encoding._core_bpe, inner.text):
                yield inner.part(first, last), False
