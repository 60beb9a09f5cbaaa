"""The methods of `Encoding` that tiktoken's lacks, and what all its methods share.

Counting, cutting texts by a number of tokens, and batches as arrays. The docstring of `Encoding`
explains the arguments on special tokens.
"""

from __future__ import annotations

import functools

from bpecore._build.threads import thread_count
from bpecore._core import count_batch, encode_batch_to_buffer, refuse_strings, without_surrogates
from bpecore._tiktoken import CoreBPE

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from collections.abc import Set as AbstractSet
    from typing import Any, Literal

    import numpy as np
    import numpy.typing as npt

    from bpecore._limits.counting import Counting

    Allowed = Literal["all"] | AbstractSet[str]
    Disallowed = Literal["all"] | Collection[str]

NONE: AbstractSet[str] = set()
"""The default of `allowed_special`, which equals that of tiktoken's signatures."""

_OWN_MODULES = (__name__, "bpecore.core")


class BeyondTiktoken:
    """What `bpecore.core.Encoding` inherits."""

    _core_bpe: CoreBPE
    if TYPE_CHECKING:

        @functools.cached_property
        def special_tokens_set(self) -> set[str]: ...

    # ---- counting ----------------------------------------------------------------------------

    def count(
        self, text: str, *, allowed_special: Allowed = NONE, disallowed_special: Disallowed = "all"
    ) -> int:
        """Counts the tokens of a text without building the ids: `len(encode(text, …))`.

        Args:
            text: as for `encode`, and so are what is raised and when.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").count("hello world")
            2
        """
        core = self._core_bpe
        if type(core) is not CoreBPE:
            return len(self._encode_through(core.encode, text, allowed_special, disallowed_special))
        try:
            return core.count(text, allowed_special, disallowed_special, self.special_tokens_set)
        except UnicodeEncodeError:
            clean = without_surrogates(text)
            return core.count(clean, allowed_special, disallowed_special, self.special_tokens_set)

    def count_up_to(
        self,
        text: str,
        limit: int,
        *,
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
    ) -> int | None:
        """Counts the tokens of a text, but no further than a limit.

        The time it takes depends on the limit, not on the length of the text; with a split pattern
        that leaves characters out or needs the `regex` library, on the text as well.

        Args:
            text: as for `encode`.
            limit: tokens.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`; only looked for in what is read of the text.

        Returns:
            The number of tokens, or None if it is above `limit`.

        Raises:
            ValueError: `limit` is negative, or as for `encode`.
            TypeError: `limit` is no integer, or as for `encode`.

        Example:
            >>> import bpecore
            >>> encoding = bpecore.get_encoding("o200k_base")
            >>> encoding.count_up_to("hello world", 2), encoding.count_up_to("hello world" * 9, 2)
            (2, None)
        """
        from bpecore._limits import trimming

        counting, disallowed = self._counting(allowed_special, disallowed_special)
        return trimming.count_text_up_to(counting, text, limit, disallowed)

    def count_batch(
        self,
        texts: Iterable[str],
        *,
        num_threads: int | None = None,
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
    ) -> list[int]:
        """Counts the tokens of many texts like `count`, in parallel where that is worth it.

        Args:
            texts: the texts.
            num_threads: threads to use at most; None for as many as this process has CPUs.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.

        Returns:
            The number of each text's tokens.

        Raises:
            ValueError: `num_threads` is not positive, or as for `encode`.
            TypeError: as for `encode`.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").count_batch(["hello world", ""])
            [2, 0]
        """
        return self._each_text(
            "count",
            count_batch,
            texts,
            num_threads,
            allowed_special=allowed_special,
            disallowed_special=disallowed_special,
        )

    # ---- cutting -----------------------------------------------------------------------------

    def truncate(
        self,
        text: str,
        max_tokens: int,
        *,
        side: Literal["end", "start", "middle"] = "end",
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
    ) -> str:
        """Cuts a text to a number of tokens.

        Args:
            text: as for `encode`.
            max_tokens: how many tokens may be left.
            side: what is cut off: the "end", the "start", or the "middle", of which about equal
                parts stay at both ends.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`; as for `count_up_to`, only looked for in what is
                read of the text: what is left, and with "end" some characters after that.

        Returns:
            The text itself if it fits, otherwise a part of it, in whole characters, of `max_tokens`
            tokens or one less. Where a single character adds three tokens or more, there may be no
            such part; then one is returned that has as many tokens as fit. To find it, cuts up to
            32 characters away are compared (with "middle", beginnings up to 8 characters away).

        Raises:
            ValueError: `max_tokens` is negative, `side` is none of these, or as for `encode`.
            TypeError: `max_tokens` is no integer, or as for `encode`.

        Example:
            >>> import bpecore
            >>> encoding = bpecore.get_encoding("o200k_base")
            >>> encoding.truncate("one two three four five", 2)
            'one two'
            >>> encoding.truncate("one two three four five six", 3, side="middle")
            'one two six'
        """
        from bpecore._limits import trimming

        counting, disallowed = self._counting(allowed_special, disallowed_special)
        return trimming.truncate(counting, text, max_tokens, side, disallowed)

    def split(
        self,
        text: str,
        max_tokens: int,
        *,
        overlap: int = 0,
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
    ) -> list[str]:
        """Cuts a text into chunks of at most so many tokens.

        Args:
            text: as for `encode`.
            max_tokens: tokens per chunk, at most.
            overlap: how many tokens of a chunk's end the next one begins with, at most.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.

        Returns:
            Chunks of whole characters, each as long as fits; none for an empty text. Without an
            overlap they are together the text.

        Raises:
            ValueError: `max_tokens` is not positive, `overlap` is negative or not below it, a
                single character takes more than `max_tokens` tokens, or as for `encode`.
            TypeError: a number is no integer, or as for `encode`.

        Example:
            >>> import bpecore
            >>> encoding = bpecore.get_encoding("o200k_base")
            >>> encoding.split("one two three four five", 2)
            ['one two', ' three four', ' five']
            >>> encoding.split("one two three four five", 3, overlap=1)
            ['one two three', ' three four five']
        """
        from bpecore._limits import trimming

        counting, disallowed = self._counting(allowed_special, disallowed_special)
        return trimming.split(counting, text, max_tokens, overlap, disallowed)

    # ---- arrays ------------------------------------------------------------------------------

    def encode_batch_to_numpy(
        self,
        texts: Iterable[str],
        *,
        num_threads: int | None = None,
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Encodes many texts like `encode_to_numpy`, into one array.

        Args:
            texts: any texts without surrogates.
            num_threads: threads to use at most; None for as many as this process has CPUs.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.

        Returns:
            The ids of all texts one after another, `uint32[n]`, read-only; and where those of each
            text begin, `int64[texts + 1]`: text `i` has `ids[offsets[i]:offsets[i + 1]]`.

        Raises:
            ValueError: `num_threads` is not positive, or as for `encode_to_numpy`.
            TypeError: as for `encode`.

        Example:
            >>> import bpecore
            >>> ids, offsets = bpecore.get_encoding("o200k_base").encode_batch_to_numpy(
            ...     ["hello world", "hello"]
            ... )
            >>> ids.tolist(), offsets.tolist()
            ([24912, 2375, 24912], [0, 2, 3])
        """
        import numpy as np

        texts = list(texts)
        threads = thread_count(num_threads)
        if self._is_own("encode_to_numpy"):
            names = self.special_tokens_set
            buffers = encode_batch_to_buffer(
                self._core_bpe, texts, allowed_special, disallowed_special, names, threads
            )
            if buffers is not None:
                ids, offsets = buffers
                return np.asarray(ids, dtype=np.uint32), np.frombuffer(offsets, dtype=np.int64)
        one = getattr(self, "encode_to_numpy")  # noqa: B009
        arrays = [
            one(
                text,
                allowed_special=allowed_special,
                disallowed_special=disallowed_special,
                num_threads=1,
            )
            for text in texts
        ]
        return (
            np.concatenate([np.empty(0, dtype=np.uint32), *arrays]),
            np.cumsum([0, *map(len, arrays)], dtype=np.int64),
        )

    # ---- what methods share ------------------------------------------------------------------

    def _is_own(self, method: str) -> bool:
        """Returns whether a method and the engine are this package's, and nothing that a subclass
        or a user has put in their place."""
        owner = next(cls for cls in type(self).__mro__ if method in vars(cls))
        return (
            type(self._core_bpe) is CoreBPE
            and owner.__module__ in _OWN_MODULES
            and method not in vars(self)
        )

    def _each_text(
        self,
        method: str,
        call: Callable[..., list[Any]],
        text: Iterable[str],
        num_threads: int | None,
        **special: Any,
    ) -> list[Any]:
        """Does for many texts what a method does for one.

        Args:
            method: the method's name.
            call: does it in the engine; its results are None for texts that need the method.
            text: the texts.
            num_threads: threads to use at most.
            special: the method's arguments on special tokens; if there are none, all special
                tokens are ordinary text.
        """
        texts = list(text)
        threads = thread_count(num_threads)
        found = [None] * len(texts)
        if self._is_own(method):
            permissions = special.values() if special else (set(), ())
            found = call(self._core_bpe, texts, *permissions, self.special_tokens_set, threads)
        one = getattr(self, method)
        return [one(t, **special) if result is None else result for t, result in zip(texts, found)]

    def _allowed_set(
        self, text: str, allowed_special: Allowed, disallowed_special: Disallowed
    ) -> AbstractSet[str]:
        """Refuses disallowed strings in a text; returns the special tokens that are allowed."""
        if allowed_special == "all":
            allowed_special = self.special_tokens_set
        if disallowed_special == "all":
            disallowed_special = self.special_tokens_set - allowed_special
        if disallowed_special:
            refuse_strings(text, frozenset(disallowed_special))
        return allowed_special

    def _encode_through(
        self,
        encode: Callable[[str, AbstractSet[str]], list[int]],
        text: str,
        allowed_special: Allowed,
        disallowed_special: Disallowed,
    ) -> list[int]:
        """Encodes with an engine that a user has put in the place of ours."""
        allowed = self._allowed_set(text, allowed_special, disallowed_special)
        try:
            return encode(text, allowed)
        except UnicodeEncodeError:
            return encode(without_surrogates(text), allowed)

    def _counting(
        self, allowed_special: Allowed, disallowed_special: Disallowed
    ) -> tuple[Counting, frozenset[str]]:
        """Returns how to count, and the strings that a text may not hold."""
        from bpecore._limits.counting import Counting

        if isinstance(allowed_special, str) and allowed_special == "all":
            allowed_special = self.special_tokens_set
        if isinstance(disallowed_special, str) and disallowed_special == "all":
            disallowed_special = self.special_tokens_set - allowed_special
        encoding: Any = self
        return Counting(encoding, allowed_special), frozenset(disallowed_special or ())
