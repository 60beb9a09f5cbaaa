"""The patterns that are split by blocks, and the instruction sets that can do it."""

from __future__ import annotations

from bpecore import _core
from bpecore._pattern.families import CL100K_PATTERN, O200K_PATTERN, R50K_PATTERN

PATTERNS = {"r50k": R50K_PATTERN, "cl100k": CL100K_PATTERN, "o200k": O200K_PATTERN}

DEEPSEEK_SPLITS = (
    r"\p{N}{1,3}",
    "[一-龥\u3040-ゟ\u30a0-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
    "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
)
"""DeepSeek V3 applies one after the other."""

INSTRUCTION_SETS = ("automaton", "off", "sse2", "avx2", "avx512", "neon")


def available_instructions() -> list[str]:
    """Returns the instruction sets of this machine; leaves the last one chosen."""
    found = []
    for choice in INSTRUCTION_SETS[1:]:
        try:
            _core.choose_simd(choice)
        except ValueError:
            continue
        found.append(choice)
    return found
