"""`Encoding`: text to ids and back, with tiktoken's methods."""

from __future__ import annotations

import functools

from bpecore._build.locks import ranks_lock
from bpecore._build.threads import thread_count
from bpecore._core import (
    Vocabulary,
    count_batch,
    encode_batch,
    encode_batch_to_buffer,
    holding,
    refuse_strings,
    without_surrogates,
)
from bpecore._core import raise_disallowed_special_token as raise_disallowed_special_token
from bpecore._tiktoken import CoreBPE

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Collection, Iterable, Sequence
    from collections.abc import Set as AbstractSet
    from typing import Any, Literal, TypeVar

    import numpy as np
    import numpy.typing as npt

    from bpecore._limits.trimming import Counting

    _Result = TypeVar("_Result")

LONG_TEXT = 1 << 22
"""Characters from which on several threads encode a text: some 10 ms of work."""


class Encoding:
    """A tokenizer's vocabulary, split pattern and special tokens.

    Immutable in use, and safe from any number of threads. Equal rank tables are kept in memory
    once, however many encodings are built on them.

    Args:
        name: the encoding's name; anything.
        pat_str: a regular expression; each match in a text is a piece that is encoded by itself.
        mergeable_ranks: the id of each token's bytes; lower ranks merge first. Or the vocabulary
            that is made of them: the dict is then made when it is first asked for.
        special_tokens: the id of each special token.
        explicit_n_vocab: if given, the number of tokens, special ones included, to check for.

    Raises:
        ValueError: no ranks, two tokens of one rank, an empty special token, or a pattern that is
            no valid regular expression or can match the empty string.
        AssertionError: the number of tokens is not `explicit_n_vocab`.
        TypeError: a token is not bytes, a special token not str, or an id not an int.
        OverflowError: an id is negative or above 2**32 - 1.

    Example:
        >>> ranks = {bytes([value]): value for value in range(256)}
        >>> encoding = Encoding(
        ...     "tiny",
        ...     pat_str=r"\\S+|\\s+",
        ...     mergeable_ranks={**ranks, b"ab": 256},
        ...     special_tokens={"<end>": 257},
        ... )
        >>> encoding.encode("abc<end>", allowed_special="all")
        [256, 99, 257]
    """

    def __init__(
        self,
        name: str,
        *,
        pat_str: str,
        mergeable_ranks: dict[bytes, int] | Vocabulary,
        special_tokens: dict[str, int],
        explicit_n_vocab: int | None = None,
    ) -> None:
        special_values = special_tokens.values()
        if not isinstance(mergeable_ranks, (dict, Vocabulary)):
            max(mergeable_ranks.values())  # fails as it does in tiktoken
        core = CoreBPE(mergeable_ranks, special_tokens, pat_str)
        vocabulary = core.vocabulary
        self.name = name
        self._pat_str = pat_str
        self._mergeable_ranks = mergeable_ranks
        self._special_tokens = special_tokens
        self.max_token_value = max([vocabulary.highest_id, *special_values])
        if explicit_n_vocab:
            found = len(vocabulary) + len(special_tokens)
            assert found == explicit_n_vocab, (
                f"{name!r} has {found} tokens, not explicit_n_vocab={explicit_n_vocab}"
            )
            assert self.max_token_value == explicit_n_vocab - 1, (
                f"the highest id of {name!r} is {self.max_token_value}, "
                f"not explicit_n_vocab - 1 = {explicit_n_vocab - 1}"
            )
        self._special_token_values = set(special_values)
        self._core_bpe = core

    @property
    def _mergeable_ranks(self) -> dict[bytes, int]:
        """The id of each token's bytes; made when first asked for if a vocabulary was given."""
        try:
            ranks: dict[bytes, int] | Vocabulary = self.__dict__["_mergeable_ranks"]
        except KeyError:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute '_mergeable_ranks'"
            ) from None
        if not isinstance(ranks, Vocabulary):
            return ranks
        return self._make_mergeable_ranks()

    @_mergeable_ranks.setter
    def _mergeable_ranks(self, ranks: dict[bytes, int] | Vocabulary) -> None:
        self.__dict__["_mergeable_ranks"] = ranks

    @_mergeable_ranks.deleter
    def _mergeable_ranks(self) -> None:
        del self.__dict__["_mergeable_ranks"]

    @holding(ranks_lock)
    def _make_mergeable_ranks(self) -> dict[bytes, int]:
        ranks: dict[bytes, int] | Vocabulary = self.__dict__["_mergeable_ranks"]
        if isinstance(ranks, Vocabulary):
            ranks = self.__dict__["_mergeable_ranks"] = ranks.mergeable_ranks()
        return ranks

    def __repr__(self) -> str:
        return f"<Encoding {self.name!r}>"

    # ---- text to ids ------------------------------------------------------------------------

    def encode_ordinary(self, text: str) -> list[int]:
        """Encodes text as if there were no special tokens.

        Args:
            text: any text; lone surrogates count as U+FFFD, pairs as their character.

        Returns:
            The ids of its tokens.

        Raises:
            TypeError: `text` is no string.
            ValueError: the vocabulary lacks a byte that the text needs.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").encode_ordinary("hello world")
            [24912, 2375]
        """
        try:
            return self._core_bpe.encode_ordinary(text)
        except UnicodeEncodeError:
            return self._core_bpe.encode_ordinary(without_surrogates(text))

    def encode(
        self,
        text: str,
        *,
        allowed_special: Literal["all"] | AbstractSet[str] = set(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> list[int]:
        """Encodes text.

        A text from a stranger may spell out a special token, to steer the model behind it. So by
        default such a text is refused.

        Args:
            text: any text; lone surrogates count as U+FFFD, pairs as their character.
            allowed_special: the special tokens whose text stands for them, or "all".
            disallowed_special: strings that the text may not hold, or "all" for the special tokens
                that are not allowed. Special tokens that are neither are encoded as ordinary text.

        Returns:
            The ids of its tokens.

        Raises:
            ValueError: a disallowed string occurs, or the vocabulary lacks a byte that is needed.
            TypeError: `text` is no string, or `allowed_special` is no set.

        Example:
            >>> import bpecore
            >>> encoding = bpecore.get_encoding("o200k_base")
            >>> encoding.encode("hi<|endoftext|>", allowed_special={"<|endoftext|>"})
            [3686, 199999]
            >>> encoding.encode("hi<|endoftext|>", disallowed_special=())
            [3686, 27, 91, 419, 1440, 919, 91, 29]
        """
        core = self._core_bpe
        if type(core) is not CoreBPE:
            return self._encode_through(core.encode, text, allowed_special, disallowed_special)
        try:
            return core.encode_checked(
                text, allowed_special, disallowed_special, self.special_tokens_set
            )
        except UnicodeEncodeError:
            return core.encode_checked(
                without_surrogates(text),
                allowed_special,
                disallowed_special,
                self.special_tokens_set,
            )

    def encode_to_numpy(
        self,
        text: str,
        *,
        allowed_special: Literal["all"] | AbstractSet[str] = set(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
        num_threads: int | None = None,
    ) -> npt.NDArray[np.uint32]:
        """Encodes text like `encode`, into a numpy array.

        Args:
            text: any text without surrogates.
            allowed_special: as for `encode`.
            disallowed_special: as for `encode`.
            num_threads: threads to use at most, if the text is longer than a few million
                characters; None for as many as this process has CPUs.

        Returns:
            The ids of its tokens, `uint32[n]`, read-only; no copy is made.

        Raises:
            UnicodeEncodeError: the text holds a surrogate.
            ValueError: as for `encode`.
            TypeError: as for `encode`.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").encode_to_numpy("hello world").tolist()
            [24912, 2375]
        """
        import numpy as np

        core = self._core_bpe
        if type(core) is not CoreBPE:
            allowed = self._allowed_set(text, allowed_special, disallowed_special)
            return np.frombuffer(core.encode_to_tiktoken_buffer(text, allowed), dtype=np.uint32)
        special_tokens = self.special_tokens_set
        is_long = isinstance(text, str) and len(text) >= LONG_TEXT
        if is_long and (threads := thread_count(num_threads)) > 1:
            buffers = encode_batch_to_buffer(
                core, [text], allowed_special, disallowed_special, special_tokens, threads
            )
            if buffers is not None:
                return np.asarray(buffers[0], dtype=np.uint32)
        buffer = core.encode_to_buffer(text, allowed_special, disallowed_special, special_tokens)
        return np.asarray(buffer, dtype=np.uint32)

    def count(
        self,
        text: str,
        *,
        allowed_special: Literal["all"] | AbstractSet[str] = set(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> int:
        """Counts the tokens of a text without building their ids.

        Args:
            text: as for `encode`.
            allowed_special: as for `encode`.
            disallowed_special: as for `encode`.

        Returns:
            The number of tokens, `len(encode(text, …))`.

        Raises:
            ValueError: as for `encode`.
            TypeError: as for `encode`.

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
            return core.count(
                without_surrogates(text),
                allowed_special,
                disallowed_special,
                self.special_tokens_set,
            )

    def count_up_to(
        self,
        text: str,
        limit: int,
        *,
        allowed_special: Literal["all"] | AbstractSet[str] = set(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> int | None:
        """Counts the tokens of a text, but no further than a limit.

        The time it takes depends on the limit, not on the length of the text; with a split pattern
        that leaves characters out or needs the `regex` library, on the text as well.

        Args:
            text: as for `encode`.
            limit: tokens.
            allowed_special: as for `encode`.
            disallowed_special: as for `encode`; only looked for in what is read of the text.

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
        counting, disallowed = self._counting(allowed_special, disallowed_special)
        from bpecore._limits import trimming

        return trimming.count_text_up_to(
            counting, text, trimming.checked_number("limit", limit, 0), disallowed
        )

    def truncate(
        self,
        text: str,
        max_tokens: int,
        *,
        side: Literal["end", "start", "middle"] = "end",
        allowed_special: Literal["all"] | AbstractSet[str] = set(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> str:
        """Cuts a text to a number of tokens.

        Args:
            text: as for `encode`.
            max_tokens: how many tokens may be left.
            side: what is cut off: the "end", the "start", or the "middle", of which about equal
                parts stay at both ends.
            allowed_special: as for `encode`.
            disallowed_special: as for `encode`.

        Returns:
            The text itself if it fits, else a part of it, in whole characters, of `max_tokens`
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
        counting, disallowed = self._counting(allowed_special, disallowed_special)
        from bpecore._limits import trimming

        return trimming.truncate(counting, text, max_tokens, side, disallowed)

    def split(
        self,
        text: str,
        max_tokens: int,
        *,
        overlap: int = 0,
        allowed_special: Literal["all"] | AbstractSet[str] = set(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> list[str]:
        """Cuts a text into chunks of at most so many tokens.

        Args:
            text: as for `encode`.
            max_tokens: tokens of a chunk, at most.
            overlap: how many tokens of a chunk's end the next one begins with, at most.
            allowed_special: as for `encode`.
            disallowed_special: as for `encode`.

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
        counting, disallowed = self._counting(allowed_special, disallowed_special)
        from bpecore._limits import trimming

        return trimming.split(counting, text, max_tokens, overlap, disallowed)

    def encode_ordinary_batch(
        self, text: Iterable[str], *, num_threads: int = 8
    ) -> list[list[int]]:
        """Encodes many texts like `encode_ordinary`, in parallel where that is worth it.

        Args:
            text: the texts.
            num_threads: threads to use at most; never more than this process has CPUs.

        Returns:
            The ids of each text's tokens.

        Raises:
            ValueError: `num_threads` is not positive, or as for `encode_ordinary`.
            TypeError: as for `encode_ordinary`.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").encode_ordinary_batch(["hello", "world"])
            [[24912], [24169]]
        """
        texts = list(text)
        batch = self._encode_batch("encode_ordinary", encode_batch, texts, set(), (), num_threads)
        return [
            self.encode_ordinary(text) if ids is None else ids for text, ids in zip(texts, batch)
        ]

    def encode_batch(
        self,
        text: Iterable[str],
        *,
        num_threads: int = 8,
        allowed_special: Literal["all"] | AbstractSet[str] = set(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> list[list[int]]:
        """Encodes many texts like `encode`, in parallel where that is worth it.

        Args:
            text: the texts.
            num_threads: threads to use at most; never more than this process has CPUs.
            allowed_special: as for `encode`.
            disallowed_special: as for `encode`, but a collection or "all", never None.

        Returns:
            The ids of each text's tokens.

        Raises:
            ValueError: `num_threads` is not positive, or as for `encode`.
            TypeError: as for `encode`.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").encode_batch(["hello", "world"])
            [[24912], [24169]]
        """
        if disallowed_special != "all":
            disallowed_special = frozenset(disallowed_special)
        texts = list(text)
        batch = self._encode_batch(
            "encode", encode_batch, texts, allowed_special, disallowed_special, num_threads
        )
        return [
            self.encode(
                text, allowed_special=allowed_special, disallowed_special=disallowed_special
            )
            if ids is None
            else ids
            for text, ids in zip(texts, batch)
        ]

    def count_batch(
        self,
        texts: Iterable[str],
        *,
        num_threads: int | None = None,
        allowed_special: Literal["all"] | AbstractSet[str] = set(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> list[int]:
        """Counts the tokens of many texts like `count`, in parallel where that is worth it.

        Args:
            texts: the texts.
            num_threads: threads to use at most; None for as many as this process has CPUs.
            allowed_special: as for `encode`.
            disallowed_special: as for `encode`.

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
        texts = list(texts)
        batch = self._encode_batch(
            "count", count_batch, texts, allowed_special, disallowed_special, num_threads
        )
        return [
            self.count(text, allowed_special=allowed_special, disallowed_special=disallowed_special)
            if count is None
            else count
            for text, count in zip(texts, batch)
        ]

    def encode_batch_to_numpy(
        self,
        texts: Iterable[str],
        *,
        num_threads: int | None = None,
        allowed_special: Literal["all"] | AbstractSet[str] = set(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Encodes many texts like `encode_to_numpy`, into one array.

        Args:
            texts: any texts without surrogates.
            num_threads: threads to use at most; None for as many as this process has CPUs.
            allowed_special: as for `encode`.
            disallowed_special: as for `encode`.

        Returns:
            The ids of all texts behind each other, `uint32[n]`, read-only; and where those of each
            text begin, `int64[texts + 1]`: text `i` has `ids[offsets[i]:offsets[i + 1]]`.

        Raises:
            UnicodeEncodeError: a text holds a surrogate.
            ValueError: `num_threads` is not positive, or as for `encode`.
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
            buffers = encode_batch_to_buffer(
                self._core_bpe,
                texts,
                allowed_special,
                disallowed_special,
                self.special_tokens_set,
                threads,
            )
            if buffers is not None:
                ids, offsets = buffers
                return np.asarray(ids, dtype=np.uint32), np.frombuffer(offsets, dtype=np.int64)
        arrays = [
            self.encode_to_numpy(
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

    def encode_with_unstable(
        self,
        text: str,
        *,
        allowed_special: Literal["all"] | AbstractSet[str] = set(),
        disallowed_special: Literal["all"] | Collection[str] = "all",
    ) -> tuple[list[int], list[list[int]]]:
        """Encodes text to the ids that stay if it goes on, and what may follow them.

        As in tiktoken, this is a heuristic.

        Args:
            text: any text without surrogates; the beginning of a longer one.
            allowed_special: as for `encode`.
            disallowed_special: as for `encode`.

        Returns:
            The stable ids, and the sequences of ids that the rest of the text may turn into, in no
            fixed order.

        Raises:
            UnicodeEncodeError: the text holds a surrogate.
            ValueError: as for `encode`.
            TypeError: as for `encode`.

        Example:
            >>> import bpecore
            >>> encoding = bpecore.get_encoding("cl100k_base")
            >>> stable, completions = encoding.encode_with_unstable("hello fanta")
            >>> stable, [282, 8424] in completions
            ([15339], True)
        """
        allowed = self._allowed_set(text, allowed_special, disallowed_special)
        return self._core_bpe.encode_with_unstable(text, allowed)

    def encode_single_token(self, text_or_bytes: str | bytes) -> int:
        """Returns the id of one token, special or not.

        Args:
            text_or_bytes: the token's text or bytes.

        Raises:
            KeyError: there is no such token.
            UnicodeEncodeError: the text holds a surrogate.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").encode_single_token("hello")
            24912
        """
        if isinstance(text_or_bytes, str):
            text_or_bytes = text_or_bytes.encode("utf-8")
        return self._core_bpe.encode_single_token(text_or_bytes)

    # ---- ids to text ------------------------------------------------------------------------

    def decode_bytes(self, tokens: Sequence[int]) -> bytes:
        """Returns the bytes that ids stand for.

        Args:
            tokens: any sequence of ids: list, tuple, numpy array, …

        Raises:
            KeyError: an id is unknown.
            OverflowError: an id is negative or above 2**32 - 1.
            TypeError: `tokens` is no sequence of integers.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").decode_bytes([24912, 2375])
            b'hello world'
        """
        return self._core_bpe.decode_bytes(tokens)

    def decode(self, tokens: Sequence[int], errors: str = "replace") -> str:
        """Returns the text that ids stand for.

        Args:
            tokens: any sequence of ids.
            errors: what to do where the bytes are no valid UTF-8, as in `bytes.decode`.

        Raises:
            KeyError: an id is unknown.
            UnicodeDecodeError: the bytes are invalid and `errors` is "strict".
            OverflowError: an id is negative or above 2**32 - 1.
            TypeError: `tokens` is no sequence of integers.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").decode([24912, 2375])
            'hello world'
        """
        return self._core_bpe.decode_bytes(tokens).decode("utf-8", errors=errors)

    def decode_single_token_bytes(self, token: int) -> bytes:
        """Returns the bytes of one token, special or not.

        Args:
            token: its id.

        Raises:
            KeyError: the id is unknown.
            OverflowError: the id is negative or above 2**32 - 1.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").decode_single_token_bytes(2375)
            b' world'
        """
        return self._core_bpe.decode_single_token_bytes(token)

    def decode_tokens_bytes(self, tokens: Iterable[int]) -> list[bytes]:
        """Returns the bytes of each token.

        Args:
            tokens: the ids.

        Raises:
            KeyError: an id is unknown.
            OverflowError: an id is negative or above 2**32 - 1.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").decode_tokens_bytes([24912, 2375])
            [b'hello', b' world']
        """
        return [self.decode_single_token_bytes(token) for token in tokens]

    def decode_with_offsets(self, tokens: Sequence[int]) -> tuple[str, list[int]]:
        """Returns the text that ids stand for, and where each token begins in it.

        Args:
            tokens: the ids; together they must be valid UTF-8.

        Returns:
            The text, and for each token the position, in characters, of the first character that
            holds bytes of it.

        Raises:
            UnicodeDecodeError: the bytes are no valid UTF-8.
            KeyError: an id is unknown.
            OverflowError: an id is negative or above 2**32 - 1.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").decode_with_offsets([24912, 2375])
            ('hello world', [0, 5])
        """
        pieces = self.decode_tokens_bytes(tokens)
        offsets = []
        characters = 0
        for piece in pieces:
            begins_inside = 0x80 <= piece[0] < 0xC0
            offsets.append(max(0, characters - begins_inside))
            characters += sum(1 for byte in piece if not 0x80 <= byte < 0xC0)
        return b"".join(pieces).decode("utf-8", errors="strict"), offsets

    def decode_batch(
        self, batch: Iterable[Sequence[int]], *, errors: str = "replace", num_threads: int = 8
    ) -> list[str]:
        """Decodes many sequences of ids like `decode`.

        Args:
            batch: the sequences.
            errors: as for `decode`.
            num_threads: for tiktoken's sake; making the strings takes longer than decoding, and
                one thread makes them at a time.

        Raises:
            ValueError: `num_threads` is not positive.
            KeyError: as for `decode`.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").decode_batch([[24912], [2375]])
            ['hello', ' world']
        """
        thread_count(num_threads)
        return [self.decode(tokens, errors) for tokens in batch]

    def decode_bytes_batch(
        self, batch: Iterable[Sequence[int]], *, num_threads: int = 8
    ) -> list[bytes]:
        """Decodes many sequences of ids like `decode_bytes`.

        Args:
            batch: the sequences.
            num_threads: as for `decode_batch`.

        Raises:
            ValueError: `num_threads` is not positive.
            KeyError: as for `decode_bytes`.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").decode_bytes_batch([[24912], [2375]])
            [b'hello', b' world']
        """
        thread_count(num_threads)
        return [self.decode_bytes(tokens) for tokens in batch]

    # ---- facts ------------------------------------------------------------------------------

    def token_byte_values(self) -> list[bytes]:
        """Returns the bytes of all tokens but special ones, sorted.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").token_byte_values()[122890]
            b'A'
        """
        return self._core_bpe.token_byte_values()

    @property
    def eot_token(self) -> int:
        """The id of `<|endoftext|>`; KeyError if the encoding has none."""
        return self._special_tokens["<|endoftext|>"]

    @functools.cached_property
    def special_tokens_set(self) -> set[str]:
        """The special tokens."""
        return set(self._special_tokens.keys())

    def is_special_token(self, token: int) -> bool:
        """Whether an id is a special token's.

        Args:
            token: any id.

        Raises:
            AssertionError: `token` is no int.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").is_special_token(199999)
            True
        """
        assert isinstance(token, int)
        return token in self._special_token_values

    @property
    def n_vocab(self) -> int:
        """One more than the highest id, `max_token_value + 1`."""
        return self.max_token_value + 1

    # ---- what tiktoken's users reach for all the same -----------------------------------------

    def _encode_single_piece(self, text_or_bytes: str | bytes) -> list[int]:
        """Encodes a text as one piece, without splitting it and without special tokens."""
        if isinstance(text_or_bytes, str):
            text_or_bytes = text_or_bytes.encode("utf-8")
        return self._core_bpe.encode_single_piece(text_or_bytes)

    def _encode_only_native_bpe(self, text: str) -> list[int]:
        """Encodes a text that the `regex` library splits, whatever splits it elsewhere."""
        import regex

        ids: list[int] = []
        for piece in regex.findall(self._pat_str, text):
            ids.extend(self._core_bpe.encode_single_piece(piece.encode("utf-8")))
        return ids

    def _encode_bytes(self, text: bytes) -> list[int]:
        """Encodes bytes that need not be valid UTF-8."""
        return self._core_bpe._encode_bytes(text)

    def _counting(
        self,
        allowed_special: Literal["all"] | AbstractSet[str],
        disallowed_special: Literal["all"] | Collection[str],
    ) -> tuple[Counting, frozenset[str]]:
        """Returns how to count, and the strings that a text may not hold."""
        if isinstance(allowed_special, str) and allowed_special == "all":
            allowed_special = self.special_tokens_set
        if isinstance(disallowed_special, str) and disallowed_special == "all":
            disallowed_special = self.special_tokens_set - allowed_special
        from bpecore._limits import trimming

        return trimming.Counting(self, allowed_special), frozenset(disallowed_special or ())

    def _is_own(self, method: str) -> bool:
        """Whether nothing of a user's stands in the place of a method of this class or its
        engine: a subclass, an attribute, another engine."""
        return (
            type(self._core_bpe) is CoreBPE
            and getattr(type(self), method) is getattr(Encoding, method)
            and method not in vars(self)
        )

    def _encode_batch(
        self,
        method: str,
        call: Callable[..., list[_Result | None]],
        texts: list[str],
        allowed_special: Literal["all"] | AbstractSet[str],
        disallowed_special: Literal["all"] | Collection[str],
        num_threads: int | None,
    ) -> list[_Result | None]:
        """Does what a method does for many texts in the engine; None: that method is to do it."""
        threads = thread_count(num_threads)
        if not self._is_own(method):
            return [None] * len(texts)
        return call(
            self._core_bpe,
            texts,
            allowed_special,
            disallowed_special,
            self.special_tokens_set,
            threads,
        )

    def _allowed_set(
        self,
        text: str,
        allowed_special: Literal["all"] | AbstractSet[str],
        disallowed_special: Literal["all"] | Collection[str],
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
        allowed_special: Literal["all"] | AbstractSet[str],
        disallowed_special: Literal["all"] | Collection[str],
    ) -> list[int]:
        """Encodes with an engine that a user has put into the place of ours."""
        allowed = self._allowed_set(text, allowed_special, disallowed_special)
        try:
            return encode(text, allowed)
        except UnicodeEncodeError:
            return encode(without_surrogates(text), allowed)

    def __getstate__(self) -> object:
        """A registered encoding is pickled as its name, any other as what it is made of."""
        from bpecore import registry

        if self is registry.ENCODINGS.get(self.name):
            return self.name
        return {
            "name": self.name,
            "pat_str": self._pat_str,
            "mergeable_ranks": self._mergeable_ranks,
            "special_tokens": self._special_tokens,
        }

    def __setstate__(self, value: Any) -> None:
        from bpecore import registry

        if isinstance(value, str):
            self.__dict__ = registry.get_encoding(value).__dict__
        else:
            self.__init__(**value)  # type: ignore[misc]


@functools.lru_cache(maxsize=128)
def _special_token_regex(tokens: frozenset[str]) -> re.Pattern[str]:
    """Compiles a search for any of some strings; only for programs that take it from tiktoken."""
    import re

    return re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))))
