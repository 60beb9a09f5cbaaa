"""The engine under the name that tiktoken's extension module gives it."""

from __future__ import annotations

from bpecore._core import CoreBPE

__all__ = ["CoreBPE"]
