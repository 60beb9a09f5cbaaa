"""Reads the contents of a vocabulary file of any known kind."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bpecore._build.vocabularies import intern_vocabulary
from bpecore._models.errors import fault
from bpecore._models.gguf import read_gguf
from bpecore._models.json_files import misplaced, parse_json
from bpecore._models.kept_models import LoadedModel
from bpecore._models.recognition import BYTE_ORDER_MARK, Found
from bpecore._models.tekken import is_tekken, read_tekken
from bpecore._models.tokenizer_json import is_tokenizer_json, read_tokenizer_json
from bpecore.data import tiktoken_format

_TOKENS = 200  # fewer entries are no vocabulary of bytes
_OTHER_FILES = (
    ({"model_type"}, "the config.json of a model"),
    ({"architectures"}, "the config.json of a model"),
    ({"tokenizer_class"}, "a tokenizer_config.json: the vocabulary is in a file beside it"),
    ({"added_tokens_decoder"}, "a tokenizer_config.json: the vocabulary is in a file beside it"),
    ({"weight_map"}, "the index of a model's weights"),
    ({"error"}, "the answer of a server that sent an error"),
)
"""Keys of other JSON files that models come with, and what these are."""


@contextmanager
def without_collections() -> Iterator[None]:
    """Puts off the garbage collector, which would look at a million objects again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@without_collections()
def read_model(found: Found) -> LoadedModel:
    """Reads a file.

    Args:
        found: the file.

    Returns:
        The model. `rest` is, of a tokenizer.json and of GGUF, `ModelParts` as a tuple; otherwise
        the split pattern, None if there is none, and the special tokens.

    Raises:
        ValueError: the file is not valid, or could not be reproduced exactly.
    """
    if found.kind == "tiktoken":
        return LoadedModel("tiktoken", intern_vocabulary(_tiktoken_ranks(found)), (None, {}))
    if found.kind == "gguf":
        vocabulary, parts = read_gguf(found.contents, found.path)
        return LoadedModel("gguf", vocabulary, parts.plain())
    file = parse_json(found.contents, found.path)
    try:
        return _read_json(found, file)
    except RecursionError:
        text = found.contents.decode()
        raise misplaced(
            found.path, text, found.contents, "its parts are nested too deep to be read"
        ) from None


def _read_json(found: Found, file: dict[str, Any]) -> LoadedModel:
    if is_tokenizer_json(file):
        vocabulary, parts = read_tokenizer_json(file, found.path)
        return LoadedModel("tokenizer.json", vocabulary, parts.plain())
    if is_tekken(file):
        pattern, ranks, special_tokens = read_tekken(file, found.path)
        return LoadedModel("tekken", intern_vocabulary(ranks), (pattern, special_tokens))
    raise ValueError(
        f"{found.path} is JSON, but neither a tokenizer.json nor a tekken file: {_shown(file)}"
    )


def _shown(file: dict[str, Any]) -> str:
    """Says what a JSON file is that is no vocabulary."""
    keys = ", ".join(f"{key:.40}" for key in list(file)[:8]) or "no keys"
    if len(file) > _TOKENS and {*map(type, file.values())} == {int}:
        return f"it has {keys}, as a vocab.json, whose merges are in another file: name the folder"
    for members, what in _OTHER_FILES:
        if members <= file.keys():
            return f"it has {keys}, as {what}"
    return f"it has {keys}"


def _tiktoken_ranks(found: Found) -> dict[bytes, int]:
    contents = found.contents[len(BYTE_ORDER_MARK) * found.contents.startswith(BYTE_ORDER_MARK) :]
    try:
        return tiktoken_format.parsed(contents, found.path, require_all_bytes=True)
    except ValueError as error:
        raise fault(str(error), "", "not a sound .tiktoken file", contents) from None
