"""Writes a tokenizer as a tokenizer.json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from bpecore._models.parts import ModelParts

_MODEL_DEFAULTS = {
    "dropout": None,
    "unk_token": None,
    "continuing_subword_prefix": None,
    "end_of_word_suffix": None,
    "fuse_unk": False,
    "byte_fallback": False,
    "ignore_merges": False,
}


def written_tokenizer(
    parts: ModelParts, members: dict[str, Any], vocab: dict[str, int], pretty: bool
) -> str:
    """Returns a tokenizer.json.

    Args:
        parts: what the tokenizer is made of.
        members: the members of the file that may have changed.
        vocab: the model's tokens.
        pretty: whether it is indented.
    """
    names = {number: name for name, number in vocab.items()}
    pairs = np.frombuffer(parts.merges, dtype="<u4").reshape(-1, 2).tolist()
    model = {"type": "BPE", **_MODEL_DEFAULTS, **parts.file["model"], "vocab": vocab}
    model["merges"] = [[names[left], names[right]] for left, right in pairs]
    order = (
        "version truncation padding added_tokens normalizer pre_tokenizer post_processor decoder"
    )
    file = {name: members.get(name, parts.file.get(name)) for name in order.split()}
    file["model"] = model
    form: dict[str, Any] = {"indent": 2} if pretty else {"separators": (",", ":")}
    return json.dumps(file, ensure_ascii=False, **form)
