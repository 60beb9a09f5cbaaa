"""Writes a tokenizer as a tokenizer.json, whose outline is here alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from bpecore._models.byte_letters import letters_of

if TYPE_CHECKING:
    from collections.abc import Mapping

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
_MEMBERS: dict[str, Any] = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [],
    "normalizer": None,
    "pre_tokenizer": None,
    "post_processor": None,
    "decoder": None,
}
_BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}


def file_outline(model: Mapping[str, Any], members: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a tokenizer.json with its members in the order in which `tokenizers` writes them.

    Args:
        model: members of its model.
        members: other members.
    """
    return {
        **{name: members.get(name, default) for name, default in _MEMBERS.items()},
        "model": {"type": "BPE", **_MODEL_DEFAULTS, **model},
    }


def model_options(model: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the member `model` says besides its tokens; absent and empty are the same."""
    return {name: model.get(name) or default or None for name, default in _MODEL_DEFAULTS.items()}


def file_of_ranks(ranks: Mapping[bytes, int], pattern: str, **members: Any) -> dict[str, Any]:
    """Returns the tokenizer.json that Hugging Face's converter makes of a rank file.

    Of each token, it lists all pairs that make it.

    Args:
        ranks: the id of each token.
        pattern: the split pattern, as Oniguruma reads it.
        members: other members than those that follow from these.
    """
    merges = []
    for token in sorted(ranks, key=ranks.__getitem__):
        cuts = ((token[:cut], token[cut:]) for cut in range(1, len(token)))
        pairs = [pair for pair in cuts if pair[0] in ranks and pair[1] in ranks]
        pairs.sort(key=lambda pair: (ranks[pair[0]], ranks[pair[1]]))
        merges += [[*map(letters_of, pair)] for pair in pairs]
    vocab = {letters_of(token): rank for token, rank in ranks.items()}
    split = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated"}
    splits = [{**split, "invert": False}, {**_BYTE_LEVEL, "use_regex": False}]
    return file_outline(
        {"ignore_merges": True, "vocab": vocab, "merges": merges},
        {
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": splits},
            "decoder": {**_BYTE_LEVEL, "use_regex": True},
            **members,
        },
    )


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
    pairs = np.frombuffer(bytes(parts.merges), dtype="<u4").reshape(-1, 2).tolist()
    # A pair that is listed twice counts where it is last.
    kept = [*dict.fromkeys(map(tuple, reversed(pairs)))][::-1]
    model = {**members["model"], "vocab": vocab}
    model["merges"] = [[names[left], names[right]] for left, right in kept]
    file = file_outline(model, members)
    form: dict[str, Any] = {"indent": 2} if pretty else {"separators": (",", ":")}
    return json.dumps(file, ensure_ascii=False, **form)
