"""Generated encodings: random rank tables, random patterns that bpecore accepts, special tokens."""

from __future__ import annotations

import random
from typing import Any

from bpecore._pattern.families import CL100K_PATTERN, O200K_PATTERN, R50K_PATTERN
from bpecore.encodings import ENCODING_CONSTRUCTORS
from bpecore.fuzzing.case_patterns import case_definition
from bpecore.fuzzing.characters import of_any_category
from bpecore.fuzzing.split_family import member_pattern

GENERATED = "generated"
"""The name for generated vocabularies and patterns."""

LETTERS = [
    "ab",
    "abc",
    "aA'sS ",
    "ab \n",
    "aé",
    "中a",
    "😀b",
    "的一是",
    "가나다",
    "aAbB1 .\n/'",
    "a",
]

CASE_SHARE = 0.1
"""The share of encodings that are made for `(?i)`."""

_ATOMS = [
    *(r"\p{L}", r"\p{Lu}", r"\p{Ll}", r"\p{N}", r"\p{M}", r"\s", r"\S", r"\w", r"[^\s\p{L}\p{N}]"),
    *("[ab]", "[^a]", "[^\\r\\n]", "[a-cA-C]", "a", "b", " ", "'", "ab", r"\n", "中", "[^中\\n]"),
    *("(?i:a)", "(?i:[sdm])", "(?:a|bc)", "(?i:'s|'ll)", "[\\p{L}&&[^a]]"),
    *(r"(?i:\p{Lu})", r"(?i:[^\p{Ll}k])", r"(?i:\p{Greek})", "(?i:é)"),
    *(r"(?i:\p{Lt})", r"(?i:\p{M})", r"(?i:[\p{L}\d])", "(?i:[k-sß])", "(?i:\u017ft)", r"\P{L}"),
    *(".", "[^x]", "(?s:.)", "[^<]", "<[^>]", "[^ab]", "(?>a|ab)", "(?>(?:ab?|b)+)"),
]
_QUANTIFIERS = ["", "", "", "+", "+", "?", "*", "{1,3}", "{2}", "{2,}"]
_ENDINGS = [
    *("", "", "", "", "$", r"(?!\S)", "(?=a)", "(?! )", "(?=<)", "(?![^a])", "(?=.)"),
    *(r"(?!\n)", "(?=[^<])", r"(?i:(?=\p{Lu}))"),
]
_EDGES = [
    *(
        r"\b",
        r"\B",
        r"\<",
        r"\>",
        "^",
        r"\A",
        "(?m:^)",
        "(?m:$)",
        r"\Z",
        r"(?=\d*\b)",
        "(?!ab|b+a)",
    ),
    *("(?<=a)", "(?<!b)", r"(?<=\s|ab)", r"(?<!^a)", r"(?<=\p{L}+1)", r"(?=(?:[ab]{2})*(?![ab]))"),
    *("(?=.*b$)", r"(?!.*\n)", r"(?<=\bb)", r"(?i:(?<=\p{Lu}))", r"(?=[^<]*(?:<|\z))"),
]
_OPENINGS = ["(", "(?<n>", "(?P<n>", "(?s:", "(?s-i:", "(?x: ", "(?m:"]

CASE_RELATED = "\u017fs\u212akKßẞµ\u03bcς\u03c3Σ\u0345\u03b9\u0399\u212båǅǆǄ\u0131\u0130iIﬀᾳᾼҒ"
"""Characters whose case relations leave their script or category, and what they are related to."""

_FAR_PATTERNS = [
    *(".+", "[^x]+", r"[\s\S]+", "(?s:.+)", r".+|\n", "[^x]+|x", r"[^\n]+|\n+", r"\S+|\s+"),
    *(r"[\s\S]", r"[^a]+a?|a", r"(?:ab)+|.|\n", r"[^<]+(?=<)|[\s\S]", r"[^<]+(?!<)|[\s\S]"),
    *(r"\w+(?=.{1,3})|[\s\S]", r".{2,9}(?!\S)|[\s\S]", r"(?i)[\p{Lu}<|>]+|[\s\S]"),
]
"""Patterns whose pieces would run across special tokens, or whose look-aheads see them."""


def random_definition(source: random.Random) -> dict[str, Any]:
    """Returns arguments of `Encoding` with an untrained vocabulary and some pattern.

    The ranks may have gaps and go up to 2^31. The tokens include some that merging cannot reach,
    that are longer than 15 or 255 bytes, that start inside a character, or that are empty.
    """
    if source.random() < CASE_SHARE:
        return case_definition(source)
    alphabet = source.choice(LETTERS)
    if source.random() < 0.3:
        alphabet += of_any_category(source)
    tokens = random_tokens(source, alphabet)
    return {
        "name": f"generated over {alphabet!a}",
        "pat_str": random_pattern(source),
        "mergeable_ranks": dict(zip(tokens, random_ranks(source, len(tokens)))),
        "special_tokens": {},
    }


def random_tokens(source: random.Random, alphabet: str) -> list[bytes]:
    """Returns the 256 bytes and some tokens over an alphabet, distinct, in any order."""
    tokens = dict.fromkeys(bytes([value]) for value in range(256))
    used = [bytes([value]) for value in sorted(set(alphabet.encode()))]
    odd = source.random() < 0.5
    for _ in range(source.choice((0, 1, 3, 10, 40, 150))):
        kind = source.random() if odd else 0.0
        if kind < 0.8:
            token = source.choice(used) + source.choice(used)
        elif kind < 0.97:
            token = "".join(source.choices(alphabet, k=source.randint(2, 24))).encode()
        else:
            token = "".join(source.choices(alphabet, k=source.randint(200, 400))).encode()
        if token not in tokens and len(token) <= 1_500:
            tokens[token] = None
            used.append(token)
    if odd and source.random() < 0.2:
        tokens[b""] = None
    found = list(tokens)
    if odd and source.random() < 0.4:
        source.shuffle(found)
    return found


def random_ranks(source: random.Random, count: int) -> list[int]:
    """Returns distinct ranks: mostly ascending, with or without gaps, sometimes up to 2^31."""
    if source.random() < 0.5:
        return list(range(count))
    largest = source.choice((count * 2, 2**16, 2**24, 2**31))
    ranks = source.sample(range(largest), count)
    if source.random() < 0.6:
        ranks.sort()
    return ranks


def with_special_tokens(source: random.Random, definition: dict[str, Any]) -> dict[str, Any]:
    """Returns the definition with special tokens, none a prefix of another.

    Between a token and its prefix, tiktoken's choice depends on the order of a hash table. Some are
    over the vocabulary's own letters, so that they look like its tokens.
    """
    tokens = [token.decode("utf-8", "ignore") for token in definition["mergeable_ranks"]]
    names: list[str] = []
    candidates = source.sample(["<x>", "<|y|>", "aa", "中", "[s]", "😀", "\n\n", "x y", "é>"], 4)
    candidates += ["".join(source.choices(tokens[256:] or ["b"], k=2))[:40] for _ in range(2)]
    for name in source.sample(candidates, source.randint(1, 5)):
        if name and not any(name.startswith(other) or other.startswith(name) for other in names):
            names.append(name)
    names = names or ["<x>"]
    first = max(definition["mergeable_ranks"].values()) + source.randint(1, 1_000)
    special_tokens = {name: first + 2 * place for place, name in enumerate(names)}
    return {**definition, "special_tokens": special_tokens}


def random_pattern(source: random.Random) -> str:
    """Returns a pattern none of whose alternatives matches the empty string."""
    kind = source.random()
    if kind < 0.1:
        return source.choice((R50K_PATTERN, CL100K_PATTERN, O200K_PATTERN))
    if kind < 0.2:
        return member_pattern(source)
    if kind < 0.4:
        return source.choice(_FAR_PATTERNS)
    alternatives = [random_alternative(source) for _ in range(source.randint(1, 5))]
    if source.random() < 0.8:
        alternatives.append(r"[\s\S]")
    return source.choice(("", "", "", "(?i)")) + "|".join(alternatives)


def random_alternative(source: random.Random) -> str:
    """Returns a sequence of quantified atoms; the last one matches at least once."""
    parts = [
        source.choice(_ATOMS) + source.choice(_QUANTIFIERS) for _ in range(source.randint(0, 2))
    ]
    # The quantifier of a literal of several characters applies to the last one only, which is fine.
    parts.append(source.choice(_ATOMS) + source.choice(("", "+", "{1,3}")))
    if source.random() < 0.3:
        parts.insert(source.randint(0, len(parts)), source.choice(_EDGES))
    if source.random() < 0.1 and " " not in parts[-1]:
        parts[-1] = f"{source.choice(_OPENINGS)}{parts[-1]})"
    return "".join(parts) + source.choice(_ENDINGS)


def text_over(source: random.Random, definition: dict[str, Any]) -> str:
    """Returns a text made of the definition's tokens and special tokens."""
    tokens = [token.decode("utf-8", "ignore") for token in definition["mergeable_ranks"]]
    tokens = [token for token in tokens[256:] if token] or ["a"]
    common = ["a", "b", " ", "\n", "A", "1", "'s", "中", "é", "x", ">"]
    words = source.choices(tokens, k=4) + source.choices(common, k=3)
    if definition["special_tokens"] and source.random() < 0.8:
        names = source.choices([*definition["special_tokens"]], k=2)
        words += [*names, names[0][:-1]]
    if "(?i" in definition["pat_str"]:
        words += source.choices(CASE_RELATED, k=6)
    if source.random() < 0.3:
        words.append(of_any_category(source))
    text = "".join(source.choices(words, k=source.randint(1, source.choice((4, 12, 60)))))
    return text[:3_000]


def openai_definition(name: str) -> dict[str, Any]:
    """Returns arguments of `Encoding` for one of OpenAI's encodings, from the bundled tables."""
    definition = ENCODING_CONSTRUCTORS[name]()
    definition.pop("explicit_n_vocab", None)
    return definition
