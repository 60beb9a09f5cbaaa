"""`bpecore tokenize --ray`: nodes and the command are killed; the bytes are those of a run here.

It takes a minute, so it runs only where the environment variable `BPECORE_CLUSTERS` is set.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import corpus_twin
import pytest
from conftest import write_lines

from bpecore.corpus import CorpusError, tokenize

if not os.environ.get("BPECORE_CLUSTERS"):
    pytest.skip("BPECORE_CLUSTERS is not set", allow_module_level=True)

pytest.importorskip("orjson", reason="needs the extra corpus")
cluster_utils = pytest.importorskip("ray.cluster_utils")

PORTIONS = 24


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that does no tasks, and two nodes of one CPU each."""
    head = {"num_cpus": 0, "include_dashboard": False}
    found = cluster_utils.Cluster(initialize_head=True, head_node_args=head)
    for _ in range(2):
        found.add_node(num_cpus=1)
    found.wait_for_nodes()
    yield found
    found.shutdown()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some megabytes of documents; every portion takes a noticeable time."""
    folder = tmp_path_factory.mktemp("texts")
    text = "One document of many, 漢字 and naïve words. " * 40
    for number in range(4):
        write_lines(folder / f"{number}.jsonl", [f"{number} {i} {text}" for i in range(5000)])
    return folder


def command(inputs: Path, out: Path, address: str, format_name: str) -> list[str]:
    size = sum(file.stat().st_size for file in inputs.iterdir()) // PORTIONS
    options = ["--encoding", "r50k_base", "--append", "eot", "--shard-size", str(size), "--json"]
    start = [sys.executable, "-m", "bpecore", "tokenize", str(inputs), "--format", format_name]
    return [*start, "--output", str(out), *options, "--ray", address]


def finished(out: Path) -> int:
    return len(list(out.glob("_bpecore/records/*.json")))


def wait_for(out: Path, records: int, run: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 120
    while finished(out) < records:
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("format_name", ["npy", "megatron"])
def test_a_node_and_the_command_are_killed(
    cluster: Any, inputs: Path, tmp_path: Path, format_name: str
) -> None:
    here = command(inputs, tmp_path / "here", "", format_name)[:-2]
    subprocess.run(here, check=True, capture_output=True)
    out = tmp_path / "out"
    line = command(inputs, out, cluster.address, format_name)
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(line, **options) as run:
        wait_for(out, 3, run)
        run.send_signal(signal.SIGKILL)
    assert 3 <= finished(out) < PORTIONS
    killed = finished(out)
    with subprocess.Popen(line, **options) as run:
        wait_for(out, killed + 3, run)
        cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
        cluster.add_node(num_cpus=1)
        _, errors = run.communicate(timeout=240)
    assert run.returncode == 0, errors
    assert finished(out) >= PORTIONS
    assert corpus_twin.digests_of(out) == corpus_twin.digests_of(tmp_path / "here")
    again = subprocess.run(line, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr


def test_failures_are_those_of_a_run_here(cluster: Any, inputs: Path, tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"^no Ray cluster answers at 127\.0\.0\.1:1: "):
        tokenize(inputs, tmp_path / "out", format="npy", ray="127.0.0.1:1")
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"text": "fine"}\n{"text": 5}\n')
    options: dict[str, Any] = {"format": "npy", "ray": cluster.address}
    summary = tokenize(broken, tmp_path / "aside", **options)
    assert (summary.documents, summary.aside) == (1, 1)
    with pytest.raises(CorpusError, match=r"broken\.jsonl"):
        tokenize(broken, tmp_path / "strict", strict=True, **options)
