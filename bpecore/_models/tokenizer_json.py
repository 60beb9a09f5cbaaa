"""Reads a tokenizer.json of Hugging Face, whose model is byte-level BPE."""

from __future__ import annotations

from functools import partial
from typing import Any

from bpecore._build.special_tokens import build_trie
from bpecore._core import Vocabulary
from bpecore._models.added_tokens import are_found_at_once, read_added_tokens, require_distinct
from bpecore._models.bpe_model import read_bpe_model
from bpecore._models.errors import refusal
from bpecore._models.json_files import member
from bpecore._models.normalizers import normalized, read_normalizers
from bpecore._models.parts import ModelParts, in_order
from bpecore._models.post_processors import read_post_processors
from bpecore._models.split_chain import read_chain

_VERSION = "1.0"
_DECODERS = (
    *("BPEDecoder", "ByteFallback", "ByteLevel", "CTC", "Fuse", "Metaspace", "Replace"),
    *("Sequence", "Strip", "WordPiece"),
)
_LARGE = ("vocab", "merges")  # members of the model that are kept otherwise


def is_tokenizer_json(file: dict[str, Any]) -> bool:
    """Returns whether a JSON object is a tokenizer.json."""
    return isinstance(file.get("model"), dict) or {"added_tokens", "pre_tokenizer"} <= file.keys()


def read_tokenizer_json(file: dict[str, Any], source: str) -> tuple[Vocabulary, ModelParts]:
    """Reads a tokenizer.json.

    Args:
        file: its contents.
        source: where they are from, for errors.

    Returns:
        The vocabulary, and what else an encoding is made of.

    Raises:
        ValueError: it is invalid, or its ids could not be reproduced exactly.
    """
    version = member(file, "version", str, source, default=_VERSION)
    if version != _VERSION:
        raise refusal(source, f"version is {version!r:.60}, and only {_VERSION!r} is known")
    model = member(file, "model", dict, source)
    kind = member(model, "model.type", str, source, default="BPE")
    if kind != "BPE":
        raise refusal(source, f"its model is {kind}, not byte-level BPE")
    fallback = member(model, "model.byte_fallback", bool, source, default=False)
    if fallback and not _names_byte_level(file.get("pre_tokenizer")):
        raise refusal(
            source,
            "its model is BPE of characters, not of bytes: byte_fallback is on, as in "
            "SentencePiece, and no pre_tokenizer is ByteLevel",
        )
    steps = read_normalizers(file.get("normalizer"), source, all_kinds=True)
    pattern, prefix_space, stages = read_chain(file.get("pre_tokenizer"), source)
    before, after = read_post_processors(file.get("post_processor"), source)
    _check_decoder(file.get("decoder"), "decoder", source)
    bpe = read_bpe_model(model, source)
    tokens = read_added_tokens(file.get("added_tokens"), bpe.vocab, source)
    if steps:
        require_distinct(tokens, partial(normalized, steps), source)
    special = sum(token.special for token in tokens)
    details = (
        f"byte-level BPE of {len(bpe.vocab):,} tokens, {bpe.merge_count:,} merges, "
        f"{special:,} special and {len(tokens) - special:,} other added tokens"
    )
    if steps:
        details += f", normalizer {_name_of(file['normalizer'])}"
    if bpe.listed:
        details += ", merged by the list of pairs, which is not the order of ids"
    if stages:
        details += f", split {len(stages)} times before that"
    added = {token.content.encode(): token.id for token in tokens}
    only_decoded = {
        token: number for token, number in bpe.only_decoded.items() if token not in added
    }
    hidden = {number for token, number in bpe.only_decoded.items() if token in added}
    names = {number: name for name, number in bpe.vocab.items() if number in hidden}
    names.update(bpe.names)
    return bpe.vocabulary, ModelParts(
        pattern,
        tokens,
        file["normalizer"] if steps else None,
        prefix_space,
        only_decoded,
        before,
        after,
        details,
        are_found_at_once(tokens),
        build_trie([token.content for token in in_order(tokens)]),
        names,
        bpe.merges,
        {
            **{
                name: value for name, value in file.items() if name not in ("model", "added_tokens")
            },
            "model": {name: value for name, value in model.items() if name not in _LARGE},
        },
        stages,
    )


def _names_byte_level(pre_tokenizer: Any) -> bool:
    if not isinstance(pre_tokenizer, dict):
        return False
    inside = pre_tokenizer.get("pretokenizers")
    steps = inside if isinstance(inside, list) else [pre_tokenizer]
    return any(isinstance(step, dict) and step.get("type") == "ByteLevel" for step in steps)


def _check_decoder(decoder: Any, place: str, source: str) -> None:
    """Refuses what is no decoder; ids do not depend on it."""
    if decoder is None:
        return
    if not isinstance(decoder, dict):
        raise ValueError(f"{source}: {place} must be a JSON object, found {decoder!r:.60}")
    kind = member(decoder, f"{place}.type", str, source)
    if kind not in _DECODERS:
        raise refusal(source, f"{place} is {kind:.60}, which is not known")
    if kind == "Sequence":
        for number, part in enumerate(member(decoder, f"{place}.decoders", list, source)):
            _check_decoder(part, f"{place}.decoders[{number}]", source)


def _name_of(normalizer: dict[str, Any]) -> str:
    if normalizer["type"] == "Sequence":
        return " then ".join(map(_name_of, normalizer["normalizers"]))
    return str(normalizer["type"])
