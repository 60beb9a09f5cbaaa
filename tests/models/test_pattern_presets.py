"""Presets that stand for several splits in sequence give the pieces of those splits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from small_models import BYTE_LEVEL

from bpecore import encodings
from bpecore._models import pre_tokenizers
from bpecore._models.pre_tokenizers import composed_pattern, read_pre_tokenizers, read_splits
from bpecore._models.presets import PATTERNS, pattern_preset, preset_name, special_token_preset
from bpecore._models.tables import same_pieces
from bpecore._pattern.automaton import compile_pattern

DEEPSEEK_V3 = (
    r"\p{N}{1,3}",
    "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
)


def isolated(pattern: str) -> dict[str, Any]:
    return {
        "type": "Split",
        "pattern": {"Regex": pattern},
        "behavior": "Isolated",
        "invert": False,
    }


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("DeepSeek-V3", [*map(isolated, DEEPSEEK_V3), {**BYTE_LEVEL, "use_regex": False}]),
        ("starcoder", [{"type": "Digits", "individual_digits": True}, BYTE_LEVEL]),
        ("Command-R", [{"type": "Digits", "individual_digits": True}, BYTE_LEVEL]),
    ],
)
def test_a_sequence_has_one_pattern(name: str, steps: list[Any]) -> None:
    file = {"type": "Sequence", "pretokenizers": steps}
    composed = composed_pattern(read_splits(file, "here")[0], "here")
    assert same_pieces(
        compile_pattern(composed), compile_pattern(read_pre_tokenizers(file, "here").pattern)
    )
    assert same_pieces(compile_pattern(composed), compile_pattern(pattern_preset(name).pattern))


def test_splits_of_a_published_file_need_no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """DeepSeek's file has the characters themselves where others write escapes."""
    last = DEEPSEEK_V3[2].replace(r"\r\n", "\r\n").replace(r"\"", '"')
    steps = [*map(isolated, (*DEEPSEEK_V3[:2], last)), {**BYTE_LEVEL, "use_regex": False}]
    file = {"type": "Sequence", "pretokenizers": steps}
    composed = composed_pattern(read_splits(file, "here")[0], "here")
    monkeypatch.setattr(pre_tokenizers, "composed_pattern", None)
    found = read_pre_tokenizers(file, "here").pattern
    assert found == pattern_preset("deepseek_v3").pattern
    assert same_pieces(compile_pattern(found), compile_pattern(composed))


def test_names_of_one_family_have_one_pattern() -> None:
    for one, other in [
        ("nemotron", "tekken"),
        ("MiniMax", "o200k"),
        ("deepseek_r1", "deepseek_v3"),
    ]:
        assert pattern_preset(one).pattern == pattern_preset(other).pattern != one
    assert all(compile_pattern(preset.pattern) for preset in PATTERNS.values())


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("llama3.1", "the nearest are llama3, llama4"),
        ("qwen4", "the nearest are qwen, qwen3"),
        ("cl100k_bas", "the nearest are cl100k_base, cl100k"),
        ("gpt-4o", "the nearest are gptoss, gpt2"),
        ("a/b c.d-e_1", "known are r50k, gpt2"),
    ],
)
def test_a_name_that_is_unknown_is_no_regular_expression(name: str, meant: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"known as {name!r}; {meant}")) as caught:
        pattern_preset(name)
    assert f"is written '(?:{name})'" in str(caught.value)
    assert pattern_preset(f"(?:{name})").pattern == f"(?:{name})"


@pytest.mark.parametrize("pattern", ["", ".", " ", "--", "a+", "a|b", r"\S", "[ab]", "a$"])
def test_other_patterns_are_themselves(pattern: str) -> None:
    assert pattern_preset(pattern).pattern == pattern


@pytest.mark.parametrize("name", encodings.OPENAI_CONSTRUCTORS)
def test_encodings_are_named_alike_for_patterns_and_special_tokens(name: str) -> None:
    whole = encodings.OPENAI_CONSTRUCTORS[name](ranks_of=lambda _: {})
    for spelling in (name, name.replace("_base", "")):
        found = compile_pattern(pattern_preset(spelling).pattern)
        assert same_pieces(found, compile_pattern(whole["pat_str"]))
        assert special_token_preset(spelling) == whole["special_tokens"]


def test_every_name_is_documented() -> None:
    page = Path(__file__).parents[2] / "docs" / "models.md"
    part = page.read_text(encoding="utf-8").split("Names for `pattern=`: ")[1].split("Both take")[0]
    of_patterns, of_tokens = part.split("Names for `special_tokens=`")
    assert {*map(preset_name, re.findall(r"`([\w.]+)`", of_patterns))} == {*PATTERNS}
    for name in re.findall(r"`([\w.]+)`", of_tokens):
        assert special_token_preset(name), name
    assert special_token_preset("gpt-oss") == special_token_preset("o200k_harmony")


@pytest.mark.parametrize(
    ("name", "meant"), [("qwen4", "qwen3"), ("llama", "llama3"), ("gpt-os", "gptoss")]
)
def test_nearest_special_tokens(name: str, meant: str) -> None:
    with pytest.raises(
        ValueError, match=f"no special tokens are known as '{name}'; the nearest are .*{meant}"
    ):
        special_token_preset(name)
