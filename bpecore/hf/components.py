"""The parts of a tokenizer as objects of `tokenizers`, for programs that ask for them."""

from __future__ import annotations

import functools
import importlib
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

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


class HandedOut:
    """The parts that a program has in its hands and may change."""

    def __init__(self) -> None:
        self._parts: dict[str, tuple[Any, Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._parts)

    def get(self, name: str) -> Any:
        """Returns a part that is held; None otherwise."""
        return self._parts[name][0] if name in self._parts else None

    def hold(self, name: str, part: Any) -> None:
        """Watches a part from now on, in place of the one of that name.

        Args:
            name: its name in a tokenizer.json.
            part: an object of `tokenizers`; another one is not watched.
        """
        self._parts.pop(name, None)
        if part is not None and not isinstance(part, dict):
            self._parts[name] = part, part.__getstate__()

    def take(self, change: Callable[[str, Any], None]) -> None:
        """Passes on what has been changed, and forgets the parts that nobody else has any more.

        Somebody may still have a part of a sequence, which therefore is not forgotten.

        Args:
            change: takes the name of a part and what it is written as now. If it raises, the part
                counts as changed until it is changed back.
        """
        for name in [*self._parts]:
            part, known = self._parts.pop(name, (None, None))
            if part is None:
                continue
            state = part.__getstate__()
            try:
                if state != known:
                    change(name, json.loads(state))
                    known = state
            finally:
                alone = object()
                is_held = sys.getrefcount(part) > sys.getrefcount(alone)
                if is_held or state != known or hasattr(part, "__getitem__"):
                    self._parts[name] = part, known


class BPE:
    """Stands for the model until something of it is used; then it is made.

    Setting an attribute changes the tokenizer, which may refuse it.

    Args:
        tokenizer: what has the model.
    """

    def __init__(self, tokenizer: Any) -> None:
        vars(self)["_tokenizer"] = tokenizer

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._model, name)

    def __setattr__(self, name: str, value: Any) -> None:
        changed = self._made()
        setattr(changed, name, value)
        self._tokenizer.model = changed
        vars(self)["_model"] = changed

    def __getstate__(self) -> Any:
        return self._model.__getstate__()

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._model.__reduce_ex__(protocol)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """That of the model, for `isinstance`."""
        try:
            return importlib.import_module("tokenizers").models.BPE
        except ImportError:
            return BPE

    @functools.cached_property
    def _model(self) -> Any:
        return self._made()

    def _made(self) -> Any:
        return _tokenizers("model").Tokenizer.from_str(self._tokenizer.to_str()).model


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
