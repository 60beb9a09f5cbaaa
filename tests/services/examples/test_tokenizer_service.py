"""The service: answers, refusals, overload and metrics, over real connections."""

from __future__ import annotations

from typing import Any

import pytest
from loading import load_example
from servers import serving

import bpecore

JSON = {"content-type": "application/json"}
NEEDED = ("anyio", "fastapi", "httpx", "prometheus_client", "uvicorn")


def test_service() -> None:
    service = load_example("tokenizer_service", *NEEDED)
    import httpx

    encoding = bpecore.get_encoding("o200k_base")
    text = "hello <|endoftext|> " * 1000
    with serving(service.make_app()) as url, httpx.Client(base_url=url) as client:
        for _ in range(2):
            answer = client.post("/count", json={"text": text})
            assert answer.json() == {"tokens": len(encoding.encode_ordinary(text))}
        assert client.post("/encode", json={"text": "hello world"}).json() == {"ids": [24912, 2375]}
        assert client.post("/count", json={"text": 5}).status_code == 422
        too_long = "x" * (service.MAX_CHARACTERS + 1)
        answer = client.post("/count", json={"text": too_long})
        assert answer.status_code == 422
        assert len(answer.content) < 1000, "the text is not sent back"
        half_a_pair = client.post("/count", content=b'{"text": "\\ud800"}', headers=JSON)
        assert half_a_pair.status_code == 422
        assert "body" in half_a_pair.text
        metrics = client.get("/metrics").text
    label = 'encoder="o200k_base"'
    assert f"bpecore_cache_hits_total{{{label}}} 1.0" in metrics
    assert f"bpecore_cache_misses_total{{{label}}} 2.0" in metrics
    assert f'bpecore_latency_seconds_bucket{{{label},le="+Inf"}} 3.0' in metrics


def test_truncation() -> None:
    service = load_example("tokenizer_service", *NEEDED)
    import httpx

    with serving(service.make_app()) as url, httpx.Client(base_url=url) as client:
        body = {"text": "one two three four"}
        answer = client.post("/truncate", params={"max_tokens": 2}, json=body)
        assert answer.json() == {"text": "one two"}
        assert client.post("/truncate", params={"max_tokens": -1}, json=body).status_code == 422


def test_overload_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    service = load_example("tokenizer_service", *NEEDED)
    import httpx

    async def full(*arguments: Any, **keywords: Any) -> int:
        raise service.QueueFullError("the queue is full: 1 texts wait or are encoded")

    monkeypatch.setattr(service.AsyncEncoder, "count", full)
    with serving(service.make_app()) as url, httpx.Client(base_url=url) as client:
        answer = client.post("/count", json={"text": "hello"})
    assert answer.status_code == 503
    assert "full" in answer.json()["detail"]
    assert answer.headers["retry-after"] == "1"
