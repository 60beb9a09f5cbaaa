"""The methods of `Encoding` that tiktoken's `Encoding` lacks.

Counting, cutting texts by a number of tokens, and batches as arrays; `_arrow` has those on Arrow
arrays. The docstring of `Encoding`
explains the arguments on special tokens.
"""

from __future__ import annotations

from bpecore._arrow import ArrowMethods
from bpecore._build.checks import cache_memory
from bpecore._build.threads import thread_count
from bpecore._core import (
    count_batch,
    disallowed_strings,
    has_surrogate,
    others_of,
    token_offsets,
    without_surrogates,
)
from bpecore._engine_calls import NONE, named_as_encoding, texts_of_batch
from bpecore._tiktoken import CoreBPE

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal

    import numpy as np
    import numpy.typing as npt
    from typing_extensions import Self

    from bpecore._limits.counting import Counting
    from bpecore._limits.rules import Rules
    from bpecore._limits.splitting import Spans
    from bpecore.types import Allowed, Boundary, Disallowed


class BeyondTiktoken(ArrowMethods):
    """What `bpecore.core.Encoding` inherits."""

    name: str

    # ---- ordinary text -----------------------------------------------------------------------

    _is_ordinary = False
    """Whether this is the `ordinary` of an encoding."""

    @property
    def ordinary(self) -> Self:
        """This encoding without special tokens in texts, so that any text is ordinary text.

        Use it for text that others wrote. It is an `Encoding` of the same class, so it has the same
        methods, and can be used wherever an encoding can, such as in `TokenCounter`,
        `AsyncEncoder` or `TokenizerPool`; it can be pickled. `allowed_special` and
        `disallowed_special` name no special tokens there, "all" included. Ids of special tokens
        are still decoded, and `encode_single_token` knows them.

        Example:
            >>> import bpecore
            >>> encoding = bpecore.get_encoding("o200k_base")
            >>> encoding.ordinary.count("<|endoftext|>")
            7
            >>> bpecore.TokenCounter(encoding.ordinary).feed("<|endoftext|>")
            7
        """
        if self._is_ordinary:
            return self
        if "_ordinary" not in self.__dict__:
            made = object.__new__(type(self))
            made.__dict__.update(vars(self), _is_ordinary=True)
            made.special_tokens_set = set()
            if type(self._core_bpe) is CoreBPE:
                made._core_bpe = self._core_bpe.without_special_tokens()
            self.__dict__.setdefault("_ordinary", made)
        ordinary: Self = self.__dict__["_ordinary"]
        return ordinary

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
            TypeError: `limit` is not an integer, or as for `encode`.

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
        memory: int | None = None,
    ) -> list[int]:
        """Counts the tokens of many texts like `count`, in parallel where that is worth it.

        Args:
            texts: the texts.
            num_threads: threads to use at most; None for as many as this process has CPUs.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.
            memory: as for `encode_batch_to_numpy`.

        Returns:
            The number of each text's tokens.

        Raises:
            ValueError: `num_threads` or `memory` is not positive, or as for `encode`.
            TypeError: `memory` is not an integer, or as for `encode`.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").count_batch(["hello world", ""])
            [2, 0]
        """
        return self._each_text(
            "count",
            count_batch,
            texts_of_batch(texts),
            num_threads,
            (cache_memory(memory),),
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
            TypeError: `max_tokens` is not an integer, or as for `encode`.

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
        boundary: Boundary = "character",
        whole_graphemes: bool = False,
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
    ) -> list[str]:
        """Cuts a text into chunks of at most `max_tokens` tokens.

        Args:
            text: as for `encode`.
            max_tokens: tokens per chunk, at most.
            overlap: how many tokens of a chunk's end the next one begins with, at most.
            boundary: where chunks end and overlaps begin: anywhere between two characters
                ("character"), or at the end of a "word", "sentence" or "line". Where there is no
                such place, the next finer kind is used.
            whole_graphemes: keep grapheme clusters whole, such as joined emoji and letters with
                combining marks, unless a single one exceeds `max_tokens`.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.

        Returns:
            Chunks of whole characters, each as long as fits; none for an empty text. Without an
            overlap they are together the text.

        Raises:
            ValueError: `max_tokens` is not positive, `overlap` is negative or not below it,
                `boundary` is none of these, a single character takes more than `max_tokens`
                tokens, or as for `encode`.
            TypeError: a number is not an integer, or as for `encode`.

        Example:
            >>> import bpecore
            >>> encoding = bpecore.get_encoding("o200k_base")
            >>> encoding.split("one two three four five", 2)
            ['one two', ' three four', ' five']
            >>> encoding.split("one two three four five", 3, overlap=1)
            ['one two three', ' three four five']
            >>> encoding.split("One. Two three. Four five.", 6, boundary="sentence")
            ['One. Two three.', ' Four five.']
        """
        from bpecore._limits import splitting

        rules = splitting.checked_rules(max_tokens, overlap, boundary, whole_graphemes)
        counting, disallowed = self._counting(allowed_special, disallowed_special)
        return splitting.split(counting, text, rules, disallowed)

    def split_batch(
        self,
        texts: Iterable[str],
        max_tokens: int,
        *,
        overlap: int = 0,
        boundary: Boundary = "character",
        whole_graphemes: bool = False,
        num_threads: int | None = None,
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
    ) -> list[list[str]]:
        """Cuts many texts into chunks like `split`, in parallel where that is worth it.

        Args:
            texts: the texts.
            max_tokens: as for `split`, as are `overlap`, `boundary` and `whole_graphemes`.
            num_threads: threads to use at most; None for as many as this process has CPUs.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.

        Returns:
            The chunks of each text.

        Raises:
            ValueError: `num_threads` is not positive, or as for `split`.
            TypeError: `texts` is a single string, or as for `split`.

        Example:
            >>> import bpecore
            >>> encoding = bpecore.get_encoding("o200k_base")
            >>> encoding.split_batch(["one two three", "four"], 2)
            [['one two', ' three'], ['four']]
        """
        from bpecore._limits import splitting

        rules = splitting.checked_rules(max_tokens, overlap, boundary, whole_graphemes)
        counting, disallowed = self._counting(allowed_special, disallowed_special)
        return splitting.split_batch(counting, texts, rules, disallowed, num_threads)

    def split_spans(
        self,
        text: str,
        max_tokens: int,
        *,
        overlap: int = 0,
        boundary: Boundary = "character",
        whole_graphemes: bool = False,
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
    ) -> Spans:
        """Finds the chunks that `split` makes, without making strings.

        Args:
            text: as for `split`, as are all arguments.
            max_tokens: tokens per chunk, at most.
            overlap: tokens.
            boundary: where chunks end and overlaps begin.
            whole_graphemes: keep grapheme clusters whole.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.

        Returns:
            Where each chunk begins and ends, `characters` and `bytes` (of UTF-8), both
            `int64[n, 2]`; and how many `tokens` it has, `int64[n]`.

        Raises:
            ValueError, TypeError: as for `split`.

        Example:
            >>> import bpecore
            >>> spans = bpecore.get_encoding("o200k_base").split_spans("naïve one two", 3)
            >>> spans.characters.tolist(), spans.bytes.tolist(), spans.tokens.tolist()
            ([[0, 5], [5, 13]], [[0, 6], [6, 14]], [3, 2])
        """
        from bpecore._limits import splitting

        rules = splitting.checked_rules(max_tokens, overlap, boundary, whole_graphemes)
        return self._split_spans(text, rules, allowed_special, disallowed_special)

    def _split_spans(
        self, text: str, rules: Rules, allowed_special: Allowed, disallowed_special: Disallowed
    ) -> Spans:
        from bpecore._limits import splitting

        counting, disallowed = self._counting(allowed_special, disallowed_special)
        return splitting.split_spans(counting, text, rules, disallowed)

    def _counting(
        self, allowed_special: Allowed, disallowed_special: Disallowed
    ) -> tuple[Counting, frozenset[str]]:
        """Returns how to count, and the strings that a text may not hold."""
        from bpecore._limits.counting import Counting

        if isinstance(allowed_special, str) and allowed_special == "all":
            allowed_special = self.special_tokens_set
        if isinstance(disallowed_special, str) and disallowed_special == "all":
            disallowed_special = others_of(self.special_tokens_set, allowed_special)
        encoding: Any = self
        return Counting(encoding, allowed_special), disallowed_strings(disallowed_special or ())

    # ---- arrays ------------------------------------------------------------------------------

    def encode_batch_to_numpy(
        self,
        texts: Iterable[str],
        *,
        num_threads: int | None = None,
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
        dtype: npt.DTypeLike | None = None,
        append: int | None = None,
        out: npt.NDArray[Any] | None = None,
        memory: int | None = None,
    ) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        """Encodes many texts like `encode_to_numpy`, into one array.

        Args:
            texts: the texts.
            num_threads: threads to use at most; None for as many as this process has CPUs.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.
            dtype: as for `encode_to_numpy`.
            append: an id to put after those of each text, such as `eot_token`.
            out: as for `encode_to_numpy`.
            memory: the most bytes that each thread's cache of words may have in this call; what
                is above the usual limit is given back at its end. None for as many as pay: the
                usual limit, or up to 32 MB where a thread has tens of megabytes of text.

        Returns:
            The ids of all texts one after another as `uint32[n]`, read-only and without a copy,
            unless `dtype` or `out` is given; and where those of each text begin,
            `int64[texts + 1]`: text `i` has `ids[offsets[i]:offsets[i + 1]]`.

        Raises:
            ValueError: `num_threads` or `memory` is not positive, or as for `encode_to_numpy`.
            TypeError, OverflowError: as for `encode_to_numpy`.

        Example:
            >>> import bpecore
            >>> encoding = bpecore.get_encoding("o200k_base")
            >>> ids, offsets = encoding.encode_batch_to_numpy(["hello world", "hello"])
            >>> ids.tolist(), offsets.tolist()
            ([24912, 2375, 24912], [0, 2, 3])
        """
        import numpy as np

        form = None
        if dtype is not None or append is not None or out is not None:
            form = self._array_form(dtype, append, out)
            append = form.append
        special = allowed_special, disallowed_special
        found = self._rows(
            texts_of_batch(texts), thread_count(num_threads), *special, append, memory
        )
        ids, offsets = np.asarray(found[0], dtype=np.uint32), np.frombuffer(found[1], np.int64)
        return (ids if form is None else form.place(ids)), offsets

    # ---- offsets -----------------------------------------------------------------------------

    def token_offsets(
        self,
        text: str,
        *,
        unit: Literal["characters", "bytes"] = "characters",
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
    ) -> npt.NDArray[np.int64]:
        """Returns where each token of `encode(text, …)` begins and ends in the text.

        A token that holds only some bytes of a character begins or ends with that character, so
        neighbours may share one.

        Args:
            text: as for `encode`; in bytes, a lone surrogate counts as U+FFFD.
            unit: "characters", or "bytes" of UTF-8.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.

        Returns:
            Places as `int64[n, 2]`; token `i` is the text from `offsets[i, 0]` to `offsets[i, 1]`.

        Raises:
            ValueError: `unit` is neither, the split pattern leaves characters of the text out, or
                as for `encode`.
            TypeError: as for `encode`.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").token_offsets("hello world").tolist()
            [[0, 5], [5, 11]]
        """
        import numpy as np

        if unit not in ("characters", "bytes"):
            raise ValueError(f"unit must be 'characters' or 'bytes', not {unit!r}")
        core = self._core_bpe
        permissions = allowed_special, disallowed_special, self.special_tokens_set
        clean = without_surrogates(text) if has_surrogate(text) else text
        ids = core.encode_to_buffer(clean, *permissions)
        offsets = np.empty((len(ids), 2), dtype=np.int64)
        is_ascii = clean.isascii()
        length = token_offsets(core, ids, offsets, unit == "bytes" or is_ascii)
        if length != len(clean if unit == "characters" or is_ascii else clean.encode("utf-8")):
            raise ValueError(
                f"the split pattern of {self.name!r} leaves characters of the text out, so its "
                "tokens have no places"
            )
        if clean is not text and unit == "characters":
            from bpecore._limits.clean import Clean

            original = Clean(text).original
            flat = [original(place) for place in offsets.reshape(-1).tolist()]
            offsets = np.array(flat, dtype=np.int64).reshape(-1, 2)
        return offsets


named_as_encoding(BeyondTiktoken)
