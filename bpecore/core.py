"""`Encoding`: text to ids and back, with tiktoken's methods."""

from __future__ import annotations

import functools

from bpecore._beyond_tiktoken import BeyondTiktoken
from bpecore._build.assemble import check_size, values_of
from bpecore._build.checks import cache_memory
from bpecore._build.threads import LONG_TEXT, thread_count
from bpecore._build.vocabularies import RanksOnDemand
from bpecore._core import (
    Vocabulary,
    decode_known,
    decode_with_offsets,
    disallowed_strings,
    encode_batch,
    without_surrogates,
)
from bpecore._core import raise_disallowed_special_token as raise_disallowed_special_token
from bpecore._engine_calls import NONE, iterate
from bpecore._registered import FromAbove
from bpecore._tiktoken import CoreBPE

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Sequence
    from typing import Any

    import numpy.typing as npt

    from bpecore.types import Allowed, Disallowed, Unknown


class Encoding(BeyondTiktoken, FromAbove, RanksOnDemand):
    """A tokenizer's vocabulary, split pattern and special tokens.

    Immutable in use, and safe from any number of threads. Equal rank tables are kept in memory
    once, however many encodings are built on them.

    Text from a stranger may spell out a special token, to steer the model that reads it. Use
    `ordinary` for such text: to it, all text is ordinary. The encoding itself refuses a text with a
    special token, unless two arguments say otherwise:

    - `allowed_special`: a set of the special tokens that are encoded as such, or "all";
    - `disallowed_special`: strings that a text may not hold, or "all" for the special tokens that
      are not allowed. Special tokens in neither are encoded as ordinary text.

    Args:
        name: the encoding's name; anything.
        pat_str: a regular expression; each match in a text is a piece that is encoded by itself. A
            text in which it matches the empty string cannot be encoded: `ValueError`.
        mergeable_ranks: the id of each token's bytes; lower ranks merge first. Or a vocabulary made
            of them: the dict is then made when it is first asked for.
        special_tokens: the id of each special token.
        explicit_n_vocab: if given, the number of tokens, special ones included, to check for.

    Attributes:
        name: as given.
        max_token_value: the highest id, of special tokens too.

    Raises:
        ValueError: there are no ranks, two tokens share a rank, a special token is empty, or the
            pattern is not a valid regular expression.
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
        special_values = values_of("special_tokens", special_tokens)
        if not isinstance(mergeable_ranks, (dict, Vocabulary)):
            max(values_of("mergeable_ranks", mergeable_ranks))  # fails as it does in tiktoken
        core = CoreBPE(mergeable_ranks, special_tokens, pat_str)
        vocabulary = core.vocabulary
        self.name = name
        self._pat_str = pat_str
        self._mergeable_ranks = mergeable_ranks
        self._special_tokens = special_tokens
        self.max_token_value = max([vocabulary.highest_id, *special_values])
        if explicit_n_vocab:
            tokens = len(vocabulary) + len(special_tokens)
            check_size(name, tokens, self.max_token_value, explicit_n_vocab)
        self._special_token_values = set(special_values)
        self._core_bpe = core

    def __repr__(self) -> str:
        return f"<Encoding {self.name!r}{', ordinary' if self._is_ordinary else ''}>"

    # ---- text to ids ------------------------------------------------------------------------

    def encode_ordinary(self, text: str) -> list[int]:
        """Encodes text as if there were no special tokens.

        Args:
            text: any text; lone surrogates count as U+FFFD, pairs as their character.

        Returns:
            The ids of its tokens.

        Raises:
            TypeError: `text` is not a string.
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
        self, text: str, *, allowed_special: Allowed = NONE, disallowed_special: Disallowed = "all"
    ) -> list[int]:
        """Encodes text.

        Args:
            text: any text; lone surrogates count as U+FFFD, pairs as their character.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.

        Returns:
            The ids of its tokens.

        Raises:
            ValueError: a disallowed string occurs, or the vocabulary lacks a byte that is needed.
            TypeError: `text` is not a string, or `allowed_special` is not a set.

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
            clean = without_surrogates(text)
            return core.encode_checked(
                clean, allowed_special, disallowed_special, self.special_tokens_set
            )

    def encode_to_numpy(
        self,
        text: str,
        *,
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
        num_threads: int | None = None,
        dtype: npt.DTypeLike | None = None,
        append: int | None = None,
        out: npt.NDArray[Any] | None = None,
        memory: int | None = None,
    ) -> npt.NDArray[Any]:
        """Encodes text like `encode`, into a numpy array.

        Args:
            text: as for `encode`.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.
            num_threads: threads to use at most, if the text is longer than a few million
                characters; None for as many as this process has CPUs.
            dtype: the type of the ids, one that holds every id of the encoding; None for uint32.
            append: an id to put after those of the text, such as `eot_token`.
            out: an array whose beginning the ids are written to, of at least their number.
            memory: as for `encode_batch_to_numpy`; a text of a few million characters needs none.

        Returns:
            The ids of its tokens as `uint32[n]`, read-only and without a copy, if none of the last
            three arguments is given; with `out` the beginning of that.

        Raises:
            ValueError: as for `encode`; or `memory` is not positive, or `out` is too short,
                read-only or not of one dimension.
            TypeError: as for `encode`; or `dtype` is not a type of integers, or not that of `out`.
            OverflowError: `dtype` cannot hold the encoding's ids, or `append`.

        Example:
            >>> import bpecore
            >>> encoding = bpecore.get_encoding("o200k_base")
            >>> encoding.encode_to_numpy("hello world").tolist()
            [24912, 2375]
            >>> encoding.encode_to_numpy("hello", dtype="int64", append=encoding.eot_token).tolist()
            [24912, 199999]
        """
        import numpy as np

        form = None
        if dtype is not None or append is not None or out is not None:
            form = self._array_form(dtype, append, out)
        if num_threads is not None or memory is not None:
            thread_count(num_threads)
            cache_memory(memory)
        core = self._core_bpe
        permissions = allowed_special, disallowed_special, self.special_tokens_set
        if type(core) is not CoreBPE or (isinstance(text, str) and len(text) >= LONG_TEXT):
            buffer = self._encode_long_text(text, permissions, num_threads, memory)
        else:
            buffer = self._encode_to_buffer(core, text, permissions)
        ids = np.asarray(buffer, dtype=np.uint32)
        return ids if form is None else form.end_and_place(ids)

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
        return self._each_text("encode_ordinary", encode_batch, text, num_threads)

    def encode_batch(
        self,
        text: Iterable[str],
        *,
        num_threads: int = 8,
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
    ) -> list[list[int]]:
        """Encodes many texts like `encode`, in parallel where that is worth it.

        Args:
            text: the texts.
            num_threads: threads to use at most; never more than this process has CPUs.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`; never None.

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
            disallowed_special = disallowed_strings(disallowed_special)
        return self._each_text(
            "encode",
            encode_batch,
            text,
            num_threads,
            allowed_special=allowed_special,
            disallowed_special=disallowed_special,
        )

    def encode_with_unstable(
        self, text: str, *, allowed_special: Allowed = NONE, disallowed_special: Disallowed = "all"
    ) -> tuple[list[int], list[list[int]]]:
        """Encodes text to the ids that stay if it goes on, and what may follow them.

        As in tiktoken, this is a heuristic.

        Args:
            text: the beginning of a longer one; as for `encode`.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.

        Returns:
            The stable ids, and the sequences of ids that the rest of the text may turn into, in no
            fixed order.

        Raises:
            ValueError, TypeError: as for `encode`.

        Example:
            >>> import bpecore
            >>> encoding = bpecore.get_encoding("cl100k_base")
            >>> stable, completions = encoding.encode_with_unstable("hello fanta")
            >>> stable, [282, 8424] in completions
            ([15339], True)
        """
        encode = self._core_bpe.encode_with_unstable
        return self._encode_through(encode, text, allowed_special, disallowed_special)

    def encode_single_token(self, text_or_bytes: str | bytes) -> int:
        """Returns the id of one token, special or not; KeyError if there is no such token.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").encode_single_token("hello")
            24912
        """
        if isinstance(text_or_bytes, str):
            try:
                return self._core_bpe.encode_single_token(text_or_bytes.encode("utf-8"))
            except UnicodeEncodeError:
                text_or_bytes = without_surrogates(text_or_bytes).encode("utf-8")
        if not isinstance(text_or_bytes, bytes):
            kind = type(text_or_bytes).__name__
            raise TypeError(f"expected str or bytes, got {kind}: {text_or_bytes!r:.80}")
        return self._core_bpe.encode_single_token(text_or_bytes)

    # ---- ids to text ------------------------------------------------------------------------

    def decode_bytes(
        self,
        tokens: Sequence[int],
        *,
        skip_special: bool = False,
        unknown: Unknown = "raise",
    ) -> bytes:
        """Returns the bytes that ids stand for.

        Args:
            tokens: any sequence of ids: list, tuple, numpy array, …
            skip_special: leave special tokens out.
            unknown: what becomes of ids that are not tokens, such as a trainer's -100: "raise",
                "skip", or "replace" by U+FFFD.

        Raises:
            KeyError: an id is unknown, and `unknown` is "raise".
            OverflowError: likewise, and the id is negative or above 2**32 - 1, as -100 is.
            TypeError: `tokens` is not a sequence of integers, or a masked array.
            ValueError: `unknown` is none of the three.

        Example:
            >>> import bpecore
            >>> encoding = bpecore.get_encoding("o200k_base")
            >>> encoding.decode_bytes([24912, 2375])
            b'hello world'
            >>> encoding.decode_bytes([24912, 199999, -100], skip_special=True, unknown="skip")
            b'hello'
        """
        if skip_special or unknown != "raise":
            return decode_known(self._core_bpe, tokens, skip_special, unknown)
        return self._core_bpe.decode_bytes(tokens)

    def decode(
        self,
        tokens: Sequence[int],
        errors: str = "replace",
        *,
        skip_special: bool = False,
        unknown: Unknown = "raise",
    ) -> str:
        """Returns the text that ids stand for.

        Args:
            tokens: any sequence of ids.
            errors: what to do where the bytes are not valid UTF-8, as in `bytes.decode`.
            skip_special: as for `decode_bytes`, as is `unknown`.

        Raises:
            UnicodeDecodeError: the bytes are invalid and `errors` is "strict".
            KeyError, OverflowError, TypeError, ValueError: as for `decode_bytes`.

        Example:
            >>> import bpecore
            >>> encoding = bpecore.get_encoding("o200k_base")
            >>> encoding.decode([24912, 2375])
            'hello world'
            >>> encoding.decode([24912, -100], unknown="replace")
            'hello�'
        """
        if skip_special or unknown != "raise":
            known = self.decode_bytes(tokens, skip_special=skip_special, unknown=unknown)
            return known.decode("utf-8", errors=errors)
        return self._core_bpe.decode_bytes(tokens).decode("utf-8", errors=errors)

    def decode_single_token_bytes(self, token: int) -> bytes:
        """Returns the bytes of one token, special or not; raises as `decode_bytes`.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").decode_single_token_bytes(2375)
            b' world'
        """
        return self._core_bpe.decode_single_token_bytes(token)

    def decode_tokens_bytes(self, tokens: Iterable[int]) -> list[bytes]:
        """Returns the bytes of each token; raises as `decode_bytes`.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").decode_tokens_bytes([24912, 2375])
            [b'hello', b' world']
        """
        return [self.decode_single_token_bytes(token) for token in iterate("tokens", tokens)]

    def decode_with_offsets(self, tokens: Sequence[int]) -> tuple[str, list[int]]:
        """Returns the text that ids stand for, and where each token begins in it.

        Args:
            tokens: the ids; together they must be valid UTF-8.

        Returns:
            The text, and for each token the position, in characters, of the first character that
            holds bytes of it.

        Raises:
            UnicodeDecodeError: the bytes are not valid UTF-8.
            KeyError, OverflowError: as for `decode_bytes`.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").decode_with_offsets([24912, 2375])
            ('hello world', [0, 5])
        """
        core = self._core_bpe
        tokens = tokens if hasattr(tokens, "__getitem__") else list(iterate("tokens", tokens))
        if type(core) is CoreBPE:
            try:
                joined, offsets = decode_with_offsets(core, tokens)
            except (OverflowError, TypeError):
                pass  # Like tiktoken, the loop below raises for the first id that is wrong.
            else:
                return joined.decode("utf-8", errors="strict"), offsets
        pieces = self.decode_tokens_bytes(tokens)
        offsets = []
        characters = 0
        for piece in pieces:
            begins_inside = 0x80 <= piece[0] < 0xC0
            offsets.append(max(0, characters - begins_inside))
            characters += sum(1 for byte in piece if not 0x80 <= byte < 0xC0)
        return b"".join(pieces).decode("utf-8", errors="strict"), offsets

    def decode_batch(
        self,
        batch: Iterable[Sequence[int]],
        *,
        errors: str = "replace",
        num_threads: int = 8,
        skip_special: bool = False,
        unknown: Unknown = "raise",
    ) -> list[str]:
        """Decodes many sequences of ids like `decode`.

        Args:
            batch: the sequences.
            errors: as for `decode`, as are `skip_special` and `unknown`.
            num_threads: accepted because tiktoken has it, and must be positive. One thread does
                all: making the strings takes longer than decoding, and needs the GIL.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").decode_batch([[24912], [2375]])
            ['hello', ' world']
        """
        thread_count(num_threads)
        if skip_special or unknown != "raise":
            return [
                self.decode(tokens, errors, skip_special=skip_special, unknown=unknown)
                for tokens in iterate("batch", batch)
            ]
        return [self.decode(tokens, errors) for tokens in iterate("batch", batch)]

    def decode_bytes_batch(
        self,
        batch: Iterable[Sequence[int]],
        *,
        num_threads: int = 8,
        skip_special: bool = False,
        unknown: Unknown = "raise",
    ) -> list[bytes]:
        """Decodes many sequences of ids like `decode_bytes`; `num_threads` as for `decode_batch`.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").decode_bytes_batch([[24912], [2375]])
            [b'hello', b' world']
        """
        thread_count(num_threads)
        if skip_special or unknown != "raise":
            return [
                self.decode_bytes(tokens, skip_special=skip_special, unknown=unknown)
                for tokens in iterate("batch", batch)
            ]
        return [self.decode_bytes(tokens) for tokens in iterate("batch", batch)]

    # ---- facts ------------------------------------------------------------------------------

    def token_byte_values(self) -> list[bytes]:
        """Returns the bytes of all tokens except special ones, sorted.

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
        """Returns whether an id is a special token's; AssertionError if it is not an int.

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

    # ---- what tiktoken's users call although it is private ----------------------------------

    def _encode_single_piece(self, text_or_bytes: str | bytes) -> list[int]:
        """Encodes a text as one piece, without splitting it and without special tokens."""
        if isinstance(text_or_bytes, str):
            text_or_bytes = text_or_bytes.encode("utf-8")
        return self._core_bpe.encode_single_piece(text_or_bytes)

    def _encode_only_native_bpe(self, text: str) -> list[int]:
        """Encodes a text that the `regex` library splits, also where an automaton would."""
        import regex

        ids: list[int] = []
        for piece in regex.findall(self._pat_str, text):
            ids.extend(self._core_bpe.encode_single_piece(piece.encode("utf-8")))
        return ids

    def _encode_bytes(self, text: bytes) -> list[int]:
        """Encodes bytes that need not be valid UTF-8."""
        return self._core_bpe._encode_bytes(text)

    # ---- pickling ---------------------------------------------------------------------------

    def __getstate__(self) -> object:
        """Returns the name of a registered encoding, of any other what it is made of."""
        from bpecore._pickling import state_of

        return state_of(self)

    def __setstate__(self, value: Any) -> None:
        from bpecore._pickling import restore

        restore(self, value)


@functools.lru_cache(maxsize=128)
def _special_token_regex(tokens: frozenset[str]) -> re.Pattern[str]:
    """Compiles a search for any of some strings; for programs that take it from tiktoken."""
    import re

    return re.compile("|".join(map(re.escape, sorted(tokens, key=len, reverse=True))))
