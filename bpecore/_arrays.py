"""Arrays of ids in the form that a caller wants: their type, what ends each text, and where they
are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bpecore._build.checks import check_number

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from typing import Any

HIGHEST_ID = (1 << 32) - 1


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
        self.has_type = dtype is not None
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
        most = min(most, HIGHEST_ID)
        if self.append is not None and self.append > most:
            raise OverflowError(f"{self.dtype} holds ids up to {most}, append is {append}")

    def place(self, ids: npt.NDArray[np.uint32]) -> npt.NDArray[Any]:
        """Returns ids with this type and in this place.

        Args:
            ids: `uint32[n]`, with what is appended.

        Returns:
            The ids themselves if the caller gave neither a type nor an array.

        Raises:
            ValueError: `out` is too short.
        """
        if self.out is None:
            return ids.astype(self.dtype) if self.has_type else ids
        if len(self.out) < len(ids):
            raise ValueError(f"out has room for {len(self.out)} ids, and {len(ids)} are needed")
        result = self.out[: len(ids)]
        result[:] = ids
        return result

    def end_and_place(self, ids: npt.NDArray[np.uint32]) -> npt.NDArray[Any]:
        """Appends to the ids of a single text, `uint32[n]`, then does what `place` does."""
        if self.append is not None:
            ids = np.append(ids, np.uint32(self.append))
        return self.place(ids)


def _integers(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Returns a type of integers; TypeError if it is not one."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"dtype must be a type of integers, not {dtype!r:.80}") from None
    if found.kind not in "iu":
        raise TypeError(f"dtype must be a type of integers, not {found}")
    return found
