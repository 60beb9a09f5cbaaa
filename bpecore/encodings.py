"""Definitions of OpenAI's seven encodings: split pattern, rank table, special tokens.

Facts from tiktoken 0.14.0 (`tiktoken_ext/openai_public.py`); names, keys and their order are the
same, so that code written for one finds the same things in the other. The rank tables come from
the package, never from the network.

A caller may have each constructor use something else for the ranks of a table than a new dict: an
`Encoding` of this package also accepts the vocabulary made of them.
"""

from __future__ import annotations

from types import MappingProxyType

from bpecore._pattern.families import CL100K_PATTERN, O200K_PATTERN, R50K_PATTERN

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

ENDOFTEXT = "<|endoftext|>"
FIM_PREFIX = "<|fim_prefix|>"
FIM_MIDDLE = "<|fim_middle|>"
FIM_SUFFIX = "<|fim_suffix|>"
ENDOFPROMPT = "<|endofprompt|>"

r50k_pat_str = R50K_PATTERN
"""The split pattern of `gpt2`, `r50k_base`, `p50k_base` and `p50k_edit`."""

# The names of harmony's that o200k_base lacks and that are not `<|reserved_N|>`.
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


def _load_ranks(name: str) -> dict[bytes, int]:
    from bpecore.data.rank_tables import load_ranks

    return load_ranks(name)


def gpt2(*, ranks_of: Callable[[str], Any] = _load_ranks) -> dict[str, Any]:
    """Arguments of `Encoding` for gpt2.

    OpenAI publishes its ranks as a merge list and a JSON object; they are r50k_base's.

    Args:
        ranks_of: called with the name of the rank table; returns `mergeable_ranks`.

    Returns:
        Keyword arguments of `Encoding`; without `ranks_of` the ranks are a new dict for every call.

    Raises:
        ValueError: The bundled rank table is damaged.

    Example:
        >>> gpt2()["special_tokens"]
        {'<|endoftext|>': 50256}
    """
    return {**r50k_base(ranks_of=ranks_of), "name": "gpt2"}


def r50k_base(*, ranks_of: Callable[[str], Any] = _load_ranks) -> dict[str, Any]:
    """Arguments of `Encoding` for r50k_base; takes, returns and raises as `gpt2`."""
    return {
        "name": "r50k_base",
        "explicit_n_vocab": 50257,
        "pat_str": r50k_pat_str,
        "mergeable_ranks": ranks_of("r50k_base"),
        "special_tokens": {ENDOFTEXT: 50256},
    }


def p50k_base(*, ranks_of: Callable[[str], Any] = _load_ranks) -> dict[str, Any]:
    """Arguments of `Encoding` for p50k_base; takes, returns and raises as `gpt2`."""
    return {
        "name": "p50k_base",
        "explicit_n_vocab": 50281,
        "pat_str": r50k_pat_str,
        "mergeable_ranks": ranks_of("p50k_base"),
        "special_tokens": {ENDOFTEXT: 50256},
    }


def p50k_edit(*, ranks_of: Callable[[str], Any] = _load_ranks) -> dict[str, Any]:
    """Arguments of `Encoding` for p50k_edit; takes, returns and raises as `gpt2`."""
    return {
        "name": "p50k_edit",
        "pat_str": r50k_pat_str,
        "mergeable_ranks": ranks_of("p50k_base"),
        "special_tokens": {
            ENDOFTEXT: 50256,
            FIM_PREFIX: 50281,
            FIM_MIDDLE: 50282,
            FIM_SUFFIX: 50283,
        },
    }


def cl100k_base(*, ranks_of: Callable[[str], Any] = _load_ranks) -> dict[str, Any]:
    """Arguments of `Encoding` for cl100k_base; takes, returns and raises as `gpt2`."""
    return {
        "name": "cl100k_base",
        "pat_str": CL100K_PATTERN,
        "mergeable_ranks": ranks_of("cl100k_base"),
        "special_tokens": {
            ENDOFTEXT: 100257,
            FIM_PREFIX: 100258,
            FIM_MIDDLE: 100259,
            FIM_SUFFIX: 100260,
            ENDOFPROMPT: 100276,
        },
    }


def o200k_base(*, ranks_of: Callable[[str], Any] = _load_ranks) -> dict[str, Any]:
    """Arguments of `Encoding` for o200k_base; takes, returns and raises as `gpt2`."""
    return {
        "name": "o200k_base",
        "pat_str": O200K_PATTERN,
        "mergeable_ranks": ranks_of("o200k_base"),
        "special_tokens": {ENDOFTEXT: 199999, ENDOFPROMPT: 200018},
    }


def o200k_harmony(*, ranks_of: Callable[[str], Any] = _load_ranks) -> dict[str, Any]:
    """Arguments of `Encoding` for o200k_harmony; takes, returns and raises as `gpt2`.

    Two special tokens share the id 200018: `<|endofprompt|>`, inherited from o200k_base, and
    `<|reserved_200018|>`.
    """
    base = o200k_base(ranks_of=ranks_of)
    special_tokens = dict(base["special_tokens"])
    for token_id in range(199_998, _HARMONY_END):
        if token_id == special_tokens[ENDOFTEXT]:
            continue
        special_tokens[_HARMONY_NAMES.get(token_id, f"<|reserved_{token_id}|>")] = token_id
    return {**base, "name": "o200k_harmony", "special_tokens": special_tokens}


OPENAI_CONSTRUCTORS: Mapping[str, Callable[..., dict[str, Any]]] = MappingProxyType(
    {
        "gpt2": gpt2,
        "r50k_base": r50k_base,
        "p50k_base": p50k_base,
        "p50k_edit": p50k_edit,
        "cl100k_base": cl100k_base,
        "o200k_base": o200k_base,
        "o200k_harmony": o200k_harmony,
    }
)
"""The seven constructors, also if a caller changes `ENCODING_CONSTRUCTORS`."""

ENCODING_CONSTRUCTORS: dict[str, Callable[[], dict[str, Any]]] = dict(OPENAI_CONSTRUCTORS)
"""What makes the arguments of each encoding, as a plugin offers it; may be changed."""
