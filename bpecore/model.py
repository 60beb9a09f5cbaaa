"""Finds the encoding of a model by the model's name.

The names are those of tiktoken 0.14.0 (`tiktoken/model.py`). Nothing is cached per name.
"""

from __future__ import annotations

from bpecore.core import Encoding
from bpecore.registry import get_encoding

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Collection
    from collections.abc import Set as AbstractSet
    from typing import Literal

# Tried in this order if no whole name matches.
MODEL_PREFIX_TO_ENCODING: dict[str, str] = {
    "o1-": "o200k_base",
    "o3-": "o200k_base",
    "o4-mini-": "o200k_base",
    "gpt-5": "o200k_base",
    "gpt-4.5-": "o200k_base",
    "gpt-4.1-": "o200k_base",
    "chatgpt-4o-": "o200k_base",
    "gpt-4o-": "o200k_base",
    "gpt-4-": "cl100k_base",
    "gpt-3.5-turbo-": "cl100k_base",
    "gpt-35-turbo-": "cl100k_base",  # as Azure writes it
    "gpt-oss-": "o200k_harmony",
    # Fine-tuned models. `ft:gpt-4o` comes before its own prefix `ft:gpt-4`.
    "ft:gpt-4o": "o200k_base",
    "ft:gpt-4": "cl100k_base",
    "ft:gpt-3.5-turbo": "cl100k_base",
    "ft:davinci-002": "cl100k_base",
    "ft:babbage-002": "cl100k_base",
}

MODEL_TO_ENCODING: dict[str, str] = {
    # Reasoning and chat.
    "o1": "o200k_base",
    "o3": "o200k_base",
    "o4-mini": "o200k_base",
    "gpt-5": "o200k_base",
    "gpt-4.1": "o200k_base",
    "gpt-4o": "o200k_base",
    "gpt-4": "cl100k_base",
    "gpt-3.5-turbo": "cl100k_base",
    "gpt-3.5": "cl100k_base",
    "gpt-35-turbo": "cl100k_base",  # as Azure writes it
    # Base models.
    "davinci-002": "cl100k_base",
    "babbage-002": "cl100k_base",
    # Embeddings.
    "text-embedding-ada-002": "cl100k_base",
    "text-embedding-3-small": "cl100k_base",
    "text-embedding-3-large": "cl100k_base",
    # No longer offered: text.
    "text-davinci-003": "p50k_base",
    "text-davinci-002": "p50k_base",
    "text-davinci-001": "r50k_base",
    "text-curie-001": "r50k_base",
    "text-babbage-001": "r50k_base",
    "text-ada-001": "r50k_base",
    "davinci": "r50k_base",
    "curie": "r50k_base",
    "babbage": "r50k_base",
    "ada": "r50k_base",
    # No longer offered: code.
    "code-davinci-002": "p50k_base",
    "code-davinci-001": "p50k_base",
    "code-cushman-002": "p50k_base",
    "code-cushman-001": "p50k_base",
    "davinci-codex": "p50k_base",
    "cushman-codex": "p50k_base",
    # No longer offered: edits.
    "text-davinci-edit-001": "p50k_edit",
    "code-davinci-edit-001": "p50k_edit",
    # No longer offered: embeddings.
    "text-similarity-davinci-001": "r50k_base",
    "text-similarity-curie-001": "r50k_base",
    "text-similarity-babbage-001": "r50k_base",
    "text-similarity-ada-001": "r50k_base",
    "text-search-davinci-doc-001": "r50k_base",
    "text-search-curie-doc-001": "r50k_base",
    "text-search-babbage-doc-001": "r50k_base",
    "text-search-ada-doc-001": "r50k_base",
    "code-search-babbage-code-001": "r50k_base",
    "code-search-ada-code-001": "r50k_base",
    # Open models.
    "gpt2": "gpt2",
    "gpt-2": "gpt2",
}


def encoding_name_for_model(model_name: str) -> str:
    """Returns the name of the encoding that a model uses.

    Args:
        model_name: the model's name: one of `MODEL_TO_ENCODING`, or one that starts with a prefix
            in `MODEL_PREFIX_TO_ENCODING`, whether or not such a model exists.

    Raises:
        KeyError: the name is not recognised.

    Example:
        >>> encoding_name_for_model("gpt-4o-2024-05-13")
        'o200k_base'
    """
    if model_name in MODEL_TO_ENCODING:
        return MODEL_TO_ENCODING[model_name]
    for prefix, encoding_name in MODEL_PREFIX_TO_ENCODING.items():
        if model_name.startswith(prefix):
            return encoding_name
    raise KeyError(
        f"Could not automatically map {model_name} to a tokeniser. "
        "Please use `bpecore.get_encoding` to explicitly get the tokeniser you expect."
    )


def encoding_for_model(model_name: str) -> Encoding:
    """Returns the encoding that a model uses.

    Args:
        model_name: as for `encoding_name_for_model`.

    Raises:
        KeyError: the name is not recognised.

    Example:
        >>> encoding_for_model("gpt-4").name
        'cl100k_base'
    """
    return get_encoding(encoding_name_for_model(model_name))


def encode_for_model(
    model: str,
    text: str,
    *,
    allowed_special: Literal["all"] | AbstractSet[str] = set(),
    disallowed_special: Literal["all"] | Collection[str] = "all",
) -> list[int]:
    """Encodes a text with the encoding that a model uses.

    Args:
        model: as for `encoding_name_for_model`.
        text: any text, also with lone surrogates.
        allowed_special: as for `Encoding.encode`.
        disallowed_special: as for `Encoding.encode`.

    Returns:
        The ids of the text's tokens.

    Raises:
        KeyError: the model's name is not recognised.
        ValueError: the text contains a disallowed special token.

    Example:
        >>> encode_for_model("gpt-4", "hello world")
        [15339, 1917]
    """
    return encoding_for_model(model).encode(
        text, allowed_special=allowed_special, disallowed_special=disallowed_special
    )


def count_for_model(
    model: str,
    text: str,
    *,
    allowed_special: Literal["all"] | AbstractSet[str] = set(),
    disallowed_special: Literal["all"] | Collection[str] = "all",
) -> int:
    """Counts the tokens of a text in the encoding that a model uses.

    Args:
        model: as for `encoding_name_for_model`.
        text: any text, also with lone surrogates.
        allowed_special: as for `Encoding.encode`.
        disallowed_special: as for `Encoding.encode`.

    Raises:
        KeyError: the model's name is not recognised.
        ValueError: the text contains a disallowed special token.

    Example:
        >>> count_for_model("gpt-4", "hello world")
        2
    """
    return encoding_for_model(model).count(
        text, allowed_special=allowed_special, disallowed_special=disallowed_special
    )
