"""What a group of measures is run with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..processes import Workers


class Settings(NamedTuple):
    """The same for all groups of a run with one encoding."""

    encoding: str
    engines: Sequence[str]
    """Names, the reference first."""
    files: Sequence[Path]
    """UTF-8 texts."""
    rounds: int
    rank_files: Path
    """The folder that `rank_files.write_rank_files` filled."""
    workers: Workers
    """The engines' processes on one core."""

    def paths(self) -> list[str]:
        """Returns the texts' paths as other processes find them."""
        return [str(file.resolve()) for file in self.files]
