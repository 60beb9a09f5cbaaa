"""Estimates the tokens of an image.

Source of the constants: OpenAI's guide to images as inputs, for GPT-4o. Other models have other
constants (GPT-4o mini, the o-series) or another rule (GPT-4.1 mini).
"""

from __future__ import annotations

import base64
import binascii
import struct

TOKENS_PER_IMAGE = 85
TOKENS_PER_TILE = 170
TILE = 512  # pixels per side
LONGEST_SIDE = 2048  # pixels; a larger image is scaled down to this
SHORTEST_SIDE = 768  # pixels; after that, a larger image is scaled down to this
DETAILS = ("auto", "high", "low")

# 768 x 2048 pixels are eight tiles, and no image has more.
TOKENS_OF_LARGEST_IMAGE = TOKENS_PER_IMAGE + 8 * TOKENS_PER_TILE

# Base64 characters searched for the size of an image. In a JPEG a preview and colour profiles can
# come before it.
HEADER_CHARACTERS = 1 << 18

# JPEG segments that start a frame. C4, C8 and CC, which are missing, are not frames.
JPEG_FRAMES = (0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF)


def num_tokens_from_image(width: int, height: int, detail: str = "auto") -> int:
    """Estimates the tokens that an image costs.

    Args:
        width: pixels.
        height: pixels.
        detail: "low", "high", or "auto", which counts as "high".

    Returns:
        85, plus, unless the detail is "low", 170 per tile of 512 x 512 pixels that the image covers
        after scaling it down to 2,048 pixels on the long side and 768 on the short one.

    Raises:
        ValueError: a side is not positive, or the detail is unknown.
        TypeError: a side is not an int.

    Example:
        >>> num_tokens_from_image(1024, 1024)
        765
        >>> num_tokens_from_image(1024, 1024, "low")
        85
    """
    for name, side in (("width", width), ("height", height)):
        if isinstance(side, bool) or not isinstance(side, int):
            raise TypeError(f"the {name} of an image must be an int, not {type(side).__name__}")
        if side <= 0:
            raise ValueError(f"the {name} of an image must be positive: {side}")
    if detail not in DETAILS:
        raise ValueError(f"the detail of an image must be one of {DETAILS}, not {detail!r}")
    if detail == "low":
        return TOKENS_PER_IMAGE
    long, short = max(width, height), min(width, height)
    if long > LONGEST_SIDE:
        long, short = LONGEST_SIDE, max(1, short * LONGEST_SIDE // long)
    if short > SHORTEST_SIDE:
        long, short = long * SHORTEST_SIDE // short, SHORTEST_SIDE
    tiles = -(-long // TILE) * -(-short // TILE)
    return TOKENS_PER_IMAGE + TOKENS_PER_TILE * tiles


def num_tokens_from_image_url(url: str, detail: str = "auto") -> int:
    """Estimates the tokens that an image costs, from its URL and without fetching it.

    Args:
        url: a "data:" URL of a PNG, JPEG, GIF or WebP image, whose size is read; any other URL
            counts as the largest image, so that a budget is kept.
        detail: as for `num_tokens_from_image`.

    Raises:
        ValueError: the detail is unknown.
        TypeError: `url` is not a string.

    Example:
        >>> num_tokens_from_image_url("https://example.com/cat.png")
        1445
    """
    if not isinstance(url, str):
        raise TypeError(f"the URL of an image must be str, not {type(url).__name__}")
    if detail == "low":
        return TOKENS_PER_IMAGE
    size = size_of_data_url(url)
    if size is None:
        num_tokens_from_image(1, 1, detail)  # refuses an unknown detail
        return TOKENS_OF_LARGEST_IMAGE
    return num_tokens_from_image(*size, detail)


def size_of_data_url(url: str) -> tuple[int, int] | None:
    """Returns an image's width and height in pixels, or None if they cannot be read.

    Args:
        url: any URL; only the beginning of "data:" URLs in base64 is read.

    Example:
        >>> size_of_data_url("data:image/gif;base64,R0lGODlhAgABAAAAADs=")
        (2, 1)
    """
    if not url.startswith("data:"):
        return None
    head, comma, _ = url[:200].partition(",")
    if not comma or not head.endswith(";base64"):
        return None
    start = len(head) + 1
    encoded = url[start : start + HEADER_CHARACTERS]
    try:
        data = base64.b64decode(encoded[: len(encoded) // 4 * 4])
        size = _size_of_image(data)
    except (binascii.Error, ValueError, struct.error, IndexError):
        return None
    return size if size and min(size) > 0 else None


def _size_of_image(data: bytes) -> tuple[int, int] | None:
    """Reads the size from a file's header; raises struct.error or IndexError if it is cut short."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        width, height = struct.unpack_from(">II", data, 16)
    elif data.startswith((b"GIF87a", b"GIF89a")):
        width, height = struct.unpack_from("<HH", data, 6)
    elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _size_of_webp(data)
    elif data.startswith(b"\xff\xd8"):
        return _size_of_jpeg(data)
    else:
        return None
    return width, height


def _size_of_webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        sides = data[24:30]
        if len(sides) < 6:
            return None
        return (
            int.from_bytes(sides[:3], "little") + 1,
            int.from_bytes(sides[3:], "little") + 1,
        )
    return None


def _size_of_jpeg(data: bytes) -> tuple[int, int] | None:
    position = 2
    while data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        if marker in JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", data, position + 5)
            return width, height
        (length,) = struct.unpack_from(">H", data, position + 2)
        position += 2 + length
    return None
