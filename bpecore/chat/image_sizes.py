"""Reads the size of an image from the beginning of its file, with the library imagesize."""

from __future__ import annotations

import base64
import binascii
import io

# Base64 characters that are read first. In a JPEG a preview and colour profiles can come before the
# size.
HEADER_CHARACTERS = 1 << 18

# What files of the formats that models accept begin with. The library reads other formats too, and
# one of them, SVG, is a program.
BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"GIF87a", b"GIF89a", b"RIFF")


def size_of_data_url(url: str) -> tuple[int, int] | None:
    """Returns an image's width and height in pixels, or None if they cannot be read.

    Args:
        url: any URL; only "data:" URLs in base64 are read.

    Example:
        >>> size_of_data_url("data:image/gif;base64,R0lGODlhAgABAAAAADs=")
        (2, 1)
    """
    head, comma, _ = url[:200].partition(",")
    if not comma or head[:5].lower() != "data:" or not head.lower().endswith(";base64"):
        return None
    return size_of_base64(url, len(head) + 1)


def size_of_base64(encoded: str, start: int = 0) -> tuple[int, int] | None:
    """Returns the width and height of an image in base64, or None if they cannot be read.

    Args:
        encoded: the file, after `start` characters of something else.
        start: how many.
    """
    # All of it only if the size is not near the beginning.
    ends = (start + HEADER_CHARACTERS, len(encoded))
    for end in ends[: 1 + (len(encoded) > ends[0])]:
        part = "".join(encoded[start:end].split())  # some encoders write lines
        try:
            size = size_of_image(base64.b64decode(part[: len(part) // 4 * 4]))
        except (binascii.Error, ValueError):
            return None
        if size is not None:
            return size
    return None


def size_of_image(data: bytes) -> tuple[int, int] | None:
    """Returns the width and height of an image from its file or the beginning of it, or None."""
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
