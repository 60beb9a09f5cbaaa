"""A remote output is refused in one line, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from bpecore.corpus import CorpusError, tokenize


@pytest.mark.parametrize("url", ["s3://bucket/shards", "memory://shards", "file:///tmp/shards"])
def test_a_url_is_refused(url: str, lines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(lines)
    before = sorted(lines.rglob("*"))
    with pytest.raises(CorpusError, match=rf"^{url}: the output must be a local or mounted folder"):
        tokenize(lines, url, format="npy")
    assert sorted(lines.rglob("*")) == before
