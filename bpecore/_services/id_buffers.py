"""The ids of a text in a form that can be kept and shared, with no Python object per id.

A list or tuple of ids takes twice the memory, and the garbage collector walks through each one at
least once: a few hundred new ones of 2,000 ids held up all threads for 10 ms.
"""

from __future__ import annotations

import time
from array import array
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Literal, Union

from bpecore._core import TokenBuffer, without_surrogates
from bpecore.core import Encoding

if TYPE_CHECKING:
    IdBuffer = Union[TokenBuffer, array[int]]

# Ids turned into a list at a time, with the GIL held: about 50 microseconds.
SLICE = 1 << 14


def encode_to_buffer(
    encoding: Encoding,
    text: str,
    allowed_special: Literal["all"] | AbstractSet[str],
    disallowed_special: Literal["all"] | Collection[str],
) -> IdBuffer:
    """Encodes a text like `Encoding.encode`, with the GIL released.

    Args:
        encoding: the encoding. If it has its own `encode` (a subclass, or a replaced engine), that
            is called.
        text: any text.
        allowed_special: as for `Encoding.encode`.
        disallowed_special: as for `Encoding.encode`.

    Returns:
        The ids of its tokens, which the caller must not change.

    Raises:
        ValueError: as for `Encoding.encode`.
        TypeError: as for `Encoding.encode`.

    Example:
        >>> import bpecore
        >>> ids = encode_to_buffer(bpecore.get_encoding("o200k_base"), "hello world", set(), "all")
        >>> list_of(ids)
        [24912, 2375]
    """
    if not encoding._is_own("encode"):
        ids = encoding.encode(
            text, allowed_special=allowed_special, disallowed_special=disallowed_special
        )
        return array("I", ids)
    core = encoding._core_bpe
    special_tokens = encoding.special_tokens_set
    try:
        return core.encode_to_buffer(text, allowed_special, disallowed_special, special_tokens)
    except UnicodeEncodeError:
        repaired = without_surrogates(text)
        return core.encode_to_buffer(repaired, allowed_special, disallowed_special, special_tokens)


def list_of(ids: IdBuffer) -> list[int]:
    """Returns ids as a list, at 2 to 3 ns per id, with the GIL held.

    Args:
        ids: what `encode_to_buffer` returned.
    """
    return ids.tolist() if isinstance(ids, array) else ids.to_list(0, len(ids))


def list_in_slices(ids: IdBuffer) -> list[int]:
    """Returns ids as a list, and yields the GIL to other threads between slices.

    Otherwise a thread waiting for the GIL would wait until a list of millions is complete.

    Args:
        ids: what `encode_to_buffer` returned.
    """
    if isinstance(ids, array):
        return ids.tolist()
    result: list[int] = []
    for start in range(0, len(ids), SLICE):
        if start:
            time.sleep(0)
        result += ids.to_list(start, start + SLICE)
    return result
