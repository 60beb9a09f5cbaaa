"""Arrays of ids in the form that a caller wants: their type, what ends each text, and where."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bpecore._build.checks import check_number

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from typing import Any


class ArrayForm:
    """The arguments of methods that encode to arrays, checked before anything is encoded.

    Args:
        highest_id: the highest id of the encoding.
        dtype: a type of integers; None: that of `out`, or uint32.
        append: an id that follows the ids of each text; None: nothing does.
        out: an array that the ids are written to; None: a new one.

    Raises:
        TypeError: an argument has a wrong type, or `out` another type than `dtype`.
        ValueError: `append` is negative, or `out` is read-only or not of one dimension.
        OverflowError: the type cannot hold an id of the encoding, or `append`.
    """

    def __init__(
        self,
        highest_id: int,
        dtype: npt.DTypeLike | None,
        append: int | None,
        out: npt.NDArray[Any] | None,
    ) -> None:
        self.append = None if append is None else check_number("append", append, 0)
        self.out = out
        if out is not None:
            if not isinstance(out, np.ndarray):
                raise TypeError(f"out must be a numpy array, not {type(out).__name__}")
            if out.ndim != 1 or not out.flags.writeable:
                raise ValueError("out must be a writable array of one dimension")
            if dtype is not None and _integers(dtype) != out.dtype:
                raise TypeError(f"out holds {out.dtype}, not dtype={np.dtype(dtype)}")
            dtype = out.dtype
        self.dtype = _integers(np.uint32 if dtype is None else dtype)
        most = np.iinfo(str(self.dtype)).max
        if highest_id > most:
            raise OverflowError(
                f"{self.dtype} holds numbers up to {most}, and the ids go up to {highest_id}"
            )
        if self.append is not None and self.append > most:
            raise OverflowError(f"{self.dtype} holds numbers up to {most}, append is {append}")

    def apply(
        self, ids: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Returns ids in this form.

        Args:
            ids: the ids of some texts, one text after another, `uint32[n]`.
            offsets: where those of each text begin, and where the last end, `int64[texts + 1]`.

        Returns:
            The ids in the caller's array or in a new one, with what is appended; and the offsets.

        Raises:
            ValueError: `out` is too short.
        """
        texts = len(offsets) - 1
        length = len(ids) if self.append is None else len(ids) + texts
        if self.out is None:
            result = np.empty(length, self.dtype)
        elif len(self.out) >= length:
            result = self.out[:length]
        else:
            raise ValueError(f"out has room for {len(self.out)} ids, and {length} are needed")
        if self.append is None:
            result[:] = ids
            return result, offsets
        offsets = offsets + np.arange(texts + 1)
        is_of_text = np.ones(length, np.bool_)
        is_of_text[offsets[1:] - 1] = False
        result[is_of_text] = ids
        result[~is_of_text] = self.append
        return result, offsets


def _integers(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Returns a type of integers; TypeError if it is not one."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be a type of integers, not {dtype!r:.80}") from None
    if found.kind not in "iu":
        raise TypeError(f"dtype must be a type of integers, not {found}")
    return found
