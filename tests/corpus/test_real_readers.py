"""Shards as the programs read them that they are for. From the extra `corpus-test`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import corpus_twin
import pytest
from test_shards import EOT, expected

from bpecore.corpus import tokenize

pytest.importorskip("orjson", reason="needs the extra corpus")


@pytest.fixture
def corpus(lines: Path, tmp_path: Path) -> Any:
    """A function that makes a corpus of a format and returns its folder."""

    def make(format_name: str, **options: Any) -> Path:
        out = tmp_path / "out"
        rest = {"encoding": "r50k_base", "append": "eot", "shard_size": 20_000, **options}
        tokenize(lines, out, format=format_name, **rest)
        return out

    return make


def test_megatron(corpus: Any, texts: list[str]) -> None:
    module = pytest.importorskip("megatron.core.datasets.indexed_dataset")
    found = []
    for shard in sorted(corpus("megatron").glob("*.idx")):
        dataset = module.IndexedDataset(str(shard.with_suffix("")))
        assert len(dataset.document_indices) == len(dataset) + 1
        found += [dataset[i].tolist() for i in range(len(dataset))]
    assert found == expected(texts, after=(EOT,))


@pytest.mark.parametrize("append", ["eot", ()])
def test_megatron_writes_the_same_bytes(
    append: Any, corpus: Any, texts: list[str], tmp_path: Path
) -> None:
    torch = pytest.importorskip("torch")
    module = pytest.importorskip("megatron.core.datasets.indexed_dataset")
    import numpy as np

    out = corpus("megatron", append=append, shard_tokens=0)
    builder = module.IndexedDatasetBuilder(str(tmp_path / "theirs.bin"), dtype=np.uint16)
    for ids in expected(texts, after=(EOT,) if append else ()):
        builder.add_document(torch.tensor(ids, dtype=torch.int64), [len(ids)] if ids else [])
    builder.finalize(str(tmp_path / "theirs.idx"))
    for suffix in (".bin", ".idx"):
        ours = (out / f"train_00000_text_document{suffix}").read_bytes()
        assert ours == (tmp_path / f"theirs{suffix}").read_bytes()


def test_datatrove(corpus: Any, texts: list[str]) -> None:
    module = pytest.importorskip("datatrove.utils.dataset")
    folder = corpus("datatrove") / "train"
    flat = [token for ids in expected(texts, after=(EOT,)) for token in ids]
    found = []
    size = 16
    for shard in sorted(folder.glob("*.ds")):
        dataset = module.DatatroveFileDataset(
            str(shard), seq_len=size, token_size=2, return_positions=True
        )
        samples = [dataset[i] for i in range(len(dataset))]
        ids = [token for sample in samples for token in sample["input_ids"].tolist()]
        found.append((ids, samples[0]["positions"].tolist()))
    assert found[0][0][:100] == flat[:100]
    first = expected(texts[:1], after=(EOT,))[0]
    assert found[0][1][: len(first)] == list(range(len(first)))[: size + 1]


def test_mosaicml_streaming(corpus: Any, texts: list[str], tmp_path: Path) -> None:
    streaming = pytest.importorskip("streaming")
    folder = corpus("mds") / "train"
    dataset = streaming.StreamingDataset(local=str(folder), shuffle=False, batch_size=1)
    found = [dataset[i]["tokens"].tolist() for i in range(len(dataset))]
    assert found == expected(texts, after=(EOT,))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("size", [20_000, 200])
def test_litgpt(size: int, corpus: Any, texts: list[str]) -> None:
    """What litgpt trains on: the ids of each chunk, cut into blocks of one length."""
    module = pytest.importorskip("litgpt.data.lit_data")
    import json

    folder = corpus("litdata", val_fraction=0.2, seed=1)
    length = 16
    data = module.LitData(data_path=folder, split_names=("train", "val"), num_workers=0)
    data.connect(batch_size=1, max_seq_length=length - 1)
    flat = {tuple(ids) for ids in expected(texts, after=(EOT,))}
    for split, loader in (("train", data.train_dataloader()), ("val", data.val_dataloader())):
        found = [batch[0].tolist() for batch in loader]
        wanted = []
        for chunk in json.loads((folder / split / "index.json").read_text())["chunks"]:
            path = folder / split / chunk["filename"]
            ids = [token for ids in corpus_twin.read_litdata(path) for token in ids]
            wanted += [ids[i : i + length] for i in range(0, len(ids) - length + 1, length)]
            assert {tuple(ids) for ids in corpus_twin.read_litdata(path)} <= flat
        assert sorted(found) == sorted(wanted)
        assert len(found) > 10


def test_olmo_core(corpus: Any, texts: list[str]) -> None:
    module = pytest.importorskip("olmo_core.data.utils")
    import numpy as np

    found = []
    for shard in sorted(corpus("olmo").glob("*.npy")):
        ids = np.memmap(shard, np.uint16, "r")
        spans = module.iter_document_indices(str(shard), eos_token_id=EOT, dtype=np.uint16)
        found += [ids[start:end].tolist() for start, end in spans]
    assert found == expected(texts, after=(EOT,))


def test_datasets(corpus: Any, texts: list[str], tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    files = [str(path) for path in sorted(corpus("parquet").glob("*.parquet"))]
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))
    assert list(loaded["train"]["input_ids"]) == expected(texts, after=(EOT,))
