"""Frozen files: tables that are the same in every process, read instead of built.

The folder `frozen`, beside the extension module, is written when the package is built, by
`tools/make_frozen_files.py`. It holds the tables of each bundled vocabulary, `NAME.tables`, which
are mapped into memory, and the automaton of each of OpenAI's split patterns, `NAME.automaton`.
A package without them works the same and starts more slowly. A file that cannot be used is
reported by a warning, and what it should have held is made in memory.

A user may name a folder for the tables of other vocabularies, and for the automata of other split
patterns, in the environment variable `BPECORE_TABLES_DIR`. It must be as trustworthy as the
program: files are checked for damage, not for malice.
"""

from __future__ import annotations

import os

from bpecore import _core
from bpecore._core import RankTable, Vocabulary

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from bpecore._pattern import Automaton

    KeptPattern = tuple[tuple[int, int, bytes, bytes, bytes], int, bytes]

TABLES_DIRECTORY_VARIABLE = "BPECORE_TABLES_DIR"
"""The environment variable that names the folder for tables of the caller's vocabularies."""

FROZEN_FOLDER = os.path.join(os.path.dirname(os.path.abspath(_core.__file__)), "frozen")
"""The folder of the files that come with the package."""

_AUTOMATON_MAGIC = b"BPEAUTO2"


def _warn(message: str) -> None:
    import warnings

    warnings.warn(f"{message}; it is made in memory instead", RuntimeWarning, stacklevel=3)


def map_bundled_vocabulary(name: str) -> Vocabulary | None:
    """Maps the tables of a bundled vocabulary from the package.

    Args:
        name: the name of its rank table, one of `bpecore.data.RANK_TABLE_NAMES`.

    Returns:
        The vocabulary; None if the package has no file for it, or one that cannot be used.

    Warns:
        RuntimeWarning: the file is there and cannot be used.

    Example:
        >>> vocabulary = map_bundled_vocabulary("r50k_base")
        >>> vocabulary is None or len(vocabulary)
        50256
    """
    return map_tables(os.path.join(FROZEN_FOLDER, f"{name}.tables"))


def map_tables(path: str) -> Vocabulary | None:
    """Maps a file of tables; None, with a warning unless it is missing, if it cannot be used."""
    try:
        return Vocabulary(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        _warn(str(error))
        return None


def kept_tables_path(table: RankTable) -> str | None:
    """Returns where the tables of a vocabulary are kept.

    Args:
        table: its tokens and ranks.

    Returns:
        A path in the folder that `BPECORE_TABLES_DIR` names; None without that variable.

    Example:
        >>> import os
        >>> os.environ[TABLES_DIRECTORY_VARIABLE] = ""
        >>> kept_tables_path(RankTable({b"a": 0})) is None
        True
    """
    folder = os.environ.get(TABLES_DIRECTORY_VARIABLE)
    return os.path.join(folder, f"{table.digest.hex()}.tables") if folder else None


def map_kept_vocabulary(path: str, table: RankTable) -> Vocabulary | None:
    """Maps the tables of a caller's vocabulary from the folder that the user named.

    Args:
        path: from `kept_tables_path`.
        table: the tokens and ranks that they must have.

    Returns:
        The vocabulary; None if there is no file, or one that cannot be used.

    Warns:
        RuntimeWarning: the file is there and cannot be used. It will be replaced.
    """
    vocabulary = map_tables(path)
    if vocabulary is not None and not vocabulary.has_ranks_of(table):
        _warn(f"{path} cannot be used: it holds another vocabulary")
        return None
    return vocabulary


def keep_vocabulary(path: str, vocabulary: Vocabulary) -> None:
    """Writes the tables of a vocabulary; a reader sees a whole file or none.

    Args:
        path: from `kept_tables_path`; its folder is made if it is missing.
        vocabulary: the vocabulary.

    Warns:
        RuntimeWarning: the file cannot be written; the vocabulary works without it.
    """
    keep_file(path, vocabulary.to_bytes())


def pack_automaton(pattern: str, automaton: Automaton, rules: int, class_kinds: bytes) -> bytes:
    """Returns the contents of an automaton's file.

    Args:
        pattern: the split pattern that it was made from.
        automaton: the automaton.
        rules: those of its member of the split family; 0 for none.
        class_kinds: the kinds of its classes, if there are rules.

    Returns:
        The magic, the CRC-32 of what follows, the numbers of classes, of states and of rules, the
        lengths of the pattern, the three tables and the kinds, and these themselves; all integers
        little-endian.
    """
    import struct
    import zlib

    class_count, state_count, *tables = automaton
    contents = [pattern.encode(), *tables, class_kinds]
    numbers = (class_count, state_count, rules, *map(len, contents))
    body = struct.pack("<8I", *numbers) + b"".join(contents)
    return _AUTOMATON_MAGIC + struct.pack("<I", zlib.crc32(body)) + body


def read_automaton(name: str, pattern: str) -> KeptPattern | None:
    """Reads the automaton of one of OpenAI's split patterns from the package.

    Args:
        name: the pattern's name in `bpecore._pattern.families`.
        pattern: the pattern, which must be the one that the automaton was made from.

    Returns:
        The automaton, its rules and the kinds of its classes; None if the package has no file, or
        one that cannot be used.

    Warns:
        RuntimeWarning: the file is there and cannot be used.
    """
    return read_kept_automaton(os.path.join(FROZEN_FOLDER, f"{name}.automaton"), pattern)


def kept_automaton_path(pattern: str) -> str | None:
    """Returns where the automaton of a caller's split pattern is kept.

    Args:
        pattern: the pattern.

    Returns:
        A path in the folder that `BPECORE_TABLES_DIR` names; None without that variable.
    """
    folder = os.environ.get(TABLES_DIRECTORY_VARIABLE)
    if not folder:
        return None
    import zlib

    # The file holds the pattern, which is compared.
    written = pattern.encode()
    name = f"{zlib.crc32(written):08x}{zlib.adler32(written):08x}{len(written):x}"
    return os.path.join(folder, f"{name}.automaton")


def read_kept_automaton(path: str, pattern: str) -> KeptPattern | None:
    """Reads the automaton of a split pattern.

    Args:
        path: from `kept_automaton_path`.
        pattern: the pattern, which must be the one that the automaton was made from.

    Returns:
        The automaton, its rules and the kinds of its classes; None if there is no file, or one that
        cannot be used.

    Warns:
        RuntimeWarning: the file is there and cannot be used. It will be replaced.
    """
    import struct
    import zlib

    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        _warn(str(error))
        return None
    body = data[12:]
    if data[:8] != _AUTOMATON_MAGIC or len(body) < 32:
        _warn(f"{path} cannot be used: it is not a file of an automaton")
        return None
    if struct.unpack_from("<I", data, 8) != (zlib.crc32(body),):
        _warn(f"{path} cannot be used: it is damaged")
        return None
    class_count, state_count, rules, *lengths = struct.unpack_from("<8I", body)
    parts = []
    start = 32
    for length in lengths:
        parts.append(body[start : start + length])
        start += length
    if start != len(body) or parts[0] != pattern.encode():
        _warn(f"{path} cannot be used: it was made from another pattern")
        return None
    return (class_count, state_count, parts[1], parts[2], parts[3]), rules, parts[4]


def keep_file(path: str, contents: bytes) -> None:
    """Writes a file into the folder that the user named; a reader sees a whole file or none.

    Warns:
        RuntimeWarning: it cannot be written; everything works without it.
    """
    from bpecore._build.atomic_files import write_atomically

    try:
        write_atomically(path, contents)
    except OSError as error:
        if os.name == "nt" and isinstance(error, PermissionError) and os.path.exists(path):
            return  # another process maps a file of this name, which is as good
        import warnings

        warnings.warn(f"the tables cannot be kept: {error}", RuntimeWarning, stacklevel=3)
