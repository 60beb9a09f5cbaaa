"""What tests of corpora share: a few documents, and files of them."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

ALPHABET = [
    *("the", "quick", "brown", "fox,", "漢字", "é\u00a0naïve", "😀", "12345", "zebra"),
    "<|endoftext|>\n\t{}\"'\\",
]


def made_documents(count: int, seed: int = 0) -> list[str]:
    """Returns documents of many lengths, a few of them empty or long."""
    chance = random.Random(seed)
    lengths = [chance.choice((0, 1, 3, 10, 60, 300)) for _ in range(count)]
    return [" ".join(chance.choices(ALPHABET, k=length)) for length in lengths]


def write_lines(path: Path, texts: Sequence[str], field: str = "text") -> Path:
    """Writes JSON Lines, half of them with other fields."""
    lines = [
        json.dumps({"id": f"d{i}", field: text, "n": i} if i % 2 else {field: text})
        for i, text in enumerate(texts)
    ]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits for no disk, and does all in this process unless a test has `workers`."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr("bpecore.corpus.run.available_cpus", lambda: 1)


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """400 documents."""
    return made_documents(400)


@pytest.fixture
def lines(tmp_path: Path, texts: list[str]) -> Path:
    """A folder with the documents in three files of JSON Lines."""
    folder = tmp_path / "inputs"
    folder.mkdir()
    for number, (start, end) in enumerate(((0, 150), (150, 151), (151, 400))):
        write_lines(folder / f"{number}.jsonl", texts[start:end])
    (folder / "empty.jsonl").touch()
    return folder
