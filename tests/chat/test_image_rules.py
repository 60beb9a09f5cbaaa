"""What images cost per model: the published tables, and what users measured on their bills.

Sources: OpenAI's guide to images as inputs; OpenAI's forum, topics 1281361 (how sizes are rounded),
1344040 (gpt-5-mini and nano), 1377015 (gpt-5.2 and later) and 1262691 (128 x 64 pixels, o1).
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpecore.chat import (
    Patches,
    Rules,
    Tiles,
    num_tokens_from_image,
    num_tokens_from_image_url,
    num_tokens_from_messages,
)
from bpecore.chat.rules import rules_of

TILES = {
    "gpt-4o gpt-4.1 gpt-4.5-preview gpt-4-turbo": (85, 170),
    "gpt-4o-mini": (2833, 5667),
    "o1 o1-2024-12-17": (11, 22),  # as billed; by the guide 75 and 150
    "o1-pro o3": (75, 150),
    "gpt-5 gpt-5.1 gpt-5-chat-latest": (70, 140),
    "computer-use-preview": (65, 129),
}
PATCHES = {
    "gpt-4.1-mini": "1.62",
    "gpt-4.1-nano": "2.46",
    "o4-mini codex-mini-latest": "1.72",
    "gpt-5-mini": "1.2",
    "gpt-5-nano": "1.5",
    "gpt-5.2 gpt-5.3-codex gpt-5.4 gpt-5.4-mini gpt-5.4-nano": "1.2",
}


def each(table: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(model, rule) for models, rule in table.items() for model in models.split()]


@pytest.mark.parametrize(("model", "rule"), each(TILES))
def test_tiles(model: str, rule: tuple[int, int]) -> None:
    base, per_tile = rule
    for size, tiles in (
        ((1, 1), 1),
        ((512, 512), 1),
        ((513, 512), 2),
        ((1024, 1024), 4),
        ((2048, 4096), 6),
        ((2048, 768), 8),
        ((10**9, 10**9), 4),
        ((10**9, 1), 4),
    ):
        assert num_tokens_from_image(*size, "high", model) == base + tiles * per_tile
        assert num_tokens_from_image(*size, "auto", model) == base + tiles * per_tile
        assert num_tokens_from_image(*size, "low", model) == base
    with pytest.raises(ValueError, match="no images in detail 'original'"):
        num_tokens_from_image(1, 1, "original", model)


@pytest.mark.parametrize(("model", "factor"), each(PATCHES))
def test_patches(model: str, factor: str) -> None:
    for size, patches in (
        ((1, 1), 1),
        ((32, 32), 1),
        ((33, 32), 2),
        ((1024, 1024), 1024),
        ((2048, 768), 1536),
        ((1800, 2400), 1452),  # the guide's example
        ((1800, 1200), 1536),
        ((4000, 1474), 1536),  # as billed; by the guide it would be 1,449
        ((10**9, 10**9), 39 * 39),
        ((10**9, 1), 1536),
        ((1, 10**9), 1536),
    ):
        for detail in ("auto", "high", "low"):
            expected = ceil(patches * Fraction(factor))
            assert num_tokens_from_image(*size, detail, model) == expected


@pytest.mark.parametrize(
    ("size", "tokens"),
    [
        ((256, 256), 77),
        ((512, 512), 308),
        ((768, 1024), 922),
        ((1024, 1024), 1229),
        ((1280, 720), 1104),
        ((2048, 768), 1844),
    ],
)
def test_bills_of_gpt_5_mini(size: tuple[int, int], tokens: int) -> None:
    assert num_tokens_from_image(*size, model="gpt-5-mini") == tokens


def test_other_bills() -> None:
    assert num_tokens_from_image(2049, 513, model="gpt-4.1") == 1445
    assert num_tokens_from_image(2050, 513, model="gpt-4.1") == 765
    assert num_tokens_from_image(1800, 1200, model="gpt-5-nano") == 2304
    assert num_tokens_from_image(1800, 1200, model="gpt-4.1-nano") == 3779


# A message with a few words and an image of 128 x 64 pixels. The words have 11 to 13 tokens.
@pytest.mark.parametrize(
    ("model", "high", "low", "words"),
    [
        ("gpt-4.1-mini", 26, None, 13),
        ("gpt-4.1-nano", 33, None, 13),
        ("o4-mini", 26, None, 12),
        ("o3", 236, 86, 11),
        ("o1", 44, 22, 11),
        ("gpt-4.1", 267, 97, 12),
        ("gpt-4.5-preview", 267, 97, 12),
        ("gpt-4-turbo", 267, 97, 12),
        ("gpt-4o", 267, 97, 12),
        ("gpt-4o-mini", 8512, 2845, 12),
    ],
)
def test_bills_with_a_few_words(model: str, high: int, low: int | None, words: int) -> None:
    assert num_tokens_from_image(128, 64, "high", model) == high - words
    if low is not None:
        assert num_tokens_from_image(128, 64, "low", model) == low - words


def test_a_whole_bill() -> None:
    """The message of these bills was published for 128 x 64 pixels: it has five words."""
    url = "https://example.com/x"
    for model in ("gpt-4o", "gpt-4.1", "gpt-4.5-preview"):
        for detail, tokens in (("high", 267), ("low", 97)):
            image = {"type": "image_url", "image_url": {"url": url, "detail": detail}}
            text = {"type": "text", "text": "repeat word from attached image"}
            messages = [{"role": "user", "content": [text, image]}]
            sizes = {url: (128, 64)}
            assert num_tokens_from_messages(messages, model, image_sizes=sizes) == tokens


def test_numbers_of_the_guide_where_bills_differ() -> None:
    """o1 is billed 11 and 22 per tile, where the guide has 75 and 150; a caller can have these."""
    image = rules_of("o1").image
    assert isinstance(image, Tiles)
    assert image.published == (75, 150)
    guide = Rules("o1", "OpenAI's guide", "2025-11", image=Tiles(*image.published))
    assert num_tokens_from_image(128, 64, "high", "o1", rules=[guide]) == 75 + 150
    assert num_tokens_from_image(128, 64, "low", "o1", rules=[guide]) == 75


PUBLISHED = {
    "gpt-5-mini gpt-5.2-mini gpt-5.4-mini": "1.62",
    "gpt-5-nano gpt-5.2-nano gpt-5.4-nano": "2.46",
    "gpt-5.2 gpt-5.3-codex gpt-5.4": "1",
}


@pytest.mark.parametrize(("model", "factor"), each(PUBLISHED))
def test_rows_keep_the_factor_of_the_guide_where_bills_differ(model: str, factor: str) -> None:
    image = rules_of(model).image
    assert isinstance(image, Patches)
    assert image.published == factor != image.factor


def test_original_detail() -> None:
    for model in ("gpt-5.4", "gpt-5.4-mini"):
        assert num_tokens_from_image(1600, 1600, "original", model) == 3000
        assert num_tokens_from_image(1600, 1600, "high", model) == ceil(39 * 39 * Fraction("1.2"))
    for model in ("gpt-5.2", "gpt-4.1-mini"):
        with pytest.raises(ValueError, match="no images in detail 'original'"):
            num_tokens_from_image(1600, 1600, "original", model)


def naive_tiles(width: int, height: int) -> int:
    sides = [Fraction(width), Fraction(height)]
    if max(sides) > 2048:
        sides = [side * 2048 / max(sides) for side in sides]
    if min(sides) > 768:
        sides = [side * 768 / min(sides) for side in sides]
    pixels = [max(1, int(side + Fraction(1, 2))) for side in sides]
    return ceil(Fraction(pixels[0], 512)) * ceil(Fraction(pixels[1], 512))


def naive_patches(width: int, height: int, limit: int) -> int:
    if ceil(Fraction(width, 32)) * ceil(Fraction(height, 32)) <= limit:
        return ceil(Fraction(width, 32)) * ceil(Fraction(height, 32))
    fitting = (
        columns * ceil(Fraction(columns * height, width))
        for columns in range(limit, 0, -1)
        if columns * ceil(Fraction(columns * height, width)) <= limit
    )
    return next(fitting, limit)


SIDES = st.integers(1, 5000)


@given(SIDES, SIDES)
def test_sizes_agree_with_a_naive_count(width: int, height: int) -> None:
    tiles = naive_tiles(width, height)
    assert num_tokens_from_image(width, height) == 85 + 170 * tiles
    assert num_tokens_from_image(width, height) <= 85 + 170 * 8
    patches = naive_patches(width, height, 1536)
    assert num_tokens_from_image(width, height, model="o4-mini") == ceil(
        Fraction(172 * patches, 100)
    )
    assert patches <= 1536


@pytest.mark.parametrize("model", ["gpt-4", "gpt-5.5", "o3-mini", "gpt-4o-audio-preview"])
def test_a_model_whose_images_are_not_known_is_refused_by_name(model: str) -> None:
    url = "data:image/gif;base64,R0lGODlhAgABAAAAADs="
    part = {"type": "image_url", "image_url": {"url": url}}
    for call in (
        lambda **more: num_tokens_from_image(1, 1, model=model, **more),
        lambda **more: num_tokens_from_image_url(url, model=model, **more),
        lambda **more: num_tokens_from_messages(
            [{"role": "user", "content": [part]}], model, **more
        ),
    ):
        with pytest.raises(KeyError, match=f"images cost is not known for the model '{model}'"):
            call()
        ours = Rules(model, "our bills", "2026-11", image=Patches("1.5"))
        assert call(rules=(ours,)) in (2, 2 + 7)


def test_costs_of_a_caller_are_for_images_that_are_not_known() -> None:
    unknown = {"type": "image_url", "image_url": {"url": "https://example.com/x"}}
    known = {"type": "image_url", "image_url": {"url": "https://example.com/x", "detail": "low"}}

    def counted(part: dict[str, Any], model: str) -> int:
        messages = [{"role": "user", "content": [part]}]
        return num_tokens_from_messages(messages, model, costs={"image_url": 1000}) - 7

    assert counted(unknown, "gpt-4o") == 1000
    assert counted(known, "gpt-4o") == 85
    assert counted(known, "gpt-5.5") == 1000


@pytest.mark.parametrize("size", [(1,), (1, 2, 3), "12", 5, (1, 0), (1, 1.5), (None, 1), {1: 2}])
def test_sizes_of_a_caller_that_are_wrong(size: Any) -> None:
    part = {"type": "image_url", "image_url": {"url": "https://example.com/x"}}
    messages = [{"role": "user", "content": [part]}]
    sizes = {"https://example.com/x": size}
    with pytest.raises((TypeError, ValueError), match=r"messages\[0\]\.content\[0\]: the "):
        num_tokens_from_messages(messages, "gpt-4o", image_sizes=sizes)
