"""Cuts a text of any length into chunks, in little memory.

A part of the text is cut as if the text ended with it. Where a chunk ends depends on its own
tokens and on a few characters after it, so all chunks that end `MARGIN` characters before the part
does are those of the whole text. The next part begins `CONTEXT` characters before the next chunk:
whether that begins a sentence or a token depends on what is in front of it.

Time: linear. Memory: that of cutting `LONGEST_PART` characters, or a few chunks if they are longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from bpecore._limits.counting import has_automaton
from bpecore._limits.splitting import checked_rules
from bpecore.core import Encoding

FIRST_PART = 1 << 15
LONGEST_PART = 1 << 20
MARGIN = 1 << 12
CONTEXT = 64

_TOO_LONG = re.compile("(?<= at )[0-9]+(?= takes more than)")
"""In a message: the place of a character with too many tokens, which is its place in the part."""


def chunk_stream(
    encoding: Encoding,
    texts: Iterable[str],
    max_tokens: int,
    special: dict[str, Any],
    **cutting: Any,
) -> Iterator[list[str]]:
    """Yields the chunks of a text, some at a time.

    Args:
        encoding: the encoding.
        texts: the text, in parts of any length.
        max_tokens: as for `Encoding.split`.
        special: the arguments of `Encoding.split` on special tokens.
        cutting: its other arguments.

    Raises:
        ValueError: as for `Encoding.split`.
    """
    if cutting.get("whole_graphemes") and not has_automaton(encoding._core_bpe):
        # Clusters are then those of the whole text, which a part may begin inside of.
        yield encoding.split("".join(texts), max_tokens, **cutting, **special)
        return
    given = {"overlap": 0, "boundary": "character", "whole_graphemes": False, **cutting}
    rules = checked_rules(max_tokens, **given)
    chosen = {"allowed_special": frozenset(), "disallowed_special": "all", **special}
    margin = MARGIN + max(map(len, encoding.special_tokens_set), default=0)
    waiting: list[str] = []
    length = dropped = 0
    wanted = part = FIRST_PART
    try:
        for text in texts:
            waiting.append(text)
            length += len(text)
            if length < wanted:
                continue
            whole = "".join(waiting)
            places = encoding._split_spans(whole, rules, **chosen).characters.tolist()
            known = [row for row in places if row[1] <= length - margin]
            part = min(2 * part, LONGEST_PART)
            if known:
                yield [whole[start:end] for start, end in known]
                following = places[len(known)][0]
                cut = max(0, following - CONTEXT)
                rules = rules._replace(start=following - cut, end=known[-1][1] - cut)
                whole = whole[cut:]
                dropped += cut
            waiting, length = [whole], len(whole)
            wanted = max(part, 2 * length)
        whole = "".join(waiting)
        places = encoding._split_spans(whole, rules, **chosen).characters.tolist()
        yield [whole[start:end] for start, end in places]
    except ValueError as error:
        raise ValueError(
            _TOO_LONG.sub(lambda place: str(int(place[0]) + dropped), str(error))
        ) from None
