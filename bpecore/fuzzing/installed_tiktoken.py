"""The installed tiktoken, which bpecore is compared with."""

from __future__ import annotations

from typing import Any

from bpecore.core import Encoding


class NoTiktokenError(RuntimeError):
    """tiktoken is missing; the message says what to do."""


def import_tiktoken() -> Any:
    """Returns the installed tiktoken.

    Raises:
        NoTiktokenError: there is none, or bpecore has replaced it.
    """
    try:
        import tiktoken
    except ImportError:
        raise NoTiktokenError(
            "tiktoken is not installed: there is nothing to compare with (pip install tiktoken)"
        ) from None
    if tiktoken.Encoding is Encoding:  # type: ignore[comparison-overlap]
        raise NoTiktokenError(
            "bpecore has replaced tiktoken in this process: that would compare it with itself"
        )
    return tiktoken
