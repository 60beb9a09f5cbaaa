"""Estimates what a corpus will be, from a few megabytes of its inputs."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from bpecore._build.threads import available_cpus
from bpecore._plural import counted
from bpecore.core import Encoding
from bpecore.corpus.encoding_source import EncodingSource
from bpecore.corpus.errors import CorpusError
from bpecore.corpus.files import STANDARD_INPUT
from bpecore.corpus.folder import Folder
from bpecore.corpus.options import make_options
from bpecore.corpus.plan import Plan
from bpecore.corpus.ranges import Range
from bpecore.corpus.readers.reading import documents_of
from bpecore.corpus.run import paths_of, plan_of
from bpecore.corpus.tokens import DocumentEncoder, type_of_ids

_SAMPLES = 8
_SAMPLE_BYTES = 2 << 20
_BYTES_PER_DOCUMENT = {"megatron": 20, "npy": 8, "bin": 8, "datatrove": 8, "olmo": 20}
_LARGE_DOCUMENT = 64 << 20
_MEMORY_PER_BYTE = 6


class Estimate(NamedTuple):
    """What a corpus will be.

    Attributes:
        files: how many inputs.
        size: their bytes.
        portions: how many tasks.
        documents: about how many documents.
        tokens: about how many tokens.
        output_bytes: about how many bytes the shards have.
        free_bytes: what is free where they go.
        bytes_per_second: of input, by one worker, measured on samples.
        workers: how many workers.
        seconds: about how long it takes.
        aside: records of the samples that would be set aside.
        largest_document: bytes of the largest document known before reading.
    """

    files: int
    size: int
    portions: int
    documents: int
    tokens: int
    output_bytes: int
    free_bytes: int
    bytes_per_second: float
    workers: int
    seconds: float
    aside: int
    largest_document: int

    def lines(self) -> list[str]:
        """Returns the estimate in words."""
        found = [
            f"{counted(self.files, 'file')}, {counted(self.size, 'byte')}, in "
            f"{counted(self.portions, 'portion')}",
            f"about {counted(self.documents, 'document')}, {counted(self.tokens, 'token')}",
            f"about {counted(self.output_bytes, 'byte')} of shards; {self.free_bytes:,} are free "
            "there",
            f"about {self.seconds:,.0f} s with {counted(self.workers, 'worker')}, each "
            f"{self.bytes_per_second / 1e6:,.0f} MB/s on a sample",
        ]
        if self.aside:
            found.append(f"{counted(self.aside, 'record')} of the sample would be set aside")
        if self.output_bytes > self.free_bytes:
            found.append("there is not enough room on the disk")
        if self.largest_document > _LARGE_DOCUMENT:
            memory = self.largest_document * _MEMORY_PER_BYTE
            found.append(
                f"one document has {self.largest_document:,} bytes, which takes about "
                f"{memory:,} bytes of memory"
            )
        return found


def estimate(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    output: str | os.PathLike[str],
    *,
    format: str,
    encoding: str | Encoding | EncodingSource = "o200k_base",
    workers: int | None = None,
    **options: Any,
) -> Estimate:
    """Estimates what `bpecore.corpus.tokenize` would make with the same arguments; writes nothing.

    Standard input cannot be estimated.

    Raises:
        CorpusError: it could not be done.
    """
    for name in ("strict", "restart", "on_progress"):
        options.pop(name, None)
    source = encoding if isinstance(encoding, EncodingSource) else EncodingSource.of(encoding)
    made = make_options(source, format, options)
    size_of_id = type_of_ids(made).itemsize
    paths = paths_of(inputs)
    if STANDARD_INPUT in paths:
        raise CorpusError("standard input cannot be estimated: it can be read only once")
    plan = plan_of(paths, made, Folder(os.fspath(output)))
    read, documents, tokens, aside, seconds = _sampled(plan)
    factor = plan.size / read if read else 0.0
    count = available_cpus() if workers is None else workers
    rate = read / seconds if read else 0.0
    size = tokens * size_of_id + documents * _BYTES_PER_DOCUMENT.get(format, 4)
    copies = 2 if made.tokens_of_shard is not None else 1
    whole_files = [
        part.size
        for portion in plan.portions
        for part in portion.ranges
        if plan.inputs[part.input].format == "text" and part.end < 0
    ]
    return Estimate(
        files=len(plan.inputs),
        size=plan.size,
        portions=len(plan.portions),
        documents=int(documents * factor),
        tokens=int(tokens * factor),
        output_bytes=int(size * factor) * copies,
        free_bytes=_free(os.fspath(output)),
        bytes_per_second=rate,
        workers=count,
        seconds=plan.size / rate / count if rate else 0.0,
        aside=aside,
        largest_document=max(whole_files, default=0) if made.document == "file" else 0,
    )


def _sampled(plan: Plan) -> tuple[int, int, int, int, float]:
    """Returns bytes read, documents, tokens, records set aside and seconds, of samples."""
    ranges = [part for portion in plan.portions for part in portion.ranges if part.size]
    chosen = ranges[:: max(1, len(ranges) // _SAMPLES)][: 2 * _SAMPLES]
    encoder = DocumentEncoder(plan.options, 1)
    # The first text of a process takes longer: the cache of pieces is empty.
    for part in chosen[:1]:
        _sample(plan, part, encoder)
    begun = time.monotonic()
    found = np.zeros(4, np.int64)
    for part in chosen:
        found += _sample(plan, part, encoder)
    seconds = time.monotonic() - begun
    return int(found[0]), int(found[1]), int(found[2]), int(found[3]), max(seconds, 1e-9)


def _sample(plan: Plan, part: Range, encoder: DocumentEncoder) -> tuple[int, int, int, int]:
    read = documents = tokens = aside = 0
    for found in documents_of(plan.inputs[part.input], part, plan.options):
        encoded = encoder.encode(found.texts)
        read += found.read
        documents += len(encoded.lengths)
        tokens += len(encoded.ids)
        aside += len(found.aside)
        if read >= _SAMPLE_BYTES:
            break
    return read, documents, tokens, aside


def _free(path: str) -> int:
    """Returns the free bytes where a folder is or will be."""
    path = os.path.abspath(path)
    while not os.path.exists(path):
        path = os.path.dirname(path)
    return shutil.disk_usage(path).free
