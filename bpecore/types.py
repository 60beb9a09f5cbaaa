"""The types of arguments that many signatures share, for code that passes such arguments on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, Callable, Literal, Union

if TYPE_CHECKING:
    import os

    import numpy as np
    import numpy.typing as npt

Allowed = Union[Literal["all"], AbstractSet[str]]
"""A set of the special tokens that are encoded as such, or "all"."""

Disallowed = Union[Literal["all"], Collection[str]]
"""The special tokens that are an error, or "all" that are not allowed."""

Boundary = Literal["character", "word", "sentence", "line"]
"""Where chunks end and overlaps begin; see `Encoding.split`."""

Unknown = Literal["raise", "replace", "skip"]
"""Whether decoding raises an error about ids that are no tokens, puts U+FFFD in their place, or
leaves them out."""

Errors = Literal["strict", "replace"]
"""Whether bytes that are not UTF-8 are an error, or are replaced by U+FFFD."""

IdType = Literal["uint32", "int32", "int64"]
"""The type of the ids in an array."""

Ids = Union[Sequence[int], "npt.NDArray[np.integer]"]
"""Any sequence or array of integers, as ids to decode."""

FilePath = Union[str, "os.PathLike[str]"]
"""The path of a file. `bpecore.load` takes URLs, too."""

CostOf = Union[int, Callable[[Any], int]]
"""The number of tokens of a content part, or a function that returns it for the part."""
