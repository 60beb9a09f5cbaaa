"""The pool of test files that do not make their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mixed_text import ENCODING

from bpecore.pool import TokenizerPool


@pytest.fixture(scope="module")
def pool() -> Iterator[TokenizerPool]:
    with TokenizerPool(ENCODING, processes=2, ring_bytes=1 << 18) as pool:
        yield pool
