"""Tokens of images: the published examples, and sizes read from file headers."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import pytest

from bpecore.chat import num_tokens_from_messages
from bpecore.chat.images import (
    num_tokens_from_image,
    num_tokens_from_image_url,
    size_of_data_url,
)


def png(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    checksum = struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header + checksum


def jpeg(width: int, height: int) -> bytes:
    table = (
        b"\xff\xc4" + struct.pack(">H", 10) + bytes(8)
    )  # not a frame, although its number begins with C
    preview = b"\xff\xe1" + struct.pack(">H", 5000) + bytes(4998)
    frame = b"\xff\xff\xc2" + struct.pack(">HBHHB", 11, 8, height, width, 1) + bytes(3)
    return b"\xff\xd8" + preview + table + frame


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(3)


def webp(kind: bytes, body: bytes) -> bytes:
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def lossy_webp(width: int, height: int) -> bytes:
    start = b"\0\0\0\x9d\x01\x2a"
    return webp(b"VP8 ", start + struct.pack("<HH", width | 1 << 14, height))


def lossless_webp(width: int, height: int) -> bytes:
    return webp(b"VP8L", b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14))


def extended_webp(width: int, height: int) -> bytes:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return webp(b"VP8X", bytes(4) + sides)


FORMATS = (png, jpeg, gif, lossy_webp, lossless_webp, extended_webp)


def data_url(data: bytes) -> str:
    return "data:image/any;base64," + base64.b64encode(data).decode()


@pytest.mark.parametrize(
    ("width", "height", "detail", "expected"),
    [
        (1024, 1024, "high", 765),  # the three examples of OpenAI's guide
        (2048, 4096, "high", 1105),
        (4096, 8192, "low", 85),
        (1, 1, "auto", 255),
        (512, 512, "high", 255),
        (513, 512, "high", 425),
        (768, 768, "high", 765),
        (768, 2048, "high", 1445),
        (100_000, 1, "high", 765),
        (10**12, 10**12, "high", 765),
    ],
)
def test_sizes(width: int, height: int, detail: str, expected: int) -> None:
    assert num_tokens_from_image(width, height, detail) == expected
    assert num_tokens_from_image(height, width, detail) == expected


@pytest.mark.parametrize("make", FORMATS)
@pytest.mark.parametrize("size", [(1, 1), (640, 480), (480, 640), (16383, 9)])
def test_size_in_a_header(make: Any, size: tuple[int, int]) -> None:
    assert size_of_data_url(data_url(make(*size))) == size
    assert num_tokens_from_image_url(data_url(make(*size))) == num_tokens_from_image(*size)


def test_base64_in_lines() -> None:
    """As e-mail has it, and `base64.encodebytes`."""
    encoded = base64.encodebytes(jpeg(640, 480)).decode()
    for lines in (encoded, encoded.replace("\n", "\r\n"), f" {encoded}"):
        assert size_of_data_url("data:image/jpeg;base64," + lines) == (640, 480)


def test_a_size_far_from_the_beginning() -> None:
    """Photographs can have megabytes of metadata in front of their size."""
    start, profile = b"\xff\xd8", b"\xff\xe2" + struct.pack(">H", 65_535) + bytes(65_533)
    assert size_of_data_url(data_url(start + profile * 20 + jpeg(640, 480)[2:])) == (640, 480)
    assert size_of_data_url(data_url(start + profile * 20)) is None


@pytest.mark.parametrize("make", FORMATS)
def test_headers_cut_short_and_damaged(make: Any) -> None:
    data = make(640, 480)
    for length in range(len(data)):
        if length < 40 or length > len(data) - 40:
            assert size_of_data_url(data_url(data[:length])) in (None, (640, 480))
    for position in range(min(len(data), 60)):
        for value in (0, 0x7F, 0xFF):
            damaged = data[:position] + bytes([value]) + data[position + 1 :]
            size = size_of_data_url(data_url(damaged))
            assert size is None or min(size) > 0


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/cat.png",
        "data:",
        "data:image/png;base64",
        "data:image/png;base64,",
        "data:image/png,%89PNG",
        "data:image/png;base64,ÄÖÜ€",
        "data:image/png;base64,AAA",
        "",
    ],
)
def test_a_size_that_cannot_be_read_is_refused_or_given(url: str) -> None:
    assert size_of_data_url(url) is None
    with pytest.raises(ValueError, match=r"is not known.*Give it: size=\(width, height\)$"):
        num_tokens_from_image_url(url)
    assert num_tokens_from_image_url(url, size=(1024, 1024)) == 765
    assert num_tokens_from_image_url(url, "low") == 85
    with pytest.raises(ValueError, match="the size of the image is not known"):
        num_tokens_from_image_url(url, "low", "gpt-4.1-mini")


def test_images_in_messages() -> None:
    url = data_url(png(1024, 1024))
    base = num_tokens_from_messages([{"role": "user", "content": []}], "gpt-4o")
    for part, expected in (
        ({"type": "image_url", "image_url": {"url": url}}, 765),
        ({"type": "image_url", "image_url": {"url": url, "detail": "low"}}, 85),
        ({"type": "image_url", "image_url": {"url": url, "detail": None}}, 765),
        ({"type": "input_image", "image_url": url, "detail": "low"}, 85),
        ({"type": "input_image", "image_url": "https://example.com", "detail": "low"}, 85),
        ({"type": "input_image", "image_url": "https://example.com/x"}, 255),
        ({"type": "input_image", "file_id": "file-1"}, 425),
        ({"type": "image", "source": {"type": "base64", "data": url.partition(",")[2]}}, 765),
        ({"type": "image", "source": {"type": "url", "url": "https://example.com/x"}}, 255),
    ):
        messages = [{"role": "user", "content": [part]}]
        sizes = {"https://example.com/x": (512, 512), "file-1": (512, 513)}
        counted = num_tokens_from_messages(messages, "gpt-4o", image_sizes=sizes)
        assert counted == base + expected


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((0, 1), ValueError),
        ((1, -1), ValueError),
        ((1, 1, "medium"), ValueError),
        ((1.0, 1), TypeError),
        ((True, 1), TypeError),
        (("1", 1), TypeError),
    ],
)
def test_what_is_no_image(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        num_tokens_from_image(*arguments)


def test_wrong_urls() -> None:
    with pytest.raises(TypeError):
        num_tokens_from_image_url(None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="medium"):
        num_tokens_from_image_url("https://example.com", "medium")
