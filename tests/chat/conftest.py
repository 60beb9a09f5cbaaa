"""The package `openai-harmony` for all tests of chats."""

from __future__ import annotations

import pytest
from harmony_reference import Reference, load_openai_harmony


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return Reference(load_openai_harmony(tmp_path_factory.mktemp("vocabulary")))
