"""Real libraries give texts and take ids: every type that they export, and the recipes of
docs/arrow.md beside what they replace. Each is skipped where its library is absent."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest
from pairs import load_pair

pa = pytest.importorskip("pyarrow")

ENCODING = load_pair("o200k_base").ours
TEXTS = ["hello world", None, "", "naïve 中文", "😀 emoji", "a longer text " * 30, "hello world"]
IDS = [None if text is None else ENCODING.encode(text) for text in TEXTS]
COUNTS = [None if ids is None else len(ids) for ids in IDS]

TYPES = ["string", "large_string", "binary", "large_binary", "string_view", "binary_view"]


def lists_of(result: Any) -> list[Any]:
    rows = pa.array(result)
    rows.validate(full=True)
    assert rows.type == pa.list_(pa.uint32())
    return rows.to_pylist()


@pytest.mark.parametrize("name", TYPES)
def test_types_of_pyarrow(name: str) -> None:
    if not hasattr(pa, name):
        pytest.skip("this pyarrow has no such type")
    texts = pa.array(TEXTS).cast(getattr(pa, name.replace("string", "binary"))())
    texts = texts.cast(getattr(pa, name)())
    assert lists_of(ENCODING.encode_arrow(texts)) == IDS
    assert lists_of(ENCODING.encode_arrow(texts[2:6])) == IDS[2:6]
    chunks = pa.chunked_array([texts[:3], texts[3:3], texts[3:]])
    assert lists_of(ENCODING.encode_arrow(chunks)) == IDS
    read = pa.chunked_array(ENCODING.encode_arrow(chunks))
    assert (read.num_chunks, read.to_pylist()) == (2, IDS)
    dictionary = pa.array(TEXTS).dictionary_encode()
    assert lists_of(ENCODING.encode_arrow(dictionary[1:])) == IDS[1:]
    assert pa.array(ENCODING.count_arrow(texts)).to_pylist() == COUNTS


def test_tables_of_pyarrow() -> None:
    table = pa.table({"id": range(len(TEXTS)), "text": TEXTS})
    (batch,) = table.to_batches()
    for data in (table, batch, table.slice(1, 4), batch.slice(1, 4), table.to_reader()):
        rows = IDS if getattr(data, "num_rows", len(IDS)) == len(IDS) else IDS[1:5]
        made = pa.table(ENCODING.encode_arrow(data, column="text", name="ids"))
        made.validate(full=True)
        assert made.to_pydict() == {"ids": rows}
    struct = pa.StructArray.from_arrays(
        [pa.array(TEXTS)], ["text"], mask=pa.array([i == 0 for i in range(len(TEXTS))])
    )
    assert lists_of(ENCODING.encode_arrow(struct)) == [None, *IDS[1:]]


def test_errors_reach_the_reader() -> None:
    texts = pa.chunked_array([["fine"], ["<|endoftext|>"]])
    with pytest.raises((pa.ArrowException, OSError, ValueError), match="at index 1: The text"):
        pa.chunked_array(ENCODING.encode_arrow(texts))


def test_memory_stays_bounded() -> None:
    chunk = pa.array(["some words " * 100] * 1000)
    made = (pa.record_batch({"text": chunk}) for _ in range(300))  # 330 MB in all
    reader = pa.RecordBatchReader.from_batches(pa.schema({"text": pa.string()}), made)
    before, most, rows = pa.total_allocated_bytes(), 0, 0
    for batch in pa.RecordBatchReader.from_stream(ENCODING.count_arrow(reader, name="n")):
        rows += batch.num_rows
        most = max(most, pa.total_allocated_bytes() - before)
    assert rows == 300_000
    assert most < 20_000_000


def test_polars() -> None:
    pl = pytest.importorskip("polars")
    series = pl.Series("text", TEXTS)
    assert pl.Series(ENCODING.encode_arrow(series)).to_list() == IDS
    assert pl.Series(ENCODING.encode_arrow(series)).dtype == pl.List(pl.UInt32)
    for texts in (series.cast(pl.Categorical), series.cast(pl.Binary), series.append(series)[:7]):
        assert pl.Series(ENCODING.encode_arrow(texts)).to_list() == IDS
    frame = pl.DataFrame({"number": range(len(TEXTS)), "text": TEXTS})
    made = pl.DataFrame(ENCODING.encode_arrow(frame, column="text", name="ids"))
    assert made["ids"].to_list() == IDS

    def encode(texts: Any) -> Any:
        return pl.Series(texts.name, ENCODING.encode_arrow(texts))

    ids = pl.col("text").map_batches(encode, pl.List(pl.UInt32), is_elementwise=True)
    assert frame.select(ids)["text"].to_list() == IDS
    lazy = frame.lazy().with_columns(ids=ids).filter(pl.col("number") > 2)
    for engine in ("in-memory", "streaming"):
        assert lazy.collect(engine=engine)["ids"].to_list() == IDS[3:]  # type: ignore[call-overload]


def test_pandas() -> None:
    pd = pytest.importorskip("pandas", minversion="2.2")
    frame = pd.DataFrame({"text": TEXTS}, index=range(5, 5 + len(TEXTS)))
    for texts in (frame["text"], frame["text"].convert_dtypes(dtype_backend="pyarrow")):
        if hasattr(texts, "__arrow_c_stream__"):
            assert lists_of(ENCODING.encode_arrow(texts)) == IDS
    frame["ids"] = pd.arrays.ArrowExtensionArray(
        pa.chunked_array(ENCODING.encode_arrow(frame, column="text"))
    )
    assert [None if ids is pd.NA else list(ids) for ids in frame["ids"]] == IDS


def test_duckdb(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    parquet = pytest.importorskip("pyarrow.parquet")
    connection = duckdb.connect()
    table = pa.table({"id": range(len(TEXTS)), "text": TEXTS})
    connection.register("texts", table)
    tokens = ENCODING.encode_arrow(connection.sql("SELECT text FROM texts"), name="ids")
    cursor = connection.cursor()
    cursor.register("texts", table)
    cursor.register("tokens", tokens)
    assert [row[0] for row in cursor.sql("SELECT ids FROM tokens").fetchall()] == IDS
    cursor.register("read", ENCODING.encode_arrow(table, column="text", name="ids"))
    cursor.sql(f"COPY read TO '{tmp_path}/tokens.parquet'")
    assert parquet.read_table(tmp_path / "tokens.parquet")["ids"].to_pylist() == IDS
    cursor.create_function(
        "ids", lambda texts: ENCODING.encode_arrow(texts), ["VARCHAR"], "UINTEGER[]", type="arrow"
    )
    found = cursor.sql("SELECT ids(text) FROM texts ORDER BY id").fetchall()
    assert [row[0] for row in found] == IDS


def test_datasets() -> None:
    datasets = pytest.importorskip("datasets")
    data = datasets.Dataset.from_dict({"text": TEXTS}).with_format("arrow")
    made = data.map(
        lambda batch: batch.append_column(
            "ids", pa.chunked_array(ENCODING.encode_arrow(batch["text"]))
        ),
        batched=True,
        batch_size=3,
    )
    assert made.with_format(None)["ids"][:] == IDS


def test_small_libraries_of_arrow() -> None:
    nanoarrow = pytest.importorskip("nanoarrow")
    texts = nanoarrow.c_array(pa.array(TEXTS))
    assert nanoarrow.Array(ENCODING.encode_arrow(texts)).to_pylist() == IDS


def test_batches_of_pipelines() -> None:
    from bpecore.ray import Tokenize

    table = pa.table({"id": range(len(TEXTS)), "text": TEXTS})
    expected = [None if ids is None else [*ids, 7] for ids in IDS]
    for id_type in ("uint32", "int32", "int64"):
        made = Tokenize("o200k_base", id_type=id_type, append=7)  # type: ignore[arg-type]
        tokenize = pickle.loads(pickle.dumps(made))
        found = tokenize(table)
        assert found.column_names == ["id", "text", "input_ids"]
        assert found["input_ids"].type == pa.list_(pa.type_for_alias(id_type))
        assert found["input_ids"].to_pylist() == expected
        batches = list(tokenize.batches(table.to_batches(max_chunksize=3)))
        assert all(isinstance(batch, pa.RecordBatch) for batch in batches)
        assert pa.Table.from_batches(batches) == found
        assert tokenize(table.slice(0, 0)).num_rows == 0
        assert len(list(tokenize.batches([table.to_batches()[0].slice(0, 0)]))) == 1
    in_place = Tokenize(ENCODING, output="text")
    assert in_place(table).to_pydict() == {"id": list(range(len(TEXTS))), "text": IDS}
    with pytest.raises(KeyError):
        Tokenize(ENCODING, column="body")(table)
    with pytest.raises(ValueError, match="at index 0"):
        Tokenize(ENCODING)(pa.table({"text": ["<|endoftext|>"]}))
    for wrong in ({"id_type": "uint8"}, {"errors": "x"}, {"append": -1}, {"num_threads": 0}):
        with pytest.raises(ValueError):  # noqa: PT011 (which argument it is varies)
            Tokenize(ENCODING, **wrong)  # type: ignore[arg-type]


def test_frames_of_dask() -> None:
    pd = pytest.importorskip("pandas")
    from bpecore.ray import Tokenize

    frame = pd.DataFrame({"text": TEXTS, "id": range(7)}, index=list("gfedcba"))
    for texts in (frame, frame.astype({"text": object})):
        found = Tokenize(ENCODING, keep_text=False)(texts)
        assert list(found.columns) == ["id", "input_ids"]
        assert list(found.index) == list("gfedcba")
        assert [None if ids is None else list(ids) for ids in found["input_ids"]] == IDS
    assert len(Tokenize(ENCODING)(frame[:0])) == 0
