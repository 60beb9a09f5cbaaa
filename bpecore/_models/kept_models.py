"""Models that an earlier process has loaded, in the folder that `BPECORE_TABLES_DIR` names.

A model is kept under the SHA-256 of its file, so that a changed one is read again. What is kept is
what was found, and the beginning of the file of the vocabulary's tables, which has random seeds and
checksums: another file under that name is not used. The SHA-256 itself is kept under the file's
number, with its size and times, so that a file that nothing has changed need not be read again. The
folder must be as trustworthy as the program, as for all tables.
"""

from __future__ import annotations

import marshal
import os
import sys
import zlib

from bpecore._build.frozen_files import TABLES_DIRECTORY_VARIABLE, keep_file
from bpecore._build.vocabularies import kept_vocabulary
from bpecore._models.tuples import NamedTuple
from bpecore._version import __version__

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from typing import Any

    from bpecore._core import Vocabulary

_MAGIC = b"BPEMODL6"
_HEADER_BYTES = 1024
_LARGE_BYTES = 1 << 16
"""Bytes from which a part of a model is read only when it is needed."""
_SETTLED_NS = 3_000_000_000


class LoadedModel(NamedTuple):
    """What was read from a model's file.

    Attributes:
        kind: as in `ModelSource`.
        vocabulary: the tokens.
        rest: what else was found, of plain Python types; depends on the kind.
    """

    kind: str
    vocabulary: Vocabulary
    rest: Any


class KeptBytes:
    """A large part of a kept model, which most programs never need; `bytes` reads it.

    Args:
        path: the file.
        start: where it begins there.
        size: how many bytes it has.
        checksum: its CRC-32.
    """

    def __init__(self, path: str, start: int, size: int, checksum: int) -> None:
        self._place = path, start, size, checksum

    def __bytes__(self) -> bytes:
        path, start, size, checksum = self._place
        try:
            with open(path, "rb") as file:
                file.seek(start)
                found = file.read(size)
        except OSError as error:
            raise ValueError(f"{path}, which keeps a part of the model, is gone: {error}") from None
        if len(found) != size or zlib.crc32(found) != checksum:
            raise ValueError(f"{path}, which keeps a part of the model, has been changed")
        return found


def kept_models_folder() -> str | None:
    """Returns the folder that the user named; None without one."""
    return os.environ.get(TABLES_DIRECTORY_VARIABLE) or None


def kept_model_path(folder: str, contents: bytes) -> str:
    """Returns where the model of a file with some contents is kept."""
    import hashlib

    return os.path.join(folder, f"{hashlib.sha256(contents).hexdigest()}.model")


def seen_model_path(folder: str, path: str) -> str | None:
    """Returns where the model of a file is kept; None unless the file is surely as it was."""
    try:
        status = os.stat(path)
        with open(_seen_path(folder, status), "rb") as file:
            seen = marshal.loads(file.read())
    except (OSError, ValueError, EOFError, TypeError):
        return None
    if not isinstance(seen, tuple) or seen[:-1] != _state_of(status):
        return None
    return os.path.join(folder, seen[-1])


def remember_file(folder: str, path: str, status: os.stat_result, model_path: str) -> None:
    """Keeps which model a file has, unless it is so new that a change need not change its times.

    Args:
        folder: the folder that the user named.
        path: the file.
        status: its status before it was read.
        model_path: from `kept_model_path`.
    """
    import time

    age = time.time_ns() - max(status.st_ctime_ns, status.st_mtime_ns)
    if age > _SETTLED_NS and _state_of(os.stat(path)) == _state_of(status):
        seen = (*_state_of(status), os.path.basename(model_path))
        keep_file(_seen_path(folder, status), marshal.dumps(seen))


def _seen_path(folder: str, status: os.stat_result) -> str:
    return os.path.join(folder, f"{status.st_dev:x}-{status.st_ino:x}.seen")


def _state_of(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def read_kept_model(path: str) -> LoadedModel | None:
    """Returns a model that was kept; None if there is none, or its files cannot be used."""
    try:
        with open(path, "rb") as file:
            stored = file.read(16)
            body = file.read(int.from_bytes(stored[12:], "little"))
    except (OSError, OverflowError, MemoryError):
        return None
    if stored[:8] != _MAGIC or stored[8:12] != zlib.crc32(body).to_bytes(4, "little"):
        return None
    version, python, kind, digest, header, rest, large = marshal.loads(body)
    if (version, python) != (__version__, sys.version_info[:2]):
        return None
    tables = _tables_path(path, digest)
    try:
        with open(tables, "rb") as file:
            if file.read(_HEADER_BYTES) != header:
                return None
    except OSError:
        return None
    rest = list(rest)
    start = len(stored) + len(body)
    for place, size, checksum in large:
        rest[place] = KeptBytes(path, start, size, checksum)
        start += size
    vocabulary = kept_vocabulary(tables, digest)
    return None if vocabulary is None else LoadedModel(kind, vocabulary, tuple(rest))


def keep_model(path: str, model: LoadedModel) -> None:
    """Keeps a model whose vocabulary's tables have been kept."""
    digest = model.vocabulary.digest
    try:
        with open(_tables_path(path, digest), "rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError:
        return
    rest, large, after = list(model.rest), [], b""
    for place, part in enumerate(rest):
        if isinstance(part, bytes) and len(part) >= _LARGE_BYTES:
            large.append((place, len(part), zlib.crc32(part)))
            after += part
            rest[place] = None
    stored = (__version__, sys.version_info[:2], model.kind, digest, header, rest, large)
    body = marshal.dumps(stored)
    start = _MAGIC + zlib.crc32(body).to_bytes(4, "little") + len(body).to_bytes(4, "little")
    keep_file(path, start + body + after)


def _tables_path(path: str, digest: bytes) -> str:
    return os.path.join(os.path.dirname(path), f"{digest.hex()}.tables")
