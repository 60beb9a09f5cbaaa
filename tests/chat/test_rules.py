"""The table of rules: which row a model's name finds, and rows of a caller."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bpecore.chat import (
    num_tokens_from_image,
    num_tokens_from_messages,
    num_tokens_from_string,
    truncate_tokens_from_messages,
)
from bpecore.chat.rules import RULES, Patches, Rules, Tiles, rules_of
from bpecore.model import MODEL_TO_ENCODING, plain_model_name

HELLO = [{"role": "user", "content": "hello"}]
NEWER_ENCODINGS = ("cl100k_base", "o200k_base", "o200k_harmony")


@pytest.mark.parametrize(
    ("model", "image"),
    [
        ("gpt-4o", Tiles(85, 170)),
        ("gpt-4o-2024-08-06", Tiles(85, 170)),
        ("ft:gpt-4o-2024-08-06:us::8fQ3", Tiles(85, 170)),
        ("openrouter/openai/GPT-4o:extended", Tiles(85, 170)),
        ("chatgpt-4o-latest", Tiles(85, 170)),
        ("gpt-4-turbo-2024-04-09", Tiles(85, 170)),
        ("gpt-4.5-preview-2025-02-27", Tiles(85, 170)),
        ("gpt-4o-mini-2024-07-18", Tiles(2833, 5667)),
        ("o3-2025-04-16", Tiles(75, 150)),
        ("gpt-5.1-2025-11-13", Tiles(70, 140)),
        ("gpt-5-chat-latest", Tiles(70, 140)),
        ("computer-use-preview-2025-03-11", Tiles(65, 129)),
        ("gpt-4.1-mini", Patches("1.62")),
        ("codex-mini-latest", Patches("1.72")),
        ("gpt-5-nano-2025-08-07", Patches("1.5", published="2.46")),
        ("gpt-5.4-mini", Patches("1.2", published="1.62", original_limit=2500)),
    ],
)
def test_images_of_models(model: str, image: object) -> None:
    assert rules_of(model).image == image


@pytest.mark.parametrize(
    "model",
    ["gpt-4", "o1-mini", "o3-mini", "o1-preview", "gpt-4o-audio-preview", "gpt-5.5", "gpt-5-codex"],
)
def test_images_of_models_without_a_known_rule(model: str) -> None:
    assert rules_of(model).image is None


def test_the_generations_of_tools() -> None:
    for model in ("gpt-3.5-turbo", "gpt-3.5-turbo-0613", "gpt-4", "gpt-4-0613", "gpt-4-32k"):
        assert rules_of(model).tools == "indented"
    for model in ("gpt-3.5-turbo-1106", "gpt-4-1106-preview", "gpt-35-turbo", "gpt-4o", "gpt-5"):
        assert rules_of(model).tools == "compact"


def test_models_without_chats_are_refused() -> None:
    """Those are all models of OpenAI's older encodings, and those that embed or complete text."""
    older = [m for m, name in MODEL_TO_ENCODING.items() if name not in NEWER_ENCODINGS]
    assert len(older) > 20
    completing = ["gpt-3.5-turbo-instruct-0914", "ft:davinci-002:us::8f", "babbage-002"]
    embedding = ["text-embedding-ada-002", "openai/text-embedding-3-small"]
    for model in [*older, *completing, *embedding]:
        for options in ({}, {"default": "gpt-4o"}):
            with pytest.raises(ValueError, match=re.escape(repr(model))):
                num_tokens_from_messages(HELLO, model, **options)
        rules = [Rules(plain_model_name(model), "our own", "2026-11", encoding="r50k_base")]
        assert num_tokens_from_messages(HELLO, model, rules=rules) > 0
    with pytest.raises(ValueError, match="plain text"):
        truncate_tokens_from_messages(HELLO, "gpt2", 10)
    assert num_tokens_from_string("hello", "gpt2") == 1
    for model in MODEL_TO_ENCODING.keys() - {*older, "davinci-002", "babbage-002"}:
        assert "embedding" in model or num_tokens_from_messages(HELLO, model)


def test_formats() -> None:
    assert rules_of("gpt-oss-120b").format == "harmony"
    assert rules_of("openai/gpt-oss-20b").format == "harmony"
    assert rules_of("gpt-4o").format == "chat"
    assert rules_of("gpt-3.5-turbo-0301").per_name == -1


def test_rows_of_a_caller_come_first() -> None:
    ours = Rules("Our-Model gpt-4o*", "our bills", "2026-11", image=Tiles(1, 2))
    assert rules_of("our-model-2026-11-01", [ours]) is ours
    assert rules_of("OUR-MODEL", [ours]) is ours
    assert rules_of("gpt-4o-mini", [ours]) is ours
    assert rules_of("gpt-4.1", [ours]) is rules_of("gpt-4.1")


def test_every_row_has_a_source_and_a_date() -> None:
    for rules in RULES:
        assert rules.source
        assert re.fullmatch(r"20\d\d-\d\d(-\d\d)?", rules.date)
        assert rules.models == rules.models.lower()
    assert RULES[-1].models == "*"
    factors = {rules.image.fraction for rules in RULES if isinstance(rules.image, Patches)}
    assert len(factors) == 5


@pytest.mark.parametrize(
    ("fields", "error", "said"),
    [
        ({"models": ["gpt-4o"]}, TypeError, "Rules.models: must be str"),
        ({"format": "chatml"}, ValueError, "Rules.format: must be one of"),
        ({"tools": "x"}, ValueError, "Rules.tools: must be one of"),
        ({"image": 85}, TypeError, "Rules.image: must be Tiles, Patches or None, not int: 85"),
    ],
)
def test_wrong_rows(fields: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=re.escape(said)):
        Rules(**{"models": "ours", "source": "our bills", "date": "2026-11", **fields})


def test_factors() -> None:
    with pytest.raises(ValueError, match="factor: must be a decimal number"):
        Patches("much")
    assert Patches(1.62).fraction == Patches("1.62").fraction  # type: ignore[arg-type]


@pytest.mark.parametrize("rules", [5, "ours", Rules("o", "bills", "2026-11"), ["ours"]])
def test_what_is_no_list_of_rows(rules: Any) -> None:
    for call in (
        lambda: rules_of("gpt-4o", rules),
        lambda: num_tokens_from_image(1, 1, rules=rules),
        lambda: num_tokens_from_messages([], "gpt-4o", rules=rules),
    ):
        with pytest.raises(TypeError, match=r"rules.*: must be"):
            call()


def test_what_is_no_model() -> None:
    with pytest.raises(TypeError, match="model: must be str"):
        num_tokens_from_image(1, 1, model=None)  # type: ignore[arg-type]
