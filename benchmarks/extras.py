"""What a benchmark says if a package that it needs is not installed."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def imported(name: str) -> Any:
    """Returns a module, or ends the program and says what to install."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        message = f'{error.name} is not installed: pip install "bpecore[benchmarks]"'
        raise SystemExit(message) from None
