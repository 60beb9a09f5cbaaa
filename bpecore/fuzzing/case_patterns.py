"""Generated encodings for `(?i)`: their patterns fold sets, and their ids show where they split."""

from __future__ import annotations

import itertools
import random
import re
from typing import Any

from bpecore._pattern.case_folding import case_groups

_SETS = [
    *(r"\p{Lu}", r"\p{Ll}", r"\p{Lt}", r"\p{L}", r"\p{M}", r"\p{N}", r"\w", r"\P{Lu}", r"\P{L}"),
    *(r"\P{Ll}", r"\P{Greek}", r"[^\P{Ll}]"),
    *(r"\p{Greek}", r"\p{Latin}", r"\p{Cyrillic}", r"[^\p{Ll}k]", r"[\p{L}\d]", r"[\p{L}&&[^k]]"),
    *("[[:upper:]]", "[[:alpha:]]", "[k-sß]", "[^a-z]", r"[\p{Lt}\p{M}]"),
]
_PATTERNS = [
    *(r"(?i:{0})+|[\s\S]", r"(?i){0}{{1,2}}|[\s\S]", r"(?i){0}+{1}?|[\s\S]", r"(?i:{0}{1})|[\s\S]"),
    *(
        r"(?i:[^{1}]{0})|[\s\S]",
        r"(?i)(?:{1}|{0}+(?!{1}))|[\s\S]",
        r"{0}+(?i:{1})|(?i:{0})+|[\s\S]",
    ),
]


def case_definition(source: random.Random) -> dict[str, Any]:
    """Returns arguments of `Encoding` whose pattern ignores case.

    Its tokens are a few characters that are related by case, and all pairs of them. So two splits
    of a text over these characters nearly always differ in their ids.
    """
    groups = sorted(set(case_groups().values()))
    large = [group for group in groups if len(group) > 2]
    chosen = {*source.choice(large), *source.choice(groups)}
    letters = [*map(chr, sorted(chosen)), source.choice("ak1 ")]
    folded = source.choice(_SETS if source.random() < 0.6 else [*map(re.escape, letters)])
    pattern = source.choice(_PATTERNS).format(folded, re.escape(source.choice(letters)))
    beginnings = (letter.encode()[:end] for letter in letters for end in range(2, 5))
    pairs = ("".join(pair).encode() for pair in itertools.product(letters, repeat=2))
    tokens = dict.fromkeys(bytes([value]) for value in range(256))
    tokens.update(dict.fromkeys(itertools.chain(beginnings, pairs)))
    tokens.pop(b"", None)
    return {
        "name": f"generated with case over {''.join(letters)!a}",
        "pat_str": pattern,
        "mergeable_ranks": {token: rank for rank, token in enumerate(tokens)},
        "special_tokens": {},
    }


def text_of_case(source: random.Random, definition: dict[str, Any]) -> str:
    """Returns a short text over the characters of such an encoding."""
    tokens = [*definition["mergeable_ranks"]][256:]
    letters = sorted(set("".join(token.decode("utf-8", "ignore") for token in tokens)))
    return "".join(source.choices(letters, k=source.randint(1, 8)))
