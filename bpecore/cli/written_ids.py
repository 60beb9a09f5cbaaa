"""Writes many token ids as decimal text, quickly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import IO, Any, Union

TYPE_CHECKING = False  # numpy is imported for long inputs only
if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ids = Union[Sequence[int], "npt.NDArray[np.uint32]"]

SLICE = 1 << 17
"""Ids formatted at once; each takes 8 bytes in three places."""

WORD_DIGITS = 7
"""An id's digits in a word of 8 bytes, whose last is the separator."""


class IdWriter:
    """Writes the ids of one input as one line, in parts.

    Args:
        output: where to.
        as_json: whether the line is a JSON list; otherwise ids are separated by blanks.
        id_count: one more than the highest id.
    """

    def __init__(self, output: IO[bytes], as_json: bool, id_count: int) -> None:
        self.output = output
        self.as_json = as_json
        self.id_count = id_count
        self.words: Any = None
        self.is_first = True

    def write(self, ids: Ids) -> None:
        """Writes some ids; a list if they are few, otherwise an array."""
        separator = b", " if self.as_json else b" "
        for start in range(0, len(ids), SLICE):
            part = ids[start : start + SLICE]
            if self.is_first:
                self.output.write(b"[" if self.as_json else b"")
            else:
                self.output.write(separator)
            self.is_first = False
            if isinstance(part, list) or self.id_count > 10**WORD_DIGITS:
                self.output.write(separator.decode().join(map(str, part)).encode())
            else:
                self.output.write(self._formatted(part))
        self.output.flush()

    def end(self) -> None:
        """Ends the line."""
        if self.as_json:
            self.output.write(b"[]" if self.is_first else b"]")
        self.output.write(b"\n")
        self.output.flush()
        self.is_first = True

    def _formatted(self, ids: Ids) -> bytes:
        """Returns ids as text: their words one after the other, without the unused zero bytes."""
        if self.words is None:
            self.words = words_of_ids(self.id_count, b"," if self.as_json else b" ")
        text: bytes = self.words[ids].tobytes().translate(None, b"\0")[:-1]
        return text.replace(b",", b", ") if self.as_json else text


def words_of_ids(count: int, separator: bytes) -> npt.NDArray[np.uint64]:
    """Returns, for each id, 8 bytes: zeros, its digits and the separator."""
    import numpy as np

    rest = np.arange(count, dtype=np.int32)
    words = np.zeros((count, WORD_DIGITS + 1), dtype=np.uint8)
    words[:, WORD_DIGITS] = ord(separator)
    for place in range(WORD_DIGITS - 1, -1, -1):
        is_used = (rest > 0) | (place == WORD_DIGITS - 1)
        words[:, place] = np.where(is_used, ord("0") + rest % 10, 0)
        rest //= 10
    return words.view(np.uint64).ravel()
