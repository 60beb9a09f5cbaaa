"""The special tokens that a model's folder lists beside a `.tiktoken` file."""

from __future__ import annotations

import os

from bpecore._models.json_files import member, parse_json
from bpecore._models.parts import MAX_ID
from bpecore._models.recognition import read_bounded

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
            contents = read_bounded(file)
    except FileNotFoundError:
        return {}
    listed = member(parse_json(contents, path), "added_tokens_decoder", dict, path, default={})
    tokens: dict[str, int] = {}
    for number, entry in listed.items():
        place = f"added_tokens_decoder.{number}"
        if not number.isascii() or not number.isdigit() or number != f"{int(number[:11])}":
            raise ValueError(f"{path}: {place:.99} is no id")
        if int(number) > MAX_ID:
            raise ValueError(f"{path}: {place} is no id: the highest one is {MAX_ID}")
        if not isinstance(entry, dict):
            raise ValueError(f"{path}: {place} must be a JSON object, found {entry!r:.60}")
        token = member(entry, f"{place}.content", str, path)
        if not token or token in tokens:
            fault = f"is that of {tokens[token]}, too: {token!r:.60}" if token else "is empty"
            raise ValueError(f"{path}: {place}.content {fault}")
        tokens[token] = int(number)
    return tokens
