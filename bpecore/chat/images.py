"""What an image costs, in exact arithmetic.

Tiles: the image is scaled down to fit into 2,048 x 2,048 pixels, then until its shorter side is 768
pixels, and covered with tiles of 512 pixels a side. Patches: the image is covered with patches of
32 pixels a side; if there are more than the limit, it is scaled down until there are not.

The numbers per model are in `bpecore.chat.rules`. Where bills differ from OpenAI's guide to images
as inputs, this does as the bills do: sides are rounded to whole pixels after scaling (2049 x 513
has two rows of tiles and 2050 x 513 one), and the width is what is made whole patches (of
4000 x 1474 there are 64 x 24). Constant time.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import ceil, floor, isqrt

from bpecore.chat.fields import shown, wrong_type
from bpecore.chat.image_sizes import size_of_data_url
from bpecore.chat.rules import Patches, Rules, Tiles, rules_of

TILE = 512  # pixels per side
LONGEST_SIDE = 2048  # pixels; a larger image is scaled down to this
SHORTEST_SIDE = 768  # pixels; after that, a larger image is scaled down to this
PATCH = 32  # pixels per side
DETAILS = ("auto", "high", "low", "original")


def num_tokens_from_image(
    width: int,
    height: int,
    detail: str = "auto",
    model: str = "gpt-4o",
    *,
    rules: Iterable[Rules] | None = None,
) -> int:
    """Estimates the tokens that an image costs.

    Args:
        width: pixels.
        height: pixels.
        detail: "low", "high", or "auto", which counts as "high"; for models that have it also
            "original".
        model: the model's name, as for `bpecore.encoding_for_model`.
        rules: rules of the caller, tried before those of `bpecore.chat.rules`.

    Raises:
        KeyError: it is not known what the model's images cost.
        ValueError: a side is not positive, or the model does not have the detail, or no images.
        TypeError: a side is not an int, `model` not a string, or a rule not `Rules`.

    Example:
        >>> num_tokens_from_image(1024, 1024)
        765
        >>> num_tokens_from_image(1024, 1024, "low")
        85
        >>> num_tokens_from_image(1024, 1024, model="gpt-4.1-mini")
        1659
    """
    rule = image_rule(rules_of(model, rules), model, "model")
    return count_image(rule, (width, height), detail, "image")


def num_tokens_from_image_url(
    url: str,
    detail: str = "auto",
    model: str = "gpt-4o",
    *,
    size: tuple[int, int] | None = None,
    rules: Iterable[Rules] | None = None,
) -> int:
    """Estimates the tokens that an image costs, from its URL and without fetching it.

    Args:
        url: a "data:" URL of a PNG, JPEG, GIF or WebP image, whose size is read; or any other URL
            if its size is given, or if the detail is "low" and low detail has one price.
        detail: as for `num_tokens_from_image`.
        model: as for `num_tokens_from_image`.
        size: the image's width and height in pixels.
        rules: as for `num_tokens_from_image`.

    Raises:
        KeyError: it is not known what the model's images cost.
        ValueError: the size cannot be read and is not given, or the model does not have the detail,
            or no images.
        TypeError: `url` or `model` is not a string, or a rule not `Rules`.

    Example:
        >>> num_tokens_from_image_url("https://example.com/cat.png", size=(1024, 1024))
        765
    """
    if not isinstance(url, str):
        raise wrong_type("url", "str", url)
    rule = image_rule(rules_of(model, rules), model, "url")
    if size is None:
        size = size_of_data_url(url)
    return count_image(rule, size, detail, "url", url, "size=(width, height)")


def image_rule(rules: Rules, model: str, place: str) -> Tiles | Patches:
    """Returns what an image of a model costs; `place` is where it is, for errors.

    Raises:
        KeyError: it is not known.
    """
    if rules.image is None:
        raise KeyError(
            f"{place}: what images cost is not known for the model {model!r}. Give a rule for it: "
            "rules=[Rules(models=…, image=Tiles(base=…, per_tile=…), …)]"
        )
    return rules.image


def count_image(
    rule: Tiles | Patches,
    size: tuple[int, int] | None,
    detail: object,
    place: str,
    url: str = "",
    size_argument: str = "image_sizes={url: (width, height)}",
) -> int:
    """Returns the tokens of an image.

    Args:
        rule: what the model's images cost.
        size: width and height in pixels, or None if they are not known.
        detail: one of `DETAILS`.
        place: where the image is, for errors.
        url: the image's URL, for errors.
        size_argument: how a caller gives the size, for errors.

    Raises:
        ValueError: the size is needed and not known, a side is not positive, or the model does not
            have the detail.
        TypeError: a side is not an int.
    """
    if detail not in DETAILS:
        raise ValueError(
            f"{place}: the detail of an image is one of {DETAILS}, not {shown(detail)}"
        )
    limit = rule.original_limit if isinstance(rule, Patches) else None
    if detail == "original" and limit is None:
        raise ValueError(f"{place}: the model has no images in detail 'original'")
    if size is not None:
        _check_size(size, place)
    if isinstance(rule, Tiles) and detail == "low":
        return rule.base
    if size is None:
        raise ValueError(
            f"{place}: the size of the image is not known, and it cannot be read from its URL: "
            f"{shown(url)}. Give it: {size_argument}"
        )
    if isinstance(rule, Tiles):
        return rule.base + rule.per_tile * _tiles(*size)
    patches = _patches(*size, rule.limit if limit is None or detail != "original" else limit)
    return ceil(patches * rule.fraction)


def _check_size(size: tuple[int, int], place: str) -> None:
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise wrong_type(f"{place}: the size of an image", "(width, height)", size)
    for name, side in zip(("width", "height"), size):
        if isinstance(side, bool) or not isinstance(side, int):
            raise wrong_type(f"{place}: the {name} of an image", "an int", side)
        if side <= 0:
            raise ValueError(f"{place}: the {name} of an image must be positive: {side}")


def _tiles(width: int, height: int) -> int:
    scale = min(
        Fraction(1),
        Fraction(LONGEST_SIDE, max(width, height)),
        Fraction(SHORTEST_SIDE, min(width, height)),
    )
    # Half a pixel is rounded up.
    sides = (max(1, floor(side * scale + Fraction(1, 2))) for side in (width, height))
    columns, rows = (-(-side // TILE) for side in sides)
    return columns * rows


def _patches(width: int, height: int, limit: int) -> int:
    columns, rows = -(-width // PATCH), -(-height // PATCH)
    if columns * rows <= limit:
        return columns * rows
    # The largest number of whole columns for which all fit.
    columns = isqrt(limit * width // height) + 1
    while columns and columns * -(-height * columns // width) > limit:
        columns -= 1
    if columns == 0:  # less than a patch wide, and longer than the limit
        return limit
    return columns * -(-height * columns // width)
