"""Reads the size of an image from the beginning of its file, with the library imagesize."""

from __future__ import annotations

import base64
import binascii
import io

# Base64 characters that are read. In a JPEG a preview and colour profiles can come before the size.
HEADER_CHARACTERS = 1 << 18

# What files of the formats that models accept begin with. The library reads other formats too, and
# one of them, SVG, is a program.
BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"GIF87a", b"GIF89a", b"RIFF")


def size_of_data_url(url: str) -> tuple[int, int] | None:
    """Returns an image's width and height in pixels, or None if they cannot be read.

    Args:
        url: any URL; only the beginning of "data:" URLs in base64 is read.

    Example:
        >>> size_of_data_url("data:image/gif;base64,R0lGODlhAgABAAAAADs=")
        (2, 1)
    """
    head, comma, _ = url[:200].partition(",")
    if not comma or head[:5].lower() != "data:" or not head.lower().endswith(";base64"):
        return None
    start = len(head) + 1
    return size_of_base64(url[start : start + HEADER_CHARACTERS])


def size_of_base64(encoded: str) -> tuple[int, int] | None:
    """Returns the width and height of an image in base64, or None if they cannot be read."""
    encoded = encoded[:HEADER_CHARACTERS]
    try:
        data = base64.b64decode(encoded[: len(encoded) // 4 * 4])
    except (binascii.Error, ValueError):
        return None
    return size_of_image(data)


def size_of_image(data: bytes) -> tuple[int, int] | None:
    """Returns the width and height of an image from the first bytes of its file, or None."""
    if not data.startswith(BEGINNINGS):
        return None
    import imagesize

    try:
        width, height = map(int, imagesize.get(io.BytesIO(data)))
    except Exception:  # a damaged file; the library does not say which exceptions it raises
        return None
    if width <= 0 or height <= 0:
        return None
    if data[12:16] == b"VP8 ":
        # The two bits above each side scale the image when it is shown; the library keeps them.
        width, height = width & 0x3FFF, height & 0x3FFF
    return (width, height) if width and height else None
