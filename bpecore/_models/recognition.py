"""Finds the vocabulary of a model, and says what kind of file it is in.

Contents decide, not names: a `tokenizer.model` is a `.tiktoken` file for Llama 3, and a
SentencePiece model for Llama 2.
"""

from __future__ import annotations

import os
from io import BufferedReader

from bpecore._models.errors import fault
from bpecore._models.tuples import NamedTuple

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
SIZE_LIMIT = 1 << 30
"""Bytes; the largest vocabulary file of a known model has 35 million."""
_PIECE_BYTES = 1 << 25

_IN_FOLDERS = ("tokenizer.json", "tekken.json", "tiktoken.model", "tokenizer.model")
_NOT_SUPPORTED = {
    "spiece.model": "a SentencePiece model",
    "sentencepiece.bpe.model": "a SentencePiece model",
    "vocab.txt": "a WordPiece vocabulary",
}
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


class Found(NamedTuple):
    """A vocabulary file.

    Attributes:
        kind: "tiktoken", "gguf", or "json", which is a tokenizer.json or a tekken.json.
        path: the file.
        contents: its bytes; of GGUF, only the metadata.
    """

    kind: str
    path: str
    contents: bytes


def find_vocabulary(path: str | os.PathLike[str]) -> str:
    """Returns the path of a model's vocabulary file.

    Args:
        path: the file, or the model's folder.

    Raises:
        ValueError: the folder has none, or several.
        OSError: it cannot be read.
    """
    named = os.fsdecode(path)
    return _vocabulary_in(named) if os.path.isdir(named) else named


def read_vocabulary(named: str) -> Found:
    """Reads a vocabulary file.

    Raises:
        ValueError: it is no vocabulary; the message says what it looks like.
        OSError: it cannot be read.
    """
    from bpecore._models.gguf_header import MAGIC, GgufHeader

    with open(named, "rb") as file:
        if file.peek(len(MAGIC)).startswith(MAGIC):
            return Found("gguf", named, GgufHeader(file, named).contents)
        return recognised(named, read_bounded(file))


def read_bounded(file: BufferedReader) -> bytes:
    """Reads a file, which may be a pipe.

    Raises:
        ValueError: it is larger than any vocabulary, or has no end.
        OSError: it cannot be read.
    """
    pieces: list[bytes] = []
    left = SIZE_LIMIT - os.fstat(file.fileno()).st_size
    while left >= 0 and (piece := file.read(_PIECE_BYTES)):
        pieces.append(piece)
        left = SIZE_LIMIT - sum(map(len, pieces))
    if left < 0:
        raise ValueError(f"{file.name}: no vocabulary has more than {SIZE_LIMIT:,} bytes")
    return b"".join(pieces)


def recognised(named: str, contents: bytes) -> Found:
    """Says what kind of vocabulary file some contents are.

    Args:
        named: where they are from.
        contents: a file's bytes.

    Raises:
        ValueError: they are no vocabulary; the message says what they look like.
    """
    start = contents[len(BYTE_ORDER_MARK) * contents.startswith(BYTE_ORDER_MARK) :].lstrip()[:4096]
    if start.startswith(b"{"):
        return Found("json", named, contents)
    if _is_tiktoken_line(start.split(b"\n", 1)[0].split()):
        return Found("tiktoken", named, contents)
    from bpecore.data.appearance import appearance, beginning

    is_json = not start.startswith(b"[")
    what = "neither a .tiktoken file nor a JSON object"
    if not appearance(contents, is_json):
        what += beginning(contents)
    raise fault(named, "line 1", what, contents, is_json)


def _is_tiktoken_line(fields: list[bytes]) -> bool:
    return len(fields) == 2 and fields[1].isdigit() and not fields[0].translate(None, _BASE64)


def _vocabulary_in(folder: str) -> str:
    names = sorted(os.listdir(folder))
    others = [
        name
        for name in names
        if name.endswith((".tiktoken", ".gguf"))
        or (name.startswith("tekken") and name.endswith(".json"))
    ]
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
    if {"vocab.json", "merges.txt"} <= {*names}:
        return os.path.join(folder, "vocab.json")
    shown = ", ".join(f"{name:.60}" for name in names[:10]) or "nothing"
    raise ValueError(
        f"{folder} has no vocabulary: expected tokenizer.json, tekken.json, tiktoken.model, a "
        f".tiktoken or a .gguf file, found {shown}"
    )
