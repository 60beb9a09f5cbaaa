"""Imports what the extra `corpus` brings, when it is needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bpecore.corpus.errors import CorpusError


def library(module: str, what: str) -> Any:
    """Returns a module of another package.

    Args:
        module: its name.
        what: what needs it, for the message.

    Raises:
        CorpusError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        if (error.name or package).partition(".")[0] != package:
            raise
        source = package if package == "ray" else '"bpecore[corpus]"'
        raise CorpusError(f"{what} needs {package}: pip install {source}") from None
