"""Tokens that are added, parts that are replaced, and tokenizers that are written and read."""

from __future__ import annotations

import copy
import json
import pickle
import random
from pathlib import Path
from typing import Any

import pytest
from hf_choices import BERT, CONTENTS, NORMALIZERS, OPTIONS, chosen_file, chosen_texts
from hf_pairs import columns, pair_of
from small_models import BYTE_LEVEL, added_tokens, model_json

from bpecore import Encoding
from bpecore.hf import Tokenizer


def require_equal(ours: Tokenizer, theirs: Any, seed: int = 0) -> None:
    texts = chosen_texts(random.Random(seed), 40)
    mine, right = ours.encode_batch(texts), theirs.encode_batch(texts)
    assert [*map(columns, mine)] == [*map(columns, right)]
    assert ours.get_vocab() == theirs.get_vocab()
    assert ours.get_vocab(False) == theirs.get_vocab(with_added_tokens=False)
    assert ours.get_vocab_size() == theirs.get_vocab_size()
    assert ours.get_vocab_size(False) == theirs.get_vocab_size(with_added_tokens=False)
    for number in range(345, 360):
        assert ours.id_to_token(number) == theirs.id_to_token(number)
    for name in (*CONTENTS, "Ġ", "the", "nothing", "", "a b c", "\u3042"):
        assert ours.token_to_id(name) == theirs.token_to_id(name)
    assert ours.get_added_tokens_decoder() == theirs.get_added_tokens_decoder()


@pytest.mark.parametrize("seed", range(25))
def test_added_tokens(seed: int) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    source = random.Random(seed)
    ours, theirs = pair_of(model_json(normalizer=source.choice(NORMALIZERS[:8])))
    for _ in range(3):
        contents = source.sample(CONTENTS, 2)
        if source.random() < 0.5:
            assert ours.add_tokens(contents) == theirs.add_tokens(contents)
            continue
        options = {name: source.random() < 0.2 for name in OPTIONS if name != "normalized"}
        tokens = [tokenizers.AddedToken(content, **options) for content in contents]
        method = source.choice(["add_tokens", "add_special_tokens"])
        assert getattr(ours, method)(tokens) == getattr(theirs, method)(tokens)
    require_equal(ours, theirs, seed)


def test_what_is_no_token_is_refused() -> None:
    ours, _ = pair_of(model_json())
    with pytest.raises(TypeError, match=r"Input must be a List\[Union\[str, AddedToken\]\]"):
        ours.add_tokens([7])
    assert ours.get_vocab_size() == 350


def test_parts_can_be_replaced() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    tokens = [{"content": "<K>", "normalized": True}, {"content": "<B>", "special": True}]
    ours, theirs = pair_of(model_json(added_tokens=added_tokens(*tokens)))
    template = tokenizers.processors.TemplateProcessing(
        single="a $A b", pair="$A a:1 $B:1", special_tokens=[("a", 4), ("b", 5)]
    )
    digits = tokenizers.pre_tokenizers.Digits(individual_digits=True)
    byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    for name, part in [
        ("post_processor", template),
        ("normalizer", tokenizers.normalizers.NFKC()),
        ("pre_tokenizer", tokenizers.pre_tokenizers.Sequence([digits, byte_level])),
        ("decoder", tokenizers.decoders.ByteLevel()),
        ("normalizer", tokenizers.normalizers.Lowercase()),
        ("normalizer", None),
    ]:
        for each in (ours, theirs):
            setattr(each, name, part)
        require_equal(ours, theirs)
        assert str(getattr(ours, name)) == str(getattr(theirs, name))
    assert ours.num_special_tokens_to_add(True) == theirs.num_special_tokens_to_add(True) == 1
    with pytest.raises(ValueError, match="normalizer is BertNormalizer, which is not known"):
        ours.normalizer = tokenizers.normalizers.BertNormalizer()
    with pytest.raises(TypeError, match="expected a part of a tokenizer, got int"):
        ours.decoder = 7
    require_equal(ours, theirs)
    assert type(ours.model).__name__ == type(theirs.model).__name__ == "BPE"
    assert ours.model.token_to_id("the") == theirs.model.token_to_id("the")


@pytest.mark.parametrize("seed", range(8))
def test_what_is_written_is_read(seed: int, tmp_path: Path) -> None:
    ours, theirs = pair_of(chosen_file(random.Random(seed)))
    for each in (ours, theirs):
        each.enable_truncation(6, stride=1, strategy="only_first", direction="left")
        each.enable_padding(length=9 if seed % 2 else None, pad_token="P")
        each.add_special_tokens(["<new>"])
    assert json.loads(ours.to_str()) == json.loads(theirs.to_str())
    assert json.loads(ours.to_str(pretty=True)) == json.loads(theirs.to_str())
    ours.save(tmp_path / "tokenizer.json")
    texts = chosen_texts(random.Random(seed), 20)
    expected = [*map(columns, ours.encode_batch(texts))]
    for again in (
        Tokenizer.from_file(tmp_path / "tokenizer.json"),
        Tokenizer.from_pretrained(str(tmp_path)),
        pickle.loads(pickle.dumps(ours)),
        copy.deepcopy(ours),
    ):
        assert [*map(columns, again.encode_batch(texts))] == expected
        assert again.token_to_id("<new>") == ours.token_to_id("<new>")
        assert again.truncation == ours.truncation
        again.add_tokens(["<newer>"])
    assert ours.token_to_id("<newer>") is None
    encodings = ours.encode_batch(texts)
    assert [*map(columns, pickle.loads(pickle.dumps(encodings)))] == expected


def test_pairs_that_are_listed_twice_are_written_once() -> None:
    file = model_json()
    file["model"]["merges"][:0] = [file["model"]["merges"][place] for place in (20, 3, 3, 0)]
    ours, theirs = pair_of(file)
    assert json.loads(ours.to_str()) == json.loads(theirs.to_str())


def test_tokens_of_the_model_that_are_no_bytes() -> None:
    model = model_json()["model"]
    vocab = {**model["vocab"], "a b": 350, "": 351, "ĠĠĠ": 352}
    tokens = [{**added_tokens({"content": "x"})[0], "content": "a b", "id": 350}]
    tokens += [{**tokens[0], "content": "éé", "id": 353, "special": True}]
    ours, theirs = pair_of(model_json(model={**model, "vocab": vocab}, added_tokens=tokens))
    require_equal(ours, theirs)
    ids = [350, 351, 352, 353, 5]
    assert ours.decode(ids, False) == theirs.decode(ids, False)


def test_an_encoding_of_a_tokenizer_json_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(model_json(post_processor=BERT)), encoding="utf-8")
    encoding: Any = Encoding.from_file(path)
    assert Tokenizer(encoding).encode("tool").ids == encoding.encode(
        "tool", add_special_tokens=True
    )
    with pytest.raises(TypeError, match=r"which Tokenizer\.from_file reads, got int"):
        Tokenizer(7)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"post_processor": {"type": "New"}}, "post_processor is New, which is not known"),
        ({"truncation": {"max_length": 3, "stride": 0, "strategy": "x"}}, "strategy must be one"),
        ({"truncation": 7}, "truncation must be a JSON object, found 7"),
        ({"padding": {"strategy": {"Fixed": "x"}}}, r"padding\.strategy\.Fixed must be a JSON int"),
        ({"decoder": {"type": "WordPiece"}}, "decoder is WordPiece, and only ByteLevel is known"),
        ({"pre_tokenizer": BYTE_LEVEL, "model": {"type": "Unigram", "vocab": []}}, "Unigram"),
    ],
)
def test_files_that_are_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Tokenizer.from_str(json.dumps(model_json(**changes)))


def test_training_is_refused() -> None:
    ours, _ = pair_of(model_json())
    with pytest.raises(NotImplementedError, match="bpecore does not train tokenizers"):
        ours.train_from_iterator(["a"])


def test_saving_makes_no_folders_and_follows_links(tmp_path: Path) -> None:
    ours, _ = pair_of(model_json())
    with pytest.raises(FileNotFoundError, match="absent"):
        ours.save(tmp_path / "absent" / "tokenizer.json")
    assert not any(tmp_path.iterdir())
    target, link = tmp_path / "target", tmp_path / "link"
    target.touch()
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("no links can be made here")
    ours.save(link)
    assert link.is_symlink()
    assert target.read_text(encoding="utf-8") == ours.to_str(pretty=True)
