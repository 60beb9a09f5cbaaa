"""`Encoding`: the tokens of one input, with what `tokenizers.Encoding` has of each.

The ids are there from the start. Everything else is found when it is first asked for: an encoding
is a list of runs, each some tokens of one text, of a template or of padding.

Reference: `tokenizer/encoding.rs` of tokenizers 0.23.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from bpecore._core import BatchItem
from bpecore.hf.columns import Columns, FixedColumns
from bpecore.hf.limits import PADDING_BITS, checked_number, warn_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    import numpy.typing as npt

    from bpecore.hf.batch import EncodedBatch

Trim = tuple[bool, bool]


class Run(NamedTuple):
    """Some neighbouring tokens.

    Attributes:
        origin: what they are a part of.
        start: the first of them.
        stop: the one after the last.
        type_id: their type.
        shift: characters added to their offsets.
        trims: how often blanks were taken from their offsets: each time, whether the model puts a
            blank before a text, and whether the run was the first.
    """

    origin: Columns
    start: int
    stop: int
    type_id: int = 0
    shift: int = 0
    trims: tuple[Trim, ...] = ()

    def offsets(self) -> list[tuple[int, int]]:
        """Returns where the tokens are."""
        offsets = self.origin.offsets[self.start : self.stop]
        for puts_blank, is_first in self.trims:
            blanks = self.origin.blanks[self.start : self.stop]
            offsets = [
                _trimmed(place, blank, puts_blank, is_first and number == 0)
                for number, (place, blank) in enumerate(zip(offsets, blanks))
            ]
        if self.shift:
            offsets = [(start + self.shift, stop + self.shift) for start, stop in offsets]
        return offsets


def _trimmed(
    place: tuple[int, int], blanks: tuple[int, int], puts_blank: bool, is_first: bool
) -> tuple[int, int]:
    start, stop = place
    before, after = blanks
    if before:
        if puts_blank and before == 1 and (is_first or start == 0):
            before = 0  # the model has put it there
        start = min(start + before, stop)
    if after and stop >= after:
        stop = max(stop - after, start)
    return start, stop


class Encoding(BatchItem):
    """The tokens of one input.

    `Tokenizer.encode` makes it; it has what `tokenizers.Encoding` has. One of a batch has its place
    in that, and no runs, until more than ids is asked for.
    """

    __slots__ = ("_overflowing", "_ranges", "_runs")

    _batch: EncodedBatch | None
    _overflowing: list[Encoding]
    _ranges: dict[int, tuple[int, int]]
    _runs: list[Run]

    def __init__(self) -> None:
        self._fill([], {}, [])

    def _fill(
        self,
        runs: list[Run],
        ranges: dict[int, tuple[int, int]],
        overflowing: list[Encoding],
    ) -> None:
        self._leave_batch()
        self._runs = runs
        self._ranges = ranges
        self._overflowing = overflowing

    @classmethod
    def of_runs(
        cls,
        runs: list[Run],
        ranges: dict[int, tuple[int, int]] | None = None,
        overflowing: list[Encoding] | None = None,
    ) -> Encoding:
        """Makes an encoding.

        Args:
            runs: its tokens.
            ranges: where the tokens of each sequence are; None: there is one, which is everything.
            overflowing: what was cut off.
        """
        made = cls.__new__(cls)
        made._fill(runs, ranges or {}, overflowing or [])
        return made

    def loaded(self) -> Encoding:
        """Returns the encoding with its runs."""
        if self._batch is not None:
            made = self._batch.encoding(self._index)
            self._fill(made._runs, made._ranges, made._overflowing)
        return self

    def copy(self) -> Encoding:
        """Returns an encoding with the same tokens."""
        self.loaded()
        return Encoding.of_runs(list(self._runs), dict(self._ranges), list(self._overflowing))

    # ---- one value per token ------------------------------------------------------------------

    def _find_length(self) -> int:
        if self._batch is not None:
            return self._batch.length(self._index)
        return sum(run.stop - run.start for run in self._runs)

    def _find_ids(self) -> list[int]:
        if self._batch is not None:
            return self._batch.ids(self._index)
        return self._column(lambda run: run.origin.ids[run.start : run.stop])

    @property
    def attention_mask(self) -> list[int]:
        """1 for each token, 0 for padding."""
        if self._batch is not None:
            return [1] * len(self)
        return self._column(lambda run: [run.origin.attention] * (run.stop - run.start))

    @property
    def special_tokens_mask(self) -> list[int]:
        """1 for each token that a template or padding has put there."""
        return self._column(lambda run: [run.origin.special] * (run.stop - run.start))

    @property
    def type_ids(self) -> list[int]:
        """The type of each token."""
        return self._column(lambda run: [run.type_id] * (run.stop - run.start))

    @property
    def tokens(self) -> list[str]:
        """How the model spells each token."""
        return self._column(lambda run: run.origin.tokens[run.start : run.stop])

    @property
    def offsets(self) -> list[tuple[int, int]]:
        """Where each token begins and ends in its text, in characters."""
        return self._column(Run.offsets)

    @property
    def word_ids(self) -> list[int | None]:
        """The word of its text, a piece or a word given by itself, that each token is in."""
        return self._column(lambda run: run.origin.words[run.start : run.stop])

    @property
    def words(self) -> list[int | None]:
        """The same as `word_ids`."""
        return self.word_ids

    @property
    def sequence_ids(self) -> list[int | None]:
        """The text that each token is of, 0 or 1; None for what is of no text."""
        found: list[int | None] = [None] * len(self)
        for number in range(self.n_sequences):
            start, stop = self._range(number)
            found[start:stop] = [number] * (stop - start)
        return found

    def _column(self, part: Callable[[Run], Sequence[Any]]) -> list[Any]:
        return list(chain.from_iterable(map(part, self.loaded()._runs)))

    # ---- whole --------------------------------------------------------------------------------

    @property
    def n_sequences(self) -> int:
        """How many texts there are."""
        return len(self.loaded()._ranges) or 1

    @property
    def ids_array(self) -> npt.NDArray[np.uint32]:
        """The ids as a new array, as in `tokenizers` 1.0."""
        return _array(self.ids)

    @property
    def type_ids_array(self) -> npt.NDArray[np.uint32]:
        """The types as a new array."""
        return _array(self.type_ids)

    @property
    def attention_mask_array(self) -> npt.NDArray[np.uint32]:
        """`attention_mask` as a new array."""
        return _array(self.attention_mask)

    @property
    def overflowing(self) -> list[Encoding]:
        """What truncation has cut off, each as long as was allowed."""
        return list(self.loaded()._overflowing)

    def __repr__(self) -> str:
        return (
            f"Encoding(num_tokens={len(self)}, attributes=[ids, type_ids, tokens, offsets, "
            "attention_mask, special_tokens_mask, overflowing])"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        self.loaded()
        runs = [
            (
                run.origin.ids[run.start : run.stop],
                run.origin.tokens[run.start : run.stop],
                run.origin.special,
                run.origin.attention,
                (run.offsets(), run.origin.words[run.start : run.stop]),
                run.type_id,
            )
            for run in self._runs
        ]
        return _restored, (runs, self._ranges, self._overflowing)

    # ---- from one to another ------------------------------------------------------------------

    def _range(self, sequence: int) -> tuple[int, int]:
        checked_number("sequence_index", sequence, 64)
        return self.loaded()._ranges.get(sequence, (0, len(self)))

    def token_to_sequence(self, token_index: int) -> int | None:
        """Returns the text that a token is of."""
        token_index = checked_number("token_index", token_index, 64)
        self.loaded()
        if token_index > len(self):
            return None
        if not self._ranges:
            return 0
        for number, (start, stop) in self._ranges.items():
            if start <= token_index < stop:
                return number
        return None

    def token_to_chars(self, token_index: int) -> tuple[int, int] | None:
        """Returns where a token begins and ends in its text."""
        if self.token_to_sequence(token_index) is None or token_index >= len(self):
            return None
        return self.offsets[token_index]

    def token_to_word(self, token_index: int) -> int | None:
        """Returns the word that a token is in."""
        if self.token_to_sequence(token_index) is None or token_index >= len(self):
            return None
        return self.word_ids[token_index]

    def word_to_tokens(self, word_index: int, sequence_index: int = 0) -> tuple[int, int] | None:
        """Returns the first token of a word and the one after its last."""
        word_index = checked_number("word_index", word_index, 32)
        start, stop = self._range(sequence_index)
        found = []
        for place, word in enumerate(self.word_ids[start:stop], start):
            if word is not None and word > word_index:
                break
            if word == word_index:
                found.append(place)
        return (found[0], found[-1] + 1) if found else None

    def word_to_chars(self, word_index: int, sequence_index: int = 0) -> tuple[int, int] | None:
        """Returns where a word begins and ends in its text."""
        found = self.word_to_tokens(word_index, sequence_index)
        if found is None:
            return None
        offsets = self.offsets
        return offsets[found[0]][0], offsets[found[1] - 1][1]

    def char_to_token(self, char_pos: int, sequence_index: int = 0) -> int | None:
        """Returns the first token that a character of a text is in."""
        char_pos = checked_number("char_pos", char_pos, 64)
        start, stop = self._range(sequence_index)
        for place, (first, last) in enumerate(self.offsets[start:stop], start):
            if first <= char_pos < last:
                return place
        return None

    def char_to_word(self, char_pos: int, sequence_index: int = 0) -> int | None:
        """Returns the word that a character of a text is in."""
        token = self.char_to_token(char_pos, sequence_index)
        return None if token is None else self.token_to_word(token)

    # ---- changes ------------------------------------------------------------------------------

    def set_sequence_id(self, sequence_id: int) -> None:
        """Makes all tokens those of a text."""
        sequence_id = checked_number("sequence_id", sequence_id, 64)
        self.loaded()._ranges[sequence_id] = (0, len(self))

    def set_type_id(self, type_id: int) -> None:
        """Gives all tokens a type."""
        self._runs = [run._replace(type_id=type_id) for run in self.loaded()._runs]

    def trim_offsets(self, puts_blank: bool) -> None:
        """Takes blanks from where tokens begin and end.

        Args:
            puts_blank: whether the model puts a blank before a text.
        """
        is_first = True
        runs = []
        for run in self.loaded()._runs:
            runs.append(run._replace(trims=(*run.trims, (puts_blank, is_first))))
            is_first = is_first and run.start == run.stop
        self._runs = runs

    def truncate(self, max_length: int, stride: int = 0, direction: str = "right") -> None:
        """Cuts tokens off; `overflowing` has them afterwards.

        Args:
            max_length: how many tokens may stay.
            stride: how many tokens a part of what is cut off shares with the one before.
            direction: "right", to keep the beginning, or "left".

        Raises:
            ValueError: `stride` is not below `max_length`, or `direction` is neither.
            TypeError, OverflowError: a number is none, or negative, or too large.
        """
        if direction not in ("left", "right"):
            raise ValueError(f"Invalid truncation direction value : {direction}")
        max_length = checked_number("max_length", max_length, 64)
        stride = checked_number("stride", stride, 64)
        length = len(self)
        if max_length >= length:
            return
        self.loaded()
        if max_length == 0:
            whole = self.copy()
            self._fill([], {}, [whole])
            return
        if stride >= max_length:
            raise ValueError(f"stride {stride} must be below max_length, which is {max_length}")
        parts = [
            Encoding.of_runs(list(self._slice(start, stop)))
            for start, stop in _cuts(length, max_length, max_length - stride, direction == "left")
        ]
        self._fill(parts[0]._runs, {}, parts[1:])

    def _slice(self, start: int, stop: int) -> Iterator[Run]:
        reached = 0
        for run in self._runs:
            first = run.start + max(start - reached, 0)
            reached += run.stop - run.start
            last = run.stop - max(reached - stop, 0)
            if first < last:
                trims = run.trims
                if first > run.start:
                    trims = tuple((puts_blank, False) for puts_blank, _ in trims)
                yield run._replace(start=first, stop=last, trims=trims)

    def pad(
        self,
        length: int,
        direction: str = "right",
        pad_id: int = 0,
        pad_type_id: int = 0,
        pad_token: str = "[PAD]",
        **unknown: Any,
    ) -> None:
        """Puts padding at an end, of this and of what overflows.

        Args:
            length: how many tokens there are afterwards.
            direction: "right" or "left".
            pad_id: the id of padding.
            pad_type_id: its type.
            pad_token: how it is spelled.
            unknown: other arguments, which a warning names.

        Raises:
            ValueError: `direction` is neither.
            TypeError, OverflowError: a number is none, or negative, or too large.
        """
        warn_of(unknown)
        numbers = {"pad_id": pad_id, "pad_type_id": pad_type_id, "length": length}
        for name, number in numbers.items():
            checked_number(name, number, PADDING_BITS[name])
        if direction not in ("left", "right"):
            raise ValueError(f"Unknown `direction`: {direction}")
        self.loaded()
        for other in self._overflowing:
            other.pad(length, direction, pad_id, pad_type_id, pad_token)
        missing = length - len(self)
        if missing <= 0:
            return
        padding = FixedColumns([pad_id] * missing, [pad_token] * missing, 1, 0)
        run = Run(padding, 0, missing, pad_type_id)
        if direction == "right":
            self._runs = [*self._runs, run]
            return
        self._runs = [run, *self._runs]
        self._ranges = {
            number: (start + missing, stop + missing)
            for number, (start, stop) in self._ranges.items()
        }

    @staticmethod
    def merge(encodings: Iterable[Encoding], growing_offsets: bool = True) -> Encoding:
        """Returns the tokens of some encodings one after another.

        Args:
            encodings: the encodings.
            growing_offsets: whether each one's offsets go on where those before end.

        Raises:
            TypeError: one is no Encoding.
        """
        merged = Encoding()
        for encoding in encodings:
            if not isinstance(encoding, Encoding):
                raise TypeError(f"'{type(encoding).__name__}' object is no Encoding")
            merged.merge_with(encoding, growing_offsets)
        return merged

    def merge_with(self, other: Encoding, growing_offsets: bool) -> None:
        """Appends the tokens of another encoding; what overflows is combined each with each."""
        self.loaded()
        other.loaded()
        combined = []
        for mine in self._overflowing:
            combined += [_joined(mine, theirs, growing_offsets) for theirs in other._and_parts()]
        combined += [_joined(self, theirs, growing_offsets) for theirs in other._overflowing]
        length = len(self)
        for number, (start, stop) in other._ranges.items():
            self._ranges[number] = (length + start, length + stop)
        runs = other._runs
        if growing_offsets and length:
            shift = self.offsets[-1][1]
            runs = [run._replace(shift=run.shift + shift) for run in runs]
        self._runs = [*self._runs, *runs]
        self._overflowing = combined

    def _and_parts(self) -> list[Encoding]:
        return [self, *self._overflowing]


def _array(numbers: list[int]) -> npt.NDArray[np.uint32]:
    import numpy as np

    return np.array(numbers, dtype=np.uint32)


def _joined(first: Encoding, second: Encoding, growing_offsets: bool) -> Encoding:
    made = first.copy()
    made.merge_with(second, growing_offsets)
    return made


def _cuts(length: int, part: int, step: int, from_end: bool) -> Iterator[tuple[int, int]]:
    """Yields where the parts of some tokens begin and end, until all are covered."""
    for place in range(0, length, step):
        if from_end:
            stop = length - place
            start = max(stop - part, 0)
        else:
            start, stop = place, min(place + part, length)
        yield start, stop
        if (start == 0) if from_end else (stop == length):
            return


def _restored(
    runs: list[tuple[Any, ...]], ranges: dict[int, tuple[int, int]], overflowing: list[Encoding]
) -> Encoding:
    made = [Run(FixedColumns(*columns), 0, len(columns[0]), type_id) for *columns, type_id in runs]
    return Encoding.of_runs(made, ranges, overflowing)
