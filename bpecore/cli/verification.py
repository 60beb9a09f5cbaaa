"""Compares bpecore with the installed tiktoken on a user's own files, and times both.

tiktoken gets the ranks of its own files if they are in its cache, otherwise those that bpecore
ships, so that nothing is downloaded; its own code does everything else.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple

from bpecore.core import Encoding
from bpecore.encodings import ENCODING_CONSTRUCTORS
from bpecore.fuzzing.installed_tiktoken import import_tiktoken


class Mismatch(NamedTuple):
    """The first place where the ids of a file differ.

    Attributes:
        path: the file.
        encoding: the encoding's name.
        token: index of the first id that differs.
        character: where that token begins in the file, in characters.
        ours: bpecore's next ids.
        theirs: tiktoken's next ids.
    """

    path: Path
    encoding: str
    token: int
    character: int
    ours: list[int]
    theirs: list[int]

    def __str__(self) -> str:
        return (
            f"{self.path}: {self.encoding}: token {self.token:,}, character {self.character:,}: "
            f"bpecore {self.ours}, tiktoken {self.theirs}"
        )


class Row(NamedTuple):
    """The result for one encoding.

    Attributes:
        encoding: its name.
        files: number of files.
        characters: characters of all files.
        tokens: tokens of all files, by tiktoken.
        mismatches: the first mismatch of each file that has any.
        ours: seconds bpecore took.
        theirs: seconds tiktoken took.
    """

    encoding: str
    files: int
    characters: int
    tokens: int
    mismatches: list[Mismatch]
    ours: float
    theirs: float

    @property
    def times_faster(self) -> float:
        """How many times faster bpecore was."""
        return self.theirs / self.ours if self.ours else 1.0


def text_files(paths: Iterable[Path], skip: Callable[[OSError], None]) -> Iterator[Path]:
    """Yields the paths that are files, and all files below those that are folders.

    Args:
        paths: files and folders.
        skip: gets the error of each folder that cannot be read.
    """
    for path in paths:
        if path.is_dir():
            for folder, folders, names in os.walk(path, onerror=skip):
                folders.sort()
                yield from (Path(folder, name) for name in sorted(names))
        else:
            yield path


def read_text(path: Path) -> str | None:
    """Returns a file's text with its line ends as they are, or None if it is not UTF-8.

    Raises:
        OSError: it cannot be read, or is a pipe or a device, which might have no end.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return None


def compare(encoding: str, files: Sequence[tuple[Path, str]], their_ranks: dict[bytes, int]) -> Row:
    """Encodes all files with both engines, compares the ids and times `encode_ordinary`.

    Args:
        encoding: the name of one of OpenAI's encodings.
        files: each with its text.
        their_ranks: what tiktoken's encoding is made of.

    Returns:
        The row of the table. Each engine encodes each text once; loading is not timed.

    Raises:
        NoTiktokenError: tiktoken is missing.
    """
    tiktoken = import_tiktoken()
    definition = ENCODING_CONSTRUCTORS[encoding]()
    ours = Encoding(**definition)
    theirs = tiktoken.Encoding(**{**definition, "mergeable_ranks": their_ranks})
    ours.encode_ordinary("a warm engine")
    theirs.encode_ordinary("a warm engine")
    mismatches = []
    characters = tokens = 0
    seconds = [0.0, 0.0]
    for path, text in files:
        start = time.perf_counter()
        found = ours.encode_ordinary(text)
        middle = time.perf_counter()
        expected = theirs.encode_ordinary(text)
        seconds[0] += middle - start
        seconds[1] += time.perf_counter() - middle
        characters += len(text)
        tokens += len(expected)
        if found != expected:
            mismatches.append(first_mismatch(path, theirs, found, expected))
    return Row(encoding, len(files), characters, tokens, mismatches, *seconds)


def first_mismatch(path: Path, theirs: Any, found: list[int], expected: list[int]) -> Mismatch:
    """Returns where two lists of ids differ first."""
    shortest = min(len(found), len(expected))
    token = next((i for i in range(shortest) if found[i] != expected[i]), shortest)
    character = len(theirs.decode_bytes(expected[:token]).decode("utf-8", "ignore"))
    return Mismatch(
        path, theirs.name, token, character, found[token : token + 8], expected[token : token + 8]
    )


def table(rows: Sequence[Row]) -> str:
    """Returns the rows as a table of text."""
    heads = "encoding files characters tokens mismatches tiktoken bpecore faster"
    lines: list[list[str]] = [[*heads.split()]]
    for row in rows:
        numbers = (row.files, row.characters, row.tokens, len(row.mismatches))
        seconds = (f"{value:.3f} s" for value in (row.theirs, row.ours))
        cells = [f"{number:,}" for number in numbers]
        lines.append([row.encoding, *cells, *seconds, f"{row.times_faster:.1f} times"])
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths))
        ).rstrip()
        for line in lines
    )
