"""Members of a tokenizer.json to choose from, and texts that they are about."""

from __future__ import annotations

import random
from typing import Any

from small_models import BYTE_LEVEL, PIECES, added_tokens, model_json

TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [
        {"SpecialToken": {"id": "<s>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
    ],
    "pair": [
        {"SpecialToken": {"id": "<s>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "<s>", "type_id": 1}},
        {"Sequence": {"id": "B", "type_id": 1}},
        {"SpecialToken": {"id": "x", "type_id": 2}},
    ],
    "special_tokens": {
        "<s>": {"id": "<s>", "ids": [5], "tokens": ["<s>"]},
        "x": {"id": "x", "ids": [5, 6], "tokens": ["x", "y"]},
    },
}
ROBERTA = {
    "type": "RobertaProcessing",
    "sep": ["</s>", 3],
    "cls": ["<s>", 4],
    "trim_offsets": True,
    "add_prefix_space": False,
}
BERT = {"type": "BertProcessing", "sep": ["</s>", 3], "cls": ["<s>", 4]}
PREFIXED = {**BYTE_LEVEL, "add_prefix_space": True}
POST_PROCESSORS: list[Any] = [
    None,
    BYTE_LEVEL,
    PREFIXED,
    {**PREFIXED, "trim_offsets": False},
    ROBERTA,
    {**ROBERTA, "add_prefix_space": True},
    BERT,
    TEMPLATE,
    {
        **TEMPLATE,
        "single": [{"Sequence": {"id": "A", "type_id": 3}}],
        "pair": [{"Sequence": {"id": "B", "type_id": 1}}, {"Sequence": {"id": "A", "type_id": 0}}],
    },
    {"type": "Sequence", "processors": [BYTE_LEVEL, TEMPLATE]},
    {"type": "Sequence", "processors": [BYTE_LEVEL, ROBERTA]},
    {"type": "Sequence", "processors": [BERT, PREFIXED]},
    *(
        {"type": "Sequence", "processors": [first, second]}
        for first in (TEMPLATE, BERT, ROBERTA)
        for second in (TEMPLATE, BERT, ROBERTA)
        if (first, second) != (TEMPLATE, TEMPLATE)
    ),
]
NORMALIZERS: list[Any] = [
    None,
    None,
    *({"type": kind} for kind in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase")),
    {"type": "Prepend", "prepend": "xy "},
    {"type": "Strip", "strip_left": True, "strip_right": True},
    {"type": "Replace", "pattern": {"String": "oo"}, "content": "u u"},
    {"type": "Replace", "pattern": {"String": "t"}, "content": ""},
    {
        "type": "Sequence",
        "normalizers": [
            {"type": "NFD"},
            {"type": "Lowercase"},
            {"type": "NFC"},
            {"type": "Strip", "strip_left": False, "strip_right": True},
        ],
    },
]
REMOVED = {"type": "Split", "pattern": {"Regex": r"\s+"}, "behavior": "Removed", "invert": False}
PRE_TOKENIZERS: list[Any] = [
    BYTE_LEVEL,
    PREFIXED,
    {"type": "Sequence", "pretokenizers": [REMOVED, {**BYTE_LEVEL, "use_regex": False}]},
    {
        "type": "Sequence",
        "pretokenizers": [{"type": "Digits", "individual_digits": True}, BYTE_LEVEL],
    },
]
CONTENTS = ["<a>", "<ab>", "b>", "  ", "tool", "<K>", "é", "k", "a b", "Ġt"]
OPTIONS = ("single_word", "lstrip", "rstrip", "normalized", "special")
MARKED = (
    "\u0344 a\u0323\u0307 \u0307\u0323a \u1e9b\u0323 한국 각 ᄀ ᅡ ᆨ \u0958 \u2126 İ ẞ ﬃ x\u0301\u0301"
)


def chosen_file(source: random.Random) -> dict[str, Any]:
    """Returns a small tokenizer.json with members chosen at random."""
    contents = source.sample(CONTENTS, source.randrange(5))
    tokens = [
        {"content": content, **{name: source.random() < 0.25 for name in OPTIONS}}
        for content in contents
    ]
    return model_json(
        normalizer=source.choice(NORMALIZERS),
        pre_tokenizer=source.choice(PRE_TOKENIZERS),
        post_processor=source.choice(POST_PROCESSORS),
        added_tokens=added_tokens(*tokens),
    )


def chosen_texts(source: random.Random, count: int) -> list[str]:
    """Returns short texts out of the pieces that the members are about."""
    pieces = [*PIECES, *MARKED.split(" ")]
    return ["".join(source.choices(pieces, k=source.randrange(9))) for _ in range(count)]


def chosen_input(source: random.Random) -> tuple[Any, bool]:
    """Returns a text or two, or the words of them, and whether they are words."""
    first, second = chosen_texts(source, 2)
    if source.random() < 0.3:
        words = chosen_texts(source, 2), chosen_texts(source, 3)
        return source.choice([words[0], words, []]), True
    return source.choice([first, first, (first, second), [first, second]]), False
