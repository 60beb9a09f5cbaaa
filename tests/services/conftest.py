"""The encodings that tests of event loops use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from gated import Gated

import bpecore
from bpecore import Encoding


@pytest.fixture
def encoding() -> Encoding:
    return bpecore.get_encoding("o200k_base")


@pytest.fixture
def gated() -> Iterator[Gated]:
    encoding = Gated()
    yield encoding
    encoding.gate.set()
