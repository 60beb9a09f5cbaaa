"""The pre-tokenizers of a tokenizer.json, composed into one split pattern where that is exact.

`tokenizers` applies splits one after another: each splits the pieces of the one before, to which
the end of a piece is the end of the text. One pattern can do the same if all splits but the last
isolate runs of certain characters: then these are alternatives of their own, and the last split is
restricted to the stretches between them (`restriction`). What a split does not match is a piece too
(`gaps`). Anything else is refused.

Reference: `pre_tokenizers/` and `tokenizer/normalizer.rs` of tokenizers 0.23.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from bpecore._models.errors import refusal
from bpecore._models.gaps import gap_of
from bpecore._models.json_files import member
from bpecore._models.onig_syntax import difference_from_onig
from bpecore._models.pattern_text import PatternWriter, spelled_sets
from bpecore._models.presets import GPT2_PATTERN
from bpecore._models.restriction import restricted
from bpecore._models.tables import DEAD, START, classes_of, same_pieces, transitions_of
from bpecore._pattern.automaton import compile_pattern, compile_tree
from bpecore._pattern.character_sets import NO_CHARACTER, CharacterSet
from bpecore._pattern.errors import UnsupportedPattern
from bpecore._pattern.families import R50K_PATTERN
from bpecore._pattern.parser import parse_as_written
from bpecore._pattern.rewrites import without_captures
from bpecore._pattern.syntax import (
    Characters,
    Node,
    Repeat,
    Sequence,
    children,
    choice_of,
)

# Numbers of Unicode 17.0.0, which Digits knows; Split knows those of 16.0.0, as this package does.
_DIGIT = r"[\p{N}\x{11DE0}-\x{11DE9}\x{16FF4}-\x{16FF6}]"
_SPLIT_LIMIT = 8
_KNOWN_SETS = (r"\s", r"\S", r"\p{L}", r"\p{M}", r"\p{N}", r"\p{P}", r"\p{S}")


class Split(NamedTuple):
    """One split.

    Attributes:
        pattern: the regular expression, as fancy-regex reads it.
        behaviour: what becomes of matches, in lower case.
        path: where it is in the file.
    """

    pattern: str
    behaviour: str
    path: str


class PreTokenization(NamedTuple):
    """What the pre-tokenizers of a file do.

    Attributes:
        pattern: the split pattern.
        prefix_space: whether a blank is put before a text that does not begin with one.
    """

    pattern: str
    prefix_space: bool


def read_pre_tokenizers(value: Any, source: str) -> PreTokenization:
    """Returns the pre-tokenizers of a file as one pattern.

    Args:
        value: the member `pre_tokenizer`.
        source: the file, for errors.

    Raises:
        ValueError: they are invalid, or cannot be one pattern; the message says why.
    """
    if value is None:
        raise refusal(source, "it has no pre_tokenizer, so merges may cross words")
    splits: list[Split] = []
    prefix_space = False
    steps = _steps(value, "pre_tokenizer", source)
    for number, (step, path) in enumerate(steps):
        kind = member(step, f"{path}.type", str, source)
        if kind == "ByteLevel":
            if number != len(steps) - 1:
                raise refusal(source, f"{path} is ByteLevel, and other pre-tokenizers follow it")
            prefix_space = member(step, f"{path}.add_prefix_space", bool, source, default=True)
            if prefix_space and splits:
                raise refusal(source, f"{path}.add_prefix_space applies to each piece of a split")
            if member(step, f"{path}.use_regex", bool, source, default=True):
                splits.append(Split(GPT2_PATTERN, "isolated", path))
        elif number == len(steps) - 1:
            raise refusal(
                source, f"{path} is {kind}; only byte-level BPE is known, after ByteLevel"
            )
        elif kind == "Split":
            splits.append(_split(step, path, source))
        elif kind == "Digits":
            single = member(step, f"{path}.individual_digits", bool, source, default=False)
            splits.append(Split(_DIGIT if single else f"{_DIGIT}+", "isolated", path))
        else:
            raise refusal(source, f"{path} is {kind}, which cannot be part of a pattern")
    return PreTokenization(_composed(tuple(splits), source), prefix_space)


def _steps(value: Any, path: str, source: str) -> list[tuple[dict[str, Any], str]]:
    """Returns the pre-tokenizers in sequence, and where they are in the file."""
    if not isinstance(value, dict):
        raise ValueError(f"{source}: {path} must be a JSON object, found {value!r:.60}")
    if value.get("type") != "Sequence":
        return [(value, path)]
    items = member(value, f"{path}.pretokenizers", list, source)
    return [
        step
        for number, item in enumerate(items)
        for step in _steps(item, f"{path}.pretokenizers[{number}]", source)
    ]


def _split(step: dict[str, Any], path: str, source: str) -> Split:
    given = member(step, f"{path}.pattern", dict, source)
    if [*given] == ["Regex"]:
        pattern = member(given, f"{path}.pattern.Regex", str, source)
        different = difference_from_onig(pattern)
        if different:
            raise refusal(
                source, f"{path}.pattern has {different}, which may mean something else there"
            )
    elif [*given] == ["String"]:
        literal = member(given, f"{path}.pattern.String", str, source)
        pattern = "".join(f"\\x{{{ord(character):X}}}" for character in literal)
    else:
        raise ValueError(f"{source}: {path}.pattern must have Regex or String, found {given!r:.60}")
    behaviour = member(step, f"{path}.behavior", str, source)
    known = ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")
    if behaviour not in known:
        raise ValueError(f"{source}: {path}.behavior must be one of {', '.join(known)}")
    if member(step, f"{path}.invert", bool, source, default=False):
        # What lies between matches takes their place.
        behaviour = {
            "Removed": "Kept",
            "MergedWithPrevious": "MergedWithNext",
            "MergedWithNext": "MergedWithPrevious",
        }.get(behaviour, behaviour)
    return Split(pattern, behaviour.lower(), path)


def _composed(splits: tuple[Split, ...], source: str) -> str:
    """Returns one pattern for some splits, each of the pieces of the one before."""
    if len(splits) > _SPLIT_LIMIT:
        raise refusal(source, f"pre_tokenizer has more than {_SPLIT_LIMIT} splits")
    if not splits:
        raise refusal(source, "its pre_tokenizer splits nothing, so merges may cross words")
    if len(splits) == 1 and splits[0].pattern == GPT2_PATTERN:
        return R50K_PATTERN  # the same pieces: tests/models/test_pre_tokenizers.py
    try:
        trees = [_tree(split.pattern) for split in splits]
        alternatives = _alternatives(splits, NO_CHARACTER)
        if alternatives == trees:
            return splits[0].pattern
        known = [known for spelling in _KNOWN_SETS for known in spelled_sets(_tree(spelling))]
        known += [known for tree in trees for known in spelled_sets(tree)]
        tree = choice_of(tuple(alternatives))
        pattern = PatternWriter(known).write(tree)
        if not same_pieces(compile_pattern(pattern), compile_tree(tree)):
            raise ValueError("fancy-regex would match its pattern otherwise")
        return pattern
    except (UnsupportedPattern, ValueError) as error:
        raise refusal(source, f"pre_tokenizer: {error}") from error


def _alternatives(splits: tuple[Split, ...], removed: CharacterSet) -> list[Node]:
    """Returns the alternatives of one pattern for some splits.

    Args:
        splits: one or more.
        removed: characters that the stretches of text to split do not have.

    Raises:
        ValueError: one pattern cannot do the same.
    """
    first, later = splits[0], splits[1:]
    tree = restricted(_tree(first.pattern), removed)
    if not later:
        return _last(tree, first, removed)
    if tree is None:
        return _alternatives(later, removed)
    if first.behaviour.startswith("merged"):
        raise ValueError(f"{first.path} is {first.behaviour}, and other splits follow it")
    run = _run_characters(tree, first)
    rest = [] if first.behaviour == "kept" else _alternatives(later, removed.union(run))
    if first.behaviour == "removed":
        return rest
    if first.behaviour == "contiguous":
        tree = _run_of(run)
    if same_pieces(compile_tree(tree), compile_tree(_run_of(run))):
        return [*_alternatives(later, run.complement()), *rest]
    for split in later:
        _require_whole(tree, run, first, split)
    return [tree, *rest]


def _run_of(characters: CharacterSet) -> Node:
    return Repeat(Characters(characters), 1, None, "greedy", 0)


@lru_cache(maxsize=64)
def _tree(pattern: str) -> Node:
    """Returns the tree of a pattern as it is written, which fancy-regex must not change."""
    tree = without_captures(parse_as_written(pattern))
    if not same_pieces(compile_pattern(pattern), compile_tree(tree)):
        raise ValueError(f"fancy-regex would match {pattern!r} otherwise than Oniguruma")
    return tree


def _last(tree: Node | None, split: Split, removed: CharacterSet) -> list[Node]:
    """Returns the alternatives for the last split: its matches, and what it does not match."""
    everything = removed.complement()
    if everything == NO_CHARACTER:
        return []
    if tree is None:
        return [] if split.behaviour == "kept" else [_run_of(everything)]
    if split.behaviour == "kept":
        return [tree]
    if split.behaviour == "removed":
        others = everything.difference(_run_characters(tree, split))
        return [] if others == NO_CHARACTER else [_run_of(others)]
    gap = gap_of(tree)
    if gap is not None:
        gap = restricted(gap, removed)
    gaps = [] if gap is None else [gap]
    if split.behaviour == "contiguous":
        return [Repeat(tree, 1, None, "greedy", 0), *gaps]
    if split.behaviour == "mergedwithprevious" and gap is not None:
        return [Sequence((Repeat(gap, 0, 1, "greedy", 0), tree)), gap]
    if split.behaviour == "mergedwithnext" and gap is not None:
        return [Sequence((tree, Repeat(gap, 0, 1, "greedy", 0))), gap]
    return [tree, *gaps]


def _run_characters(tree: Node, split: Split) -> CharacterSet:
    """Returns the characters that a split matches, whatever is around them.

    Raises:
        ValueError: it does something else.
    """
    inside = _characters_of(tree)
    outside = inside.complement()
    expected = None if outside == NO_CHARACTER else _run_of(outside)
    if gap_of(tree) != expected:
        raise ValueError(f"{split.path} does not match certain characters wherever they are")
    return inside


def _characters_of(node: Node) -> CharacterSet:
    found = [_characters_of(child) for child in children(node)]
    own = node.members if isinstance(node, Characters) else NO_CHARACTER
    return own.union(*found)


def _require_whole(tree: Node, run: CharacterSet, first: Split, later: Split) -> None:
    """Refuses a later split that would split what an earlier one has isolated."""
    seen_later = restricted(_tree(later.pattern), run.complement())
    if seen_later is None or isinstance(tree, Characters):
        return
    automaton = compile_tree(seen_later)
    classes = classes_of(automaton)
    inside = {int(classes[point]) for point in run.code_points()}
    rows = transitions_of(automaton).tolist()
    reached, pending = {START}, [START]
    while pending:
        row = rows[pending.pop()]
        for state in {row[column] >> 1 for column in inside}:
            if state == DEAD or not rows[state][-1] & 1:
                raise ValueError(f"{later.path} would split what {first.path} isolates")
            if state not in reached:
                reached.add(state)
                pending.append(state)
