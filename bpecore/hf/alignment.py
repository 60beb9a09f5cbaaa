"""Which characters of a text the characters of its normalized form come from.

`tokenizers` keeps this by *changes*: each character of the result is new (positive), or takes the
place of the next old one (0), and may swallow some that follow it (negative, their number). A new
one comes from where the one before it does.

Reference: `tokenizer/normalizer.rs` of tokenizers 0.23, and unicode-normalization-alignments.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, NamedTuple

from bpecore._models.normalizers import is_later, lowercase_of, white_space

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Change = tuple[str, int]


class Aligned(NamedTuple):
    """A text, and where each of its characters comes from.

    Attributes:
        text: the text.
        starts: the place in the original where each begins.
        ends: where it ends.
    """

    text: str
    starts: list[int]
    ends: list[int]

    def part(self, start: int, stop: int) -> Aligned:
        """Returns the characters from a place to another."""
        return Aligned(self.text[start:stop], self.starts[start:stop], self.ends[start:stop])


def identity(text: str, start: int) -> Aligned:
    """Returns a text that lies in the original from `start` on."""
    places = list(range(start, start + len(text) + 1))
    return Aligned(text, places[:-1], places[1:])


def normalized(aligned: Aligned, normalizer: Any) -> Aligned:
    """Returns what a normalizer makes of a text.

    Args:
        aligned: the text; not empty.
        normalizer: the member of a tokenizer.json, which has been checked.
    """
    if normalizer is None or not aligned.text:
        return aligned
    kind = normalizer["type"]
    if kind == "Sequence":
        for item in normalizer["normalizers"]:
            aligned = normalized(aligned, item)
        return aligned
    if kind == "Prepend":
        return with_prefix(aligned, normalizer["prepend"])
    if kind == "Strip":
        return _stripped(aligned, normalizer["strip_left"], normalizer["strip_right"])
    if kind == "Replace":
        return _replaced(aligned, normalizer["pattern"]["String"], normalizer["content"])
    if kind == "Lowercase":
        return _changed(aligned, _lowercase_changes(aligned.text))
    return _changed(aligned, _form_changes(aligned.text, kind))


def with_prefix(aligned: Aligned, prefix: str) -> Aligned:
    """Returns a text with a prefix, which comes from the first character."""
    count = len(prefix)
    return Aligned(
        prefix + aligned.text,
        [aligned.starts[0]] * count + aligned.starts,
        [aligned.ends[0]] * count + aligned.ends,
    )


def _changed(aligned: Aligned, changes: Iterable[Change]) -> Aligned:
    characters, starts, ends = [], [], []
    reached = 0
    for character, change in changes:
        place = reached - 1 if change > 0 else reached
        reached += 0 if change > 0 else 1 - change
        characters.append(character)
        starts.append(aligned.starts[place])
        ends.append(aligned.ends[place])
    return Aligned("".join(characters), starts, ends)


def _stripped(aligned: Aligned, left: bool, right: bool) -> Aligned:
    text = aligned.text
    start = len(text) - len(text.lstrip(white_space())) if left else 0
    stop = len(text.rstrip(white_space())) if right else len(text)
    return aligned.part(start, max(start, stop))


def _replaced(aligned: Aligned, old: str, new: str) -> Aligned:
    parts = aligned.text.split(old)
    starts, ends = [], []
    reached = 0
    for part in parts:
        if reached:
            # What replaces a string comes from its last character.
            starts += [aligned.starts[reached - 1]] * len(new)
            ends += [aligned.ends[reached - 1]] * len(new)
        starts += aligned.starts[reached : reached + len(part)]
        ends += aligned.ends[reached : reached + len(part)]
        reached += len(part) + len(old)
    return Aligned(new.join(parts), starts, ends)


def _lowercase_changes(text: str) -> Iterator[Change]:
    for character in text:
        for number, lower in enumerate(lowercase_of(character)):
            yield lower, int(number > 0)


def _form_changes(text: str, form: str) -> list[Change]:
    changes = _decomposed(text, "NFKD" if "K" in form else "NFD")
    return _composed(changes) if form.endswith("C") else changes


def _decomposed(text: str, form: Any) -> list[Change]:
    changes: list[Change] = []
    marks: list[tuple[int, str, int]] = []
    for character in text:
        parts = character if is_later(character) else unicodedata.normalize(form, character)
        for number, part in enumerate(parts):
            rank = _rank(part)
            if rank:
                marks.append((rank, part, int(number > 0)))
                continue
            changes += [mark[1:] for mark in sorted(marks, key=lambda mark: mark[0])]
            marks.clear()
            changes.append((part, int(number > 0)))
    changes += [mark[1:] for mark in sorted(marks, key=lambda mark: mark[0])]
    return changes


def _composed(changes: list[Change]) -> list[Change]:
    composed: list[Change] = []
    base = -1  # the place of the last character that marks are composed with
    last_rank = None  # of what follows it
    for character, change in changes:
        rank = _rank(character)
        if base >= 0 and (last_rank is None or last_rank < rank):
            joined = _joined(composed[base][0], character)
            if joined:
                composed[base] = joined, composed[base][1] + change - 1
                continue
        if rank == 0:
            base, last_rank = len(composed), None
        elif base >= 0:
            last_rank = rank
        composed.append((character, change))
    return composed


def _rank(character: str) -> int:
    return 0 if is_later(character) else unicodedata.combining(character)


def _joined(base: str, mark: str) -> str | None:
    if is_later(base) or is_later(mark):
        return None
    joined = unicodedata.normalize("NFC", base + mark)
    return joined if len(joined) == 1 else None
