"""Recipes of docs/arrow.md beside what they replace: `python -m benchmarks.arrow TEXT...`.

Each text file is cut into documents. What is timed begins with the column of a library and ends
with a column of ids in it. Prints the table that the page has. A library that is absent is left
out.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import bpecore

DOCUMENT_CHARACTERS = 1500

Pair = tuple[str, Callable[[], Any], Callable[[], Any]]
"""What is replaced, in words; it; the recipe."""


def documents_of(files: list[Path], megabytes: int) -> list[str]:
    """Returns documents of all files, repeated to about so many megabytes."""
    size = DOCUMENT_CHARACTERS
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    found = [text[i : i + size] for text in texts for i in range(0, len(text), size)]
    total = sum(len(document.encode()) for document in found)
    return found * max(1, megabytes * 1_000_000 // total)


def pyarrow_pairs(encoding: bpecore.Encoding, documents: list[str]) -> list[Pair]:
    import pyarrow as pa

    texts = pa.array(documents)
    return [
        (
            "pyarrow: `pa.array(encode_batch(texts.to_pylist()))`",
            lambda: pa.array(encoding.encode_batch(texts.to_pylist())),
            lambda: pa.array(encoding.encode_arrow(texts)),
        ),
        (
            "the engine alone: `encode_batch_to_numpy` of Python strings",
            lambda: encoding.encode_batch_to_numpy(documents),
            lambda: encoding.encode_arrow(texts),
        ),
    ]


def polars_pairs(encoding: bpecore.Encoding, documents: list[str]) -> list[Pair]:
    import polars as pl

    frame = pl.DataFrame({"text": documents})
    kind = pl.List(pl.UInt32)

    def encode(texts: Any) -> Any:
        return pl.Series(texts.name, encoding.encode_arrow(texts))

    return [
        (
            "polars: `map_elements(encode)`",
            lambda: frame.select(pl.col("text").map_elements(encoding.encode, kind)),
            lambda: frame.select(pl.col("text").map_batches(encode, kind, is_elementwise=True)),
        )
    ]


def pandas_pairs(encoding: bpecore.Encoding, documents: list[str]) -> list[Pair]:
    import pandas as pd
    import pyarrow as pa

    texts = pd.Series(documents)

    def recipe() -> Any:
        return pd.Series(
            pd.arrays.ArrowExtensionArray(pa.chunked_array(encoding.encode_arrow(texts)))
        )

    return [("pandas: `texts.map(encode)`", lambda: texts.map(encoding.encode), recipe)]


def duckdb_pairs(encoding: bpecore.Encoding, documents: list[str]) -> list[Pair]:
    import duckdb
    import pyarrow as pa

    connection = duckdb.connect()
    connection.register("documents", pa.table({"text": documents}))
    kind = ["VARCHAR"], "UINTEGER[]"
    connection.create_function("slow", lambda text: encoding.encode(text), *kind)
    connection.create_function(
        "fast", lambda texts: encoding.encode_arrow(texts), *kind, type="arrow"
    )
    query = "SELECT sum(len({}(text))) FROM documents"
    return [
        (
            "DuckDB: a Python function of a string",
            lambda: connection.sql(query.format("slow")).fetchall(),
            lambda: connection.sql(query.format("fast")).fetchall(),
        )
    ]


def datasets_pairs(encoding: bpecore.Encoding, documents: list[str]) -> list[Pair]:
    import datasets
    import pyarrow as pa

    datasets.disable_progress_bars()
    datasets.disable_caching()
    data = datasets.Dataset.from_dict({"text": documents})

    def fast(batch: Any) -> Any:
        return batch.append_column("ids", pa.chunked_array(encoding.encode_arrow(batch["text"])))

    return [
        (
            "datasets: `map(…, batched=True)` with `encode_batch`",
            lambda: data.map(lambda b: {"ids": encoding.encode_batch(b["text"])}, batched=True),
            lambda: data.with_format("arrow").map(fast, batched=True),
        )
    ]


def dask_pairs(encoding: bpecore.Encoding, documents: list[str]) -> list[Pair]:
    import dask
    import dask.dataframe as dd
    import pandas as pd

    from bpecore.ray import Tokenize

    dask.config.set(scheduler="threads")
    frame = dd.from_pandas(pd.DataFrame({"text": documents}), npartitions=4)
    tokenize = Tokenize("o200k_base", keep_text=False, disallowed_special=())
    slow = frame.text.map(encoding.encode, meta=("input_ids", object))
    fast = frame.map_partitions(tokenize, meta=tokenize(frame._meta))
    return [("Dask: `text.map(encode)`", slow.compute, fast.compute)]


def ray_pairs(encoding: bpecore.Encoding, documents: list[str]) -> list[Pair]:
    import pyarrow as pa
    import ray

    from bpecore.ray import Tokenize

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    data = ray.data.from_arrow(pa.table({"text": documents})).repartition(4).materialize()
    tokenize = Tokenize("o200k_base", keep_text=False, disallowed_special=())

    def slow(batch: Any) -> Any:
        return {"input_ids": [encoding.encode(text) for text in batch["text"]]}

    def fast() -> Any:
        options = {"batch_format": "pyarrow", "zero_copy_batch": True}
        return data.map_batches(tokenize, **options).materialize()

    return [
        (
            "Ray Data: `map_batches` with `encode`",
            lambda: data.map_batches(slow).materialize(),
            fast,
        )
    ]


def spark_pairs(encoding: bpecore.Encoding, documents: list[str]) -> list[Pair]:
    import pandas as pd
    from pyspark.sql import SparkSession, functions
    from pyspark.sql.types import ArrayType, IntegerType

    from bpecore.ray import Tokenize

    os.environ["PYSPARK_PYTHON"] = sys.executable
    options = {"spark.sql.execution.arrow.pyspark.enabled": "true", "spark.ui.enabled": "false"}
    spark = SparkSession.builder.master("local[2]").config(map=options).getOrCreate()
    frame = spark.createDataFrame(pd.DataFrame({"text": documents})).repartition(4).cache()
    frame.count()
    encode = functions.udf(lambda text: encoding.encode(text), ArrayType(IntegerType()))
    tokenize = Tokenize("o200k_base", keep_text=False, id_type="int32", disallowed_special=())

    def summed(ids: Any) -> Any:
        return ids.select(functions.sum(functions.size("input_ids"))).collect()

    return [
        (
            "Spark: a `udf` of a string",
            lambda: summed(frame.select(encode("text").alias("input_ids"))),
            lambda: summed(frame.mapInArrow(tokenize.batches, "input_ids array<int>")),
        )
    ]


LIBRARIES = {
    "pyarrow": pyarrow_pairs,
    "polars": polars_pairs,
    "pandas": pandas_pairs,
    "duckdb": duckdb_pairs,
    "datasets": datasets_pairs,
    "dask": dask_pairs,
    "ray": ray_pairs,
    "pyspark": spark_pairs,
}


def seconds_of(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


@click.command(help=__doc__)
@click.argument(
    "texts", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--libraries", default=",".join(LIBRARIES), show_default=True)
@click.option("--rounds", default=9, show_default=True)
def main(texts: tuple[Path, ...], libraries: str, rounds: int) -> None:
    documents = documents_of(list(texts), megabytes=8)
    megabytes = sum(len(document.encode()) for document in documents) / 1e6
    encoding = bpecore.get_encoding("o200k_base").ordinary
    print("| Instead of | MB/s | with `encode_arrow` | |\n|---|---|---|---|")
    for library in libraries.split(","):
        try:
            importlib.import_module(library)
        except ImportError:
            continue
        for words, before, after in LIBRARIES[library](encoding, documents):
            seconds = [(seconds_of(before), seconds_of(after)) for _ in range(rounds)]
            slow, fast = (megabytes / min(column) for column in zip(*seconds))
            print(f"| {words} | {slow:.0f} | {fast:.0f} | {fast / slow:.1f}x |")


if __name__ == "__main__":
    main()
