"""Writes small GGUF files, sound or not."""

from __future__ import annotations

import struct
from typing import Any

UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY, UINT64 = 4, 5, 6, 7, 8, 9, 10
CONTROL, USER_DEFINED, UNUSED = 3, 4, 5
_CODES = {UINT32: "I", INT32: "i", FLOAT32: "f", BOOL: "?", UINT64: "Q"}


def string(text: str | bytes) -> bytes:
    written = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(written)) + written


def value(item: Any) -> bytes:
    """Returns a value with its type, as llama.cpp's converter would choose it."""
    if isinstance(item, list):
        kind = STRING if isinstance(item[0] if item else "", str) else INT32
        items = map(string, item) if kind == STRING else (struct.pack("<i", one) for one in item)
        return struct.pack("<IIQ", ARRAY, kind, len(item)) + b"".join(items)
    if isinstance(item, (str, bytes)):
        return struct.pack("<I", STRING) + string(item)
    kind = BOOL if isinstance(item, bool) else FLOAT32 if isinstance(item, float) else UINT32
    return struct.pack(f"<I{_CODES[kind]}", kind, item)


def gguf(metadata: dict[str, Any], version: int = 3, after: bytes = b"\0" * 999) -> bytes:
    """Returns a file; bytes as a value of the metadata are written as they are."""
    entries = [
        string(key) + (item if isinstance(item, bytes) else value(item))
        for key, item in metadata.items()
    ]
    return b"".join([b"GGUF", struct.pack("<IQQ", version, 7, len(entries)), *entries, after])
