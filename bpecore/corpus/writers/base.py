"""What all formats of shards share."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import IO, Any, NamedTuple

import numpy as np

from bpecore.corpus.folder import NewFiles
from bpecore.corpus.options import Options
from bpecore.corpus.tokens import Ids, Lengths, type_of_ids


class ShardName(NamedTuple):
    """Which shard it is.

    Attributes:
        split: "train" or "val".
        number: from 0 on.
    """

    split: str
    number: int


class ShardWriter(ABC):
    """Writes one shard, document by document. It holds little of it in memory.

    Args:
        files: where files are made.
        name: which shard it is.
        options: the options.
    """

    def __init__(self, files: NewFiles, name: ShardName, options: Options) -> None:
        self.files = files
        self.name = name
        self.options = options
        self.dtype = type_of_ids(options)
        self.documents = self.tokens = 0
        self._ids_crc = self._lengths_crc = 0
        self.file_name = ""
        self.open()

    def open_file(self, name: str) -> IO[bytes]:
        """Opens a file of the shard; the first one's name is also the shard's."""
        self.file_name = self.file_name or name
        return self.files.open(name)

    def write(self, ids: Ids, lengths: Lengths, notes: Sequence[str]) -> None:
        """Writes documents.

        Args:
            ids: the ids of all, one after another.
            lengths: how many each has.
            notes: for "olmo", what is noted of each, as JSON; otherwise none.
        """
        ids = np.ascontiguousarray(ids, self.dtype)
        lengths = np.ascontiguousarray(lengths, "<i8")
        self._ids_crc = zlib.crc32(ids.data, self._ids_crc)
        self._lengths_crc = zlib.crc32(lengths.data, self._lengths_crc)
        self.add(ids, lengths, notes)
        self.documents += len(lengths)
        self.tokens += len(ids)

    def finish(self) -> dict[str, Any]:
        """Writes what goes to the end and the headers; returns what the record has of the shard."""
        details = self.close()
        return {
            "name": self.file_name,
            "split": self.name.split,
            "number": self.name.number,
            "documents": self.documents,
            "tokens": self.tokens,
            "ids_crc32": self._ids_crc,
            "lengths_crc32": self._lengths_crc,
            **details,
        }

    @abstractmethod
    def open(self) -> None:
        """Makes the files."""

    @abstractmethod
    def add(self, ids: Ids, lengths: Lengths, notes: Sequence[str]) -> None:
        """Writes documents; `tokens` and `documents` are still the numbers of those before."""

    @abstractmethod
    def close(self) -> dict[str, Any]:
        """Writes the rest; returns what the record has of this format."""
