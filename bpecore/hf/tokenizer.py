"""`Tokenizer`: the interface of `tokenizers.Tokenizer`, on this package's engine."""

from __future__ import annotations

from array import array
from functools import partial
from typing import TYPE_CHECKING, Any

from bpecore.hf.batch import EncodedBatch, Setting
from bpecore.hf.changes import Changes
from bpecore.hf.columns import FixedColumns
from bpecore.hf.encoding import Encoding, Run
from bpecore.hf.inputs import read_input, read_sequence
from bpecore.hf.limits import given_padding, given_truncation
from bpecore.hf.post_processing import process

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bpecore.hf.inputs import Sequence as InputSequence


class Tokenizer(Changes):
    """A tokenizer with the interface of `tokenizers.Tokenizer`, and the same results.

    Make one with `from_file`, `from_str` or `from_pretrained`. Encoding, decoding, truncation,
    padding, templates and added tokens work as there; `train` does not. What `encode` returns knows
    its ids; offsets, tokens and words are found when they are asked for.

    Raises:
        ValueError: a file is invalid, or its ids could not be reproduced exactly.
    """

    # ---- text to ids --------------------------------------------------------------------------

    def encode(
        self,
        sequence: Any,
        pair: Any = None,
        is_pretokenized: bool = False,
        add_special_tokens: bool = True,
        *,
        encode_special_tokens: bool | None = None,
        padding: Any = ...,
        truncation: Any = ...,
    ) -> Encoding:
        """Encodes a text, or two.

        Args:
            sequence: the text, or the words of it; or a tuple or list of two texts.
            pair: another.
            is_pretokenized: whether `sequence` and `pair` are lists of words.
            add_special_tokens: whether the post-processor puts tokens around them.
            encode_special_tokens: whether special tokens in a text are ordinary text; None: as the
                attribute of that name says.
            padding: a `Padding`, or None; without the argument, the tokenizer's.
            truncation: a `Truncation`, or None; without the argument, the tokenizer's.

        Raises:
            TypeError: it is no text.
            ValueError: truncation is impossible, or a byte of the text is no token.
        """
        setting = self._setting(
            add_special_tokens, True, encode_special_tokens, padding, truncation
        )
        if pair is None and not is_pretokenized and isinstance(sequence, (tuple, list)):
            return self._encoded([read_input(sequence, False)], setting)[0]
        first = read_sequence(sequence, is_pretokenized)
        second = None if pair is None else read_sequence(pair, is_pretokenized)
        return self._encoded([(first, second)], setting)[0]

    def encode_batch(
        self,
        input: Sequence[Any],
        is_pretokenized: bool = False,
        add_special_tokens: bool = True,
        *,
        encode_special_tokens: bool | None = None,
        padding: Any = ...,
        truncation: Any = ...,
    ) -> list[Encoding]:
        """Encodes many texts, or pairs of texts.

        Args:
            input: texts, or tuples of two; or lists of words, or tuples of two lists.
            is_pretokenized: whether lists of words are given.
            add_special_tokens: whether the post-processor puts tokens around them.
            encode_special_tokens, padding, truncation: as for `encode`.

        Raises:
            TypeError, ValueError: as `encode`.
        """
        setting = self._setting(
            add_special_tokens, True, encode_special_tokens, padding, truncation
        )
        return self._batch(input, is_pretokenized, setting)

    def encode_batch_fast(
        self, input: Sequence[Any], is_pretokenized: bool = False, add_special_tokens: bool = True
    ) -> list[Encoding]:
        """Encodes many texts like `encode_batch`; only the ids of what is in them are known."""
        return self._batch(input, is_pretokenized, self._setting(add_special_tokens, False))

    def _batch(
        self, input: Sequence[Any], is_pretokenized: bool, setting: Setting
    ) -> list[Encoding]:
        if isinstance(input, (str, bytes, dict)):
            raise TypeError(f"expected several inputs, got one: {input!r:.80}")
        input = list(input)
        if not is_pretokenized and setting.truncation is None and {*map(type, input)} == {str}:
            frame = self._frame(setting.add_special_tokens)
            if frame is not None:
                return setting.pad(EncodedBatch(setting, input, frame).encodings())
        return self._encoded([read_input(item, is_pretokenized) for item in input], setting)

    def _encoded(
        self, inputs: list[tuple[InputSequence, InputSequence | None]], setting: Setting
    ) -> list[Encoding]:
        texts: list[str] = []
        for sequences in inputs:
            for sequence in sequences:
                if sequence is not None:
                    texts += [sequence] if isinstance(sequence, str) else sequence
        batch = EncodedBatch(setting, texts)
        places = iter(range(len(texts)))
        encodings = []
        for sequences in inputs:
            parts = [
                _sequence_encoding(setting, sequence, batch, places, type_id)
                for type_id, sequence in enumerate(sequences)
                if sequence is not None
            ]
            encodings.append(setting.finished(parts))
        return setting.pad(encodings)

    def _setting(
        self,
        add_special_tokens: bool,
        has_places: bool,
        splits_special: bool | None = None,
        padding: Any = ...,
        truncation: Any = ...,
    ) -> Setting:
        return Setting(
            self._engine,
            self._processor,
            self.encode_special_tokens if splits_special is None else splits_special,
            has_places,
            add_special_tokens,
            given_truncation(truncation, self._truncation),
            given_padding(padding, self._padding),
            truncation is not ...,
        )

    def _frame(self, add_special_tokens: bool) -> tuple[list[int], list[int]] | None:
        """Returns the ids before and after one text; None if it is not there once."""
        if add_special_tokens not in self._frames:
            text = Run(FixedColumns([-1], [""], 0), 0, 1)
            ids = process(self._processor, [Encoding.of_runs([text])], add_special_tokens).ids
            frame = None
            if ids.count(-1) == 1:
                place = ids.index(-1)
                frame = ids[:place], ids[place + 1 :]
            self._frames[add_special_tokens] = frame
        return self._frames[add_special_tokens]

    def tokenize(
        self,
        input: Any,
        *,
        add_special_tokens: bool = True,
        encode_special_tokens: bool | None = None,
        padding: Any = ...,
        truncation: Any = ...,
    ) -> list[str]:
        """Returns how the tokens of a text, or of two, are spelled, as in `tokenizers` 1.0.

        Args:
            input: a text, or a tuple or list of two.
            add_special_tokens, encode_special_tokens, padding, truncation: as for `encode`.

        Raises:
            TypeError, ValueError: as `encode`.
        """
        setting = self._setting(
            add_special_tokens, True, encode_special_tokens, padding, truncation
        )
        return self.decode_tokens(self._encoded([read_input(input, False)], setting)[0])

    def post_process(
        self, encoding: Encoding, pair: Encoding | None = None, add_special_tokens: bool = True
    ) -> Encoding:
        """Truncates encodings, puts tokens around them, and pads."""
        for part in (encoding, pair or encoding):
            if not isinstance(part, Encoding):
                raise TypeError(f"expected an Encoding of bpecore.hf, got {type(part).__name__}")
        parts = [part.copy() for part in (encoding, pair) if part is not None]
        setting = self._setting(add_special_tokens, True)
        return setting.pad([setting.finished(parts)])[0]

    # ---- ids to text --------------------------------------------------------------------------

    def decode(self, ids: Sequence[int], skip_special_tokens: bool = True) -> str:
        """Returns the text of some ids; ids that are no tokens are left out."""
        return self._decoder.decode(_ids(ids), skip_special_tokens)

    def decode_tokens(self, ids: Any, skip_special_tokens: bool = False) -> list[str]:
        """Returns how each token is spelled, as in `tokenizers` 1.0; unknown ids are left out."""
        return self._decoder.names(_ids(ids), skip_special_tokens)

    def decode_batch(
        self, sequences: Iterable[Sequence[int]], skip_special_tokens: bool = True
    ) -> list[str]:
        """Returns the text of each sequence of ids."""
        return [self.decode(ids, skip_special_tokens) for ids in sequences]

    # ---- the same, awaited --------------------------------------------------------------------

    async def async_encode(self, *arguments: Any, **options: Any) -> Encoding:
        """As `encode`, in a thread."""
        import asyncio

        return await asyncio.to_thread(partial(self.encode, *arguments, **options))

    async def async_encode_batch(self, *arguments: Any, **options: Any) -> list[Encoding]:
        """As `encode_batch`, in a thread."""
        import asyncio

        return await asyncio.to_thread(partial(self.encode_batch, *arguments, **options))

    async def async_encode_batch_fast(self, *arguments: Any, **options: Any) -> list[Encoding]:
        """As `encode_batch_fast`, in a thread."""
        import asyncio

        return await asyncio.to_thread(partial(self.encode_batch_fast, *arguments, **options))

    async def async_decode_batch(self, *arguments: Any, **options: Any) -> list[str]:
        """As `decode_batch`, in a thread."""
        import asyncio

        return await asyncio.to_thread(partial(self.decode_batch, *arguments, **options))


def _ids(given: Any) -> array[int]:
    """Returns ids as numbers of 32 bits.

    Raises:
        TypeError: they are no numbers.
        OverflowError: one is negative or above 2**32 - 1.
    """
    if isinstance(given, Encoding):
        given = given.ids
    if isinstance(given, (int, str, dict, set)):
        kind = type(given).__name__
        raise TypeError(f"argument 'ids': '{kind}' object cannot be converted to 'Sequence'")
    return array("I", list(given) if isinstance(given, (bytes, bytearray)) else given)


def _sequence_encoding(
    setting: Setting, sequence: InputSequence, batch: EncodedBatch, places: Any, type_id: int
) -> Encoding:
    if isinstance(sequence, str):
        return setting.text_encoding(sequence, batch.text_ids(next(places)), type_id)
    words = [
        setting.text_encoding(text, batch.text_ids(next(places)), type_id, word)
        for word, text in enumerate(sequence)
    ]
    return Encoding.of_runs([word._runs[0] for word in words])
