"""Tells PyInstaller where the hook for bpecore is (entry point `pyinstaller40`)."""

from __future__ import annotations

from pathlib import Path


def get_hook_dirs() -> list[str]:
    """Returns the folder of `hook-bpecore.py`."""
    return [str(Path(__file__).parent)]
