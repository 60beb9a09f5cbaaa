"""The inputs of a corpus: which files they are, and what is known of each before it is read."""

from __future__ import annotations

import glob
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bpecore.corpus.compression import SUFFIXES, compression_of, decompressed
from bpecore.corpus.errors import CorpusError, InputError
from bpecore.corpus.files import (
    STANDARD_INPUT,
    file_system,
    is_remote,
    open_raw,
    reason_of,
    status_of,
)

_SAMPLE = 1 << 16
"""Bytes at the start, in the middle and at the end of a file that its digest is made of."""

_KINDS = {
    "jsonl": (".jsonl", ".ndjson", ".json", ".jsonlines"),
    "parquet": (".parquet", ".pq"),
    "arrow": (".arrow", ".feather", ".ipc", ".arrows"),
    "text": (".txt", ".text", ".md"),
}
_KIND_OF_SUFFIX = {suffix: kind for kind, suffixes in _KINDS.items() for suffix in suffixes}
_OTHER_UNICODE = ((b"\xff\xfe", "UTF-16 or UTF-32"), (b"\xfe\xff", "UTF-16"))


@dataclass(frozen=True)
class InputFile:
    """A file to be read.

    Attributes:
        path: where it is: absolute, or a URL.
        name: how it is named in messages and records: its path, or "-" for standard input.
        size: bytes, as they are stored.
        version: its time of modification in nanoseconds, or what a remote store has for it.
        digest: SHA-256 of its size, start, middle and end; "" if it is remote.
        compression: "gzip", "zstd", "xz", "bz2", or "" for none.
        format: "text", "jsonl", "parquet" or "arrow".
    """

    path: str
    name: str
    size: int
    version: str
    digest: str
    compression: str
    format: str


def find_inputs(paths: Iterable[str], input_format: str, spool: str) -> list[InputFile]:
    """Returns the files that paths name, in order, each once.

    Args:
        paths: files, folders, globs, URLs, and "-" for standard input.
        input_format: what the files hold, "auto" for what each looks like.
        spool: a file to which standard input is copied.

    Raises:
        CorpusError: there are none.
        InputError: one cannot be read, or is not what its name says.
    """
    found: dict[str, None] = {}
    for path in paths:
        found.update(dict.fromkeys(_expand(path, input_format)))
    if not found:
        raise CorpusError("there are no inputs")
    return [_examine(path, input_format, spool) for path in found]


def _expand(path: str, input_format: str) -> Iterator[str]:
    if path == STANDARD_INPUT:
        yield path
    elif is_remote(path):
        yield from _expand_url(path, input_format)
    elif os.path.isdir(path):
        yield from _files_in(os.path.abspath(path), input_format)
    elif os.path.exists(path) or not glob.has_magic(path):
        yield os.path.abspath(path)
    else:
        matches = sorted(glob.glob(path, recursive=True))
        if not matches:
            raise InputError(f"{path}: no file matches")
        for match in matches:
            if os.path.isfile(match):
                yield os.path.abspath(match)


def _files_in(folder: str, input_format: str) -> Iterator[str]:
    """Yields the files in a folder and below, without hidden ones; with "auto" only those whose
    names end as inputs' do."""
    any_yet = False
    for parent, folders, names in os.walk(folder, onerror=_refuse_folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        for name in sorted(names):
            if not name.startswith((".", "_")) and (input_format != "auto" or _kind_by_name(name)):
                any_yet = True
                yield os.path.join(parent, name)
    if not any_yet:
        known = " ".join(_KIND_OF_SUFFIX)
        raise InputError(f"{folder}: has no files with a known suffix ({known}, or compressed)")


def _refuse_folder(error: OSError) -> None:
    raise InputError(f"{error.filename}: {error.strerror}")


def _expand_url(url: str, input_format: str) -> Iterator[str]:
    system, inside = file_system(url)
    try:
        if glob.has_magic(inside) and not url.startswith(("http:", "https:")):
            names = sorted(system.glob(inside))
        elif not url.startswith(("http:", "https:")) and system.isdir(inside):
            names = sorted(
                name
                for name in system.find(inside)
                if input_format != "auto" or _kind_by_name(name)
            )
        else:
            names = [inside]
        found = [str(system.unstrip_protocol(name)) for name in names]
    except Exception as error:
        raise InputError(f"{url}: {reason_of(error)}") from None
    if not found:
        raise InputError(f"{url}: no file matches")
    yield from found


def _kind_by_name(path: str) -> str:
    """Returns what a file holds by its name; "" if the name does not say."""
    root, suffix = os.path.splitext(path.lower())
    if suffix in SUFFIXES:
        suffix = os.path.splitext(root)[1]
    return _KIND_OF_SUFFIX.get(suffix, "")


def _examine(path: str, input_format: str, spool: str) -> InputFile:
    name = path
    if path == STANDARD_INPUT:
        _copy_standard_input(spool)
        path = spool
    status = status_of(path)
    if not is_remote(path) and not os.path.isfile(path):
        raise InputError(f"{path}: is not a file")
    digest = hashlib.sha256(b"%d" % status.size)
    try:
        with open_raw(path) as file:
            start = file.read(_SAMPLE)
            digest.update(start)
            if not is_remote(path):
                for place in (status.size // 2, max(0, status.size - _SAMPLE)):
                    file.seek(place)
                    digest.update(file.read(_SAMPLE))
    except OSError as error:
        raise InputError(f"{path}: {reason_of(error)}") from None
    compression = compression_of(start)
    kind = input_format
    if kind == "auto":
        kind = _kind_by_contents(start) or _kind_by_name(name)
        is_object = name == STANDARD_INPUT and start.lstrip().startswith(b'{"')
        kind = kind or ("jsonl" if is_object else "text")
    if kind in ("text", "jsonl"):
        _refuse_other_text(path, start, compression, kind)
    version = "" if name == STANDARD_INPUT else status.version
    shown = "" if is_remote(path) else digest.hexdigest()
    return InputFile(path, name, status.size, version, shown, compression, kind)


def _kind_by_contents(start: bytes) -> str:
    if start.startswith(b"PAR1"):
        return "parquet"
    return "arrow" if start.startswith((b"ARROW1", b"\xff\xff\xff\xff")) else ""


def _refuse_other_text(path: str, start: bytes, compression: str, kind: str) -> None:
    """Refuses what is not lines of UTF-8: other encodings, and one array of JSON."""
    if compression:
        try:
            with open_raw(path) as file:
                start = decompressed(file, compression).read(64)
        except CorpusError:
            raise
        except Exception:
            return  # the reader says where it is damaged
    for mark, encoding in _OTHER_UNICODE:
        if start.startswith(mark):
            raise InputError(f"{path}: its byte order mark says {encoding}; inputs are UTF-8")
    if kind == "jsonl" and start.lstrip().startswith(b"["):
        raise InputError(f"{path}: is a JSON array, not JSON Lines: one object per line")


def _copy_standard_input(spool: str) -> None:
    if sys.stdin is None:
        raise InputError("standard input is closed")
    os.makedirs(os.path.dirname(spool), exist_ok=True)
    partial = f"{spool}.partial"
    with open(partial, "wb") as copy:
        while block := sys.stdin.buffer.read(1 << 20):
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())
    os.replace(partial, spool)
