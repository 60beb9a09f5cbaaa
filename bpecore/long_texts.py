"""Encodes texts of any length without keeping other threads from the GIL for long."""

from __future__ import annotations

import time
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from typing import Literal

from bpecore._core import CoreBPE
from bpecore.core import Encoding, _without_surrogates

# Ids that are turned into a list in one go, with the GIL: about 50 microseconds.
SLICE = 1 << 14


def encode_in_slices(
    encoding: Encoding,
    text: str,
    allowed_special: Literal["all"] | AbstractSet[str],
    disallowed_special: Literal["all"] | Collection[str],
) -> list[int]:
    """Encodes a text like `Encoding.encode`; a list of many ids is made bit by bit.

    The GIL is released while a text is encoded, but making a list needs it: 2 to 3 ns an id, and
    another thread that waits for it would wait until the whole list is there. So between slices
    this thread sleeps for a moment.

    Args:
        encoding: the encoding. If it encodes in a way of its own (a subclass, an engine put in the
            place of ours), that is used as it is.
        text: any text.
        allowed_special: as for `Encoding.encode`.
        disallowed_special: as for `Encoding.encode`.

    Returns:
        The ids of its tokens.

    Raises:
        ValueError: as for `Encoding.encode`.
        TypeError: as for `Encoding.encode`.

    Example:
        >>> import bpecore
        >>> encode_in_slices(bpecore.get_encoding("o200k_base"), "hello world", set(), "all")
        [24912, 2375]
    """
    core = encoding._core_bpe
    if len(text) <= SLICE or "encode" in vars(encoding) or type(core) is not CoreBPE:
        return encoding.encode(
            text, allowed_special=allowed_special, disallowed_special=disallowed_special
        )
    if type(encoding).encode is not Encoding.encode:
        return encoding.encode(
            text, allowed_special=allowed_special, disallowed_special=disallowed_special
        )
    special_tokens = encoding.special_tokens_set
    try:
        buffer = core.encode_to_buffer(text, allowed_special, disallowed_special, special_tokens)
    except UnicodeEncodeError:
        repaired = _without_surrogates(text)
        buffer = core.encode_to_buffer(
            repaired, allowed_special, disallowed_special, special_tokens
        )
    ids: list[int] = []
    for start in range(0, len(buffer), SLICE):
        if start:
            time.sleep(0)
        ids += buffer.to_list(start, start + SLICE)
    return ids
