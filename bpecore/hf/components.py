"""The parts of a tokenizer as objects of the package `tokenizers`, for programs that ask for them.

They are copies: what is changed in one does not change the tokenizer, but setting one does.
"""

from __future__ import annotations

import functools
import importlib
import json
from typing import Any

_EMPTY_MODEL = {"type": "BPE", "vocab": {}, "merges": []}


def component(name: str, written: Any) -> Any:
    """Returns a part, such as a pre-tokenizer; None if there is none.

    Args:
        name: its name in a tokenizer.json.
        written: that member.

    Raises:
        ImportError: `tokenizers` is not installed.
    """
    if written is None:
        return None
    file = {"version": "1.0", "added_tokens": [], "model": _EMPTY_MODEL, name: written}
    return getattr(_tokenizers(name).Tokenizer.from_str(json.dumps(file)), name)


class BPE:
    """Stands for the model until something of it is used; then it is made.

    Args:
        tokenizer: what has the model.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._written = tokenizer.to_str

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._model, name)

    @functools.cached_property
    def _model(self) -> Any:
        return _tokenizers("model").Tokenizer.from_str(self._written()).model


def written_component(given: Any) -> Any:
    """Returns what a part is written as in a tokenizer.json.

    Args:
        given: an object of `tokenizers`, the member itself, or None.

    Raises:
        TypeError: it is something else.
    """
    if given is None or isinstance(given, dict):
        return given
    try:
        return json.loads(given.__getstate__())
    except (AttributeError, TypeError, ValueError):
        raise TypeError(f"expected a part of a tokenizer, got {type(given).__name__}") from None


def added_token_object(token: Any) -> Any:
    """Returns an added token as `tokenizers` has it; as it is if that is not installed."""
    try:
        theirs = importlib.import_module("tokenizers").AddedToken
    except ImportError:
        return token
    options = {
        name: getattr(token, name) for name in token._fields if name not in ("content", "id")
    }
    return theirs(token.content, **options)


def _tokenizers(name: str) -> Any:
    try:
        return importlib.import_module("tokenizers")
    except ImportError as error:
        raise ImportError(
            f"{name} is an object of the package tokenizers: `pip install tokenizers`",
            name="tokenizers",
        ) from error
