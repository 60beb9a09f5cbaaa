"""Checks of arrays of ids: their type, what ends each text, and the caller's own array."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpecore.fuzzing.outcomes import Difference, Raised, outcome
from bpecore.fuzzing.subject import Subject

ROOM = 3
"""Entries of the caller's array after the ids, which stay as they are."""

UNTOUCHED = 77


def arrays(subject: Subject, text: str) -> Difference | None:
    """`encode_to_numpy` and `encode_batch_to_numpy` with `dtype`, `append` and `out`."""
    texts = [text, "", text[: len(text) // 2], text]
    lists: Any = outcome(
        lambda: [subject.theirs.encode(part, disallowed_special=()) for part in texts]
    )
    if isinstance(lists, Raised):
        return None
    for dtype in (np.uint8, np.uint16, np.int32, np.int64):
        for append in (None, subject.theirs.max_token_value):
            expected = [ids if append is None else [*ids, append] for ids in lists]
            if np.iinfo(dtype).max < subject.theirs.max_token_value:
                wanted: object = Raised("OverflowError")
            else:
                wanted = [np.dtype(dtype).name, expected[0], expected, [UNTOUCHED] * ROOM]
            form = {"dtype": dtype, "append": append, "disallowed_special": ()}
            found = outcome(as_arrays, subject, texts, form, sum(map(len, expected)) + ROOM)
            if found != wanted:
                return Difference(f"arrays of {dtype.__name__}, append={append}", found, wanted)
    return None


def as_arrays(subject: Subject, texts: list[str], form: dict[str, Any], room: int) -> list[Any]:
    """Returns the type and the ids of the first text, of all of them, and what follows in `out`."""
    alone = subject.ours.encode_to_numpy(texts[0], **form)
    out = np.full(room, UNTOUCHED, form["dtype"])
    ids, offsets = subject.ours.encode_batch_to_numpy(texts, out=out, **form)
    places = offsets.tolist()
    lists = [out[start:end].tolist() for start, end in zip(places, places[1:])]
    if not np.shares_memory(ids, out) and len(ids):
        raise AssertionError("the result is not in `out`")
    return [alone.dtype.name, alone.tolist(), lists, out[places[-1] :].tolist()]
