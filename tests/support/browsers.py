"""A headless Chromium for tests that look at pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def chromium() -> Iterator[Any]:
    """Gives a browser; skips the test where playwright or Chromium is not installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason='needs "bpecore[pages-test]"')
    with playwright.sync_playwright() as run:
        try:
            browser = run.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
        except playwright.Error:
            pytest.skip("no Chromium is installed")
        yield browser
        browser.close()
