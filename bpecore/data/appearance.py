"""Says what the contents of a damaged vocabulary file look like."""

from __future__ import annotations

import re

BEGINNINGS = (
    (
        b"version https://git-lfs.github.com/",
        "a Git LFS pointer instead of the file: `git lfs pull`",
    ),
    (b"<!doctype html", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<?xml", "an XML document, which storage servers send as an error"),
    (b"{", "JSON"),
    (b"[", "JSON"),
    (b"\x1f\x8b", "compressed by gzip"),
    (b"pk\x03\x04", "a zip archive"),
    (b"gguf", "a GGUF model"),
    (b"\xff\xfe", "UTF-16 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
)

# A protobuf message whose first field is a piece: a string, then a score.
_SENTENCEPIECE = re.compile(rb"\n[\x05-\x7f]\n[\x01-\x7f][^\0]{1,126}?\x15.{4}", re.DOTALL)


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
    start = contents[:256].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for beginning, description in BEGINNINGS:
        if start.startswith(beginning) and not (is_json and description == "JSON"):
            return f" It looks like {description}."
    if not is_json and not contents.endswith((b"\n", b"\r")):
        return " It looks truncated: it does not end with a line end."
    return ""
