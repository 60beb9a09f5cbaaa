"""What reading a chat needs to know besides the chat: rules, costs, and sizes of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bpecore.chat.fields import fields_of, shown, wrong_type
from bpecore.chat.image_sizes import size_of_base64, size_of_data_url
from bpecore.chat.images import count_image, image_rule
from bpecore.chat.rules import Rules
from bpecore.chat.seen import Cost, Seen
from bpecore.types import CostOf


@dataclass(frozen=True)
class Reader:
    """Prices what is not text.

    Attributes:
        model: the model's name, for errors.
        rules: the model's rules.
        costs: what parts cost for which nothing is published, by their type ("input_audio", "file",
            "image_url" …), or "*" for all others.
        image_sizes: width and height in pixels of images, by their URL or the id of their file.
    """

    model: str
    rules: Rules
    costs: Mapping[str, CostOf] = field(default_factory=dict)
    image_sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def cost_of(self, kind: str, part: Any) -> int | None:
        """Returns what the caller says that a part costs, or None.

        Raises:
            ValueError: it is negative.
            TypeError: it is not an int.
        """
        cost = self.costs.get(kind, self.costs.get("*"))
        if callable(cost):
            cost = cost(part)
        if cost is None:
            return None
        if isinstance(cost, bool) or not isinstance(cost, int):
            raise wrong_type(f"costs[{kind!r}]", "an int", cost)
        if cost < 0:
            raise ValueError(f"costs[{kind!r}]: must not be negative: {cost}")
        return cost

    def add_cost(self, seen: Seen, kind: str, part: Any, place: str) -> None:
        """Adds something for which nothing is published to a message.

        Raises:
            ValueError: the caller does not say either what it costs.
        """
        tokens = self.cost_of(kind, part)
        if tokens is None:
            raise ValueError(
                f"{place}: what {kind!r} costs is not known: pass costs={{{kind!r}: tokens}}"
            )
        seen.costs.append(Cost(place, kind, tokens))

    def add_image(self, seen: Seen, part: Mapping[str, Any], place: str) -> None:
        """Adds an image to a message.

        Args:
            seen: the message.
            part: a part with the image in `image_url` (a string or a dict with `url`), `file_id`,
                or `source`, as Anthropic writes it.
            place: where the part is.

        Raises:
            ValueError: it has none of them, its size is not known, or the model does not have its
                detail.
            KeyError: it is not known what the model's images cost.
        """
        kind = part.get("type") or "image_url"
        url, detail, size = self._image(part, place)
        if size is None:
            size = self.image_sizes.get(url)
        known = self.rules.image is not None and (size is not None or detail == "low")
        tokens = None if known else self.cost_of(kind, part)
        if tokens is None:
            rule = image_rule(self.rules, self.model, place)
            tokens = count_image(rule, size, detail, place, url)
        seen.costs.append(Cost(place, "image", tokens))

    def _image(
        self, part: Mapping[str, Any], place: str
    ) -> tuple[str, Any, tuple[int, int] | None]:
        """Returns an image's URL or id, its detail, and its size if the part itself tells it."""
        image, detail = part.get("image_url"), part.get("detail")
        if image is not None and not isinstance(image, str):
            fields = fields_of(image, f"{place}.image_url")
            image, detail = fields.get("url"), fields.get("detail") or detail
        if image is None and part.get("source") is not None:
            fields = fields_of(part["source"], f"{place}.source")
            if fields.get("type") == "base64" and isinstance(fields.get("data"), str):
                return "", detail or "auto", size_of_base64(fields["data"])
            image = fields.get("url") or fields.get("file_id")
        if image is None:
            image = part.get("file_id")
        if not isinstance(image, str):
            raise ValueError(f"{place}: is an image without a URL: {shown(part)}")
        return image, detail or "auto", size_of_data_url(image)
