"""Cuts a text of any length into chunks, in little memory.

A part of the text is cut as if the text ended with it. Where a chunk ends depends on its own
tokens and on a few characters after it, so all chunks that end `MARGIN` characters before the part
does are those of the whole text. The next part begins with the last of them, which is not yielded
again, because the next chunk may overlap it.

Time: linear. Memory: that of cutting `LONGEST_PART` characters, or a few chunks if they are longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from bpecore.core import Encoding

FIRST_PART = 1 << 15
LONGEST_PART = 1 << 20
MARGIN = 1 << 12

_TOO_LONG = re.compile("(?<= at )[0-9]+(?= takes more than)")
"""In a message: the place of a character with too many tokens, which is its place in the part."""


def chunk_stream(
    encoding: Encoding, texts: Iterable[str], max_tokens: int, **arguments: Any
) -> Iterator[list[str]]:
    """Yields the chunks of a text, some at a time.

    Args:
        encoding: the encoding.
        texts: the text, in parts of any length.
        max_tokens: as for `Encoding.split`, as are the other arguments.

    Raises:
        ValueError: as for `Encoding.split`.
    """
    margin = MARGIN + max(map(len, encoding.special_tokens_set), default=0)
    waiting: list[str] = []
    length = dropped = 0
    wanted = part = FIRST_PART
    known = 0  # chunks at the beginning of what waits that have been yielded
    try:
        for text in texts:
            waiting.append(text)
            length += len(text)
            if length < wanted:
                continue
            whole = "".join(waiting)
            spans = encoding.split_spans(whole, max_tokens, **arguments)
            places = [row for row in spans.characters.tolist() if row[1] <= length - margin]
            part = min(2 * part, LONGEST_PART)
            if len(places) > known:
                yield [whole[start:end] for start, end in places[known:]]
                whole = whole[places[-1][0] :]
                dropped += places[-1][0]
                known = 1
            waiting, length = [whole], len(whole)
            wanted = max(part, 2 * length)
        yield encoding.split("".join(waiting), max_tokens, **arguments)[known:]
    except ValueError as error:
        raise ValueError(
            _TOO_LONG.sub(lambda place: str(int(place[0]) + dropped), str(error))
        ) from None
