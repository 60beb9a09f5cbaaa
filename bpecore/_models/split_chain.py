"""Splits in sequence that no single pattern can do: one behind the other, each in the engine.

The ranges that a split makes are texts to the next one: its look-arounds see nothing outside. The
ranges of the last one are encoded. See `engine/split/ranges.pxd`. What follows ByteLevel splits its
letters, and so may split a character between its bytes: Falcon's digits after it part those of `²`.
Such chains pass through Python, range by range.

Reference: `tokenizer/normalizer.rs` and `tokenizer/pre_tokenizer.rs` of tokenizers 0.23.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from bpecore._build.assemble import compile_split_pattern
from bpecore._core import SplitChain, SplitPattern
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
    from bpecore._models.text_rules import TextRules


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
            last = pattern_of_splits(splits[-1:], source)
            if isinstance(compile_split_pattern(last), SplitPattern):
                pattern, earlier = last, splits[:-1]
    stages = [(split.pattern, split.behaviour) for split in earlier]
    return pattern, prefix_path != "", stages


class ChainedEncoding(PiecewiseEncoding):
    """The encoding of a tokenizer.json that splits several times."""

    _lacks = "splits by one pattern"
    _has = "splits by several"

    def _made_of_parts(self, rules: TextRules) -> None:
        super()._made_of_parts(rules)
        stages = [*self._parts.stages]
        # The blank goes before each range, and not before the text.
        before_blanks = len(stages) if rules.prefix_space else -1
        rules.prefix_space = False
        if self._parts.pattern != EVERYTHING:
            stages.append((self._parts.pattern, "kept"))
        groups: list[list[tuple[SplitPattern, int]]] = [[]]
        for pattern, behaviour in stages:
            if behaviour == TO_LETTERS:
                groups.append([])
                continue
            splitter = compile_split_pattern(pattern)
            assert isinstance(splitter, SplitPattern)
            groups[-1].append((splitter, _BEHAVIOURS.index(behaviour)))
        self._chains = [SplitChain(splits, -1) for splits in groups]
        if len(groups) == 1:
            self._chains = [SplitChain(groups[0], before_blanks)]

    def _encode_stretch(self, text: str) -> list[int]:
        if len(self._chains) == 1:
            return self._chains[0].encode(self._core_bpe, text.encode())
        ids: list[int] = []
        for piece in bytes_of_letters(map(bytes.decode, self._pieces_of(text.encode()))):
            ids += self._engine_without_tokens.encode_single_piece(piece or b"")
        return ids

    def _pieces_of(self, text: bytes) -> list[bytes]:
        """Returns the pieces of a text; in letters, if some splits are behind ByteLevel."""
        parts = self._chains[0].pieces(text)
        for chain in self._chains[1:]:
            letters = [letters_of(part).encode() for part in parts]
            parts = [piece for part in letters for piece in chain.pieces(part)]
        return parts


_BEHAVIOURS = (
    "isolated",
    "removed",
    "kept",
    "contiguous",
    "mergedwithprevious",
    "mergedwithnext",
    "invertedprevious",
    "invertednext",
)
"""What becomes of a split's matches and of the rest; in the order of `engine/split/ranges.pxd`."""
