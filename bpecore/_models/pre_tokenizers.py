"""The pre-tokenizers of a tokenizer.json, composed into one split pattern where that is exact.

`tokenizers` applies splits one after another: each splits the pieces of the one before, to which
the end of a piece is the end of the text. One pattern can do the same if all splits but the last
isolate runs of certain characters: then these are alternatives of their own, and the last split is
restricted to the stretches between them (`restriction`). What a split does not match is a piece too
(`gaps`). What cannot be one pattern is run split by split (`split_chain`).

Reference: `pre_tokenizers/` and `tokenizer/normalizer.rs` of tokenizers 0.23.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from bpecore._build.assemble import compile_split_pattern
from bpecore._core import SplitPattern
from bpecore._models.errors import refusal
from bpecore._models.gaps import gap_of
from bpecore._models.json_files import member
from bpecore._models.onig_syntax import read_pattern, require_short
from bpecore._models.pattern_text import PatternWriter, spelled_sets
from bpecore._models.presets import GPT2_PATTERN, PATTERNS
from bpecore._models.restriction import restricted
from bpecore._models.tables import DEAD, START, classes_of, same_pieces, transitions_of
from bpecore._pattern.automaton import compile_pattern, compile_tree
from bpecore._pattern.character_sets import NO_CHARACTER, CharacterSet
from bpecore._pattern.compiled import compile_for_engine
from bpecore._pattern.errors import UnsupportedPattern
from bpecore._pattern.families import R50K_PATTERN
from bpecore._pattern.parser import parse, parse_as_written
from bpecore._pattern.rewrites import without_captures
from bpecore._pattern.syntax import (
    Characters,
    Next,
    Node,
    Repeat,
    Sequence,
    children,
    choice_of,
    with_children,
)

# Numbers of Unicode 17.0.0, which Digits knows; Split knows those of 16.0.0, as this package does.
_DIGIT = r"[\p{N}\x{11DE0}-\x{11DE9}\x{16FF4}-\x{16FF6}]"
EVERYTHING = r"[\s\S]+"
"""The pattern of which a whole text is one piece."""
TO_LETTERS = "letters"
"""Instead of a behaviour: what follows splits the letters of bytes, and not the text."""
_SPLIT_LIMIT = 8
_LENGTH_LIMIT = 200
_KNOWN_SETS = (r"\s", r"\S", r"\p{L}", r"\p{M}", r"\p{N}", r"\p{P}", r"\p{S}")


# Punctuation is that of an older Unicode, and of ASCII. Later characters, and two that changed:
_LATER_PUNCTUATION = (
    "61D 9FD A76 C77 C84 1B4E-1B4F 1B7D-1B7F 2E43-2E4F 2E52-2E5D 10D6E 10EAD 10F55-10F59 "
    "10F86-10F89 113D4-113D5 113D7-113D8 1144B-1144F 1145A-1145B 1145D 11660-1166C 116B9 1183B "
    "11944-11946 119E2 11A3F-11A46 11A9A-11A9C 11A9E-11AA2 11B00-11B09 11BE1 11C41-11C45 "
    "11C70-11C71 11EF7-11EF8 11F43-11F4F 11FFF 12FF1-12FF2 16D6D-16D6F 16E97-16E9A 16FE2 1E5FF "
    "1E95E-1E95F"
)
_PUNCTUATION = (
    r"[[\p{P}!-/:-@\[-`{-~\x{166D}\x{111C9}]&&[^"
    + re.sub(r"[0-9A-F]+", lambda point: f"\\x{{{point[0]}}}", _LATER_PUNCTUATION).replace(" ", "")
    + "]]"
)
_BEHAVIOURS = ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")
_REASONS = {
    "Metaspace": "which puts ▁ in the place of blanks, so that tokens are no bytes of the text",
    "UnicodeScripts": "whose tables of scripts are not known",
}


class NoSinglePatternError(ValueError):
    """One pattern cannot do what several splits in sequence do."""


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


_DEEPSEEK_V3_SPLITS = [
    (r"\p{N}{1,3}", "isolated"),
    ("[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+", "isolated"),
    (
        r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^"""
        "\r\n"
        r"\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+["
        "\r\n"
        r"]*|\s*["
        "\r\n"
        r"]+|\s+(?!\S)|\s+",
        "isolated",
    ),
]
"""Those that need no proof when a file is loaded: it takes as long as all the rest."""


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
        NoSinglePatternError: they cannot be one pattern; the message says why.
        ValueError: they are invalid, or could not be reproduced exactly.
    """
    splits, prefix_path = read_splits(value, source)
    if prefix_path and [split.path for split in splits] != [prefix_path]:
        what = f"{prefix_path}.add_prefix_space applies to each piece of a split"
        raise NoSinglePatternError(str(refusal(source, what)))
    return PreTokenization(pattern_of_splits(splits, source), prefix_path != "")


def read_splits(value: Any, source: str) -> tuple[tuple[Split, ...], str]:
    """Returns the splits of a file in sequence.

    Args:
        value: the member `pre_tokenizer`.
        source: the file, for errors.

    Returns:
        The splits, and what puts a blank before each piece that does not begin with one: the path
        of the last pre-tokenizer, whose own split comes after that; "" if nothing does.

    Raises:
        ValueError: they are invalid, or could not be reproduced exactly.
    """
    if value is None:
        raise refusal(source, "it has no pre_tokenizer, so merges may cross words")
    splits: list[Split] = []
    prefix_path = ""
    is_byte_level = False
    steps = _steps(value, "pre_tokenizer", source)
    for number, (step, path) in enumerate(steps, 1):
        kind = member(step, f"{path}.type", str, source)
        if kind == "ByteLevel":
            if is_byte_level:
                raise refusal(source, f"{path} is ByteLevel, as one before it is")
            is_byte_level = True
            if member(step, f"{path}.add_prefix_space", bool, source):
                prefix_path = path
            if member(step, f"{path}.use_regex", bool, source, default=True):
                splits.append(Split(GPT2_PATTERN, "isolated", path))
            if number < len(steps):
                splits.append(Split("", TO_LETTERS, path))
                if prefix_path:
                    raise refusal(source, f"{path} puts blanks before pieces that are split again")
        elif number == len(steps) and not is_byte_level:
            raise refusal(
                source, f"{path} is {kind}; only byte-level BPE is known, after ByteLevel"
            )
        else:
            splits += _splits_of(step, kind, path, source)
    if len(splits) > _SPLIT_LIMIT:
        raise refusal(source, f"pre_tokenizer has more than {_SPLIT_LIMIT} splits")
    if not steps:
        raise refusal(source, "its pre_tokenizer is empty; only byte-level BPE is known")
    if not splits:
        splits.append(Split(EVERYTHING, "isolated", prefix_path))
    return tuple(splits), prefix_path


def _splits_of(step: dict[str, Any], kind: str, path: str, source: str) -> list[Split]:
    """Returns the splits that a pre-tokenizer makes."""
    if kind == "Split":
        return [_split(step, path, source)]
    if kind == "Digits":
        single = member(step, f"{path}.individual_digits", bool, source)
        return [Split(_DIGIT if single else f"{_DIGIT}+", "isolated", path)]
    if kind == "Punctuation":
        return [Split(_PUNCTUATION, _behaviour(step, path, source, "Isolated"), path)]
    if kind == "Whitespace":
        return [Split(r"\w+|[^\w\s]+", "kept", path)]
    if kind == "WhitespaceSplit":
        return [Split(r"\s", "removed", path)]
    if kind == "BertPreTokenizer":
        return [Split(r"\s", "removed", path), Split(_PUNCTUATION, "isolated", path)]
    if kind == "CharDelimiterSplit":
        delimiter = member(step, f"{path}.delimiter", str, source)
        if len(delimiter) != 1:
            raise ValueError(f"{source}: {path}.delimiter must be a character: {delimiter!r:.60}")
        return [Split(_literally(delimiter), "removed", path)]
    if kind == "FixedLength":
        length = member(step, f"{path}.length", int, source)
        if not 0 < length <= _LENGTH_LIMIT:
            raise refusal(source, f"{path}.length is {length!r:.60}, not 1 to {_LENGTH_LIMIT}")
        return [Split(rf"[\s\S]{{1,{length}}}", "isolated", path)]
    reason = _REASONS.get(kind, "which cannot be part of a pattern")
    raise refusal(source, f"{path} is {kind}, {reason}")


def _literally(text: str) -> str:
    return "".join(f"\\x{{{ord(character):X}}}" for character in text)


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
        pattern = read_pattern(given, f"{path}.pattern", source)
    elif [*given] == ["String"]:
        literal = require_short(
            member(given, f"{path}.pattern.String", str, source), f"{path}.pattern", source
        )
        pattern = _literally(literal)
    else:
        raise ValueError(f"{source}: {path}.pattern must have Regex or String, found {given!r:.60}")
    behaviour = _behaviour(step, path, source)
    if member(step, f"{path}.invert", bool, source):
        # What lies between matches takes their place.
        behaviour = {
            "removed": "kept",
            "mergedwithprevious": "invertedprevious",
            "mergedwithnext": "invertednext",
        }.get(behaviour, behaviour)
    return Split(pattern, behaviour, path)


def _behaviour(step: dict[str, Any], path: str, source: str, default: Any = ...) -> str:
    behaviour = member(step, f"{path}.behavior", str, source, default=default)
    if behaviour not in _BEHAVIOURS:
        raise ValueError(f"{source}: {path}.behavior must be one of {', '.join(_BEHAVIOURS)}")
    return str(behaviour).lower()


def pattern_of_splits(splits: tuple[Split, ...], source: str) -> str:
    """Returns one pattern for some splits, each of the pieces of the one before.

    Raises:
        NoSinglePatternError: there is none, or it is not found.
    """
    if any(split.behaviour == TO_LETTERS for split in splits):
        raise NoSinglePatternError(str(refusal(source, "splits follow ByteLevel")))
    if len(splits) == 1 and splits[0].pattern == GPT2_PATTERN:
        return R50K_PATTERN  # the same pieces: tests/models/test_pre_tokenizers.py
    if [(split.pattern, split.behaviour) for split in splits] == _DEEPSEEK_V3_SPLITS:
        return PATTERNS["deepseekv3"].pattern  # tests/models/test_pattern_presets.py
    return composed_pattern(splits, source)


def composed_pattern(splits: tuple[Split, ...], source: str) -> str:
    """Finds one pattern for some splits; raises as `pattern_of_splits`."""
    try:
        trees = [_tree(split.pattern) for split in splits]
        alternatives = _alternatives(splits, NO_CHARACTER)
        if not alternatives:
            raise ValueError("its splits remove everything")
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
        raise NoSinglePatternError(str(refusal(source, f"pre_tokenizer: {error}"))) from error


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
    if first.behaviour not in ("isolated", "contiguous", "removed", "kept"):
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


def automaton_of(pattern: str) -> SplitPattern:
    """Returns what finds a pattern's matches.

    Raises:
        ValueError: it needs more than an automaton, can match nothing, or means something else to
            fancy-regex than as it is written.
    """
    _require_same_meaning(pattern)
    splitter = compile_split_pattern(pattern)
    if isinstance(splitter, SplitPattern):
        return splitter
    compile_for_engine(pattern)  # says why
    raise ValueError("it has no automaton")


def _require_same_meaning(pattern: str) -> None:
    if _meaning(parse(pattern)) != _meaning(parse_as_written(pattern)):
        _tree(pattern)


def _meaning(node: Node) -> Node:
    """Returns a copy of a tree without what does not change its matches."""
    node = with_children(without_captures(node), _meaning)
    return replace(node, spelling="") if isinstance(node, (Characters, Next)) else node


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
    if split.behaviour in ("mergedwithprevious", "invertednext") and gap is not None:
        return [Sequence((Repeat(gap, 0, 1, "greedy", 0), tree)), gap]
    if split.behaviour in ("mergedwithnext", "invertedprevious") and gap is not None:
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
    """Refuses a later split that would split or remove what an earlier one has isolated."""
    seen_later = restricted(_tree(later.pattern), run.complement())
    if later.behaviour == "kept" or (later.behaviour == "removed" and seen_later is not None):
        raise ValueError(f"{later.path} would remove what {first.path} isolates")
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
