"""Models that are kept in the folder that `BPECORE_TABLES_DIR` names."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from small_models import added_tokens, mixed_texts, model_json

from bpecore import Encoding
from bpecore._models import reading
from bpecore.data.tiktoken_format import written

RANKS = [(bytes([value]), value) for value in range(256)]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "kept"
    monkeypatch.setenv("BPECORE_TABLES_DIR", str(folder))
    return folder


def write(path: Path, contents: bytes, old: bool = True) -> Path:
    path.write_bytes(contents)
    if old:
        os.utime(path, (1, 1))
    return path


def json_file(folder: Path, **changes: Any) -> Path:
    """Writes a model with a token more than other tests' models, so that no encoding of theirs
    shares its vocabulary."""
    file = model_json(normalizer={"type": "NFC"}, **changes)
    vocab = file["model"]["vocab"]
    vocab["zqx"] = first = len(vocab)
    own = [("<s>", True, first + 1), ("<a>", False, first + 2)]
    tokens = [
        {"content": content, "special": special, "id": number} for content, special, number in own
    ]
    file["added_tokens"] = added_tokens(*tokens)
    return write(folder / "tokenizer.json", json.dumps(file).encode())


def refuse_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(found: object) -> None:
        raise AssertionError("the file is read again")

    monkeypatch.setattr(reading, "read_model", refused)


def test_a_second_load_is_the_first(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = json_file(tmp_path)
    first = Encoding.from_file(file)
    state = first.__getstate__()
    texts = [*mixed_texts(6, 100), "<s><a>e\u0301"]
    expected = [first.encode(text, allowed_special="all") for text in texts]
    assert {path.suffix for path in kept.iterdir()} >= {".model", ".tables"}
    del first
    refuse_to_read(monkeypatch)
    second = Encoding.from_file(file)
    assert second._core_bpe.vocabulary.is_mapped
    assert second.__getstate__() == state
    assert [second.encode(text, allowed_special="all") for text in texts] == expected


def test_other_kinds_are_kept_too(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "a.tiktoken", written(RANKS))
    Encoding.from_file(file, pattern="llama3")
    refuse_to_read(monkeypatch)
    encoding = Encoding.from_file(file, pattern=r"\S+|\s+", special_tokens={"<s>": 256})
    assert encoding.encode("a<s>", allowed_special="all") == [97, 256]
    assert encoding.source is not None
    assert encoding.source.kind == "tiktoken"


def test_a_changed_file_is_read_again(kept: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "a.tiktoken", written(RANKS))
    for _ in range(2):
        assert Encoding.from_file(file, pattern="llama3").n_vocab == 256
    write(file, written([*RANKS, (b"ab", 256)]))
    assert Encoding.from_file(file, pattern="llama3").encode("ab") == [256]
    file.unlink()
    with pytest.raises(FileNotFoundError):
        Encoding.from_file(file, pattern="llama3")


def test_a_change_that_keeps_size_and_time_is_noticed(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bpecore._models import kept_models

    monkeypatch.setattr(kept_models, "_SETTLED_NS", -(10**18))
    file = write(tmp_path / "a.tiktoken", written([*RANKS, (b"ab", 256)]))
    Encoding.from_file(file, pattern="llama3")
    assert [path for path in kept.iterdir() if path.suffix == ".seen"]
    write(file, written([*RANKS, (b"cd", 256)]))
    assert Encoding.from_file(file, pattern="llama3").encode("cd") == [256]


@pytest.mark.parametrize("suffix", [".model", ".tables", ".automaton", ".seen"])
@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "gone"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_damaged_files_are_not_used(
    suffix: str, damage: str, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bpecore._build.assemble import compile_split_pattern
    from bpecore._models import kept_models

    monkeypatch.setattr(kept_models, "_SETTLED_NS", -(10**18))
    step = {"type": "Digits", "individual_digits": True}
    last = model_json()["pre_tokenizer"]
    file = json_file(tmp_path, pre_tokenizer={"type": "Sequence", "pretokenizers": [step, last]})
    expected = Encoding.from_file(file).encode("the tool 12")
    compile_split_pattern.cache_clear()
    [path] = [path for path in kept.iterdir() if path.suffix == suffix]
    contents = path.read_bytes()
    middle = len(contents) // 2
    path.unlink()
    if damage != "gone":
        flipped = contents[:middle] + bytes([contents[middle] ^ 255]) + contents[middle + 1 :]
        path.write_bytes({"cut": contents[:middle], "flipped": flipped, "empty": b""}[damage])
    for _ in range(2):
        assert Encoding.from_file(file).encode("the tool 12") == expected
        compile_split_pattern.cache_clear()


def test_a_folder_that_cannot_be_written_to_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = write(tmp_path / "blocked", b"")
    monkeypatch.setenv("BPECORE_TABLES_DIR", str(blocked))
    file = write(tmp_path / "a.tiktoken", written(RANKS))
    with pytest.warns(RuntimeWarning, match="cannot be kept|Not a directory"):
        encoding = Encoding.from_file(file, pattern="llama3")
    assert encoding.encode("a") == [97]


def test_the_pairs_of_a_kept_model_are_read_when_they_are_needed(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bpecore._models import kept_models
    from bpecore.hf import Tokenizer

    monkeypatch.setattr(kept_models, "_LARGE_BYTES", 16)
    file = json_file(tmp_path)
    expected = Tokenizer.from_file(str(file)).to_str()
    state = Encoding.from_file(file).__getstate__()
    refuse_to_read(monkeypatch)
    opened = Encoding.from_file(file)
    assert type(opened._parts.merges) is kept_models.KeptBytes  # type: ignore[attr-defined]
    assert opened.__getstate__() == state
    assert Tokenizer.from_file(str(file)).to_str() == expected
    [path] = [path for path in kept.iterdir() if path.suffix == ".model"]
    contents = path.read_bytes()
    for damaged in (contents[:-1], contents[:-1] + bytes([contents[-1] ^ 1])):
        write(path, damaged)
        # What needs no pairs works.
        broken = Encoding.from_file(file)
        assert broken.encode("the tool") == opened.encode("the tool")
        with pytest.raises(ValueError, match=r"\.model, which keeps a part of the model, has been"):
            broken.__getstate__()
    path.unlink()
    with pytest.raises(ValueError, match="is gone"):
        opened.__getstate__()


def test_tuples_with_defaults_and_methods_are_those_of_typing() -> None:
    import pickle

    from bpecore._models.normalizers import Step
    from bpecore._models.parts import ModelParts
    from bpecore._models.source import ModelSource

    source = ModelSource("gguf", "a", "", "b")
    assert (source.kind, source[1], source._replace(path="c").path) == ("gguf", "a", "c")
    assert str(source) == "a: gguf, a pattern of its own, b"
    assert pickle.loads(pickle.dumps(source)) == source
    assert type(pickle.loads(pickle.dumps(source))) is ModelSource
    assert ModelParts._field_defaults == {"stages": ()}
    assert ModelParts.__doc__
    assert Step(str, None).plain == ""
    assert list(Step.__annotations__) == list(Step._fields)
