"""What was removed from a corpus, or cut short, is made again by the same call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import corpus_twin
import pytest
from test_interruption import options_of
from test_shards import needed

from bpecore.corpus import FORMATS, CorpusError, tokenize

pytest.importorskip("orjson", reason="needs the extra corpus")


def made(lines: Path, out: Path, format_name: str, **changes: Any) -> dict[str, str]:
    """Makes a corpus; returns the digests of all its files."""
    tokenize(lines, out, format=needed(format_name), **{**options_of(format_name), **changes})
    return corpus_twin.digests_of(out)


@pytest.mark.parametrize("format_name", FORMATS)
def test_shards_are_made_again(format_name: str, lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole = made(lines, out, format_name)
    files = [out / name for name in whole if not name.endswith("manifest.json")]
    for number, file in enumerate(files):
        if number % 3 == 0:
            file.unlink()
        elif number % 3 == 1 and "_bpecore" not in file.parts:
            file.write_bytes(file.read_bytes()[:-1] or b"more")
    assert made(lines, out, format_name) == whole


def test_drafts_are_made_again(lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole = made(lines, out, "npy", shard_tokens=3000)
    shards = [name for name in whole if name.startswith("train")]
    assert len(shards) > 4
    assert not any((out / "_bpecore" / "drafts").iterdir())
    for name in (shards[1], "_bpecore/cuts.json"):
        (out / name).unlink()
        assert made(lines, out, "npy", shard_tokens=3000) == whole


@pytest.mark.parametrize("name", ["records/portion_00001.json", "cuts.json"])
def test_damaged_notes_are_made_again(name: str, lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole = made(lines, out, "llmc")
    for contents in ("", "[", "7"):
        (out / "_bpecore" / name).write_text(contents)
        assert made(lines, out, "llmc") == whole


def test_records_that_were_set_aside_are_made_again(lines: Path, tmp_path: Path) -> None:
    (lines / "0.jsonl").write_text('{"text": "a"}\nbroken\n')
    out = tmp_path / "out"
    whole = made(lines, out, "npy")
    (aside,) = (out / "_bpecore" / "aside").iterdir()
    kept = aside.read_bytes()
    aside.unlink()
    assert made(lines, out, "npy") == whole
    assert aside.read_bytes() == kept


@pytest.mark.parametrize("contents", ["", "[]", "{}", '{"plan": {"options": {"prefix": 1}}}'])
def test_a_damaged_manifest(contents: str, lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    made(lines, out, "npy")
    (out / "_bpecore" / "manifest.json").write_text(contents)
    for restart in (False, True):
        with pytest.raises(CorpusError, match=r"manifest.json: damaged .*; remove the folder"):
            made(lines, out, "npy", restart=restart)
    assert (out / "train_00000.npy").exists()


def test_what_is_refused_writes_nothing(lines: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "mine.txt").touch()
    with pytest.raises(CorpusError, match=r"holds 'mine\.txt' and no manifest"):
        made(lines, mine, "npy")
    assert [path.name for path in mine.iterdir()] == ["mine.txt"]
    with pytest.raises(CorpusError, match="No such file"):
        made(tmp_path / "missing.jsonl", tmp_path / "new", "npy")
    assert not (tmp_path / "new").exists()


def test_a_restart_without_its_inputs_removes_nothing(lines: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole = made(lines, out, "npy")
    with pytest.raises(CorpusError, match="No such file"):
        made(tmp_path / "missing.jsonl", out, "npy", restart=True)
    assert corpus_twin.digests_of(out) == whole
