"""Patterns of the split family, for the fuzzer: as models spell them, and with any rules."""

from __future__ import annotations

import itertools
import random
from typing import Any

from bpecore._models.presets import GPT2_PATTERN
from bpecore._models.presets import PATTERNS as PRESETS

_CONTRACTIONS = (
    "'s|'t|'re|'ve|'m|'ll|'d",
    "'(?:[sdmt]|ll|ve|re)",
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)",
    "'(?i:[sdmt]|ll|ve|re)",
    "(?i:'(?:ll|[rv]e|[dmst]))",
)
_NUMBERS = (r"\p{N}", r"\p{N}{1,3}", r"\p{N}+", r" ?\p{N}+", r" ?\p{N}", r"\p{N}{1,3}+")
_CASED = (r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}", r"[\p{Ll}\p{Lm}\p{Lo}")
_SCRIPTS = (r"\p{Han}", r"[\p{Hiragana}\p{Katakana}]", r"[一-龥\u3040-ゟ\u30a0-ヿ]")

_KANA = r"一-龥\u3040-ゟ\u30a0-ヿ"
_OWN = rf"{_KANA}&&\p{{L}}\p{{M}}"
_WORD = rf"[\p{{L}}\p{{M}}&&[^{_KANA}]]"
DEEPSEEK_PATTERN = (
    rf"\p{{N}}{{1,3}}|[\u3040\u3097-\u309a]?[{_OWN}]+|[\u309b\u309c\u30a0\u30fb]+"
    rf"|(?:[\u3040\u3097\u3098](?![{_OWN}]))+"
    rf"|[!-/:-@\[-`{{-~][A-Za-z]+|[^\r\n\p{{L}}\p{{P}}\p{{S}}\p{{N}}{_KANA}]?{_WORD}+"
    rf"| ?[\p{{P}}\p{{S}}&&[^{_KANA}]]+[\r\n]*|\s*[\r\n]+|\s+(?![^\s\p{{N}}{_KANA}])|\s+"
    rf"|(?:[^\p{{L}}\p{{M}}\p{{N}}\p{{P}}\p{{S}}\s{_KANA}](?!{_WORD}))+"
)
"""What DeepSeek V3's three splits do one after the other, as one pattern."""

MEMBERS = {
    "whisper": GPT2_PATTERN,
    **{name: PRESETS[name].pattern for name in ("llama3", "qwen3", "qwen35", "tekken", "kimik2")},
    "deepseek": DEEPSEEK_PATTERN,
    "starcoder": (r"\p{N}|'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?![^\s\p{N}])|\s+"),
}
"""Patterns of models, by name."""

_CHARACTERS = (
    "aAbBsSlLeErR1234'/.,(!  \n\n\r\t\x00éÉжЖʰ中文々⺀ひカ…😀𐐀"
    "\u017f\u3007\u30fb\u0301\u0903\u3099\u3000\u200c\u2028\u0663½"
)


def member_pattern(source: random.Random) -> str:
    """Returns a pattern that is made of what members of the split family are made of.

    Nearly all are members, which the engine splits by blocks; the automaton splits the others.
    """
    pick = source.choice
    if source.random() < 0.1:
        return DEEPSEEK_PATTERN.replace(r"\p{N}{1,3}", pick(_NUMBERS[:3]), 1)
    script = pick(("", "", *_SCRIPTS))
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
    line_ends = source.random() < 0.7
    taken = pick((r"[\r\n]*", r"[\r\n/]*", r"[\n\r]*+", "")) if line_ends else ""
    alternatives.append(rf" ?[^\s\p{{L}}\p{{N}}{pick(('', marks))}]+{taken}")
    return "|".join([*alternatives, *_white_space(source, line_ends, isolated)])


def _white_space(source: random.Random, line_ends: bool, isolated: str) -> list[str]:
    """Returns what a member does with white space that nothing else takes."""
    ahead = rf"\s+(?![^\s{isolated}])" if isolated else r"\s+(?!\S)"
    alternatives = [r"\s++$"] if source.random() < 0.3 else []
    if line_ends:
        alternatives.append(source.choice((r"\s*[\r\n]+", r"\s*[\r\n]")))
    return [*alternatives, *source.choice(((ahead, r"\s+"), (ahead, r"\s"), (r"\s+",)))]


def family_definition(source: random.Random) -> dict[str, Any]:
    """Returns arguments of `Encoding` with the pattern of a model, or one like it.

    Its tokens are some characters that members distinguish, and all pairs of them. So two splits of
    a text over these characters nearly always differ in their ids.
    """
    letters = sorted({*source.sample(_CHARACTERS, 14), " ", "a"})
    beginnings = (letter.encode()[:end] for letter in letters for end in range(2, 5))
    pairs = ("".join(pair).encode() for pair in itertools.product(letters, repeat=2))
    tokens = dict.fromkeys(bytes([value]) for value in range(256))
    tokens.update(dict.fromkeys(itertools.chain(beginnings, pairs)))
    pattern = source.choice([*MEMBERS.values()])
    return {
        "name": f"generated with models' patterns over {''.join(letters)!a}",
        "pat_str": pattern if source.random() < 0.5 else member_pattern(source),
        "mergeable_ranks": {token: rank for rank, token in enumerate(tokens)},
        "special_tokens": {},
    }


def text_of_family(source: random.Random, definition: dict[str, Any]) -> str:
    """Returns a text over the characters of such an encoding, long enough to be split by blocks."""
    tokens = [*definition["mergeable_ranks"]][256:]
    letters = sorted(set("".join(token.decode("utf-8", "ignore") for token in tokens)))
    chosen = source.choices(letters, k=source.randint(2, 8))
    return "".join(source.choices(chosen, k=source.choice((48, 70, 140, 300))))
