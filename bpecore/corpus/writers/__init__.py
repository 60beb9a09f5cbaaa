"""Writes shards, one module per family of formats."""

from __future__ import annotations

from importlib import import_module

from bpecore.corpus.writers.base import ShardWriter

_PLACES = {
    "npy": "flat.NpyWriter",
    "bin": "flat.BinWriter",
    "nanogpt": "flat.NanoGptWriter",
    "llmc": "flat.LlmcWriter",
    "megatron": "megatron.MegatronWriter",
    "datatrove": "datatrove.DatatroveWriter",
    "olmo": "olmo.OlmoWriter",
    "mds": "mds.MdsWriter",
    "litdata": "litdata.LitdataWriter",
    "parquet": "columnar.ParquetWriter",
    "arrow": "columnar.ArrowWriter",
}


def writer_of(format_name: str) -> type[ShardWriter]:
    """Returns the class that writes shards of a format."""
    module, name = _PLACES[format_name].split(".")
    found: type[ShardWriter] = getattr(import_module(f"bpecore.corpus.writers.{module}"), name)
    return found
