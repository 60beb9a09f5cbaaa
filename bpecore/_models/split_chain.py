"""Splits in sequence that no single pattern can do: one behind the other, each in the engine.

The ranges that a split makes are texts to the next one: its look-arounds see nothing outside. The
ranges of the last one are encoded. What follows ByteLevel splits its letters, and so may split a
character between its bytes: Falcon's digits after it part those of `²`. Time: linear in the text
for every split, and about a microsecond per range; a single pattern is several times faster.

Reference: `tokenizer/normalizer.rs` and `tokenizer/pre_tokenizer.rs` of tokenizers 0.23.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from bpecore._build.assemble import compile_split_pattern
from bpecore._core import SplitPattern, piece_spans
from bpecore._models.byte_letters import bytes_of_letters, letters_of
from bpecore._models.errors import refusal
from bpecore._models.piecewise_encoding import PiecewiseEncoding
from bpecore._models.pre_tokenizers import (
    EVERYTHING,
    TO_LETTERS,
    NoSinglePatternError,
    automaton_of,
    pattern_of_splits,
    read_pre_tokenizers,
    read_splits,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from bpecore._models.text_rules import TextRules

_Range = tuple[int, int, bool]
"""Where a match, or what lies between two, begins and ends; and whether it is a match."""


def read_chain(value: Any, source: str) -> tuple[str, bool, list[tuple[str, str]]]:
    """Returns the pre-tokenizers of a file as one pattern if possible, otherwise as a chain.

    Args:
        value: the member `pre_tokenizer`.
        source: the file, for errors.

    Returns:
        The last split pattern; whether a blank is put before what it splits; and, of each split
        before, the pattern and what becomes of its matches.

    Raises:
        ValueError: they are invalid, or could not be reproduced exactly.
    """
    try:
        single = read_pre_tokenizers(value, source)
        return single.pattern, single.prefix_space, []
    except NoSinglePatternError:
        splits, prefix_path = read_splits(value, source)
    splits_letters = any(split.behaviour == TO_LETTERS for split in splits)
    for split in splits:
        try:
            if split.behaviour != TO_LETTERS:
                automaton_of(split.pattern)
        except ValueError as error:
            raise refusal(source, f"{split.path}: {error}") from None
    pattern, earlier = EVERYTHING, splits  # after them, ranges are pieces
    if not splits_letters and (not prefix_path or splits[-1].path == prefix_path):
        with contextlib.suppress(NoSinglePatternError):
            pattern, earlier = pattern_of_splits(splits[-1:], source), splits[:-1]
    stages = [(split.pattern, split.behaviour) for split in earlier]
    return pattern, prefix_path != "", stages


class ChainedEncoding(PiecewiseEncoding):
    """The encoding of a tokenizer.json that splits several times."""

    _lacks = "splits by one pattern"
    _has = "splits by several"

    def _made_of_parts(self, rules: TextRules) -> None:
        super()._made_of_parts(rules)
        self._stages = [
            None
            if behaviour == TO_LETTERS
            else (compile_split_pattern(pattern), _RANGES[behaviour])
            for pattern, behaviour in self._parts.stages
        ]
        # The blank goes before each range, and not before the text.
        self._prefix = " " if rules.prefix_space else ""
        rules.prefix_space = False

    def _encode_stretch(self, text: str) -> list[int]:
        ids: list[int] = []
        if None in self._stages:
            for piece in bytes_of_letters(map(bytes.decode, self._ranges_of(text.encode()))):
                ids += self._engine_without_tokens.encode_single_piece(piece or b"")
            return ids
        encode = self._engine_without_tokens.encode_ordinary
        for part in self._ranges_of(text.encode()):
            written = part.decode()
            if self._prefix and not written.startswith(self._prefix):
                written = self._prefix + written
            ids += encode(written)
        return ids

    def _ranges_of(self, text: bytes) -> Iterable[bytes]:
        parts: Iterable[bytes] = [text] if text else []
        for stage in self._stages:
            if stage is None:
                parts = [letters_of(part).encode() for part in parts]
                continue
            splitter, ranges = stage
            assert isinstance(splitter, SplitPattern)
            parts = [
                part[start:stop]
                for part in parts
                for start, stop in ranges(_with_gaps(piece_spans(splitter, part), len(part)))
            ]
        return parts


def _with_gaps(matches: Iterable[tuple[int, int]], length: int) -> Iterator[_Range]:
    """Yields the matches in a text, and the ranges between them, which are not empty."""
    reached = 0
    for start, stop in matches:
        if reached < start:
            yield reached, start, False
        yield start, stop, True
        reached = stop
    if reached < length:
        yield reached, length, False


def _isolated(ranges: Iterable[_Range]) -> list[tuple[int, int]]:
    return [(start, stop) for start, stop, _ in ranges]


def _removed(ranges: Iterable[_Range]) -> list[tuple[int, int]]:
    return [(start, stop) for start, stop, is_match in ranges if not is_match]


def _kept(ranges: Iterable[_Range]) -> list[tuple[int, int]]:
    return [(start, stop) for start, stop, is_match in ranges if is_match]


def _contiguous(ranges: Iterable[_Range]) -> list[tuple[int, int]]:
    found: list[_Range] = []
    for start, stop, is_match in ranges:
        if found and found[-1][2] is is_match:
            start = found.pop()[0]
        found.append((start, stop, is_match))
    return _isolated(found)


def _merged_with_previous(ranges: Iterable[_Range]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    was_match = False
    for start, stop, is_match in ranges:
        if is_match and not was_match and found:
            start = found.pop()[0]
        found.append((start, stop))
        was_match = is_match
    return found


def _merged_with_next(ranges: Iterable[_Range]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    was_match = False
    for start, stop, is_match in reversed([*ranges]):
        if is_match and not was_match and found:
            stop = found.pop()[1]
        found.append((start, stop))
        was_match = is_match
    return found[::-1]


def _inverted(
    ranges_of: Callable[[Iterable[_Range]], list[tuple[int, int]]],
) -> Callable[[Iterable[_Range]], list[tuple[int, int]]]:
    return lambda ranges: ranges_of((start, stop, not is_match) for start, stop, is_match in ranges)


_RANGES = {
    "isolated": _isolated,
    "removed": _removed,
    "kept": _kept,
    "contiguous": _contiguous,
    "mergedwithprevious": _merged_with_previous,
    "mergedwithnext": _merged_with_next,
    "invertedprevious": _inverted(_merged_with_previous),
    "invertednext": _inverted(_merged_with_next),
}
"""What becomes of a split's matches, and of the rest."""
