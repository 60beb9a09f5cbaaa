"""Folders with vocab.json and merges.txt and no tokenizer.json: ids are those of `transformers`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from small_models import PIECES, mixed_texts, model_json

from bpecore import Encoding

MODEL = model_json()["model"]
SIZE = len(MODEL["vocab"])
NAMES = ["<s>", "</s>", "<unk>", "<pad>", "<mask>", "<|endoftext|>"]
ALL = {**MODEL["vocab"], **{name: SIZE + place for place, name in enumerate(NAMES)}}
PLAIN = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), False)
MASK = {**PLAIN, "__type": "AddedToken", "content": "<mask>", "lstrip": True}
LISTED = {
    str(SIZE): {**PLAIN, "content": "<|endoftext|>", "special": True},
    str(SIZE + 1): {**PLAIN, "content": "<tool>"},
}
ADDED = {"added_tokens_decoder": LISTED, "additional_special_tokens": ["<|im_start|>"]}
CASES: list[tuple[str, dict[str, Any], dict[str, int]]] = [
    ("GPT2Tokenizer", {}, MODEL["vocab"]),
    ("GPT2Tokenizer", {"add_bos_token": True, "add_prefix_space": True}, ALL),
    (
        "GPT2TokenizerFast",
        {"add_eos_token": True, "add_bos_token": True, "bos_token": "<s>", "pad_token": "<pad>"},
        ALL,
    ),
    ("GPT2Tokenizer", {"bos_token": None, "add_bos_token": True}, ALL),
    ("Qwen2Tokenizer", ADDED, MODEL["vocab"]),
    ("Qwen2TokenizerFast", {"bos_token": None, "pad_token": {**MASK, "lstrip": False}}, ALL),
    ("RobertaTokenizer", {}, ALL),
    ("RobertaTokenizer", {"add_prefix_space": True, "mask_token": MASK}, ALL),
    ("RobertaTokenizerFast", {"cls_token": "<pad>"}, MODEL["vocab"]),
]
TEXTS = mixed_texts(5, 150, [*PIECES, *NAMES, " <mask>", "<tool>", "<|im_start|>"])


def folder_of(path: Path, config: Any = None, vocab: Any = None, **files: str) -> Path:
    """Writes a model's folder, and other files by their names without an ending."""
    merges = ["#version: 0.2", *(" ".join(pair) for pair in MODEL["merges"]), ""]
    (path / "vocab.json").write_text(json.dumps(vocab or MODEL["vocab"]), encoding="utf-8")
    (path / "merges.txt").write_text("\n".join(merges), encoding="utf-8")
    if config is not None:
        (path / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    for name, contents in files.items():
        (path / f"{name}.json").write_text(contents, encoding="utf-8")
    return path


@pytest.mark.parametrize(("kind", "config", "vocab"), CASES)
def test_ids_are_those_of_the_class(
    kind: str,
    config: dict[str, Any],
    vocab: dict[str, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    transformers = pytest.importorskip(
        "transformers", reason='pip install "bpecore[models-test]"', exc_type=ImportError
    )
    monkeypatch.setitem(os.environ, "HF_HUB_OFFLINE", "1")
    folder = folder_of(tmp_path, {"tokenizer_class": kind, **config}, vocab)
    theirs = transformers.AutoTokenizer.from_pretrained(folder)
    for _ in range(2):
        ours = Encoding.from_file(folder)
        for text in TEXTS:
            for adds in (False, True):
                ids = ours.encode(text, allowed_special="all", add_special_tokens=adds)
                assert ids == theirs(text, add_special_tokens=adds).input_ids, (text, adds)
        assert ours.source is not None
        assert ours.source.kind == "vocab.json and merges.txt"
        monkeypatch.setitem(os.environ, "BPECORE_TABLES_DIR", str(tmp_path / "kept"))
        (tmp_path / "kept").mkdir(exist_ok=True)


def test_a_pattern_that_is_given(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers", reason='pip install "bpecore[models-test]"')
    folder = folder_of(tmp_path)
    made = tokenizers.ByteLevelBPETokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), add_prefix_space=False
    )
    with pytest.raises(ValueError, match=r"is missing\. Pass pattern="):
        Encoding.from_file(folder)
    encoding = Encoding.from_file(folder, pattern="gpt2", special_tokens={"<mask>": SIZE})
    for text in TEXTS:
        assert encoding.encode(text, disallowed_special=()) == made.encode(text).ids
    assert encoding.encode("<mask>", allowed_special="all") == [SIZE]
    (tmp_path / "tokenizer_config.json").write_text('{"tokenizer_class": "CLIPTokenizer"}')
    with pytest.raises(ValueError, match="is 'CLIPTokenizer'"):
        Encoding.from_file(folder)
    assert Encoding.from_file(folder, pattern=r"\w+|\W+").encode("the") == made.encode("the").ids


GPT2 = {"tokenizer_class": "GPT2Tokenizer"}


@pytest.mark.parametrize(
    ("config", "files", "message"),
    [
        (GPT2, {"added_tokens": '{"<new>": 900}'}, r"added_tokens.json .*'<new>' is not in"),
        (GPT2, {"special_tokens_map": '{"bos_token": "<s>"}'}, r"'<s>' is not in"),
        ({**GPT2, "bos_token": 5}, {}, "bos_token must be"),
        ({**GPT2, "additional_special_tokens": [5]}, {}, r"additional_special_tokens\[0\] must be"),
        ({**GPT2, "added_tokens_decoder": {"x": {}}}, {}, r"added_tokens_decoder\.x is no id"),
        (
            {**GPT2, "added_tokens_decoder": {"9" * 9999: {}}},
            {},
            r"tokenizer_config\.json: added_tokens_decoder\.9+ is no id",
        ),
        (
            {**GPT2, "added_tokens_decoder": {"900": {"content": "<new>"}}},
            {},
            "is 900, and tokenizers gives '<new>' the id",
        ),
        (
            {"tokenizer_class": "RobertaTokenizer", "sep_token": None},
            {},
            "sep_token is missing, which is put around texts",
        ),
        (
            {
                "tokenizer_class": "Qwen2Tokenizer",
                "pad_token": {"content": "<pad>", "lstrip": True},
            },
            {},
            "the special token '<pad>' has options",
        ),
    ],
)
def test_what_is_not_exact_is_refused(
    config: dict[str, Any], files: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=message):
        Encoding.from_file(folder_of(tmp_path, config, **files))


@pytest.mark.parametrize(
    ("merges", "message"),
    [
        (b"#version: 0.2\nt h\nth", "line 3: expected two tokens"),
        (b"t h e", "line 1: expected two tokens"),
        (b"\xff", "is no UTF-8 text: byte 0"),
        (b"t no-such-token", "merges"),
    ],
)
def test_bad_merges(merges: bytes, message: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, GPT2)
    (folder / "merges.txt").write_bytes(merges)
    with pytest.raises(ValueError, match=message):
        Encoding.from_file(folder)


def test_a_folder_without_merges_is_another(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, GPT2)
    (folder / "merges.txt").unlink()
    with pytest.raises(ValueError, match="has no vocabulary"):
        Encoding.from_file(folder)
