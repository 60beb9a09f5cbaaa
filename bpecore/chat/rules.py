"""The rules by which models count a chat: one table, a row per group of models.

Nothing here is promised by a provider. Each row says where its numbers come from, and when they
were found to be right. A caller adds rows with `rules=`, which are tried before these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from bpecore.chat.fields import wrong_type
from bpecore.chat.strings import listed
from bpecore.model import plain_model_name


@dataclass(frozen=True)
class Tiles:
    """An image costs a base, and in high detail so much per tile of 512 pixels a side.

    Attributes:
        base: tokens of every image, and of one in low detail.
        per_tile: tokens per tile.
        published: base and tokens per tile in the provider's documentation, if bills show others.

    Example:
        >>> from bpecore.chat import num_tokens_from_image
        >>> ours = Rules("our-*", "our bills", "2026-11", image=Tiles(base=85, per_tile=170))
        >>> num_tokens_from_image(1024, 512, model="our-gpt", rules=[ours])  # two tiles
        425
    """

    base: int
    per_tile: int
    published: tuple[int, int] | None = None


@dataclass(frozen=True)
class Patches:
    """An image costs a factor per patch of 32 pixels a side.

    Attributes:
        factor: tokens per patch, as a decimal number ("1.62").
        published: the factor in the provider's documentation, if bills show another.
        limit: patches; a larger image is scaled down until it has no more.
        original_limit: the limit in detail "original", or None if the model does not have it.

    Raises:
        ValueError: the factor is not a decimal number.

    Example:
        >>> from bpecore.chat import num_tokens_from_image
        >>> ours = Rules("our-*", "our bills", "2026-11", image=Patches("1.62"))
        >>> num_tokens_from_image(64, 64, model="our-gpt", rules=[ours])  # four patches
        7
    """

    factor: str
    published: str | None = None
    limit: int = 1536
    original_limit: int | None = None

    def __post_init__(self) -> None:
        try:
            Fraction(str(self.factor))
        except ValueError:
            raise ValueError(
                f"factor: must be a decimal number, as '1.62', not {self.factor!r}"
            ) from None

    @property
    def fraction(self) -> Fraction:
        """The factor as an exact number."""
        return Fraction(str(self.factor))


@dataclass(frozen=True)
class Rules:
    """How the models with certain names count a chat.

    Attributes:
        models: names and patterns, such as `gpt-4o` and `our-*`, separated by spaces. They are
            compared with a model's name in lower case without provider, "ft:", and date.
        source: where the numbers come from.
        date: when they were measured or published, as "2024-07" or "2024-07-15".
        encoding: the encoding's name; None means that the model's name tells it.
        format: how messages become text. "chat" is that of OpenAI's servers, "harmony" that of
            gpt-oss.
        per_message: tokens of a message besides its strings.
        per_name: tokens of a message's name besides the name itself.
        tools: how a list of tools is written: "indented", as models did until autumn 2023 and with
            `functions`, or "compact", as they have done since.
        image: what an image costs; None means that nothing is known.

    Raises:
        ValueError: `format` or `tools` is none of these words.
        TypeError: `models` is not a string, or `image` neither of the classes.

    Example:
        >>> Rules("our-model*", "our own bills", "2026-11", encoding="o200k_base").per_message
        3
    """

    models: str
    source: str
    date: str
    encoding: str | None = None
    format: Literal["chat", "harmony"] = "chat"
    per_message: int = 3
    per_name: int = 1
    tools: Literal["indented", "compact"] = "compact"
    image: Tiles | Patches | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.models, str):
            raise wrong_type("Rules.models", "str, with spaces between names", self.models)
        for name, known in (("format", ("chat", "harmony")), ("tools", ("indented", "compact"))):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"Rules.{name}: must be one of {known}, not {getattr(self, name)!r}"
                )
        if not isinstance(self.image, (Tiles, Patches, type(None))):
            raise wrong_type("Rules.image", "Tiles, Patches or None", self.image)


COOKBOOK = "OpenAI's cookbook, How to count tokens with tiktoken"
FUNCTIONS = f"{COOKBOOK}; tools: counts from the API in the tests of openai-chat-tokens"
TOOLS = f"{COOKBOOK}; tools: counts from the API in the tests of openai-messages-token-helper"
GUIDE = f"{TOOLS}; images: OpenAI's guide to images as inputs"
BILLS = f"{TOOLS}; images: API users' bills, OpenAI's guide has another factor"
BILLS_OF_O1 = f"{TOOLS}; images: bills in topic 1262691 of OpenAI's forum; the guide has 75 and 150"

# The first row that matches counts.
RULES: tuple[Rules, ...] = (
    Rules("gpt-oss*", "openai-harmony 0.0.8", "2025-11", format="harmony"),
    Rules("gpt-3.5-turbo-0301", COOKBOOK, "2024-07", per_message=4, per_name=-1),
    Rules("gpt-3.5-turbo-1106 gpt-3.5-turbo-0125", TOOLS, "2024-07"),
    Rules(
        "gpt-3.5 gpt-3.5-turbo gpt-3.5-turbo-16k gpt-4 gpt-4-32k",
        FUNCTIONS,
        "2024-03",
        tools="indented",
    ),
    Rules("gpt-4o-mini", GUIDE, "2025-11", image=Tiles(2833, 5667)),
    Rules(
        "gpt-4o chatgpt-4o gpt-4.1 gpt-4.5-preview gpt-4.5 gpt-4-turbo gpt-4-vision-preview "
        "gpt-4-1106-vision-preview",
        GUIDE,
        "2025-11",
        image=Tiles(85, 170),
    ),
    Rules("o1", BILLS_OF_O1, "2025-05", image=Tiles(11, 22, published=(75, 150))),
    Rules("o1-pro o3", GUIDE, "2025-11", image=Tiles(75, 150)),
    Rules("gpt-5 gpt-5.1 gpt-5-chat", GUIDE, "2025-11", image=Tiles(70, 140)),
    Rules("computer-use-preview", GUIDE, "2025-11", image=Tiles(65, 129)),
    Rules("gpt-4.1-mini", GUIDE, "2025-11", image=Patches("1.62")),
    Rules("gpt-4.1-nano", GUIDE, "2025-11", image=Patches("2.46")),
    Rules("o4-mini codex-mini", GUIDE, "2025-11", image=Patches("1.72")),
    Rules("gpt-5-mini", BILLS, "2025-12", image=Patches("1.2", published="1.62")),
    Rules("gpt-5-nano", BILLS, "2025-12", image=Patches("1.5", published="2.46")),
    Rules("gpt-5.2 gpt-5.3-codex", BILLS, "2026-03", image=Patches("1.2", published="1")),
    Rules("gpt-5.2-mini", BILLS, "2026-03", image=Patches("1.2", published="1.62")),
    Rules("gpt-5.2-nano", BILLS, "2026-03", image=Patches("1.2", published="2.46")),
    Rules("gpt-5.4", BILLS, "2026-03", image=Patches("1.2", published="1", original_limit=2500)),
    Rules(
        "gpt-5.4-mini",
        BILLS,
        "2026-03",
        image=Patches("1.2", published="1.62", original_limit=2500),
    ),
    Rules(
        "gpt-5.4-nano",
        BILLS,
        "2026-03",
        image=Patches("1.2", published="2.46", original_limit=2500),
    ),
    # All others: the newest rules that were measured, and images refused.
    Rules("*", TOOLS, "2024-07"),
)

WITHOUT_CHATS = (
    "text-embedding-* text-similarity-* text-search-* code-search-* gpt2 gpt-2 "
    "gpt-3.5-turbo-instruct* gpt-35-turbo-instruct* ada curie babbage babbage-* davinci davinci-* "
    "text-ada-* text-curie-* text-babbage-* text-davinci-* code-davinci-* code-cushman-* "
    "cushman-codex"
)
"""Names and patterns of models that take plain text only."""


def rules_of(model: str, further: Iterable[Rules] | None = None) -> Rules:
    """Returns the first row that matches a model's name.

    Args:
        model: the model's name, as for `bpecore.encoding_for_model`.
        further: rows that come before the table.

    Raises:
        TypeError: the name is not a string, or a row is not `Rules`.
        ValueError: the model takes plain text only.

    Example:
        >>> rules_of("openai/gpt-4o-2024-08-06").image
        Tiles(base=85, per_tile=170, published=None)
    """
    if not isinstance(model, str):
        raise wrong_type("model", "str", model)
    for rules in checked_rules(further):
        if _matches(rules.models, model):
            return rules
    if _matches(WITHOUT_CHATS, model):
        raise ValueError(
            f"the model {model!r} takes plain text and no chats: count with "
            "num_tokens_from_string, or give its rules=[Rules(…)]"
        )
    return _rules_of_table(model)


def checked_rules(rules: Iterable[Rules] | None) -> list[Rules]:
    """Returns a caller's rows.

    Raises:
        TypeError: they are not a list, or one is not `Rules`.
    """
    rows = listed(rules or (), "rules")
    for number, each in enumerate(rows):
        if not isinstance(each, Rules):
            raise wrong_type(f"rules[{number}]", "Rules", each)
    return rows


@lru_cache(maxsize=256)
def _rules_of_table(model: str) -> Rules:
    return next(rules for rules in RULES if _matches(rules.models, model))


def _matches(models: str, model: str) -> bool:
    """Returns whether a model is one of some: by its whole name, or by that without a date."""
    name = plain_model_name(model)
    patterns = models.lower().split()
    return any(
        fnmatchcase(each, pattern) for each in (name, without_date(name)) for pattern in patterns
    )


def without_date(name: str) -> str:
    """Returns a model's name without a date or "-latest" at its end.

    Example:
        >>> without_date("gpt-4o-mini-2024-07-18"), without_date("gpt-4-0613")
        ('gpt-4o-mini', 'gpt-4')
    """
    return re.sub(r"(-latest|-[0-9]{4}-[0-9]{2}-[0-9]{2}|-[0-9]{4})$", "", name)
