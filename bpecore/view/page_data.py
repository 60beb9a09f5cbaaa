"""What the script of a page needs to know of texts' tokens, as JSON.

A token of a vocabulary is listed once; a text's tokens are numbers of that list, four bytes each.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bpecore.view.differences import differing, row_ends, shared_places
from bpecore.view.merges import merges_of
from bpecore.view.tokens import TokenizedText


def page_data(texts: Sequence[TokenizedText]) -> str:
    """Returns JSON that can stand in a `script` element.

    Args:
        texts: the tokens of one text under each vocabulary.
    """
    tables = [_Table(text) for text in texts]
    same_text = len({table.content for table in tables}) == 1
    ends = [table.ends for table in tables]
    if same_text and tables[0].content:
        rows = row_ends(tables[0].content, shared_places(ends))
        row_starts = [np.searchsorted(places, rows[:-1]) + 1 for places in ends]
        marks = differing(ends)
    else:
        row_starts = [
            np.searchsorted(table.ends, row_ends(table.content, table.ends)[:-1]) + 1
            for table in tables
        ]
        marks = [np.zeros(len(text), dtype=np.bool_) for text in texts]
    vocabularies = [
        {
            **table.described(),
            "rows": [0, *starts.tolist()] if len(table.ends) else [],
            "differs": _packed(np.packbits(mark, bitorder="little")),
            "differing": int(mark.sum()),
        }
        for table, starts, mark in zip(tables, row_starts, marks)
    ]
    return escaped_json({"sameText": same_text, "vocabularies": vocabularies})


def escaped_json(value: Any) -> str:
    """Returns JSON of ASCII characters without any that HTML gives a meaning."""
    text = json.dumps(value, separators=(",", ":"))
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


class _Table:
    """The tokens of one text, in arrays."""

    def __init__(self, text: TokenizedText) -> None:
        self.text = text
        self.tokens = list(text.vocabulary.values())
        numbers = {token.id: number for number, token in enumerate(self.tokens)}
        self.sequence = np.fromiter(map(numbers.__getitem__, text.ids), np.uint32, len(text))
        lengths = np.array([len(token.bytes) for token in self.tokens], dtype=np.int64)
        self.ends = np.cumsum(lengths[self.sequence]) if len(text) else np.zeros(0, np.int64)
        self.content = b"".join(token.bytes for token in text)

    def described(self) -> dict[str, Any]:
        ranks = self.text.encoding._core_bpe.vocabulary.mergeable_ranks()
        merges = [[] if token.special else merges_of(token.bytes, ranks) for token in self.tokens]
        return {
            "name": self.text.encoding.name,
            "characters": self.text.characters,
            "bytes": len(self.content),
            "ids": [token.id for token in self.tokens],
            "tokens": ",".join(token.bytes.hex() for token in self.tokens),
            "special": [number for number, token in enumerate(self.tokens) if token.special],
            "merges": [
                found and [number for merge in found for number in merge] for found in merges
            ],
            "sequence": _packed(self.sequence.astype("<u4")),
        }


def _packed(array: npt.NDArray[Any]) -> str:
    """Returns an array's bytes in base64."""
    return base64.b64encode(array.tobytes()).decode("ascii")
