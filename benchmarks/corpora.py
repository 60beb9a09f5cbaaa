"""Where the texts are that the benchmarks run on."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import click

REPOSITORY = Path(__file__).parents[1]


def find_texts(folder: Path | None) -> list[Path]:
    """Returns the texts of a folder, or of the first default that has some.

    Raises:
        UsageError: the folder holds no text.
    """
    shared = Path(os.environ.get("BPECORE_CORPORA") or REPOSITORY.parent / "shared" / "corpora")
    files = sorted((folder or shared).glob("*.txt"))
    if files:
        return files
    if folder is not None:
        raise click.UsageError(f"no .txt file in {folder}")
    library = Path(sysconfig.get_path("stdlib"))
    names = ("_pydecimal.py", "typing.py", "pydoc_data/topics.py", "LICENSE.txt")
    return [library / name for name in names if (library / name).is_file()]
