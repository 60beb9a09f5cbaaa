"""Finds the vocabulary of a model, and says what kind of file it is in.

Contents decide, not names: a `tokenizer.model` is a `.tiktoken` file for Llama 3, and a
SentencePiece model for Llama 2.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from bpecore._models.errors import fault
from bpecore._models.json_files import BYTE_ORDER_MARK

SIZE_LIMIT = 1 << 30
"""Bytes; the largest vocabulary file of a known model has 35 million."""

_IN_FOLDERS = ("tokenizer.json", "tekken.json", "tiktoken.model", "tokenizer.model")
_OTHERS_IN_FOLDERS = re.compile(r".+\.tiktoken|tekken.*\.json")
_NOT_SUPPORTED = {
    "spiece.model": "a SentencePiece model",
    "sentencepiece.bpe.model": "a SentencePiece model",
    "vocab.txt": "a WordPiece vocabulary",
}
_TIKTOKEN_LINE = re.compile(rb"\s*(?:[A-Za-z0-9+/]+={0,2}|=)[ \t]+[0-9]+[ \t]*(?:\r|\n|\Z)")


class Found(NamedTuple):
    """A vocabulary file.

    Attributes:
        kind: "tiktoken" or "json", which is a tokenizer.json or a tekken.json.
        path: the file.
        contents: its bytes.
        folder: the folder of the model, "" if a file was named.
    """

    kind: str
    path: str
    contents: bytes
    folder: str


def find_vocabulary(path: str | os.PathLike[str]) -> Found:
    """Finds and reads the vocabulary file of a model.

    Args:
        path: the file, or the model's folder.

    Raises:
        ValueError: there is none, or it is not a vocabulary; the message says what it looks like.
        OSError: it cannot be read.
    """
    named = os.fsdecode(path)
    folder = ""
    if os.path.isdir(named):
        folder, named = named, _vocabulary_in(named)
    size = os.path.getsize(named)
    if size > SIZE_LIMIT:
        raise ValueError(f"{named}: no vocabulary has {size:,} bytes")
    with open(named, "rb") as file:
        contents = file.read()
    start = contents[len(BYTE_ORDER_MARK) * contents.startswith(BYTE_ORDER_MARK) :][:4096]
    if start.lstrip().startswith(b"{"):
        return Found("json", named, contents, folder)
    if _TIKTOKEN_LINE.match(start):
        return Found("tiktoken", named, contents, folder)
    is_array = start.lstrip().startswith(b"[")
    what = "neither a .tiktoken file nor a JSON object"
    raise fault(named, "line 1", what, contents, is_json=not is_array)


def _vocabulary_in(folder: str) -> str:
    names = sorted(os.listdir(folder))
    others = [name for name in names if _OTHERS_IN_FOLDERS.fullmatch(name)]
    for name in _IN_FOLDERS:
        if name in names:
            return os.path.join(folder, name)
    if len(others) == 1:
        return os.path.join(folder, others[0])
    if others:
        raise ValueError(f"{folder} has several vocabularies, name one: {', '.join(others)}")
    for name, what in _NOT_SUPPORTED.items():
        if name in names:
            raise ValueError(f"{os.path.join(folder, name)} cannot be loaded exactly: it is {what}")
    shown = ", ".join(names[:10]) or "nothing"
    raise ValueError(
        f"{folder} has no vocabulary: expected tokenizer.json, tekken.json, tiktoken.model or a "
        f".tiktoken file, found {shown}"
    )
