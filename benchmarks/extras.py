"""What a benchmark says if a package that it needs is not installed."""

from __future__ import annotations

from typing import NoReturn


def end_without(error: ModuleNotFoundError) -> NoReturn:
    """Ends the program, and says what to install."""
    raise SystemExit(f'{error.name} is not installed: pip install "bpecore[benchmarks]"') from None
