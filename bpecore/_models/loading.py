"""Makes an encoding from the files of a model."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from bpecore._models.errors import fault
from bpecore._models.json_files import BYTE_ORDER_MARK, parse_json
from bpecore._models.presets import (
    name_of_pattern,
    pattern_preset,
    require_all_ranks,
    special_token_preset,
)
from bpecore._models.recognition import Found, find_vocabulary
from bpecore._models.source import ModelSource
from bpecore._models.tekken import is_tekken, read_tekken
from bpecore._models.tokenizer_json import is_tokenizer_json, read_tokenizer_json
from bpecore.data import tiktoken_format

if TYPE_CHECKING:
    from typing import TypeVar

    from bpecore.core import Encoding

    AnyEncoding = TypeVar("AnyEncoding", bound=Encoding)


def load_encoding(
    cls: type[AnyEncoding],
    path: str | os.PathLike[str],
    name: str | None,
    pattern: str | None,
    special_tokens: dict[str, int] | str | None,
) -> AnyEncoding:
    """Makes an encoding of a class; arguments and errors are those of `Encoding.from_file`."""
    found = find_vocabulary(path)
    if isinstance(special_tokens, str):
        special_tokens = special_token_preset(special_tokens)
    if name is None:
        name = os.path.basename(os.path.abspath(found.folder or found.path))
    if found.kind == "tiktoken":
        return _from_tiktoken(cls, found, name, pattern, special_tokens)
    file = parse_json(found.contents, found.path)
    if is_tokenizer_json(file):
        return _from_tokenizer_json(cls, found, file, name, pattern, special_tokens)
    if is_tekken(file):
        return _from_tekken(cls, found, file, name, pattern, special_tokens)
    keys = ", ".join(list(file)[:8]) or "no keys"
    raise ValueError(
        f"{found.path} is JSON, but neither a tokenizer.json nor a tekken file: it has {keys}"
    )


def _from_tiktoken(
    cls: type[AnyEncoding],
    found: Found,
    name: str,
    pattern: str | None,
    special_tokens: dict[str, int] | None,
) -> AnyEncoding:
    contents = found.contents[len(BYTE_ORDER_MARK) * found.contents.startswith(BYTE_ORDER_MARK) :]
    try:
        ranks = tiktoken_format.parsed(contents, found.path, require_all_bytes=True)
    except ValueError as error:
        raise fault(str(error), "", "not a sound .tiktoken file", contents) from None
    if pattern is None:
        raise ValueError(
            f"{found.path} is a .tiktoken file of {len(ranks):,} ranks, which has no split "
            "pattern: pass pattern=, a regular expression or the name of a model such as 'qwen3'"
        )
    preset = pattern_preset(pattern)
    require_all_ranks(preset, found.path, contents, len(ranks))
    encoding = cls(
        name,
        pat_str=preset.pattern,
        mergeable_ranks=ranks,
        special_tokens=special_tokens or {},
    )
    encoding.source = _source("tiktoken", found.path, encoding)
    return encoding


def _from_tokenizer_json(
    cls: type[AnyEncoding],
    found: Found,
    file: dict[str, Any],
    name: str,
    pattern: str | None,
    special_tokens: dict[str, int] | None,
) -> AnyEncoding:
    from bpecore._models.encoding import ModelEncoding

    if pattern is not None or special_tokens is not None:
        raise ValueError(f"{found.path} has its own split pattern and special tokens")
    vocabulary, parts = read_tokenizer_json(file, found.path)
    pattern_name = name_of_pattern(parts.pattern)
    source = ModelSource("tokenizer.json", found.path, pattern_name, parts.details)
    made: Any = ModelEncoding.of_parts(name, vocabulary, parts, source)
    return made  # type: ignore[no-any-return]


def _from_tekken(
    cls: type[AnyEncoding],
    found: Found,
    file: dict[str, Any],
    name: str,
    pattern: str | None,
    special_tokens: dict[str, int] | None,
) -> AnyEncoding:
    own_pattern, ranks, own_tokens = read_tekken(file, found.path)
    encoding = cls(
        name,
        pat_str=own_pattern if pattern is None else pattern_preset(pattern).pattern,
        mergeable_ranks=ranks,
        special_tokens=own_tokens if special_tokens is None else special_tokens,
    )
    encoding.source = _source("tekken", found.path, encoding)
    return encoding


def _source(kind: str, path: str, encoding: Encoding) -> ModelSource:
    tokens = len(encoding._core_bpe.vocabulary)
    details = f"{tokens:,} tokens, {len(encoding._special_tokens):,} special tokens"
    return ModelSource(kind, path, name_of_pattern(encoding._pat_str), details)
