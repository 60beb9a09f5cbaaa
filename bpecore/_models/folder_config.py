"""The special tokens that a model's folder lists beside a `.tiktoken` file."""

from __future__ import annotations

import os

from bpecore._models.json_files import member, parse_json

CONFIG = "tokenizer_config.json"


def tokens_in_config(folder: str) -> dict[str, int]:
    """Returns the special tokens in a folder's `tokenizer_config.json`; none without the file.

    Args:
        folder: the model's folder.

    Raises:
        ValueError: the file is invalid; the message names the place.
    """
    path = os.path.join(folder, CONFIG)
    try:
        with open(path, "rb") as file:
            contents = file.read()
    except FileNotFoundError:
        return {}
    listed = member(parse_json(contents, path), "added_tokens_decoder", dict, path, default={})
    tokens: dict[str, int] = {}
    for number, entry in listed.items():
        place = f"added_tokens_decoder.{number}"
        if not number.isascii() or not number.isdigit() or len(number) > 10:
            raise ValueError(f"{path}: {place} is no id")
        if not isinstance(entry, dict):
            raise ValueError(f"{path}: {place} must be a JSON object, found {entry!r:.60}")
        tokens[member(entry, f"{place}.content", str, path)] = int(number)
    return tokens
