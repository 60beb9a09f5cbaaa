"""Texts that are encoded together: their ids at once, everything else when it is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from bpecore._build.threads import thread_count
from bpecore._core import encode_batch_to_buffer, has_surrogate, items_of_batch
from bpecore._engine_calls import do_at_index
from bpecore.hf.columns import Columns, Engine, FixedColumns, TextColumns
from bpecore.hf.encoding import Encoding, Run
from bpecore.hf.post_processing import process

if TYPE_CHECKING:
    from typing import Any

    from bpecore.hf.limits import Padding, Truncation
    from bpecore.hf.post_processing import Processor

    Frame = tuple[list[int], list[int]]

_THREADS = 8


class Setting(NamedTuple):
    """What texts are encoded with, at the time of a call.

    Attributes:
        engine: encodes them.
        processor: puts tokens around them.
        splits_special: whether special tokens are ordinary text.
        has_places: whether more than ids is wanted of what is in a text.
        add_special_tokens: whether tokens are put around texts.
        truncation: how long encodings may be.
        padding: what short ones are filled with.
        cuts_all: whether a limit below the number of tokens around a text leaves nothing of it, as
            in `tokenizers` 1.0, or does nothing, as in 0.23.
    """

    engine: Engine
    processor: Processor | None
    splits_special: bool
    has_places: bool
    add_special_tokens: bool
    truncation: Truncation | None
    padding: Padding | None
    cuts_all: bool

    def text_encoding(
        self, text: str, ids: list[int], type_id: int = 0, word: int | None = None
    ) -> Encoding:
        """Returns the encoding of a text with nothing around it.

        Args:
            text: the text.
            ids: its ids.
            type_id: the type of its tokens.
            word: its number, if it is one of several words.
        """
        columns: Columns
        if self.has_places:
            columns = TextColumns(self.engine, text, ids, self.splits_special, word)
        else:
            columns, type_id = FixedColumns(ids, [""] * len(ids), 0), 0
        return Encoding.of_runs([Run(columns, 0, len(ids), type_id)])

    def finished(self, parts: list[Encoding]) -> Encoding:
        """Truncates the encodings of one text or two and puts tokens around them.

        Args:
            parts: the encodings; they are changed.

        Raises:
            ValueError: truncation is impossible.
        """
        if self.truncation is not None:
            added = 0
            if self.add_special_tokens and self.processor is not None:
                added = self.processor.added_tokens(len(parts) == 2)
            if self.cuts_all:
                added = min(added, self.truncation.max_length)
            self.truncation.apply(parts[0], parts[1] if len(parts) == 2 else None, added)
        return process(self.processor, parts, self.add_special_tokens)

    def pad(self, encodings: list[Encoding]) -> list[Encoding]:
        """Pads encodings to one length, and returns them."""
        if self.padding is not None:
            self.padding.apply(encodings)
        return encodings


class EncodedBatch:
    """The ids of some texts.

    Args:
        setting: what they are encoded with.
        texts: the texts.
        frame: the ids before and after each.

    Raises:
        TypeError: a text has a lone surrogate.
        ValueError: a byte of a text is no token.
    """

    def __init__(self, setting: Setting, texts: list[str], frame: Frame = ([], [])) -> None:
        self._setting = setting
        self._texts = texts
        self._frame = frame if frame[0] or frame[1] else None
        encoding = setting.engine.encoding
        allowed: Any = set() if setting.splits_special else "all"
        options: dict[str, Any] = {"allowed_special": allowed, "disallowed_special": ()}
        rules = encoding._rules
        forms, apart = (texts, []) if rules is None else rules.engine_forms(texts)
        special = allowed, (), encoding.special_tokens_set
        threads = thread_count(_THREADS)
        found = encode_batch_to_buffer(encoding._core_bpe, forms, *special, threads)
        if found is None:
            apart = [*range(len(texts))]
        if apart and any(has_surrogate(texts[index]) for index in apart):
            raise TypeError("TextInputSequence must be str without lone surrogates")
        # The ids of texts that the engine alone does not encode.
        self._apart = {
            index: do_at_index(index, encoding.encode, texts[index], **options) for index in apart
        }
        if found is not None:
            self._buffer, self._offsets = found

    def encodings(self) -> list[Encoding]:
        """Returns the encoding of each text."""
        if len(self._apart) == len(self._texts):
            return [self._item(index) for index in self._apart]
        encodings = items_of_batch(Encoding, self, self._buffer, self._offsets, self._frame)
        for index in self._apart:
            encodings[index] = self._item(index)
        return encodings

    def _item(self, index: int) -> Encoding:
        encoding = Encoding.__new__(Encoding)
        encoding._batch = self
        encoding._index = index
        return encoding

    def text_ids(self, index: int) -> list[int]:
        """Returns the ids of a text."""
        ids = self._apart.get(index)
        if ids is None:
            bounds = memoryview(self._offsets).cast("q")
            return self._buffer.to_list(bounds[index], bounds[index + 1])
        return list(ids)

    def ids(self, index: int) -> list[int]:
        """Returns the ids of a text with what is around them."""
        ids = self.text_ids(index)
        return ids if self._frame is None else [*self._frame[0], *ids, *self._frame[1]]

    def length(self, index: int) -> int:
        """Returns how many there are."""
        return len(self.ids(index))

    def encoding(self, index: int) -> Encoding:
        """Returns all that is known of a text."""
        setting = self._setting
        part = setting.text_encoding(self._texts[index], self.text_ids(index))
        return process(setting.processor, [part], setting.add_special_tokens)
