"""Small tokenizer.json files, and what `tokenizers` makes of texts with them."""

from __future__ import annotations

import functools
import json
import random
from pathlib import Path
from typing import Any

import pytest

from bpecore import Encoding

TEXT = (
    "the quick brown fox can't 'll 123 4567 <tool> é e\u0301 中文字 ひらがな カタカナ "
    "\r\n\n  x\u0338 ﬁ Å K \u200b\u200c \U0001f600 … — the the tool to tool\t\tABC abc"
)
PIECES = [
    *TEXT.split(" "),
    *"<>abtKk12 \n\r\t_-'\u0301\u0338\u0323\u00a0\u2003é中あ…",
    "<a>",
    "<ab>",
    "b>",
    "<K>",
    "<\u212a>",
    "tool",
    "  ",
    "\U0001e5ee",
    "\u1ac0",
]
BYTE_LEVEL = {
    "type": "ByteLevel",
    "add_prefix_space": False,
    "trim_offsets": True,
    "use_regex": True,
}


@functools.cache
def trained_model() -> str:
    """Returns a byte-level BPE model in JSON, trained on a few words."""
    tokenizers = pytest.importorskip("tokenizers", reason='pip install "bpecore[models-test]"')
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=420,
        show_progress=False,
        initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator([TEXT] * 20, trainer)
    written: str = tokenizer.to_str()
    return written


def model_json(**changes: Any) -> dict[str, Any]:
    """Returns a small tokenizer.json with some members changed."""
    file: dict[str, Any] = json.loads(trained_model())
    return {**file, "pre_tokenizer": BYTE_LEVEL, "decoder": BYTE_LEVEL, **changes}


def added_tokens(*tokens: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns added tokens with the ids that `tokenizers` gives them."""
    vocab = model_json()["model"]["vocab"]
    entries = []
    following = len(vocab)
    for token in tokens:
        number = vocab.get(token["content"])
        if number is None:
            number, following = following, following + 1
        options = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
        entries.append({"id": number, **options, **token})
    return entries


def both(file: dict[str, Any], folder: Path) -> tuple[Encoding, Any]:
    """Returns our encoding of a file, and theirs."""
    import tokenizers

    path = folder / "tokenizer.json"
    path.write_text(json.dumps(file), encoding="utf-8")
    return Encoding.from_file(path), tokenizers.Tokenizer.from_file(str(path))


def mixed_texts(seed: int, count: int, pieces: list[str] = PIECES) -> list[str]:
    """Returns short texts out of the pieces that the options are about."""
    source = random.Random(seed)
    return ["".join(source.choices(pieces, k=source.randrange(9))) for _ in range(count)]


def first_difference(ours: Encoding, theirs: Any, texts: list[str]) -> object:
    """Returns the first text that is encoded otherwise, with both results; None if none is."""
    for text in texts:
        ids = ours.encode(text, allowed_special="all")
        try:
            expected = theirs.encode(text, add_special_tokens=False).ids
        except BaseException as error:
            # Theirs may panic where tokens that take blanks with them overlap.
            if type(error).__name__ != "PanicException":
                raise
            continue
        if ids != expected:
            return text, ids, expected
    return None
