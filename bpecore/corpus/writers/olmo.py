"""OLMo's `.npy`, which has no header, and `.csv.gz` of documents."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from bpecore.corpus.folder import write_all
from bpecore.corpus.tokens import Ids, Lengths
from bpecore.corpus.writers.base import ShardWriter


class OlmoWriter(ShardWriter):
    """`NAME.npy` and `NAME.csv.gz`, whose rows are start, end, name, file and line."""

    def open(self) -> None:
        root = f"{self.options.prefix}{self.name.split}_{self.name.number:05d}"
        self._ids = self.open_file(f"{root}.npy")
        # Without a name and a time, so that the same rows are the same bytes.
        self._packed = gzip.GzipFile("", "wb", 6, self.open_file(f"{root}.csv.gz"), 0)
        self._rows = io.TextIOWrapper(self._packed, "utf-8", "surrogatepass", "", True)
        self._table = csv.writer(self._rows, lineterminator="\n")

    def add(self, ids: Ids, lengths: Lengths, notes: Sequence[str]) -> None:
        write_all(self._ids, ids)
        ends = np.cumsum(lengths) + self.tokens
        starts = (ends - lengths).tolist()
        for start, end, note in zip(starts, ends.tolist(), notes):
            self._table.writerow((start, end, *json.loads(note)))

    def close(self) -> dict[str, Any]:
        self._rows.close()
        self._packed.close()
        return {}
