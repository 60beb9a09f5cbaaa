"""Definitions of OpenAI's seven encodings: split pattern, rank table, special tokens.

Facts from tiktoken 0.14.0 (`tiktoken_ext/openai_public.py`); names, keys and their order are the
same, so that code written for one finds the same things in the other. The rank tables come from
the package, never from the network.
"""

from __future__ import annotations

from typing import Any, Callable

from .data import load_ranks
from .pattern.families import CL100K_PATTERN, O200K_PATTERN, R50K_PATTERN

ENDOFTEXT = "<|endoftext|>"
FIM_PREFIX = "<|fim_prefix|>"
FIM_MIDDLE = "<|fim_middle|>"
FIM_SUFFIX = "<|fim_suffix|>"
ENDOFPROMPT = "<|endofprompt|>"

r50k_pat_str = R50K_PATTERN

# Those of harmony's names that are not `<|reserved_N|>` and that o200k_base lacks.
_HARMONY_NAMES = {
    199998: "<|startoftext|>",
    200002: "<|return|>",
    200003: "<|constrain|>",
    200005: "<|channel|>",
    200006: "<|start|>",
    200007: "<|end|>",
    200008: "<|message|>",
    200012: "<|call|>",
}
_HARMONY_END = 201_088


def gpt2() -> dict[str, Any]:
    """Arguments of `Encoding` for gpt2.

    OpenAI publishes its ranks as a merge list and a JSON object; they are r50k_base's.

    Returns:
        Keyword arguments of `Encoding`; the rank table is a new dict for every call.

    Raises:
        ValueError: The bundled rank table is damaged.

    Example:
        >>> gpt2()["special_tokens"]
        {'<|endoftext|>': 50256}
    """
    return {**r50k_base(), "name": "gpt2"}


def r50k_base() -> dict[str, Any]:
    """Arguments of `Encoding` for r50k_base; returns and raises as `gpt2`."""
    return {
        "name": "r50k_base",
        "explicit_n_vocab": 50257,
        "pat_str": r50k_pat_str,
        "mergeable_ranks": load_ranks("r50k_base"),
        "special_tokens": {ENDOFTEXT: 50256},
    }


def p50k_base() -> dict[str, Any]:
    """Arguments of `Encoding` for p50k_base; returns and raises as `gpt2`."""
    return {
        "name": "p50k_base",
        "explicit_n_vocab": 50281,
        "pat_str": r50k_pat_str,
        "mergeable_ranks": load_ranks("p50k_base"),
        "special_tokens": {ENDOFTEXT: 50256},
    }


def p50k_edit() -> dict[str, Any]:
    """Arguments of `Encoding` for p50k_edit; returns and raises as `gpt2`."""
    return {
        "name": "p50k_edit",
        "pat_str": r50k_pat_str,
        "mergeable_ranks": load_ranks("p50k_base"),
        "special_tokens": {
            ENDOFTEXT: 50256,
            FIM_PREFIX: 50281,
            FIM_MIDDLE: 50282,
            FIM_SUFFIX: 50283,
        },
    }


def cl100k_base() -> dict[str, Any]:
    """Arguments of `Encoding` for cl100k_base; returns and raises as `gpt2`."""
    return {
        "name": "cl100k_base",
        "pat_str": CL100K_PATTERN,
        "mergeable_ranks": load_ranks("cl100k_base"),
        "special_tokens": {
            ENDOFTEXT: 100257,
            FIM_PREFIX: 100258,
            FIM_MIDDLE: 100259,
            FIM_SUFFIX: 100260,
            ENDOFPROMPT: 100276,
        },
    }


def o200k_base() -> dict[str, Any]:
    """Arguments of `Encoding` for o200k_base; returns and raises as `gpt2`."""
    return {
        "name": "o200k_base",
        "pat_str": O200K_PATTERN,
        "mergeable_ranks": load_ranks("o200k_base"),
        "special_tokens": {ENDOFTEXT: 199999, ENDOFPROMPT: 200018},
    }


def o200k_harmony() -> dict[str, Any]:
    """Arguments of `Encoding` for o200k_harmony; returns and raises as `gpt2`.

    Two special tokens share the id 200018: `<|endofprompt|>`, inherited from o200k_base, and
    `<|reserved_200018|>`.
    """
    base = o200k_base()
    special_tokens = dict(base["special_tokens"])
    for token_id in range(199_998, _HARMONY_END):
        if token_id == special_tokens[ENDOFTEXT]:
            continue
        special_tokens[_HARMONY_NAMES.get(token_id, f"<|reserved_{token_id}|>")] = token_id
    return {**base, "name": "o200k_harmony", "special_tokens": special_tokens}


ENCODING_CONSTRUCTORS: dict[str, Callable[[], dict[str, Any]]] = {
    "gpt2": gpt2,
    "r50k_base": r50k_base,
    "p50k_base": p50k_base,
    "p50k_edit": p50k_edit,
    "cl100k_base": cl100k_base,
    "o200k_base": o200k_base,
    "o200k_harmony": o200k_harmony,
}
