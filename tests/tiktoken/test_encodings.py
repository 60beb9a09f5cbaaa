"""The seven encodings' definitions are tiktoken's."""

from __future__ import annotations

from typing import Any

import pytest
from tiktoken_ext import openai_public

from bpecore import encodings
from bpecore.data import rank_tables as data


@pytest.fixture(autouse=True)
def tiktoken_without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """tiktoken's constructors read the bundled tables, whose hashes other tests check."""

    def load_tiktoken_bpe(url: str, expected_hash: str) -> dict[bytes, int]:
        return data.load_ranks(url.rsplit("/", 1)[1][: -len(".tiktoken")])

    def load_gpt2(**files_and_hashes: str) -> dict[bytes, int]:
        return data.load_ranks("r50k_base")

    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", load_tiktoken_bpe)
    monkeypatch.setattr(openai_public, "data_gym_to_mergeable_bpe_ranks", load_gpt2)


def in_order(arguments: dict[str, Any]) -> list[tuple[str, Any]]:
    """Arguments, and dicts among them, as lists: their order matters too."""
    return [
        (key, list(value.items()) if isinstance(value, dict) else value)
        for key, value in arguments.items()
    ]


def test_same_encodings_in_the_same_order() -> None:
    assert list(encodings.ENCODING_CONSTRUCTORS) == list(openai_public.ENCODING_CONSTRUCTORS)


@pytest.mark.parametrize("name", openai_public.ENCODING_CONSTRUCTORS)
def test_definition_equals_tiktokens(name: str) -> None:
    ours = encodings.ENCODING_CONSTRUCTORS[name]()
    theirs = openai_public.ENCODING_CONSTRUCTORS[name]()
    # Not one assertion: pytest would try to print 200,000 differences.
    are_equal = in_order(ours) == in_order(theirs)
    differing = [key for key in {**ours, **theirs} if ours.get(key) != theirs.get(key)]
    assert are_equal, differing


@pytest.mark.parametrize("name", openai_public.ENCODING_CONSTRUCTORS)
def test_function_is_called_as_the_encoding(name: str) -> None:
    assert encodings.ENCODING_CONSTRUCTORS[name] is getattr(encodings, name)
    assert encodings.ENCODING_CONSTRUCTORS[name]()["name"] == name


@pytest.mark.parametrize(
    "constant",
    ["ENDOFTEXT", "FIM_PREFIX", "FIM_MIDDLE", "FIM_SUFFIX", "ENDOFPROMPT", "r50k_pat_str"],
)
def test_constant_equals_tiktokens(constant: str) -> None:
    assert getattr(encodings, constant) == getattr(openai_public, constant)


def test_harmony_gives_200018_to_two_names() -> None:
    special_tokens = encodings.o200k_harmony()["special_tokens"]
    assert len(special_tokens) == 1_091
    assert [name for name, token_id in special_tokens.items() if token_id == 200_018] == [
        "<|endofprompt|>",
        "<|reserved_200018|>",
    ]


def test_changing_one_definition_leaves_the_next_alone() -> None:
    encodings.o200k_harmony()["special_tokens"].clear()
    encodings.o200k_base()["special_tokens"].clear()
    assert len(encodings.o200k_harmony()["special_tokens"]) == 1_091
