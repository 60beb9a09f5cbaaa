"""Pre-tokenizers as one pattern: the pieces that `tokenizers` makes, for all short strings."""

from __future__ import annotations

import itertools
import json
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
import regex
from small_models import BYTE_LEVEL, PIECES, mixed_texts

from bpecore._build.assemble import compile_split_pattern
from bpecore._models.pieces import spans_of_matches
from bpecore._models.pre_tokenizers import read_pre_tokenizers
from bpecore._models.presets import GPT2_PATTERN, PATTERNS
from bpecore._models.tables import same_pieces
from bpecore._pattern import compile_pattern, member_of
from bpecore._pattern.families import R50K_PATTERN
from bpecore._pattern.library_syntax import source_of
from bpecore._pattern.parser import parse

tokenizers = pytest.importorskip("tokenizers", reason='pip install "bpecore[models-test]"')

LAST = {**BYTE_LEVEL, "use_regex": False}
DEEPSEEK = (
    r"\p{N}{1,3}",
    "[一-龥\u3040-ゟ\u30a0-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
    "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
)


def split(pattern: str, behavior: str = "Isolated", invert: bool = False) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


def sequence(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", "pretokenizers": [*steps]}


def digits(single: bool) -> dict[str, Any]:
    return {"type": "Digits", "individual_digits": single}


# The classes that the patterns tell apart, and more of each script that is split by itself.
CHARACTERS = "aB'sé\u0301\u09becd1٣ \t\n\r!_中ひ\u30a0\u3040\u3099\u200b\u00a0Σǅ"

KNOWN: dict[str, dict[str, Any]] = {
    "GPT-2": BYTE_LEVEL,
    "DeepSeek V3": sequence(*map(split, DEEPSEEK), LAST),
    "StarCoder": sequence(digits(True), BYTE_LEVEL),
    "runs of digits": sequence(digits(False), BYTE_LEVEL),
    "three digits": sequence(split(r"\p{N}{1,3}"), BYTE_LEVEL),
    "white space alone": sequence(split(r"\s+"), digits(True), BYTE_LEVEL),
    **{
        name: sequence(split(PATTERNS[name].pattern), LAST)
        for name in ("llama3", "qwen3", "qwen35", "tekken", "kimik2", "o200k")
    },
    "words": sequence(split(r"\w+|[^\w\s]+|\s+"), LAST),
    "GPT-4 in other words": sequence(
        split(
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]++[\r\n]*"
            r"|\s*[\r\n]|\s+(?!\S)|\s+"
        ),
        LAST,
    ),
    "with gaps": sequence(split(r"\p{L}+"), LAST),
    "with more gaps": sequence(split(r"ab|a1|\s+(?!\S)"), LAST),
    "string": sequence(
        {"type": "Split", "pattern": {"String": "a"}, "behavior": "Isolated", "invert": False}, LAST
    ),
    **{
        f"{behavior} {pattern}": sequence(split(pattern, behavior), LAST)
        for behavior in ("Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
        for pattern in (r"\s", r"\s+", r"a+1?", r"[ab1]|\p{P}")
    },
    "Removed": sequence(split(r"\s+", "Removed"), LAST),
    "Removed one by one": sequence(split(r"\s|\p{N}", "Removed"), LAST),
    "inverted": sequence(split(r"\p{L}+", "Isolated", True), LAST),
    **{
        f"inverted, {behavior} {pattern}": sequence(split(pattern, behavior, True), LAST)
        for behavior in ("MergedWithPrevious", "MergedWithNext", "Contiguous")
        for pattern in (r"\s", r"[ab1]|\p{P}")
    },
    **{
        f"{behavior}, then GPT-2": sequence(split(pattern, behavior, invert), BYTE_LEVEL)
        for behavior, pattern, invert in (
            ("Removed", r"\p{N}", False),
            ("Removed", r"\s+", False),
            ("Removed", r"[\p{L}\s]+", True),
            ("Contiguous", r"\p{N}", False),
            ("Contiguous", r"\s", True),
        )
    },
    "Removed, then digits, then GPT-2": sequence(
        split("[!_]", "Removed"), digits(True), BYTE_LEVEL
    ),
    "nothing is split": LAST,
    "Punctuation": sequence({"type": "Punctuation"}, LAST),
    **{
        f"Punctuation {behavior}": sequence({"type": "Punctuation", "behavior": behavior}, LAST)
        for behavior in ("Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")
    },
    "Punctuation, then digits": sequence({"type": "Punctuation"}, digits(True), LAST),
    "Whitespace": sequence({"type": "Whitespace"}, LAST),
    "WhitespaceSplit": sequence({"type": "WhitespaceSplit"}, LAST),
    "WhitespaceSplit, then GPT-2": sequence({"type": "WhitespaceSplit"}, BYTE_LEVEL),
    "BertPreTokenizer": sequence({"type": "BertPreTokenizer"}, LAST),
    "CharDelimiterSplit": sequence({"type": "CharDelimiterSplit", "delimiter": "_"}, BYTE_LEVEL),
    "FixedLength": sequence({"type": "FixedLength", "length": 3}, LAST),
    "inverted, removed": sequence(split(r"\p{L}+|a1", "Removed", True), LAST),
}


def short_strings(length: int) -> Iterator[str]:
    for size in range(1, length + 1):
        yield from map("".join, itertools.product(CHARACTERS, repeat=size))


def pieces_of(pre_tokenizer: dict[str, Any]) -> Any:
    """Returns a function to the pieces that `tokenizers` makes of a text, as bytes in letters."""
    file = {
        "version": "1.0",
        "added_tokens": [],
        "model": {"type": "BPE", "vocab": {}, "merges": []},
        "pre_tokenizer": pre_tokenizer,
    }
    theirs = tokenizers.Tokenizer.from_str(json.dumps(file)).pre_tokenizer
    return lambda text: [piece for piece, _ in theirs.pre_tokenize_str(text)]


def check(pre_tokenizer: dict[str, Any], texts: Iterator[str] | list[str]) -> None:
    pattern = read_pre_tokenizers(pre_tokenizer, "here").pattern
    compile_pattern(pattern)  # an automaton
    ours = regex.compile(source_of(parse(pattern)), regex.VERSION1)
    letters = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    spelling = {
        character: letters.pre_tokenize_str(character)[0][0]
        for character in {*CHARACTERS, *"".join(PIECES)}
    }
    theirs = pieces_of(pre_tokenizer)
    for text in texts:
        expected = theirs(text)
        found = ["".join(map(spelling.__getitem__, piece)) for piece in ours.findall(text)]
        assert found == expected, text


@pytest.mark.parametrize("name", KNOWN)
def test_pieces_of_short_strings(name: str) -> None:
    source = random.Random(name)
    longer = ["".join(source.choices(CHARACTERS, k=source.randrange(3, 9))) for _ in range(400)]
    check(KNOWN[name], [*short_strings(2), *longer, *mixed_texts(5, 150)])


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_pieces_of_all_strings_of_four(name: str) -> None:
    check(KNOWN[name], short_strings(4))


@pytest.mark.parametrize("name", ["Punctuation", "Whitespace", "WhitespaceSplit"])
def test_pieces_around_every_code_point(name: str) -> None:
    """Their classes are those of other versions of Unicode than the split patterns'."""
    splitter = compile_split_pattern(read_pre_tokenizers(KNOWN[name], "here").pattern)
    theirs = tokenizers.Tokenizer.from_str(json.dumps(without_byte_level(KNOWN[name])))
    pre_tokenizer = theirs.pre_tokenizer
    for first in range(0, 0x110000, 64):
        if not 0xD800 <= first < 0xE000:
            text = "a".join(map(chr, range(first, first + 64)))
            expected = [span for _, span in pre_tokenizer.pre_tokenize_str(text)]
            assert [*spans_of_matches(splitter, text)] == expected


def without_byte_level(value: dict[str, Any]) -> dict[str, Any]:
    """Returns a file with all but the last of some pre-tokenizers."""
    steps = value["pretokenizers"][:-1]
    model = {"type": "BPE", "vocab": {}, "merges": []}
    return {
        "version": "1.0",
        "added_tokens": [],
        "model": model,
        "pre_tokenizer": sequence(*steps),
    }


def test_the_pattern_of_byte_level_is_one_that_is_fast() -> None:
    assert read_pre_tokenizers(BYTE_LEVEL, "here").pattern == R50K_PATTERN
    assert same_pieces(compile_pattern(GPT2_PATTERN), compile_pattern(R50K_PATTERN))


@pytest.mark.parametrize("name", ["DeepSeek V3", "StarCoder", "three digits", "qwen35", "kimik2"])
def test_splits_in_sequence_are_as_fast_as_one(name: str) -> None:
    """The engine splits by blocks what is a member of the split family."""
    assert member_of(compile_pattern(read_pre_tokenizers(KNOWN[name], "here").pattern))


def test_a_pattern_without_gaps_stays_as_it_is_written() -> None:
    for name in ("llama3", "qwen3", "o200k"):
        pattern = PATTERNS[name].pattern
        assert read_pre_tokenizers(sequence(split(pattern), LAST), "here").pattern == pattern


def test_long_patterns_are_read_in_linear_time() -> None:
    start = time.process_time()
    with pytest.raises(ValueError, match="whether it matches depends on more than two characters"):
        read_pre_tokenizers(sequence(split("a" * 3000), LAST), "here")
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        (r"a|b", r"[ab]", True),
        (r"a|ab", r"ab|a", False),
        (r"\s+(?!\S)|\s+", r"\s+", False),
        (r"a+", r"a++", True),
        (r"a{1,2}", r"a{1,3}", False),
        (r"\p{L}+", r"\p{Lu}+", False),
    ],
)
def test_equal_pieces_are_known(first: str, second: str, equal: bool) -> None:
    assert same_pieces(compile_pattern(first), compile_pattern(second)) is equal


REFUSED = {
    "nothing": (None, "it has no pre_tokenizer"),
    "no byte level": (sequence(digits(True)), "is Digits; only byte-level BPE is known"),
    "empty": (sequence(), "its pre_tokenizer is empty"),
    "after byte level": (sequence(LAST, digits(True)), "splits follow ByteLevel"),
    "other kind": (sequence({"type": "New"}, LAST), "is New, which cannot be part of a pattern"),
    "horizontal": (sequence(split(r"\h+"), LAST), r"pattern has \\h at character 0"),
    "counted": (sequence(split(r"a{1,3}+"), LAST), r"pattern has \{1 at character 1"),
    "look-behind": (sequence(split(r"(?<=a)b"), LAST), "a look-behind at character 0"),
    "removed": (sequence(split("ab", "Removed"), LAST), "does not match certain characters"),
    "general first": (sequence(split("ab|c"), BYTE_LEVEL), "does not match certain characters"),
    "split again": (sequence(split(r"\p{L}{1,9}"), split("[ae]"), LAST), "would split what"),
    "prefix": (
        sequence(digits(True), {**BYTE_LEVEL, "add_prefix_space": True}),
        "add_prefix_space applies to each piece",
    ),
    "far": (sequence(split("abc"), LAST), "depends on more than two characters"),
    "many": (sequence(*[digits(False)] * 9, LAST), "more than 8 splits"),
    "rewritten": (sequence(split(r"\d+\.?\d+"), LAST), "otherwise than Oniguruma"),
    "behaviour": (sequence(split("a", "Other"), LAST), "behavior must be one of Isolated"),
    "merged first": (sequence(split("a", "MergedWithNext"), BYTE_LEVEL), "other splits follow it"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_one_pattern_is_refused(name: str) -> None:
    value, reason = REFUSED[name]
    with pytest.raises(ValueError, match=reason):
        read_pre_tokenizers(value, "here")
