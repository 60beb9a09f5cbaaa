"""Checks wheels before they are published.

Usage: python tools/check_wheels.py FOLDER [TAG…]

FOLDER holds the wheels. Each must be small enough, be for a platform that installers accept, and
contain an extension that its Python imports, and the same frozen files as all others. Each TAG,
such as `cp313-win_amd64`, must be that of one of them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile, ZipInfo

LARGEST_WHEEL = 12_500_000
"""Bytes."""

FROZEN_FOLDER = "bpecore/frozen/"
PLATFORMS = ("manylinux", "musllinux", "macosx", "win")
FrozenFiles = dict[str, tuple[int, int]]
"""The size and CRC-32 of each frozen file, by its name."""


def frozen_files(entries: list[ZipInfo]) -> FrozenFiles:
    return {
        entry.filename: (entry.file_size, entry.CRC)
        for entry in entries
        if entry.filename.startswith(FROZEN_FOLDER) and not entry.is_dir()
    }


def tags_of(name: str) -> set[str]:
    """Returns the tags of a wheel's name: its ABI and each of its platforms."""
    _, abi, platforms = Path(name).stem.rsplit("-", 2)
    return {f"{abi}-{platform}" for platform in platforms.split(".")}


def faults_of_wheel(path: Path, expected: FrozenFiles) -> Iterator[str]:
    """Yields what is wrong with one wheel, which should have the expected frozen files."""
    size = path.stat().st_size
    if size > LARGEST_WHEEL:
        yield f"{size:,} bytes, more than {LARGEST_WHEEL:,}"
    if not all(tag.partition("-")[2].startswith(PLATFORMS) for tag in tags_of(path.name)):
        yield "no index takes its platform"
    with ZipFile(path) as wheel:
        entries = wheel.infolist()
    abi = path.stem.rsplit("-", 2)[1].removeprefix("cp")
    extension = re.compile(rf"bpecore/_core\.(cpython-|cp){abi}-[\w-]+\.(so|pyd)")
    extensions = sum(extension.fullmatch(entry.filename) is not None for entry in entries)
    if extensions != 1:
        yield f"{extensions} extension modules that its Python would import"
    found = frozen_files(entries)
    if not any(name.endswith(".tables") for name in found):
        yield "no frozen tables"
    elif found != expected:
        names = sorted(name for name, _ in found.items() ^ expected.items())
        yield f"other frozen files than in the first wheel: {', '.join(dict.fromkeys(names))}"


def check_wheels(folder: Path, needed_tags: set[str]) -> list[str]:
    """Returns what is wrong with the wheels of a folder."""
    wheels = sorted(folder.glob("*.whl"))
    if not wheels:
        return [f"no wheels in {folder}"]
    with ZipFile(wheels[0]) as first:
        expected = frozen_files(first.infolist())
    faults = [
        f"{path.name}: {fault}" for path in wheels for fault in faults_of_wheel(path, expected)
    ]
    found = set().union(*(tags_of(path.name) for path in wheels))
    return faults + [f"no wheel for {tag}" for tag in sorted(needed_tags - found)]


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    faults = check_wheels(folder, set(sys.argv[2:]))
    for path in sorted(folder.glob("*.whl")):
        print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.name}")
    sys.exit("\n".join(faults) if faults else 0)
