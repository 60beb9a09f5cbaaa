"""The benchmarks of what services need check their results and print a row for each bar.

The texts are tiny: the timings mean nothing.
"""

# ruff: noqa: E402 (the benchmarks need not be there)

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import bpecore

for module in ("anyio", "psutil"):
    pytest.importorskip(module)
pytest.importorskip("benchmarks", reason="the benchmarks come with the source only")

from benchmarks import event_loop, services
from benchmarks.services import Row


def test_every_measure_has_a_row(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "zh.txt").write_text("中文文本。" * 40, encoding="utf-8")
    sizes = {"GROWN_BYTES": 3000, "EDGE_FEEDS": 20, "LIMITED_BYTES": 20_000, "SEQUENCES": 7}
    for name, value in {**sizes, "LIMIT": 10, "STEPS": 3, "CACHE_ENTRIES": 5}.items():
        monkeypatch.setattr(services, name, value)
    encoding = bpecore.get_encoding("o200k_base")
    rows = list(services.rows(encoding, [tmp_path / "zh.txt"], cached_texts=200))
    assert len(rows) == 2 * (2 + 1 + 3) + 2
    assert all(row.what and row.value == row.value for row in rows)


def test_a_wrong_result_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpecore.Encoding, "count", lambda *_, **__: -1)
    with pytest.raises(SystemExit, match="TokenCounter, zh"):
        services.check_counter(bpecore.get_encoding("o200k_base"), ["中文"] * 50, "zh")


def test_a_row_tells_whether_its_bar_is_met() -> None:
    assert str(Row("what", "zh", 0.5, 1, "ms")).endswith("0.500 ≤    1 ms met")
    assert str(Row("what", "zh", 1.5, 1, "ms")).endswith("MISSED")


def test_the_event_loop_is_watched() -> None:
    requests = event_loop.make_requests(None, count=30, characters=100, repeated=0.5)
    assert {len(requests.prompt(number)) for number in range(30)} == {100}
    asked = []

    async def encode(text: str) -> None:
        asked.append(text)

    stalls, times = asyncio.run(event_loop.serve(requests, 1000, encode))
    assert asked == [requests.prompt(number) for number in range(30)]
    assert len(times) == 30
    assert len(stalls.late) == len(stalls.waited) > 0
    assert all(own <= late + 0.001 for own, late in zip(stalls.own(), stalls.late))
    stalls.add(late=0.005, waited=0.004)
    assert stalls.own()[-1] == pytest.approx(0.001)
