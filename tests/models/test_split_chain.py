"""Splits in sequence that are not one pattern: the pieces and ids that `tokenizers` gives."""

from __future__ import annotations

import itertools
import json
import pickle
import random
import time
from pathlib import Path
from typing import Any

import pytest
from small_models import (
    BYTE_LEVEL,
    added_tokens,
    both,
    first_difference,
    mixed_texts,
    model_json,
    trained_model,
)

from bpecore import Encoding
from bpecore._core import SplitPattern, piece_spans
from bpecore._models.split_chain import ChainedEncoding
from bpecore._pattern import compile_for_engine

tokenizers = pytest.importorskip("tokenizers", reason='pip install "bpecore[models-test]"')

LAST = {**BYTE_LEVEL, "use_regex": False}
# One of each class that the splits tell apart, and more.
CHARACTERS = "abA1٣ -!—é\u0301中\n_$"


def split(pattern: str, behavior: str = "Isolated", invert: bool = False) -> dict[str, Any]:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": behavior, "invert": invert}


def chain(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", "pretokenizers": [*steps]}


PREFIXED = {**BYTE_LEVEL, "add_prefix_space": True}
DEEPSEEK_CODER = chain(
    split("[\r\n]"),
    split(r"\s?\p{L}+"),
    split(r"\s?\p{P}+"),
    split("[一-龥ࠀ-一가-퟿]+"),
    {"type": "Digits", "individual_digits": True},
    LAST,
)
BEHAVIOURS = ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")

CHAINS: dict[str, dict[str, Any]] = {
    "DeepSeek Coder": DEEPSEEK_CODER,
    "general first": chain(split("ab|A"), BYTE_LEVEL),
    "three characters decide": chain(split("ab1"), LAST),
    "split again": chain(split(r"\p{L}{1,9}"), split("[ab]"), LAST),
    "ends of lines": chain(split(r"\s+$"), split(r"^\s"), BYTE_LEVEL),
    "words": chain(split(r"\b\d"), split(r"\B\w"), split(r"\W+"), LAST),
    "what was isolated is removed": chain(
        {"type": "BertPreTokenizer"}, {"type": "Punctuation", "behavior": "Removed"}, BYTE_LEVEL
    ),
    "what was isolated is not kept": chain(split("-"), split("[^-]", "Removed", True), BYTE_LEVEL),
    "everything is removed": chain(split(r"\s", "Removed"), split(r"\S+", "Removed"), BYTE_LEVEL),
    "looks behind": chain(split(r"(?<=[a1])b|(?<!a)1"), BYTE_LEVEL),
    "digits from the right": chain(
        split(r"\p{N}{1,3}(?=(?:\p{N}{3})*(?:\P{N}|$))|[^\p{N}]+"), LAST
    ),
    "looks ahead within its range": chain(split("1"), split(r" +(?!\S)| |\p{L}+(?=-)"), LAST),
    "a blank before each range": chain(split("-"), PREFIXED),
    "a blank before each piece": chain(split("-"), {**PREFIXED, "use_regex": False}),
    "a blank after all splits": chain(split(r" ?\p{L}+"), {**LAST, "add_prefix_space": True}),
    "Whitespace, then GPT-2": chain({"type": "Whitespace"}, BYTE_LEVEL),
    "Punctuation, then digits": chain(
        {"type": "Punctuation", "behavior": "Contiguous"},
        {"type": "Digits", "individual_digits": False},
        BYTE_LEVEL,
    ),
    "FixedLength, then GPT-2": chain({"type": "FixedLength", "length": 3}, BYTE_LEVEL),
    **{
        f"{behavior} {invert}, then GPT-2": chain(split("a1|b", behavior, invert), BYTE_LEVEL)
        for behavior in BEHAVIOURS
        for invert in (False, True)
    },
    **{
        f"twice {behavior}": chain(split("a|b", behavior), split("ab|1 ", behavior), LAST)
        for behavior in BEHAVIOURS
    },
}


def loaded(pre_tokenizer: dict[str, Any], folder: Path, **changes: Any) -> tuple[Encoding, Any]:
    return both(model_json(pre_tokenizer=pre_tokenizer, **changes), folder)


@pytest.mark.parametrize("name", CHAINS)
def test_pieces_and_ids(name: str, tmp_path: Path) -> None:
    ours, theirs = loaded(CHAINS[name], tmp_path)
    if not isinstance(ours, ChainedEncoding):
        pytest.skip("one pattern does it")
    letters = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    source = random.Random(name)
    texts = [*map("".join, itertools.product(CHARACTERS, repeat=2))]
    texts += ["".join(source.choices(CHARACTERS, k=source.randrange(3, 12))) for _ in range(500)]
    texts += mixed_texts(6, 100)
    for text in texts:
        found = []
        for piece in map(bytes.decode, ours._pieces_of(text.encode())):
            found.append("".join(p for p, _ in letters.pre_tokenize_str(piece)))
        assert found == [piece for piece, _ in theirs.pre_tokenizer.pre_tokenize_str(text)], text
    assert first_difference(ours, theirs, texts) is None


def test_how_many_are_no_single_pattern(tmp_path: Path) -> None:
    kinds = [type(loaded(value, tmp_path)[0]) for value in CHAINS.values()]
    assert kinds.count(ChainedEncoding) >= len(CHAINS) - 3


DIGITS = {"type": "Digits", "individual_digits": False}
AFTER_BYTE_LEVEL: dict[str, dict[str, Any]] = {
    "Falcon": chain(
        {"type": "Punctuation", "behavior": "Contiguous"},
        BYTE_LEVEL,
        DIGITS,
        split("[0-9][0-9][0-9]"),
    ),
    "digits": chain(LAST, DIGITS),
    "blanks, which are letters by then": chain(split("1"), LAST, split("Ġ", "MergedWithNext")),
    "bytes of characters": chain(BYTE_LEVEL, split("[Ã²¤]"), split(r"\p{L}")),
    **{
        f"{behavior} {invert}": chain(BYTE_LEVEL, split("[a-cĠ©]1?", behavior, invert))
        for behavior in BEHAVIOURS
        for invert in (False, True)
    },
}


@pytest.mark.parametrize("name", AFTER_BYTE_LEVEL)
def test_splits_after_byte_level(name: str, tmp_path: Path) -> None:
    ours, theirs = loaded(AFTER_BYTE_LEVEL[name], tmp_path)
    assert isinstance(ours, ChainedEncoding)
    texts = [*map("".join, itertools.product([*CHARACTERS, "²", "¾"], repeat=2))]
    texts += [*mixed_texts(9, 200), "1234567", "x²½1", ""]
    for text in texts:
        found = [*map(bytes.decode, ours._pieces_of(text.encode()))]
        assert found == [piece for piece, _ in theirs.pre_tokenizer.pre_tokenize_str(text)], text
    assert first_difference(ours, theirs, texts) is None
    assert first_difference(pickle.loads(pickle.dumps(ours)), theirs, texts[-50:]) is None


def test_with_normalizers_and_added_tokens(tmp_path: Path) -> None:
    tokens = added_tokens(
        {"content": "<s>", "special": True}, {"content": "<tool>", "rstrip": True, "special": False}
    )
    ours, theirs = loaded(DEEPSEEK_CODER, tmp_path, normalizer={"type": "NFC"}, added_tokens=tokens)
    texts = [*mixed_texts(7, 300), "<s>e\u0301<tool> 中1", "", "<s>"]
    assert first_difference(ours, theirs, texts) is None
    assert "split 5 times before that" in str(ours.source) or "split 4 times" in str(ours.source)
    assert [pickle.loads(pickle.dumps(ours)).encode(text) for text in texts if "<" not in text] == [
        ours.encode(text) for text in texts if "<" not in text
    ]
    assert ours.encode_batch(["a 1", "b"]) == [ours.encode("a 1"), ours.encode("b")]
    with pytest.raises(ValueError, match="truncate needs an encoding that splits by one pattern"):
        ours.truncate("the", 2)


def test_a_second_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BPECORE_TABLES_DIR", str(tmp_path))
    first, _ = loaded(DEEPSEEK_CODER, tmp_path)
    again = Encoding.from_file(tmp_path / "tokenizer.json")
    for text in mixed_texts(8, 50):
        assert again.encode(text) == first.encode(text)


REFUSED = {
    "nothing": (split("a?"), "a pattern that can match the empty string"),
    "rewritten": (split(r"\d+\.?\d+"), "would match"),
    "Metaspace": ({"type": "Metaspace"}, "is Metaspace, which puts ▁ in the place of blanks"),
    "UnicodeScripts": ({"type": "UnicodeScripts"}, "whose tables of scripts are not known"),
    "a long delimiter": ({"type": "CharDelimiterSplit", "delimiter": "ab"}, "must be a character"),
    "no length": ({"type": "FixedLength", "length": 0}, "length is 0, not 1 to 200"),
}


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ((BYTE_LEVEL, BYTE_LEVEL), r"pretokenizers\[1\] is ByteLevel, as one before it is"),
        ((PREFIXED, DIGITS), r"pretokenizers\[0\] puts blanks before pieces that are split again"),
    ],
)
def test_what_is_refused_after_byte_level(
    steps: tuple[dict[str, Any], ...], message: str, tmp_path: Path
) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps(model_json(pre_tokenizer=chain(*steps))))
    with pytest.raises(ValueError, match=message):
        Encoding.from_file(tmp_path)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, tmp_path: Path) -> None:
    step, message = REFUSED[name]
    file = json.loads(trained_model())
    file["pre_tokenizer"] = chain(split("ab|A"), step, BYTE_LEVEL)
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(file))
    with pytest.raises(ValueError, match=message):
        Encoding.from_file(path)


@pytest.mark.parametrize(
    "pattern", [r"\b\w+", r"\p{L}+\p{N}", r"(?<=a)b|a", r"\d{1,3}(?=(\d{3})*\b)"]
)
def test_spans_of_patterns_that_look_around(pattern: str) -> None:
    """Such patterns have no automaton that splits by itself, or one that is quadratic."""
    import regex

    automaton, guided = compile_for_engine(pattern)
    splitter = SplitPattern(automaton, guided=guided)
    source = random.Random(pattern)
    for length in [*range(30), 5000]:
        text = "".join(source.choices("ab1 _23", k=length))
        expected = [found.span() for found in regex.finditer(pattern, text)]
        assert piece_spans(splitter, text.encode()) == expected


def test_time_is_linear() -> None:
    automaton, guided = compile_for_engine(r"\p{L}+\p{N}")
    splitter = SplitPattern(automaton, guided=guided)
    start = time.process_time()
    assert piece_spans(splitter, b"a" * 1_000_000) == []
    assert time.process_time() - start < 5
