"""Finds the encoding of a model by the model's name.

The two public tables are those of tiktoken 0.14.0 (`tiktoken/model.py`), and what they answer is
the answer, except for fine-tuned models of the GPT-4.1 family. Names that they lack are looked up
in lower case, without a provider's prefix, in a third table. Nothing is cached per name.
"""

from __future__ import annotations

from bpecore.core import Encoding
from bpecore.registry import get_encoding, list_encoding_names

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Collection
    from collections.abc import Set as AbstractSet
    from typing import Literal, NoReturn

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


# Where tiktoken's tables give another family's encoding. Tried before them.
_CORRECTED_PREFIXES = {"ft:gpt-4.1": "o200k_base"}

# What tiktoken's tables lack. Tried after them.
_FURTHER_PREFIXES = {
    "codex-mini": "o200k_base",
    "computer-use-preview": "o200k_base",
    "gpt-realtime": "o200k_base",
    "gpt-audio": "o200k_base",
    "gpt-image": "o200k_base",
    "gpt-4.5": "o200k_base",
    "chatgpt-4o": "o200k_base",
    "o4": "o200k_base",
    "ft:o4-mini": "o200k_base",
    "ft:gpt-5": "o200k_base",
    "gpt-oss": "o200k_harmony",
}

# Names written `provider/model` or `provider:model` are OpenAI's if a provider is among these.
# Other providers have models of their own with similar names.
_PROVIDERS = frozenset(
    (
        "azure",
        "azure_ai",
        "azure-openai",
        "bedrock",
        "cerebras",
        "copilot",
        "deepinfra",
        "fireworks_ai",
        "github",
        "github_copilot",
        "groq",
        "huggingface",
        "litellm",
        "litellm_proxy",
        "lm_studio",
        "nebius",
        "ollama",
        "ollama_chat",
        "openai",
        "openai-community",
        "openrouter",
        "text-completion-openai",
        "together_ai",
        "vercel",
        "vercel_ai_gateway",
        "vertex_ai",
    )
)


def _known(model_name: str) -> str | None:
    """Returns the encoding's name by the tables, or None."""
    if model_name in MODEL_TO_ENCODING:
        return MODEL_TO_ENCODING[model_name]
    for table in (_CORRECTED_PREFIXES, MODEL_PREFIX_TO_ENCODING, _FURTHER_PREFIXES):
        for prefix, encoding_name in table.items():
            if model_name.startswith(prefix):
                return encoding_name
    return None


def _without_provider(model_name: str) -> str:
    """Returns a lower-case name without its known provider: "openrouter/openai/gpt-4o"."""
    *providers, name = model_name.split("/")
    if providers and not _PROVIDERS.intersection(providers):
        return model_name
    provider, colon, rest = name.partition(":")
    if colon and provider in _PROVIDERS:
        name = rest
    return name[len("openai.") :] if name.startswith("openai.") else name  # as Bedrock writes it


def plain_model_name(model_name: str) -> str:
    """Returns a model's name in lower case, without provider, "ft:" and what follows a colon.

    Example:
        >>> plain_model_name("openrouter/openai/GPT-4o:extended")
        'gpt-4o'
        >>> plain_model_name("ft:gpt-4o-mini-2024-07-18:our-company::8fQ3")
        'gpt-4o-mini-2024-07-18'
    """
    name = _without_provider(model_name.lower())
    if name.startswith("ft:"):
        name = name[len("ft:") :]
    return name.partition(":")[0]


def _find(model_name: str) -> str | None:
    """Returns the name of a model's encoding, or None if nothing is known."""
    if not isinstance(model_name, str):
        _refuse_name(model_name)
    found = _known(model_name)
    if found is None:
        name = _without_provider(model_name.lower())
        found = _known(name)
        if found is None and not name.startswith("ft:"):
            found = _known(name.partition(":")[0])  # OpenRouter's variants: "gpt-4o:extended"
    return found


def _refuse_name(model_name: object) -> NoReturn:
    """Refuses a name that is not a str; the error is of tiktoken's type."""
    has_hash = getattr(model_name, "__hash__", None) is not None
    error = AttributeError if has_hash and not isinstance(model_name, bytes) else TypeError
    kind = type(model_name).__name__
    raise error(f"a model's name must be a str, not {kind}: {model_name!r:.80}")


def _default_encoding_name(default: str) -> str:
    """Returns the encoding's name for a `default`: an encoding's name itself, or a model's.

    Raises:
        ValueError: it is neither.
    """
    if not isinstance(default, str):
        kind = type(default).__name__
        raise TypeError(f"default must be the name of an encoding or a model, not {kind}")
    if default in list_encoding_names():
        return default
    found = _find(default)
    if found is None:
        from bpecore._build.nearest import did_you_mean

        question = did_you_mean(default, [*list_encoding_names(), *MODEL_TO_ENCODING])
        raise ValueError(
            f"default={default!r} is neither an encoding nor a known model. {question}".rstrip()
        )
    return found


def encoding_name_for_model(model_name: str, *, default: str | None = None) -> str:
    """Returns the name of the encoding that a model uses.

    Args:
        model_name: the model's name, in any case, also after its provider's
            ("openrouter/openai/gpt-4o"). It is known if it is in `MODEL_TO_ENCODING`, or starts as
            OpenAI's models do, whether or not such a model exists.
        default: what to use for a name that is not recognised, such as that of an Azure
            deployment: the name of an encoding or of a model.

    Raises:
        KeyError: the name is not recognised, and there is no `default`.
        ValueError: the name is not recognised, and `default` names nothing known.

    Example:
        >>> encoding_name_for_model("gpt-4o-2024-05-13")
        'o200k_base'
        >>> encoding_name_for_model("our-deployment", default="gpt-4")
        'cl100k_base'
    """
    found = _find(model_name)
    if found is not None:
        return found
    if default is not None:
        return _default_encoding_name(default)
    raise KeyError(
        f"Could not automatically map {model_name} to a tokeniser. "
        "Please use `bpecore.get_encoding` to explicitly get the tokeniser you expect."
    )


def encoding_for_model(model_name: str, *, default: str | None = None) -> Encoding:
    """Returns the encoding that a model uses.

    Args:
        model_name: as for `encoding_name_for_model`.
        default: as for `encoding_name_for_model`.

    Raises:
        KeyError: as for `encoding_name_for_model`.
        ValueError: as for `encoding_name_for_model`.

    Example:
        >>> encoding_for_model("gpt-4").name
        'cl100k_base'
    """
    return get_encoding(encoding_name_for_model(model_name, default=default))


def encode_for_model(
    model: str,
    text: str,
    *,
    allowed_special: Literal["all"] | AbstractSet[str] = set(),
    disallowed_special: Literal["all"] | Collection[str] = "all",
    default: str | None = None,
) -> list[int]:
    """Encodes a text with the encoding that a model uses.

    Args:
        model: as for `encoding_name_for_model`.
        text: any text, also with lone surrogates.
        allowed_special: as for `Encoding.encode`.
        disallowed_special: as for `Encoding.encode`.
        default: as for `encoding_name_for_model`.

    Returns:
        The ids of the text's tokens.

    Raises:
        KeyError: as for `encoding_name_for_model`.
        ValueError: the text contains a disallowed special token, or as for
            `encoding_name_for_model`.

    Example:
        >>> encode_for_model("gpt-4", "hello world")
        [15339, 1917]
    """
    return encoding_for_model(model, default=default).encode(
        text, allowed_special=allowed_special, disallowed_special=disallowed_special
    )


def count_for_model(
    model: str,
    text: str,
    *,
    allowed_special: Literal["all"] | AbstractSet[str] = set(),
    disallowed_special: Literal["all"] | Collection[str] = "all",
    default: str | None = None,
) -> int:
    """Counts the tokens of a text in the encoding that a model uses.

    Args:
        model: as for `encoding_name_for_model`.
        text: any text, also with lone surrogates.
        allowed_special: as for `Encoding.encode`.
        disallowed_special: as for `Encoding.encode`.
        default: as for `encoding_name_for_model`.

    Raises:
        KeyError: as for `encoding_name_for_model`.
        ValueError: the text contains a disallowed special token, or as for
            `encoding_name_for_model`.

    Example:
        >>> count_for_model("gpt-4", "hello world")
        2
    """
    return encoding_for_model(model, default=default).count(
        text, allowed_special=allowed_special, disallowed_special=disallowed_special
    )
