"""tokenizer.json files made up at random: every member that is read, in any combination."""

from __future__ import annotations

import random
from typing import Any

from hf_choices import NORMALIZERS, OPTIONS, POST_PROCESSORS
from small_models import BYTE_LEVEL, PIECES, model_json

BEHAVIOURS = ("Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous")
PATTERNS = (
    *(
        r"\s+",
        r"\d",
        r"\p{L}+",
        r" ?\p{L}+",
        r"[\r\n]+",
        r"\p{N}{1,3}",
        r"a|ab",
        r"ab|a",
        r"the|to",
    ),
    *(r"\s+(?!\S)|\s+", r"'(?i:[sdmt]|ll|ve|re)", r"[A-Z][a-z]*", r"[^a]", r"(a)(b)?", r"a(?!b)"),
    *(r"(?<=a)b", r"\bto\b", r"\w+", r"[\w&&[^\d]]+", r"\W", r"^\s", r"\s+$", r"(?>a+)", r"a{2,}?"),
    *(
        r"\d(?=(?:\d{3})+(?:\D|$))",
        r"\p{Han}+|\p{M}",
        r"<[a-z]*>",
        ".",
        r"\h",
        r"\X",
        "x*",
        "(?i)k",
    ),
)
CONTENTS = (
    *(
        "<a>",
        "<ab>",
        "<a",
        "b>",
        "  ",
        " ",
        "tool",
        "\u212a",
        "é",
        "e\u0301",
        "k",
        "a b",
        "Ġt",
        "the",
    ),
    *(
        "the ",
        "ab",
        "abc",
        "\n",
        "\n\n",
        "x\u0338",
        "\u0338",
        "İ",
        "ß",
        "中",
        "中文",
        "<|end|>",
        "to",
    ),
    *("12", "ﬁ", "\t", "\u00a0", "T", "aa", "\ua7d1", "<unk>"),
)
EXTRA = ("the quick", "Ġthe quick", "xyz", "tooltool", "<unk>", "中", "a b", "ĠĠĠĠĠĠĠ", "1234")
TEXTS = [
    *PIECES,
    *CONTENTS,
    *"ABab ",
    "123456",
    "\u0344",
    "각",
    "ᄀ",
    "ᅡ",
    "\u017f",
    "²",
    "\u200d",
    "\x00",
]


def made_up_file(source: random.Random) -> dict[str, Any]:
    """Returns a tokenizer.json with everything chosen at random."""
    model = _model(source)
    return model_json(
        model=model,
        added_tokens=_added_tokens(source, model["vocab"]),
        normalizer=_normalizer(source),
        pre_tokenizer=_pre_tokenizer(source),
        post_processor=source.choice(POST_PROCESSORS),
    )


def made_up_texts(source: random.Random, count: int) -> list[str]:
    """Returns short texts out of what the members are about, some with very long runs."""
    texts = ["".join(source.choices(TEXTS, k=source.randrange(9))) for _ in range(count)]
    return [*texts, source.choice(TEXTS) * source.randrange(50, 400)]


def _model(source: random.Random) -> dict[str, Any]:
    model = model_json()["model"]
    vocab, merges = dict(model["vocab"]), list(model["merges"])
    change = source.randrange(8)
    if change == 0:  # ids that are not in the order of merges
        for _ in range(source.choice((1, 3, 50))):
            first, second = source.sample(sorted(vocab), 2)
            vocab[first], vocab[second] = vocab[second], vocab[first]
    elif change == 1:
        source.shuffle(merges)
    elif change == 2:
        merges[source.randrange(9) : 0] = source.sample(merges, 4)
    elif change == 3:
        merges = [pair for pair in merges if source.random() < 0.97]
    elif change == 4:  # other ways to make a token
        for token in source.sample([token for token in vocab if len(token) > 2], 12):
            cut = source.randrange(1, len(token))
            if token[:cut] in vocab and token[cut:] in vocab:
                merges.insert(source.randrange(len(merges) + 1), [token[:cut], token[cut:]])
    elif change == 5:  # tokens that no merge makes, perhaps after a gap
        first = max(vocab.values()) + source.choice((1, 1, 9))
        vocab.update((token, first + place) for place, token in enumerate(source.sample(EXTRA, 3)))
    options = {
        "dropout": source.choice((None, None, None, 0.0)),
        "unk_token": source.choice((None, None, None, "<unk>", "a")),
        "fuse_unk": source.random() < 0.2,
        "byte_fallback": source.random() < 0.1,
        "ignore_merges": source.random() < 0.35,
    }
    return {**model, **options, "vocab": vocab, "merges": merges}


def _added_tokens(source: random.Random, vocab: dict[str, int]) -> list[dict[str, Any]]:
    chance = source.choice((0.0, 0.15, 0.4))
    entries = []
    following = len(vocab)
    for content in source.sample(CONTENTS, source.choice((0, 0, 1, 2, 3, 5, 9))):
        number = vocab.get(content, following)
        if content not in vocab or number >= len(vocab):
            following = max(following, number + 1)
        options = {name: source.random() < chance for name in OPTIONS}
        options["normalized"], options["special"] = source.random() < 0.4, source.random() < 0.4
        entries.append({"id": number, "content": content, **options})
    return entries


def _normalizer(source: random.Random) -> Any:
    if source.random() < 0.7:
        return source.choice(NORMALIZERS)
    replaced = {"Regex": source.choice(PATTERNS)}
    return {
        "type": "Sequence",
        "normalizers": [
            {
                "type": "Replace",
                "pattern": replaced,
                "content": source.choice(("", "u u", "\u0301")),
            },
            {"type": source.choice(("NFC", "StripAccents", "Nmt"))},
        ],
    }


def _pre_tokenizer(source: random.Random) -> dict[str, Any]:
    steps = [_split(source) for _ in range(source.choice((0, 1, 1, 2, 3)))]
    byte_level = {**BYTE_LEVEL, "add_prefix_space": source.random() < 0.2}
    byte_level["use_regex"] = source.random() < 0.6
    place = len(steps) if source.random() < 0.85 else source.randrange(len(steps) + 1)
    return {
        "type": "Sequence",
        "pretokenizers": [*steps[:place], byte_level, *steps[place:]],
    }


def _split(source: random.Random) -> dict[str, Any]:
    others: list[dict[str, Any]] = [
        {"type": "Digits", "individual_digits": source.random() < 0.5},
        {"type": "Punctuation", "behavior": source.choice(BEHAVIOURS)},
        {"type": "Whitespace"},
        {"type": "CharDelimiterSplit", "delimiter": source.choice("a ,中\n")},
        {"type": "FixedLength", "length": source.choice((1, 3, 5))},
        {"type": "UnicodeScripts"},
    ]
    if source.random() < 0.3:
        return source.choice(others)
    return {
        "type": "Split",
        "pattern": {"Regex": source.choice(PATTERNS)},
        "behavior": source.choice(BEHAVIOURS),
        "invert": source.random() < 0.25,
    }
