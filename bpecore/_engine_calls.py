"""What all methods of `Encoding` share: special tokens, batches, and how the engine is called.

A subclass may override a method, and a user may put another engine into an encoding. Then every
method must use theirs and not this package's engine, which `_is_own` finds out.
"""

from __future__ import annotations

import functools

from bpecore._build.checks import cache_memory
from bpecore._build.threads import thread_count
from bpecore._core import (
    disallowed_strings,
    encode_batch_to_buffer,
    has_surrogate,
    others_of,
    refuse_strings,
    without_surrogates,
)
from bpecore._tiktoken import CoreBPE

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Set as AbstractSet
    from typing import Any, TypeVar

    import numpy.typing as npt

    from bpecore._arrays import ArrayForm
    from bpecore.types import Allowed, Disallowed

    Item = TypeVar("Item")
    Result = TypeVar("Result")

NONE: AbstractSet[str] = set()
"""The default of `allowed_special`, which equals that of tiktoken's signatures."""

_OWN_MODULES = ("bpecore._beyond_tiktoken", "bpecore.core", "bpecore._models.encoding")


def texts_of_batch(texts: Iterable[str]) -> list[str]:
    """Returns the texts of a batch; TypeError if it is a single one."""
    if isinstance(texts, str):
        raise TypeError(f"expected several texts, got a single str: {texts!r:.80}")
    return list(iterate("texts", texts))


def iterate(argument: str, items: Iterable[Item]) -> Iterable[Item]:
    """Returns an argument to iterate over; the error for one that is not iterable names it."""
    try:
        return items if type(items) is list else iter(items)
    except TypeError:
        raise TypeError(f"{argument} must be iterable, not {type(items).__name__}") from None


def do_at_index(
    index: int, call: Callable[..., Result], text: str, *arguments: Any, **keywords: Any
) -> Result:
    """Calls a function with one text of a batch; an error says which text it is about."""
    try:
        return call(text, *arguments, **keywords)
    except (TypeError, ValueError) as error:
        if type(error) is ValueError or not isinstance(text, str):
            error.args = (f"at index {index}: {error}",)
        raise


def named_as_encoding(mixin: type) -> None:
    """Gives the methods of a class that `Encoding` inherits the names that Python's own errors
    should have: "Encoding.truncate() missing 1 required positional argument"."""
    for name, method in vars(mixin).items():
        if hasattr(method, "__code__"):
            method.__qualname__ = f"Encoding.{name}"


class EngineCalls:
    """What `bpecore.core.Encoding` inherits by way of `BeyondTiktoken`."""

    _core_bpe: CoreBPE
    max_token_value: int
    if TYPE_CHECKING:

        @functools.cached_property
        def special_tokens_set(self) -> set[str]: ...

    def _is_own(self, method: str) -> bool:
        """Returns whether a method and the engine are this package's, and nothing that a subclass
        or a user has put in their place."""
        if type(self._core_bpe) is not CoreBPE or method in self.__dict__:
            return False
        for owner in type(self).__mro__:  # a generator would take three times as long
            if method in owner.__dict__:
                return owner.__module__ in _OWN_MODULES
        raise AttributeError(method)

    def _each_text(
        self,
        method: str,
        call: Callable[..., tuple[list[Any], Iterable[int]]],
        texts: Iterable[str],
        num_threads: int | None,
        engine_options: tuple[int, ...] = (),
        **special: Any,
    ) -> list[Any]:
        """Does for many texts what a method does for one.

        Args:
            method: the method's name.
            call: does it in the engine; also returns the positions of texts that need the method.
            texts: the texts.
            num_threads: threads to use at most.
            engine_options: further arguments of `call`.
            special: the method's arguments on special tokens; if there are none, all special
                tokens are ordinary text.
        """
        texts = list(iterate("text" if "encode" in method else "texts", texts))
        threads = thread_count(num_threads)
        found: list[Any] = [None] * len(texts)
        left: Iterable[int] = range(len(texts))
        if self._is_own(method):
            permissions = special.values() if special else (set(), ())
            found, left = call(
                self._core_bpe,
                texts,
                *permissions,
                self.special_tokens_set,
                threads,
                *engine_options,
            )
        one = getattr(self, method)
        for i in left:
            found[i] = do_at_index(i, one, texts[i], **special)
        return found

    def _rows(
        self,
        texts: list[str],
        threads: int,
        allowed_special: Allowed,
        disallowed: Disallowed,
        append: int | None,
        memory: int | None,
    ) -> tuple[Any, Any]:
        """Returns the ids of all texts with `append` after each, and where each text's begin."""
        import numpy as np

        if self._is_own("encode_to_numpy"):
            special_set, room = self.special_tokens_set, cache_memory(memory)
            rest = allowed_special, disallowed, special_set, threads, append, room
            found = encode_batch_to_buffer(self._core_bpe, texts, *rest)
            if found is None and any(isinstance(t, str) and has_surrogate(t) for t in texts):
                clean = [without_surrogates(t) if isinstance(t, str) else t for t in texts]
                found = encode_batch_to_buffer(self._core_bpe, clean, *rest)
            if found is not None:
                return found
        special = {"allowed_special": allowed_special, "disallowed_special": disallowed}
        one = getattr(self, "encode_to_numpy")  # noqa: B009
        rows = [do_at_index(i, one, text, num_threads=1, **special) for i, text in enumerate(texts)]
        if append is not None:
            rows = [np.append(row, np.uint32(append)) for row in rows]
        offsets = np.cumsum([0, *map(len, rows)], dtype=np.int64)
        return np.concatenate([np.empty(0, dtype=np.uint32), *rows]), offsets

    def _array_form(
        self, dtype: npt.DTypeLike | None, append: int | None, out: npt.NDArray[Any] | None
    ) -> ArrayForm:
        """Checks the arguments on the form of arrays; they raise as `ArrayForm` does."""
        from bpecore._arrays import ArrayForm

        return ArrayForm(self.max_token_value, dtype, append, out)

    def _allowed_set(
        self, text: str, allowed_special: Allowed, disallowed_special: Disallowed
    ) -> AbstractSet[str]:
        """Refuses disallowed strings in a text; returns the special tokens that are allowed."""
        if allowed_special == "all":
            allowed_special = self.special_tokens_set
        if disallowed_special == "all":
            disallowed_special = others_of(self.special_tokens_set, allowed_special)
        if disallowed_special:
            refuse_strings(text, disallowed_strings(disallowed_special))
        return allowed_special

    def _encode_through(
        self,
        encode: Callable[[str, AbstractSet[str]], Result],
        text: str,
        allowed_special: Allowed,
        disallowed_special: Disallowed,
    ) -> Result:
        """Encodes with a method of the engine, which may be one that a user has put in."""
        allowed = self._allowed_set(text, allowed_special, disallowed_special)
        try:
            return encode(text, allowed)
        except UnicodeEncodeError:
            return encode(without_surrogates(text), allowed)

    def _encode_long_text(
        self,
        text: str,
        permissions: tuple[Any, Any, Any],
        num_threads: int | None,
        memory: int | None,
    ) -> Any:
        """Encodes a long text to a buffer, or any text by an engine that a user has put in."""
        core = self._core_bpe
        if type(core) is not CoreBPE:
            import numpy as np

            buffer = self._encode_through(core.encode_to_tiktoken_buffer, text, *permissions[:2])
            return np.frombuffer(buffer, dtype=np.uint32)
        threads = thread_count(num_threads)
        if threads > 1 or memory is not None:
            rest = threads, None, cache_memory(memory)
            buffers = encode_batch_to_buffer(core, [text], *permissions, *rest)
            if buffers is not None:
                return buffers[0]
        return self._encode_to_buffer(core, text, permissions)

    # Apart, because CPython 3.11 never leaves an `except` far down a function without any memory.
    @staticmethod
    def _encode_to_buffer(core: CoreBPE, text: str, permissions: tuple[Any, Any, Any]) -> Any:
        try:
            return core.encode_to_buffer(text, *permissions)
        except UnicodeEncodeError:
            if not has_surrogate(text):  # it is in an argument
                raise
            return core.encode_to_buffer(without_surrogates(text), *permissions)
