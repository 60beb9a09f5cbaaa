"""`bpecore.ray.Tokenize` in Ray Data and in Spark. Both are started, so these run only where the
environment variable `BPECORE_CLUSTERS` is set; skipped without the library."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from bpecore.ray import Tokenize

if not os.environ.get("BPECORE_CLUSTERS"):
    pytest.skip("BPECORE_CLUSTERS is not set", allow_module_level=True)

pa = pytest.importorskip("pyarrow")

TEXTS = ["hello world", None, "", "naïve 中文", "a longer text " * 30]
ROWS = [{"id": i, "text": text} for i, text in enumerate(TEXTS * 100)]


def expected(rows: list[dict[str, Any]]) -> list[Any]:
    encode = Tokenize("o200k_base").encoding.encode
    return [None if row["text"] is None else encode(row["text"]) for row in rows]


def test_ray_data() -> None:
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        data = ray.data.from_arrow(pa.Table.from_pylist(ROWS)).repartition(4)
        tokenize = Tokenize("o200k_base")
        made = data.map_batches(tokenize, batch_format="pyarrow", zero_copy_batch=True)
        rows = sorted(made.take_all(), key=lambda row: row["id"])
    finally:
        ray.shutdown()
    found = [None if row["input_ids"] is None else list(row["input_ids"]) for row in rows]
    assert found == expected(ROWS)


def test_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    sql = pytest.importorskip("pyspark.sql")
    spark = sql.SparkSession.builder.master("local[2]").getOrCreate()
    try:
        frame = spark.createDataFrame(ROWS, "id bigint, text string").repartition(3)
        tokenize = Tokenize("o200k_base", id_type="int32")
        made = frame.mapInArrow(tokenize.batches, "id bigint, text string, input_ids array<int>")
        rows = sorted(made.collect(), key=lambda row: row["id"])
    finally:
        spark.stop()
    assert [row["input_ids"] for row in rows] == expected(ROWS)
