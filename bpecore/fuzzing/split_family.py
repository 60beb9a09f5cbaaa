"""Patterns of the split family, for the fuzzer: spelled as models do, and with any rules."""

from __future__ import annotations

import random
from collections.abc import Sequence

_CONTRACTIONS = (
    "'s|'t|'re|'ve|'m|'ll|'d",
    "'(?:[sdmt]|ll|ve|re)",
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)",
    "'(?i:[sdmt]|ll|ve|re)",
    "(?i:'(?:ll|[rv]e|[dmst]))",
)
_NUMBERS = (r"\p{N}", r"\p{N}{1,3}", r"\p{N}+", r" ?\p{N}+", r" ?\p{N}", r"\p{N}{1,3}+", r"\p{N}++")
_CASED = (r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}", r"[\p{Ll}\p{Lm}\p{Lo}")
_DEEPSEEK_WORDS = (
    r"[!-/:-~&&[^\p{L}]][A-Za-z]+|[[^\r\n\p{L}\p{P}\p{S}\p{N}]&&[^一-龥぀-ヿ]]?[\p{L}\p{M}&&[^一-龥぀-ヿ]]+"
)


def member_pattern(source: random.Random) -> str:
    """Returns a pattern that follows some rules of the family, which the engine splits by blocks.

    Some combinations are members in name only: these are split by the automaton.
    """
    pick = source.choice
    script = pick(("", "", r"\p{Han}", r"[\p{Hiragana}\p{Katakana}]"))
    but = f"&&[^{script}]" if script else ""
    contraction = pick(_CONTRACTIONS)
    where = pick(("none", "first", "ending"))
    marks = pick(("", "", r"\p{M}"))
    ending = f"(?:{contraction})?" if where == "ending" else ""
    prefix = pick((" ?", r"[^\r\n\p{L}\p{N}]?", r"[^\r\n\p{L}\p{N}]?"))
    numbers = pick(_NUMBERS)
    isolated = r"\p{N}" if numbers[0] != " " and source.random() < 0.3 else ""
    alternatives = [contraction] if where == "first" else []
    alternatives += [f"{script}+"] if script else []
    if source.random() < 0.5:
        upper, lower = (f"{letters}{marks}{but}]" for letters in _CASED)
        alternatives += [f"{prefix}{upper}*{lower}+{ending}", f"{prefix}{upper}+{lower}*{ending}"]
    else:
        alternatives.append(rf"{prefix}[\p{{L}}{marks}{but}]+{ending}")
    alternatives.append(numbers)
    others = rf"[^\s\p{{L}}\p{{N}}{pick(('', marks))}]+"
    line_ends = source.random() < 0.7
    taken = pick((r"[\r\n]*", r"[\r\n/]*", r"[\n\r]*+")) if line_ends else ""
    alternatives.append(f" ?{others}{taken}")
    alternatives += [_white_space(source, line_ends, isolated)]
    return "|".join(alternatives)


def _white_space(source: random.Random, line_ends: bool, isolated: str) -> str:
    """Returns what a member does with white space that nothing else takes."""
    ahead = rf"(?![^\s{isolated}])" if isolated else r"(?!\S)"
    last: Sequence[str] = source.choice(
        ((rf"\s+{ahead}", r"\s+"), (rf"\s+{ahead}", r"\s"), (r"\s+",))
    )
    first = [*([r"\s++$"] if source.random() < 0.3 else [])]
    first += [source.choice((r"\s*[\r\n]+", r"\s*[\r\n]"))] if line_ends else []
    return "|".join((*first, *last))
