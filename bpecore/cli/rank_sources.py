"""Where the ranks come from that tiktoken is compared with."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from bpecore import load
from bpecore._build.download_cache import CacheFile
from bpecore.data import tiktoken_format
from bpecore.data.rank_tables import BUNDLED_FILES, load_ranks, tiktoken_file
from bpecore.encodings import OPENAI_CONSTRUCTORS


class RankSource(NamedTuple):
    """The ranks that tiktoken gets for a rank table.

    Attributes:
        table: the table's name.
        ranks: each token's bytes and its rank.
        sha256: of the `.tiktoken` file with these ranks.
        origin: where they are from, in words.
    """

    table: str
    ranks: dict[bytes, int]
    sha256: str
    origin: str

    def __str__(self) -> str:
        return f"ranks of {self.table}: {self.origin}\n  SHA-256 {self.sha256}"


def table_of(encoding: str) -> str:
    """Returns the name of the rank table of one of OpenAI's encodings."""
    name: str = OPENAI_CONSTRUCTORS[encoding](ranks_of=str)["mergeable_ranks"]
    return name


def rank_source(table: str) -> RankSource:
    """Returns the ranks of tiktoken's own file if its cache has it, otherwise the bundled ones.

    Nothing is downloaded or removed. A file of tiktoken's that is damaged is not used.
    """
    expected = hashlib.sha256(tiktoken_file(table)).hexdigest()
    (url,) = (url for url, name in BUNDLED_FILES.items() if name == table)
    cache = CacheFile(url)
    why = "tiktoken has no file of its own in its cache"
    contents = None
    if cache.path:
        try:
            contents = load.read_file(cache.path)
        except FileNotFoundError:
            pass
        except OSError as error:
            why = f"tiktoken's own file {cache.path} cannot be read: {error.strerror}"
    if contents is not None:
        found = hashlib.sha256(contents).hexdigest()
        if found == expected:
            ranks = tiktoken_format.parsed(contents, str(cache.path), require_all_bytes=True)
            return RankSource(table, ranks, found, f"tiktoken's own file, {cache.path}")
        why = f"tiktoken's own file {cache.path} is damaged, its SHA-256 is {found}"
    return RankSource(table, load_ranks(table), expected, f"in the package bpecore; {why}")
