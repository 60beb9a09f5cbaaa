"""Reads the vocabulary in a GGUF file: byte-level BPE, or the reason why it is not.

Normal tokens are the model's; control tokens are special, and those that users defined are added
ones. A file names its split pattern, and has no normalizers.

Reference: `src/llama-vocab.cpp` of llama.cpp.
"""

from __future__ import annotations

import io
from typing import Any, NamedTuple

from bpecore._build.special_tokens import build_trie
from bpecore._core import Vocabulary
from bpecore._models.added_tokens import are_found_at_once
from bpecore._models.bpe_model import BpeModel, bpe_model_of
from bpecore._models.errors import refusal
from bpecore._models.gguf_header import GgufHeader
from bpecore._models.parts import AddedToken, ModelParts, in_order
from bpecore._models.presets import PATTERNS

_PREFIX = "tokenizer.ggml."
_NORMAL, _UNKNOWN, _CONTROL, _USER_DEFINED, _UNUSED = 1, 2, 3, 4, 5
_TYPES = range(7)
_OTHER_KINDS = {
    "llama": "SentencePiece's BPE, which merges characters by scores and falls back to bytes",
    "bert": "WordPiece",
    "t5": "SentencePiece's Unigram",
    "rwkv": "RWKV's, which takes the longest token at each place",
    "plamo2": "PLaMo's, which minimizes a score",
    "gemma4": "BPE of characters",
    "no_vocab": "none: the file has no vocabulary",
}


class _Splitting(NamedTuple):
    """What llama.cpp derives from the name of a pre-tokenizer.

    Attributes:
        preset: the name of the split pattern.
        ignore_merges: as in a tokenizer.json.
        adds_bos: whether a text begins with its token unless the file says otherwise.
    """

    preset: str
    ignore_merges: bool = False
    adds_bos: bool = False


_NAMES = {
    _Splitting(
        "llama3", True, True
    ): "llama-bpe llama3 llama-v3 falcon3 lfm2 midm-2.0 jina-v5-nano",
    _Splitting("llama3"): "dbrx smaug-bpe",
    _Splitting("glm4"): "glm4 chatglm-bpe",
    _Splitting("qwen2"): "qwen2 deepseek-r1-qwen megrez hunyuan stablelm2 solar-open grok-2 kormo",
    _Splitting("qwen35"): "qwen35",
    _Splitting("deepseekv3"): "deepseek-v3 hunyuan-dense joyai-llm",
    _Splitting("tekken", True, True): "tekken",
    _Splitting("o200k"): "gpt-4o llama4 kanana2 minimax-m2",
    _Splitting("kimik2"): "kimi-k2",
    _Splitting("starcoder"): (
        "starcoder refact command-r smollm codeshell exaone minerva-7b mellum2"
    ),
    _Splitting("gpt2"): (
        "gpt-2 phi-2 mpt olmo jais trillion granite-docling exaone4 gigachat a.x-4.0 mellum "
        "modern-bert roberta-bpe jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code"
    ),
}
_SPLITTINGS = {name: splitting for splitting, names in _NAMES.items() for name in names.split()}
KNOWN_NAMES = tuple(_SPLITTINGS)
"""The names of pre-tokenizers whose pattern is known."""


def read_gguf(contents: bytes, source: str) -> tuple[Vocabulary, ModelParts]:
    """Reads the metadata of a file.

    Args:
        contents: the file's bytes up to the end of the metadata.
        source: the file, for errors.

    Returns:
        The vocabulary, and what else an encoding is made of; the pattern is "" if the file's name
        for it is not known.

    Raises:
        ValueError: the file is invalid, or its ids could not be reproduced exactly.
    """
    header = _Metadata(GgufHeader(io.BytesIO(contents), source).values, source)
    kind = header.get("model", str)
    if kind != "gpt2":
        what = _OTHER_KINDS.get(kind, "not known")
        raise refusal(source, f"{_PREFIX}model is {kind!r:.60}: its vocabulary is {what}")
    for key, value in header.values.items():
        if key.startswith(f"{_PREFIX}normalizer.") and value:
            raise refusal(source, f"{key:.80} is {value!r:.60}, which is not known")
    name = header.get("pre", str, "")
    splitting = _SPLITTINGS.get(name)
    texts = header.strings("tokens")
    types = header.numbers("token_type", [_NORMAL] * len(texts))
    if len(types) != len(texts):
        raise ValueError(
            f"{source}: {_PREFIX}token_type has {len(types):,} entries for {len(texts):,} tokens"
        )
    for number, kind in enumerate(types):
        if kind not in _TYPES:
            place = f"{_PREFIX}token_type[{number}]"
            raise ValueError(f"{source}: {place} must be from 0 to {_TYPES[-1]}, found {kind}")
    _require_different(texts, source)
    added = _added_tokens(texts, types, source)
    others = {token.id for token in added}
    others.update(number for number, kind in enumerate(types) if kind == _UNUSED)
    bpe = bpe_model_of(
        {text: number for number, text in enumerate(texts) if number not in others},
        header.strings("merges"),
        splitting is not None and splitting.ignore_merges,
        source,
        f"{_PREFIX}merges",
    )
    unused = {texts[number]: number for number in others - {token.id for token in added}}
    return bpe.vocabulary, _parts(header, name, bpe, added, unused)


def _parts(
    header: _Metadata, name: str, bpe: BpeModel, added: list[AddedToken], unused: dict[str, int]
) -> ModelParts:
    splitting = _SPLITTINGS.get(name, _Splitting(""))
    pattern = PATTERNS[splitting.preset].pattern if splitting.preset else ""
    count = len(bpe.vocab) + len(added) + len(unused)
    special = sum(token.special for token in added)
    details = (
        f"byte-level BPE of {len(bpe.vocab):,} tokens, {bpe.merge_count:,} merges, "
        f"{special:,} special and {len(added) - special:,} other added tokens, "
        f"pre-tokenizer {name or 'not named'}"
    )
    if bpe.listed:
        details += ", merged by the list of pairs, which is not the order of ids"
    only_decoded = {**bpe.only_decoded, **{text.encode(): n for text, n in unused.items()}}
    for token in added:
        only_decoded.pop(token.content.encode(), None)
    return ModelParts(
        pattern,
        added,
        None,
        False,
        only_decoded,
        header.token_around("bos", splitting.adds_bos, count),
        header.token_around("eos", False, count),
        details,
        are_found_at_once(added),
        build_trie([token.content for token in in_order(added)]),
        {**bpe.names, **{number: text for text, number in unused.items()}},
        bpe.merges,
        {"model": {"ignore_merges": splitting.ignore_merges}, "pre": name},
    )


class _Metadata(NamedTuple):
    values: dict[str, Any]
    source: str

    def get(self, name: str, kind: type, default: Any = ...) -> Any:
        """Returns the value of a key, checked to be of a type."""
        found = self.values.get(_PREFIX + name, default)
        if found is ...:
            raise ValueError(f"{self.source}: it has no {_PREFIX}{name}")
        if type(found) is not kind and found is not default:
            raise ValueError(
                f"{self.source}: {_PREFIX}{name} must be of type {kind.__name__}, found "
                f"{found!r:.60}"
            )
        return found

    def strings(self, name: str) -> list[str]:
        """Returns an array of strings."""
        return self._array(name, str, ...)

    def numbers(self, name: str, default: list[int]) -> list[int]:
        """Returns an array of integers."""
        return self._array(name, int, default)

    def _array(self, name: str, kind: type, default: Any) -> list[Any]:
        found: list[Any] = self.get(name, list, default)
        if not {*map(type, found)} <= {kind}:
            raise ValueError(
                f"{self.source}: {_PREFIX}{name} must be an array of {kind.__name__}, found "
                f"{found!r:.60}"
            )
        return found

    def token_around(self, name: str, default: bool, count: int) -> list[int]:
        """Returns the id that a text begins or ends with, as a list; none if it does not."""
        is_added = self.get(f"add_{name}_token", bool, default)
        number = self.get(f"{name}_token_id", int, None)
        if not is_added or (number is None and f"{_PREFIX}add_{name}_token" not in self.values):
            return []
        if number is None or not 0 <= number < count:
            raise ValueError(
                f"{self.source}: {_PREFIX}{name}_token_id must be the id of a token, found {number}"
            )
        return [number]


def _require_different(texts: list[str], source: str) -> None:
    if len({*texts}) == len(texts):
        return
    first: dict[str, int] = {}
    for number, text in enumerate(texts):
        if first.setdefault(text, number) != number:
            raise ValueError(
                f"{source}: {_PREFIX}tokens[{number}] repeats tokens[{first[text]}]: {text!r:.60}"
            )


def _added_tokens(texts: list[str], types: list[int], source: str) -> list[AddedToken]:
    added = []
    for number, (text, kind) in enumerate(zip(texts, types)):
        if kind in (_UNKNOWN, _CONTROL, _USER_DEFINED):
            if not text:
                raise ValueError(f"{source}: {_PREFIX}tokens[{number}], a special token, is empty")
            is_special = kind != _USER_DEFINED
            added.append(AddedToken(text, number, is_special, False, False, False, False))
    return added
