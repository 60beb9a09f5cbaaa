"""Real libraries give the same results with bpecore in tiktoken's place, and no network.

Not part of a plain `pytest`: it needs `pip install "bpecore[libraries]"`, and then `pytest
tests/libraries`. Each library runs in two separate processes, once on each.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from gpt2_files import make_gpt2_files
from uses import USES

from bpecore.data import rank_tables as data

OPENAI = "https://openaipublic.blob.core.windows.net/"
PROGRAM = Path(__file__).with_name("uses.py")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that tiktoken would download, in a cache directory of its kind."""
    folder = tmp_path_factory.mktemp("cache")
    merges, vocabulary = make_gpt2_files()
    files = {
        f"{OPENAI}encodings/{name}.tiktoken": data.tiktoken_file(name)
        for name in data.RANK_TABLE_NAMES
    }
    files[f"{OPENAI}gpt-2/encodings/main/vocab.bpe"] = merges
    files[f"{OPENAI}gpt-2/encodings/main/encoder.json"] = vocabulary
    for url, contents in files.items():
        (folder / hashlib.sha1(url.encode()).hexdigest()).write_bytes(contents)
    return folder


def results_of(library: str, replacement: str, folder: Path, **variables: str) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if "TIKTOKEN" not in name}
    run = subprocess.run(
        [sys.executable, str(PROGRAM), library, replacement],
        cwd=folder,
        env={**environment, "HF_HUB_OFFLINE": "1", **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    results: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return results


@pytest.mark.parametrize("library", USES)
def test_library_gives_the_same_results(library: str, cache: Path, tmp_path: Path) -> None:
    print(library, version(library))
    # litellm takes its cache directory from its own variable.
    expected = results_of(
        library,
        "tiktoken",
        tmp_path,
        TIKTOKEN_CACHE_DIR=str(cache),
        CUSTOM_TIKTOKEN_CACHE_DIR=str(cache),
    )
    found = results_of(library, "bpecore", tmp_path)
    for results, engine in ((expected, "tiktoken"), (found, "bpecore")):
        assert results.pop("tiktoken") == engine
        assert results.pop("engine", engine) == engine
        results.pop("environment", None)
        results.pop("environment after", None)
    assert len(expected) > 5
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == value, name
