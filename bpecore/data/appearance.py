"""Says what the contents of a damaged vocabulary file look like."""

from __future__ import annotations

import re

BEGINNINGS = (
    (
        b"version https://git-lfs.github.com/",
        "a Git LFS pointer instead of the file: `git lfs pull`",
    ),
    (b"<?xml", "an XML document, which storage servers send as an error"),
    *((b"<" + tag, "an HTML page") for tag in (b"!doctype", b"html", b"head", b"body", b"!--")),
    (b"{", "JSON"),
    (b"[", "JSON"),
    (b"\x1f\x8b", "a file compressed by gzip"),
    (b"bzh", "a file compressed by bzip2"),
    (b"\xfd7zxz", "a file compressed by xz"),
    (b"\x28\xb5\x2f\xfd", "a file compressed by zstd"),
    (b"pk\x03\x04", "a zip archive, such as PyTorch's weights"),
    (b"par1", "a Parquet file"),
    (b"\x93numpy", "a NumPy array"),
    (b"\x89hdf", "an HDF5 file"),
    (b"%pdf", "a PDF document"),
    (b"#version", "the merges.txt of a vocabulary, whose ids are in a vocab.json"),
    (b"gguf", "a GGUF model"),
    (b"\x89png", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"gif8", "a GIF picture"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"rar!", "a RAR archive"),
    (b"\x04\x22m\x18", "a file compressed by lz4"),
    (b"\x7felf", "a program or library (ELF)"),
    (b"sqlite format 3", "an SQLite database"),
    (b"#!", "a script"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    *((b"\x80" + bytes([protocol]), "a Python pickle") for protocol in range(2, 6)),
)

# A protobuf message whose first field is a piece: a string, then a score.
_SENTENCEPIECE = re.compile(rb"\n[\x05-\x7f]\n[\x01-\x7f][^\0]{1,126}?\x15.{4}", re.DOTALL)
_SAFETENSORS_HEADER = 100_000_000  # bytes; what its readers accept
_BLANK = b"\xef\xbb\xbf \t\r\n"
_TAR = slice(257, 262)


def beginning(contents: bytes) -> str:
    """Returns how a text begins, for a message, or that it is binary; "" if it is blank.

    Example:
        >>> beginning(b"Entry not found")
        ", it begins with 'Entry not found'"
    """
    text = contents[:256].decode("utf-8", "replace").strip("\ufeff \t\r\n")
    line = text.splitlines()[0] if text else ""
    if not line[:60].isprintable() or "\ufffd" in line[:60]:
        return ", but binary"
    return f", it begins with {line[:60]!r}" if line else ""


def appearance(contents: bytes, is_json: bool = False) -> str:
    """Returns what the contents look like, after a blank, as a sentence; "" if that is unclear.

    Args:
        contents: a file's bytes that are not a valid vocabulary.
        is_json: whether the file should be JSON, which then says nothing.

    Example:
        >>> appearance(b"<html><body>404</body></html>")
        ' It looks like an HTML page.'
    """
    if not contents:
        return " It is empty."
    if not contents.strip(b"\0"):
        return " It is all zero bytes, as after a crash."
    if _SENTENCEPIECE.match(contents):
        return " It looks like a SentencePiece model."
    if contents[8:9] == b"{" and int.from_bytes(contents[:8], "little") < _SAFETENSORS_HEADER:
        return " It looks like the weights of a model (safetensors)."
    if b"\0" in contents[:2]:
        return " It looks like UTF-16 text." if contents[:2].strip(b"\0") else " It is binary."
    start = contents[:256].lstrip(_BLANK).lower()
    if contents[_TAR] == b"ustar":
        return " It looks like a tar archive."
    for first, description in BEGINNINGS:
        if start.startswith(first) and not (is_json and description == "JSON"):
            return f" It looks like {description}."
    if not start and not contents.strip(_BLANK):
        return " It has only white space."
    if contents.endswith(bytes(16)):
        return " It ends with zero bytes, as after a crash."
    if not is_json and not contents.endswith((b"\n", b"\r")):
        return " It looks truncated: it does not end with a line end."
    return ""
