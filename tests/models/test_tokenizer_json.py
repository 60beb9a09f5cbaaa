"""tokenizer.json files of models: the ids that `tokenizers` gives."""

from __future__ import annotations

import json
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
from hf_choices import POST_PROCESSORS, TEMPLATE
from model_files import CLAUDE, DEEPSEEK, LLAMA_3, LLAMA_4, QWEN, QWEN_3_6, model_file
from small_models import (
    BYTE_LEVEL,
    added_tokens,
    both,
    first_difference,
    mixed_texts,
    model_json,
)
from texts import random_texts

import bpecore
from bpecore import Encoding
from bpecore.hf.serialization import file_of_ranks

SPECIAL = {"content": "<s>", "special": True}


@pytest.mark.parametrize("path", [DEEPSEEK, CLAUDE])
def test_ids_are_those_of_tokenizers(path: str, corpora: dict[str, str]) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    file = model_file(path)
    ours, theirs = Encoding.from_file(file), tokenizers.Tokenizer.from_file(str(file))
    texts = random_texts(7, 800)
    tokens = [token["content"] for token in json.loads(file.read_text("utf-8"))["added_tokens"]]
    source = random.Random(7)
    texts += ["".join(source.choices([*tokens, *texts[:200]], k=4)) for _ in range(300)]
    texts += [text[:20_000] for text in corpora.values()]
    assert first_difference(ours, theirs, texts) is None
    for text in texts[-20:]:
        ids = ours.encode(text, allowed_special="all")
        assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)


CONVERTED = [
    (LLAMA_3, "llama3", None, True),
    pytest.param(LLAMA_4, "llama4", None, True, marks=pytest.mark.slow),
    pytest.param(QWEN, "qwen3", {"type": "NFC"}, False, marks=pytest.mark.slow),
    pytest.param(QWEN_3_6, "qwen3.6", {"type": "NFC"}, False, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("path", "name", "normalizer", "ignore_merges"), CONVERTED)
def test_files_that_list_every_pair(
    path: str,
    name: str,
    normalizer: object,
    ignore_merges: bool,
    corpora: dict[str, str],
    tmp_path: Path,
) -> None:
    pytest.importorskip("tokenizers")
    ranks = Encoding.from_file(model_file(path), pattern=name)
    file = file_of_ranks(ranks._mergeable_ranks, ranks._pat_str, normalizer=normalizer)
    file["model"]["ignore_merges"] = ignore_merges
    first = ranks.n_vocab
    file["added_tokens"] = [
        {**added_tokens({"content": content})[0], "id": first + number}
        for number, content in enumerate(("<tool_call>", "<|im_end|>"))
    ]
    ours, theirs = both(file, tmp_path)
    texts = [*random_texts(9, 500), *(text[:10_000] for text in corpora.values())]
    texts += ["<tool_call>\u0338 x", "e\u0301<|im_end|>", "!" * 99, "a" * 99]
    assert first_difference(ours, theirs, texts) is None


@pytest.mark.slow
@pytest.mark.parametrize("path", [DEEPSEEK, CLAUDE])
def test_every_code_point_alone(path: str) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    file = model_file(path)
    ours, theirs = Encoding.from_file(file), tokenizers.Tokenizer.from_file(str(file))
    texts = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    assert first_difference(ours, theirs, texts) is None


def test_what_was_found_is_said(tmp_path: Path) -> None:
    ours, _ = both(model_json(added_tokens=added_tokens(SPECIAL)), tmp_path)
    assert ours.source is not None
    assert ours.source.kind == "tokenizer.json"
    assert ours.source.pattern == "r50k"
    assert "1 special and 0 other added tokens" in ours.source.details
    assert ours.name == "tokenizer.json"
    assert Encoding.from_file(tmp_path).name == tmp_path.name


def test_a_pattern_of_the_callers_is_refused(tmp_path: Path) -> None:
    both(model_json(), tmp_path)
    with pytest.raises(ValueError, match="has its own split pattern"):
        Encoding.from_file(tmp_path, pattern="qwen3")


def test_a_subclass_cannot_be_made(tmp_path: Path) -> None:
    class Own(Encoding):
        pass

    both(model_json(), tmp_path)
    with pytest.raises(TypeError, match="needs more than Own: call from_file of bpecore"):
        Own.from_file(tmp_path)


MODEL = {"type": "BPE", "vocab": {"a": 0}, "merges": []}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "WordPiece": ({"model": {"type": "WordPiece", "vocab": {}}}, "its model is WordPiece"),
    "Unigram": ({"model": {"type": "Unigram", "vocab": []}}, "its model is Unigram"),
    "padding": ({"padding": {"strategy": "BatchLongest"}}, "padding is on"),
    "truncation": ({"truncation": {"max_length": 3}}, "truncation is on"),
    "SentencePiece": (
        {"model": {**MODEL, "byte_fallback": True}, "pre_tokenizer": None},
        "BPE of characters, not of bytes: byte_fallback is on, as in SentencePiece",
    ),
    "no pre-tokenizer": ({"pre_tokenizer": None}, "merges may cross words"),
    "Metaspace": ({"pre_tokenizer": {"type": "Metaspace"}}, "pre_tokenizer is Metaspace"),
    "normalizer": ({"normalizer": {"type": "Precompiled"}}, "normalizer is Precompiled"),
    "post-processor": ({"post_processor": {"type": "New"}}, "post_processor is New"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_exact_is_refused(name: str, tmp_path: Path) -> None:
    changes, reason = REFUSED[name]
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(model_json(**changes)))
    with pytest.raises(ValueError, match=reason) as caught:
        Encoding.from_file(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("end_of_word_suffix", "</w>", "end_of_word_suffix is '</w>'"),
        ("continuing_subword_prefix", "##", "continuing_subword_prefix is '##'"),
        ("dropout", 0.1, "dropout makes ids random"),
        ("vocab", {"a": "1"}, r"model\.vocab\['a'\] must be an id from 0"),
        ("vocab", {"a": 1, "b": 1}, "has the id 1 twice: 'a' and 'b'"),
        ("vocab", {}, "vocab is empty"),
        ("vocab", [], "must be a JSON object, found "),
        ("merges", [["a"]], r"merges\[0\] must be a pair"),
        ("merges", [["a", "b", "c"]], r"merges\[0\] must be a pair"),
        ("merges", ["a b c"], r"merges\[0\] must be a pair"),
        ("merges", [["~", "~"]], r"merges\[0\] has '~~', which is not in vocab"),
    ],
)
def test_faults_of_the_model_are_named(
    option: str, value: object, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(model_json(model={**model_json()["model"], option: value})))
    with pytest.raises(ValueError, match=reason) as caught:
        Encoding.from_file(path)
    assert str(path) in str(caught.value)


def test_a_token_in_letters_and_as_it_is(tmp_path: Path) -> None:
    file = model_json()
    vocab = file["model"]["vocab"]
    vocab.update({"xĠy": len(vocab), "x y": len(vocab) + 1})
    (tmp_path / "tokenizer.json").write_text(json.dumps(file))
    with pytest.raises(ValueError, match=r"model\.vocab has the bytes of 'x y' twice, in letters"):
        Encoding.from_file(tmp_path)


def test_sentencepiece_is_refused(tmp_path: Path) -> None:
    model = {"type": "BPE", "byte_fallback": True, "vocab": {"▁a": 0, "a": 1}, "merges": []}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(model_json(model=model)))
    with pytest.raises(ValueError, match=r"BPE of characters, not of bytes.* SentencePiece"):
        Encoding.from_file(path)


@pytest.mark.parametrize("as_strings", [True, False])
def test_merges_may_be_strings_or_pairs(as_strings: bool, tmp_path: Path) -> None:
    model = model_json()["model"]
    pairs = [pair.split(" ") if isinstance(pair, str) else pair for pair in model["merges"]]
    merges = [" ".join(pair) for pair in pairs] if as_strings else pairs
    ours, theirs = both(model_json(model={**model, "merges": merges}), tmp_path)
    assert first_difference(ours, theirs, mixed_texts(1, 500)) is None


@pytest.mark.parametrize("add_prefix_space", [True, False])
def test_a_text_that_is_not_split(add_prefix_space: bool, tmp_path: Path) -> None:
    alone = {**BYTE_LEVEL, "use_regex": False, "add_prefix_space": add_prefix_space}
    ours, theirs = both(model_json(pre_tokenizer=alone), tmp_path)
    texts = [*mixed_texts(3, 300), "the tool " * 20_000]
    assert first_difference(ours, theirs, texts) is None


@pytest.mark.parametrize("post_processor", POST_PROCESSORS)
def test_special_tokens_around_a_text(post_processor: object, tmp_path: Path) -> None:
    ours, theirs = both(model_json(post_processor=post_processor), tmp_path)
    texts = mixed_texts(2, 50)
    encode: Any = ours.encode
    encode_batch: Any = ours.encode_batch
    expected = [theirs.encode(text).ids for text in texts]
    assert [encode(text, add_special_tokens=True) for text in texts] == expected
    assert encode_batch(texts, add_special_tokens=True) == expected
    assert encode("the") == theirs.encode("the", add_special_tokens=False).ids


def test_templates_that_repeat_the_text(tmp_path: Path) -> None:
    pair = {"type": "Sequence", "processors": [TEMPLATE, TEMPLATE, TEMPLATE]}
    (tmp_path / "tokenizer.json").write_text(json.dumps(model_json(post_processor=pair)))
    with pytest.raises(ValueError, match=r"processors\[2\] follows a template of 5 parts"):
        Encoding.from_file(tmp_path)
    twice = {**TEMPLATE, "single": [{"Sequence": {"id": "A", "type_id": 0}}] * 2}
    (tmp_path / "tokenizer.json").write_text(json.dumps(model_json(post_processor=twice)))
    with pytest.raises(ValueError, match="post_processor has the text 2 times"):
        Encoding.from_file(tmp_path)


@pytest.mark.parametrize("has_rules", [True, False])
def test_all_methods_agree(has_rules: bool, tmp_path: Path) -> None:
    tokens = added_tokens(SPECIAL, {"content": "<a>"}, {"content": "<b>", "lstrip": has_rules})
    normalizer = {"type": "NFC"} if has_rules else None
    file = model_json(normalizer=normalizer, added_tokens=tokens)
    ours, _ = both(file, tmp_path)
    texts = [*mixed_texts(3, 200), "e\u0301 <a> <b> x", "<b>", "the tool <a>"]
    expected = [ours.encode(text) for text in texts]
    assert ours.encode_batch(texts) == expected
    assert [ours.encode_to_numpy(text).tolist() for text in texts] == expected
    assert [ours.count(text) for text in texts] == [*map(len, expected)] == ours.count_batch(texts)
    assert [ours.count_up_to(text, 10_000) for text in texts] == [*map(len, expected)]
    for text, ids in zip(texts, expected):
        assert ours.encode_to_numpy(text, dtype="int64", append=7).tolist() == [*ids, 7]
    ids, offsets = ours.encode_batch_to_numpy(texts)
    assert [ids[i:j].tolist() for i, j in zip(offsets, offsets[1:])] == expected
    assert ours.encode_ordinary_batch(texts) == [*map(ours.encode_ordinary, texts)] == expected
    assert [ours.ordinary.encode(text) for text in texts] == expected
    for again in (pickle.loads(pickle.dumps(ours)), pickle.loads(pickle.dumps(ours.ordinary))):
        assert [again.encode(text) for text in texts] == expected


def test_places_are_refused_where_the_text_is_changed(tmp_path: Path) -> None:
    ours, _ = both(model_json(normalizer={"type": "NFC"}), tmp_path)
    assert ours.truncate("the quick the", 2) == "the quick"
    assert ours.token_offsets("the").tolist() == [[0, 3]]
    assert ours.split("the quick", 1) == ["the", " quick"]
    for call in (
        lambda text: ours.truncate(text, 2),
        lambda text: ours.split(text, 2),
        lambda text: ours.split_spans(text, 2),
        lambda text: ours.split_batch([text], 2),
        ours.token_offsets,
        ours.encode_with_unstable,
    ):
        with pytest.raises(ValueError, match="changed by the encoding's normalizers"):
            call("e\u0301")
    assert bpecore.StreamDecoder(ours).feed(ours.encode("the")) == "the"


def test_without_rules_a_text_may_come_in_chunks(tmp_path: Path) -> None:
    ours, _ = both(model_json(added_tokens=added_tokens({"content": "<a>"})), tmp_path)
    encoder = bpecore.StreamEncoder(ours)
    chunks = ["the <", "a", "> tool", "<a>"]
    ids = [number for chunk in chunks for number in encoder.feed(chunk)] + encoder.flush()
    assert ids == ours.encode("".join(chunks))
    assert bpecore.TokenCounter(ours).feed("".join(chunks)) == len(ids)


def test_the_garbage_collector_is_as_it_was(tmp_path: Path) -> None:
    """It is off while a file is read, which makes a million objects."""
    import gc

    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(model_json()), encoding="utf-8")
    for switch, is_on in ((gc.disable, False), (gc.enable, True)):
        switch()
        Encoding.from_file(path)
        assert gc.isenabled() == is_on
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="no valid JSON"):
        Encoding.from_file(path)
    assert gc.isenabled()
