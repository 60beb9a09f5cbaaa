"""The folder of a corpus: shards, and in `_bpecore` what is known of them.

    train_00000.npy, …        the shards
    _bpecore/manifest.json    the plan: inputs, options, portions
    _bpecore/records/         what each finished portion or shard holds, in one file each
    _bpecore/aside/           records that were set aside, one file per portion that has any
    _bpecore/drafts/          portions that shards are still to be cut from
    _bpecore/new/             files that are being written, under names that no one else uses
    _bpecore/lock             held by the process that works on the folder

A file gets its name once all of it is on the disk, and its record is written after that. So what
has a record is whole, unless someone removed it since, and what has none is made again.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from typing import IO, Any

from bpecore.corpus.errors import CorpusError

WORK = "_bpecore"


class Folder:
    """The folder of a corpus.

    Args:
        path: the folder.

    Raises:
        CorpusError: it is remote, where files cannot be renamed and brought to the disk.
    """

    def __init__(self, path: str) -> None:
        if "://" in path:
            raise CorpusError(
                f"{path}: the output must be a local or mounted folder, so that a shard appears "
                "whole or not at all; copy finished shards to a remote store afterwards"
            )
        self.path = os.path.abspath(path)
        self.work = os.path.join(self.path, WORK)
        self.manifest = os.path.join(self.work, "manifest.json")
        self.spool = os.path.join(self.work, "standard-input")

    def make(self) -> None:
        """Makes the folders."""
        for name in ("records", "aside", "drafts", "new"):
            os.makedirs(os.path.join(self.work, name), exist_ok=True)

    def record_path(self, name: str) -> str:
        """Returns the path of the record of a portion or shard."""
        return os.path.join(self.work, "records", f"{name}.json")

    def record_names(self) -> list[str]:
        """Returns the names of all records, sorted."""
        names = os.listdir(os.path.join(self.work, "records"))
        return sorted(name[: -len(".json")] for name in names)

    def read_record(self, name: str) -> dict[str, Any] | None:
        """Returns the record of a portion or shard; None if it is not finished, or damaged."""
        found = self.read_json(self.record_path(name))
        return found if isinstance(found, dict) else None

    def read_json(self, path: str) -> Any:
        """Returns what a file holds; None if it is not there, or damaged."""
        try:
            with open(path, encoding="utf-8") as file:
                return json.load(file)
        except (FileNotFoundError, ValueError):
            return None

    def write_json(self, path: str, contents: Any) -> None:
        """Writes a file of JSON so that it is there as a whole or not at all, power failing too."""
        new = self.new_path(os.path.basename(path))
        with removed_on_error([new]), open(new, "x", encoding="utf-8") as file:
            json.dump(contents, file, separators=(",", ":"), ensure_ascii=False)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
        sync_folder(os.path.dirname(path))

    def new_path(self, name: str) -> str:
        """Returns a path for a file that is being written."""
        name = name.replace("/", "+")
        return os.path.join(self.work, "new", f"{name}.{os.urandom(6).hex()}")

    def sweep(self) -> None:
        """Removes the files that an earlier process was writing."""
        new = os.path.join(self.work, "new")
        for name in os.listdir(new):
            os.remove(os.path.join(new, name))

    @contextlib.contextmanager
    def locked(self) -> Iterator[int]:
        """Keeps other processes from the folder; yields the lock's descriptor.

        Raises:
            CorpusError: another process works on the folder, or this is Windows.
        """
        import time

        try:
            import fcntl
        except ImportError:
            raise CorpusError(
                f"{self.path}: a corpus is made with file locks and pipes as Linux and macOS have "
                f"them, which this Python on {sys.platform} does not; it can be read here"
            ) from None

        descriptor = os.open(os.path.join(self.work, "lock"), os.O_RDWR | os.O_CREAT, 0o666)
        try:
            for attempt in range(50):
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:
                    if attempt == 49:
                        raise CorpusError(
                            f"{self.path}: another process works on this folder"
                        ) from None
                    time.sleep(0.1)  # workers of a killed process end by themselves
            yield descriptor
        finally:
            os.close(descriptor)


class NewFiles:
    """Files that are being written, and get their names together.

    In a `with` block, an error removes them; otherwise they stay, to be committed.

    Args:
        folder: where they go.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._files: list[tuple[IO[bytes], str, str]] = []

    def __enter__(self) -> NewFiles:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self.discard()

    def open(self, name: str) -> IO[bytes]:
        """Opens a file for writing and reading, without a buffer; a name may have folders in it."""
        path = self._folder.new_path(name)
        file = open(path, "x+b", buffering=0)  # noqa: SIM115 (closed with the others)
        self._files.append((file, path, name))
        return file

    def scratch(self) -> IO[bytes]:
        """Opens a file for writing and reading that has no name."""
        path = self._folder.new_path("scratch")
        file = open(path, "x+b", buffering=0)  # noqa: SIM115 (the caller's)
        os.remove(path)
        return file

    def commit(self) -> dict[str, int]:
        """Brings the files to the disk and gives them their names; returns their sizes.

        An error removes those that have no names yet.
        """
        with self:
            return self._commit()

    def _commit(self) -> dict[str, int]:
        sizes = {}
        parents = {self._folder.path: None}
        for file, path, name in self._files:
            sizes[name] = os.fstat(file.fileno()).st_size
            os.fsync(file.fileno())
            file.close()
            target = os.path.join(self._folder.path, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(path, target)
            parents.setdefault(os.path.dirname(target))
        for parent in parents:
            sync_folder(parent)
        self._files = []
        return sizes

    def discard(self) -> None:
        """Removes the files."""
        for file, path, _ in self._files:
            file.close()
            with contextlib.suppress(OSError):
                os.remove(path)
        self._files = []


@contextlib.contextmanager
def removed_on_error(paths: list[str]) -> Iterator[None]:
    """Removes files if what is done with them fails."""
    try:
        yield
    except BaseException:
        for path in paths:
            with contextlib.suppress(OSError):
                os.remove(path)
        raise


def sync_folder(path: str) -> None:
    """Brings the names in a folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(file: IO[bytes], data: Any) -> None:
    """Writes all of some bytes to a file without a buffer, which may take fewer at a time."""
    view = memoryview(data)
    view = view.cast("B") if view.nbytes else memoryview(b"")
    while view:
        view = view[file.write(view) :]
