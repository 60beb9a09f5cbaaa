"""Model names that tiktoken does not know, or knows wrongly."""

from __future__ import annotations

import pytest
import tiktoken

import bpecore

O200K = """
codex-mini-latest computer-use-preview gpt-realtime gpt-realtime-mini-2025-10-06 gpt-audio
gpt-audio-mini gpt-4.5 gpt-4.5-preview chatgpt-4o chatgpt-4o-latest o4 o4-mini o4-mini-high
ft:gpt-4.1-mini-2025-04-14:org::id ft:gpt-4.1 ft:o4-mini-2025-04-16:org ft:gpt-5-mini:org
gpt-image-1
openai/gpt-4o azure/gpt-4o openrouter/openai/gpt-4o-mini openai:gpt-4o OpenAI/GPT-5 GPT-4O
openrouter/openai/gpt-4o:extended azure/ft:gpt-4o:org github/gpt-4.1 FT:GPT-4.1-nano:org
"""
HARMONY = """
gpt-oss gpt-oss-20b gpt-oss:20b openai/gpt-oss-120b:free groq/openai/gpt-oss-120b
bedrock/openai.gpt-oss-120b-1:0 fireworks_ai/accounts/fireworks/models/gpt-oss-120b
"""
CL100K = "GPT-4 Gpt-3.5-Turbo azure/gpt-35-turbo openai/text-embedding-3-small openai/ft:gpt-4:org"
OTHERS = "openai-community/gpt2"
UNKNOWN = """
meta/gpt-4-like someone/o1-model openai/llama openai/ /gpt-4o/ openai our-deployment claude-3
gpt-4/openai o 4 ft:ada ft: : /
"""


@pytest.mark.parametrize(
    ("names", "encoding"),
    [(O200K, "o200k_base"), (HARMONY, "o200k_harmony"), (CL100K, "cl100k_base"), (OTHERS, "gpt2")],
)
def test_names_in_use(names: str, encoding: str) -> None:
    found = {name: bpecore.encoding_name_for_model(name) for name in names.split()}
    assert found == dict.fromkeys(names.split(), encoding)


@pytest.mark.parametrize("name", UNKNOWN.split())
def test_other_names_are_unknown(name: str) -> None:
    with pytest.raises(KeyError):
        bpecore.encoding_name_for_model(name)


def test_fine_tuned_gpt_4_1_is_the_only_answer_that_differs() -> None:
    name = "ft:gpt-4.1-mini-2025-04-14:org::id"
    assert tiktoken.encoding_name_for_model(name) == "cl100k_base"
    assert bpecore.encoding_for_model(name).name == "o200k_base"
    assert bpecore.encoding_for_model("ft:gpt-4:org").name == "cl100k_base"


@pytest.mark.parametrize(
    ("default", "encoding"), [("r50k_base", "r50k_base"), ("azure/GPT-4", "cl100k_base")]
)
def test_a_default_is_an_encoding_or_a_model(default: str, encoding: str) -> None:
    assert bpecore.encoding_name_for_model("ours", default=default) == encoding
    assert bpecore.encoding_for_model("ours", default=default).name == encoding
    ids = bpecore.get_encoding(encoding).encode("hello world")
    assert bpecore.encode_for_model("ours", "hello world", default=default) == ids
    assert bpecore.count_for_model("ours", "hello world", default=default) == len(ids)


def test_a_known_name_needs_no_default() -> None:
    assert bpecore.encoding_name_for_model("gpt-4", default="o200k_base") == "cl100k_base"


def test_a_default_that_is_unknown_is_named() -> None:
    with pytest.raises(ValueError, match="default='theirs'"):
        bpecore.encoding_for_model("ours", default="theirs")
