"""GGUF files: the ids of the tokenizer.json that they were made from; faults are refused."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from gguf_files import ARRAY, CONTROL, INT32, STRING, UNUSED, USER_DEFINED, gguf, string, value
from model_files import DEEPSEEK, model_file
from small_models import added_tokens, both, first_difference, mixed_texts, model_json

import bpecore
from bpecore import Encoding
from bpecore._models import gguf as gguf_module
from bpecore._models.gguf_header import METADATA_LIMIT, GgufHeader

ADDED = [
    {"content": "<s>", "special": True},
    {"content": "<tool>", "special": False},
    {"content": "</s>", "special": True},
]


def metadata(file: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Returns what llama.cpp's converter writes about a tokenizer.json; None leaves a key out."""
    model = file["model"]
    texts = dict(sorted((number, text) for text, number in model["vocab"].items()))
    types = dict.fromkeys(texts, 1)
    for token in file["added_tokens"]:
        texts[token["id"]] = token["content"]
        types[token["id"]] = CONTROL if token["special"] else USER_DEFINED
    found = {
        "model": "gpt2",
        "pre": "gpt-2",
        "tokens": [*texts.values(), "[PAD]"],
        "token_type": [*types.values(), UNUSED],
        "merges": [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]],
        **changes,
    }
    return {
        "general.architecture": "llama",
        "some.numbers": [1, 2, 3],
        **{f"tokenizer.ggml.{name}": item for name, item in found.items() if item is not None},
        "general.quantization_version": 2,
    }


@pytest.fixture(scope="module")
def small() -> dict[str, Any]:
    return model_json(added_tokens=added_tokens(*ADDED))


def loaded(contents: bytes, folder: Path, **arguments: Any) -> Encoding:
    path = folder / "model.gguf"
    path.write_bytes(contents)
    return Encoding.from_file(path, **arguments)


@pytest.mark.parametrize("version", [2, 3])
def test_ids_are_those_of_tokenizers(version: int, small: dict[str, Any], tmp_path: Path) -> None:
    _, theirs = both(small, tmp_path)
    ours = loaded(gguf(metadata(small), version), tmp_path)
    assert first_difference(ours, theirs, mixed_texts(3, 400)) is None
    assert ours.source is not None
    assert ours.source.kind == "gguf"
    assert ours.source.pattern == "r50k"
    assert "2 special and 1 other added tokens, pre-tokenizer gpt-2" in str(ours.source)
    assert ours.n_vocab == len(small["model"]["vocab"]) + 4
    assert ours.decode([ours.n_vocab - 1]) == "[PAD]"
    assert ours.encode("[PAD]", allowed_special="all") == theirs.encode("[PAD]").ids


@pytest.mark.parametrize("size", [1, 7, 8, 9, 1000])
def test_strings_across_what_is_read_at_once(
    size: int, small: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = gguf(metadata(small), after=b"")
    whole = GgufHeader(io.BytesIO(contents + bytes(50)), "whole")
    monkeypatch.setattr("bpecore._models.gguf_header._BYTES_AT_ONCE", size)
    pieces = GgufHeader(io.BytesIO(contents + bytes(50)), "pieces")
    assert pieces.values == whole.values
    assert pieces.contents == whole.contents == contents


def test_what_the_converter_of_llama_cpp_writes(small: dict[str, Any], tmp_path: Path) -> None:
    writer_module = pytest.importorskip("gguf", reason='pip install "bpecore[models-test]"')
    path = tmp_path / "model.gguf"
    writer = writer_module.GGUFWriter(path, "llama")
    found = {key.rpartition(".")[2]: item for key, item in metadata(small).items()}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(found["tokens"])
    writer.add_token_types(found["token_type"])
    writer.add_token_merges(found["merges"])
    writer.add_bos_token_id(len(small["model"]["vocab"]))
    writer.add_add_bos_token(True)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    changed = json.loads(json.dumps(small))
    changed["model"]["ignore_merges"] = True
    ours = Encoding.from_file(tmp_path)
    assert ours.source is not None
    assert ours.source.pattern == "llama3"
    own = loaded(gguf(metadata(changed, pre="llama-bpe")), tmp_path)
    for text in mixed_texts(4, 200):
        assert ours.encode_ordinary(text) == own.encode_ordinary(text)
    assert ours.encode("a", add_special_tokens=True) == [  # type: ignore[call-arg]
        len(small["model"]["vocab"]),
        *own.encode("a"),
    ]


@pytest.mark.slow
def test_a_published_vocabulary(corpora: dict[str, str], tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    file = model_file(DEEPSEEK)
    theirs = tokenizers.Tokenizer.from_file(str(file))
    contents = gguf(metadata(json.loads(file.read_text("utf-8")), pre="deepseek-v3"))
    ours = loaded(contents, tmp_path)
    assert first_difference(ours, theirs, [text[:20_000] for text in corpora.values()]) is None


def test_ids_around_a_text(small: dict[str, Any], tmp_path: Path) -> None:
    def around(**changes: Any) -> list[int]:
        ours = loaded(gguf(metadata(small, **changes)), tmp_path)
        return ours.encode("", add_special_tokens=True)  # type: ignore[call-arg]

    assert around(bos_token_id=3) == []
    assert around(bos_token_id=3, add_bos_token=True) == [3]
    assert around(bos_token_id=3, add_bos_token=False, eos_token_id=5, add_eos_token=True) == [5]
    assert around(bos_token_id=3, pre="llama-bpe") == [3]
    assert around(pre="llama-bpe") == []
    assert around(bos_token_id=3, add_bos_token=False, pre="llama-bpe") == []


def test_a_pattern_of_the_callers(small: dict[str, Any], tmp_path: Path) -> None:
    ours = loaded(gguf(metadata(small, pre="bloom")), tmp_path, pattern="qwen3")
    assert ours.source is not None
    assert ours.source.pattern == "qwen"
    with pytest.raises(
        ValueError, match=r"tokenizer\.ggml\.pre is 'bloom', which is not known: pas"
    ):
        loaded(gguf(metadata(small, pre="bloom")), tmp_path)
    with pytest.raises(
        ValueError, match=r"pre is missing: pass pattern=\. Known are llama-bpe, ll"
    ):
        loaded(gguf(metadata(small, pre=None)), tmp_path)
    with pytest.raises(ValueError, match=r"model\.gguf has its own special tokens"):
        loaded(gguf(metadata(small)), tmp_path, special_tokens={})


def test_every_known_name_has_a_pattern(small: dict[str, Any]) -> None:
    for name in gguf_module.KNOWN_NAMES:
        contents = gguf(metadata(small, pre=name), after=b"")
        assert gguf_module.read_gguf(contents, "here")[1].pattern, name


def test_a_second_load(
    small: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BPECORE_TABLES_DIR", str(tmp_path))
    first = loaded(gguf(metadata(small)), tmp_path)
    again = Encoding.from_file(tmp_path / "model.gguf")
    assert isinstance(again, type(first))
    for text in mixed_texts(5, 50):
        assert again.encode(text, allowed_special="all") == first.encode(
            text, allowed_special="all"
        )
    assert str(again.source) == str(first.source)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "SentencePiece": (
        {"model": "llama"},
        "model is 'llama': its vocabulary is SentencePiece's BPE",
    ),
    "WordPiece": ({"model": "bert"}, "its vocabulary is WordPiece"),
    "Unigram": ({"model": "t5", "scores": None}, "its vocabulary is SentencePiece's Unigram"),
    "unknown kind": ({"model": "new"}, "model is 'new': its vocabulary is not known"),
    "no kind": ({"model": None}, r"it has no tokenizer.ggml.model"),
    "kind": ({"model": 7}, "model must be of type str, found 7"),
    "no tokens": ({"tokens": None}, "it has no tokenizer.ggml.tokens"),
    "no merges": ({"merges": None}, "it has no tokenizer.ggml.merges"),
    "tokens": ({"tokens": [1, 2]}, "tokens must be an array of str, found [1, 2]"),
    "types": ({"token_type": [1]}, "token_type has 1 entries for "),
    "type 7": (
        {"tokens": ["a", "b"], "token_type": [1, 7]},
        "token_type[1] must be from 0 to 6, found 7",
    ),
    "a token twice": (
        {"tokens": ["a", "b", "a"], "token_type": None},
        "tokens[2] repeats tokens[0]",
    ),
    "an unknown part": ({"merges": ["q zz"]}, "tokenizer.ggml.merges[0] has 'zz', which is not in"),
    "no pair": ({"merges": ["zz"]}, "tokenizer.ggml.merges[0] must be a pair, found ['zz']"),
    "few bytes": ({"tokens": ["a"], "token_type": None, "merges": []}, "255 bytes are no tokens"),
    "begin": ({"add_bos_token": True}, "bos_token_id must be the id of a token, found None"),
    "a large id": (
        {"add_eos_token": True, "eos_token_id": 2**31},
        "eos_token_id must be the id of a token, found 2147483648",
    ),
    "normalizer": ({"normalizer.lowercase": True}, "normalizer.lowercase is True, which is not"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str, small: dict[str, Any], tmp_path: Path) -> None:
    changes, message = REFUSED[name]
    with pytest.raises(ValueError, match=r"model\.gguf") as caught:
        loaded(gguf(metadata(small, **changes)), tmp_path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "model.gguf"))


def array(kind: int, count: int, items: bytes = b"") -> bytes:
    return struct.pack("<IIQ", ARRAY, kind, count) + items


FAULTY = {
    "only magic": (b"GGUF", "the header, byte 0: 20 bytes are missing. It looks truncated."),
    "no metadata": (gguf({}), "it has no tokenizer.ggml.model"),
    "version 1": (gguf({}, 1), "a GGUF file that is of version 1, which is not known"),
    "big-endian": (gguf({}, 3 << 24), "a GGUF file that is big-endian, which is not known"),
    "many keys": (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**64 - 1), "metadata[0], byte 24: 8 bytes"),
    "a long key": (gguf({"x" * 70_000: 1}), "a string of 70,000 bytes, and 65,536 are allowed"),
    "a key twice": (
        b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + (string("a") + value(1)) * 2,
        "metadata[1], byte 50: the key 'a' is there twice",
    ),
    "no UTF-8": (gguf({"a": struct.pack("<I", STRING) + string(b"\xff")}), "a, byte 46: no UTF-8"),
    "a type": (gguf({"a": struct.pack("<I", 99)}), "a, byte 37: a value of type 99, which GGUF"),
    "an array of arrays": (gguf({"a": array(ARRAY, 1)}), "an array of type 9, which is not known"),
    "a huge array": (gguf({"a": array(INT32, 2**62)}), "metadata of more than 268,435,456 bytes"),
    "a large array": (
        gguf({"a": array(INT32, 60_000_000)}),
        "a, byte 49: 239,999,001 bytes are mi",
    ),
    "many strings": (gguf({"a": array(STRING, 2**64 - 1)}), "are missing. It looks truncated."),
    "a huge string": (
        gguf({"a": array(STRING, 1, struct.pack("<Q", 2**63))}),
        f"a[0], byte 57: a string of 9,223,372,036,854,775,808 bytes, and {METADATA_LIMIT:,} are",
    ),
}


@pytest.mark.parametrize("name", FAULTY)
def test_faulty_metadata(name: str, tmp_path: Path) -> None:
    contents, message = FAULTY[name]
    with pytest.raises(ValueError, match=r"model\.gguf") as caught:
        loaded(contents, tmp_path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(tmp_path / "model.gguf"))
    assert len(str(caught.value)) < 300 + len(str(tmp_path))


def test_every_truncation_is_noticed(small: dict[str, Any], tmp_path: Path) -> None:
    whole = gguf(metadata(small), after=b"")
    for size in [*range(4, 300), *range(300, len(whole), 97), len(whole) - 1]:
        with pytest.raises(ValueError, match="It looks truncated"):
            loaded(whole[:size], tmp_path)
    assert isinstance(loaded(whole, tmp_path), bpecore.Encoding)
