"""Presets that stand for several splits in sequence give the pieces of those splits."""

from __future__ import annotations

from typing import Any

import pytest
from small_models import BYTE_LEVEL

from bpecore._models.pre_tokenizers import read_pre_tokenizers
from bpecore._models.presets import PATTERNS, pattern_preset
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
    composed = read_pre_tokenizers({"type": "Sequence", "pretokenizers": steps}, "here").pattern
    assert same_pieces(compile_pattern(composed), compile_pattern(pattern_preset(name).pattern))


def test_names_of_one_family_have_one_pattern() -> None:
    for one, other in [
        ("nemotron", "tekken"),
        ("MiniMax", "o200k"),
        ("deepseek_r1", "deepseek_v3"),
    ]:
        assert pattern_preset(one).pattern == pattern_preset(other).pattern != one
    assert all(compile_pattern(preset.pattern) for preset in PATTERNS.values())
