"""`AutoTokenizer.from_pretrained` on this package's engine: everything is as it was before."""

from __future__ import annotations

import copy
import importlib
import json
import os
import pickle
import shutil
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hf_choices import TEMPLATE
from model_files import DEEPSEEK, model_file
from small_models import added_tokens, model_json

from bpecore import hf

transformers = pytest.importorskip("transformers", reason='pip install "bpecore[models-test]"')

CHAT = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% generation %}{{ message.content }}{% endgeneration %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
MESSAGES = [
    {"role": "user", "content": "the tool e\u0301?"},
    {"role": "assistant", "content": "can't <tool_call>\u0338"},
]
TEXTS = ["the quick  brown", "it's 中文 <|im_start|>tool<tool_call>\u0338 e\u0301\n", ""]
CALLS: list[dict[str, Any]] = [
    {},
    {"add_special_tokens": False},
    {"padding": True},
    {"truncation": True, "max_length": 4},
    {"return_offsets_mapping": True, "return_special_tokens_mask": True, "return_length": True},
    {"truncation": True, "max_length": 5, "stride": 1, "return_overflowing_tokens": True},
    {"padding": "max_length", "max_length": 30, "return_token_type_ids": True},
    {"padding": True, "pad_to_multiple_of": 8, "padding_side": "left"},
]


@pytest.fixture(autouse=True)
def _unpatched(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(os.environ, "HF_HUB_OFFLINE", "1")
    yield
    hf.unpatch_transformers()


def folder_of(path: Path, file: dict[str, Any], **config: Any) -> Path:
    """Writes a model's folder."""
    path.mkdir(exist_ok=True)
    (path / "tokenizer.json").write_text(json.dumps(file), encoding="utf-8")
    (path / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<pad>", **config}),
        encoding="utf-8",
    )
    return path


def small_file() -> dict[str, Any]:
    contents = ["<|im_start|>", "<|im_end|>", "<pad>", "<s>"]
    tokens = added_tokens(
        *({"content": content, "special": True} for content in contents),
        {"content": "<tool_call>"},
    )
    return model_json(normalizer={"type": "NFC"}, post_processor=TEMPLATE, added_tokens=tokens)


def both(folder: Path, **options: Any) -> tuple[Any, Any]:
    """Returns a folder's tokenizer on our engine, and on theirs."""
    load = transformers.AutoTokenizer.from_pretrained
    hf.unpatch_transformers()
    theirs = load(folder, **options)
    hf.patch_transformers()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = load(folder, **options)
    hf.unpatch_transformers()
    assert type(ours) is type(theirs)
    assert isinstance(ours.backend_tokenizer, hf.Tokenizer)
    return ours, theirs


def require_equal(ours: Any, theirs: Any) -> None:
    for options in CALLS:
        assert dict(ours(TEXTS, **options)) == dict(theirs(TEXTS, **options)), options
        assert dict(ours(TEXTS[0], **options)) == dict(theirs(TEXTS[0], **options)), options
    pair = [dict(each(TEXTS[0], TEXTS[1], return_token_type_ids=True)) for each in (ours, theirs)]
    assert pair[0] == pair[1]
    words = [["the", "tool"], ["e\u0301"]]
    split = [each(words, is_split_into_words=True) for each in (ours, theirs)]
    assert split[0].word_ids(0) == split[1].word_ids(0)
    assert split[0].char_to_token(0, 0) == split[1].char_to_token(0, 0)
    ids = theirs(TEXTS[1]).input_ids
    for call in (
        lambda each: each.decode(ids),
        lambda each: each.decode(ids, skip_special_tokens=True),
        lambda each: each.convert_ids_to_tokens(ids),
        lambda each: each.convert_tokens_to_ids(["the", "<pad>", "nothing"]),
        lambda each: each.convert_tokens_to_string(each.tokenize(TEXTS[1])),
        lambda each: each.tokenize(TEXTS[1]),
        lambda each: (len(each), each.vocab_size, each.is_fast, each.all_special_ids),
        lambda each: each.get_vocab(),
        lambda each: each.added_tokens_decoder,
        lambda each: each.num_special_tokens_to_add(pair=True),
    ):
        assert call(ours) == call(theirs)


@pytest.mark.parametrize("kind", ["PreTrainedTokenizerFast", "Qwen2Tokenizer", "GPT2Tokenizer"])
def test_a_tokenizer_is_as_before(kind: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "model", small_file(), tokenizer_class=kind, chat_template=CHAT)
    ours, theirs = both(folder)
    require_equal(ours, theirs)
    for each in (ours, theirs):
        assert each.add_tokens(["<new>", "zzz"]) == 2
        each.add_special_tokens({"bos_token": "<s>"})
        each.add_bos_token = True
    require_equal(ours, theirs)
    ours.save_pretrained(tmp_path / "saved")
    theirs.save_pretrained(tmp_path / "theirs")
    for file in (tmp_path / "theirs").iterdir():
        assert (tmp_path / "saved" / file.name).read_bytes() == file.read_bytes(), file.name
    again = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert not isinstance(again.backend_tokenizer, hf.Tokenizer)
    require_equal(ours, again)
    require_equal(pickle.loads(pickle.dumps(ours)), theirs)
    require_equal(copy.deepcopy(ours), theirs)


def test_chat_templates(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "model", small_file(), chat_template=CHAT)
    ours, theirs = both(folder)
    for options in (
        {"tokenize": False},
        {"add_generation_prompt": True},
        {"return_dict": True, "return_assistant_tokens_mask": True},
        {"return_dict": True, "padding": "max_length", "max_length": 60},
    ):
        found = [each.apply_chat_template(MESSAGES, **options) for each in (ours, theirs)]
        assert found[0] == found[1]
    batch = [MESSAGES, MESSAGES[:1]]
    found = [
        each.apply_chat_template(batch, padding=True, return_dict=True) for each in (ours, theirs)
    ]
    assert dict(found[0]) == dict(found[1])


def test_published_files(tmp_path: Path) -> None:
    file = model_file(DEEPSEEK)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(file.parent / name, tmp_path)
    ours, theirs = both(tmp_path)
    for options in CALLS:
        assert dict(ours(TEXTS, **options)) == dict(theirs(TEXTS, **options)), options
    assert not ours.backend_tokenizer._handed_out  # which would be compared in each call
    ids = theirs("<\uff5cUser\uff5c>中文\U0001f600").input_ids
    assert ours.decode(ids) == theirs.decode(ids)


def test_what_cannot_be_exact_stays_with_a_warning(tmp_path: Path) -> None:
    model = {
        "type": "BPE",
        "byte_fallback": True,
        "unk_token": "<unk>",
        "vocab": {"<unk>": 0, "▁": 1, "a": 2, "▁a": 3},
        "merges": [["▁", "a"]],
    }
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"}
    file = model_json(model=model, pre_tokenizer=metaspace, decoder=metaspace)
    folder = folder_of(tmp_path / "model", file, pad_token=None)
    hf.patch_transformers()
    with pytest.warns(UserWarning, match="model stays with the package tokenizers: .* cannot be"):
        made = transformers.AutoTokenizer.from_pretrained(folder)
    assert type(made.backend_tokenizer).__module__ == "tokenizers"
    assert made("a a").input_ids


def models_made(monkeypatch: pytest.MonkeyPatch, module: str) -> list[int]:
    """Returns a list that gets the number of tokens of each model that a module makes."""
    made: list[int] = []
    place = importlib.import_module(module)
    original = place.BPE

    def make(*arguments: Any, **options: Any) -> Any:
        made.append(len(options["vocab"]))
        return original(*arguments, **options)

    monkeypatch.setattr(place, "BPE", make)
    return made


def test_a_model_is_not_loaded_by_the_other_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = small_file()
    folders = {
        kind: folder_of(tmp_path / kind, file, tokenizer_class=kind)
        for kind in ("PreTrainedTokenizerFast", "Qwen2Tokenizer")
    }
    made = models_made(monkeypatch, "transformers.models.qwen2.tokenization_qwen2")
    backend = importlib.import_module("transformers.tokenization_utils_tokenizers")
    # Without `from_file`; small files without a model are read by `from_str`.
    without = types.SimpleNamespace(from_str=backend.TokenizerFast.from_str)
    monkeypatch.setattr(backend, "TokenizerFast", without)
    hf.patch_transformers()
    for folder in folders.values():
        ours = transformers.AutoTokenizer.from_pretrained(folder)
        assert isinstance(ours.backend_tokenizer, hf.Tokenizer)
        assert ours("the tool").input_ids
    assert made == [0]
    assert ours._vocab == file["model"]["vocab"]


def test_a_class_with_another_model_loads_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = small_file()
    file["model"]["ignore_merges"] = True  # the class does not
    folder = folder_of(tmp_path / "model", file, tokenizer_class="Qwen2Tokenizer")
    made = models_made(monkeypatch, "transformers.models.qwen2.tokenization_qwen2")
    ours, theirs = both(folder)
    assert made == [len(file["model"]["vocab"]), 0, len(file["model"]["vocab"])]
    require_equal(ours, theirs)


def test_an_error_is_that_of_transformers(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "model", small_file(), tokenizer_class="Qwen2Tokenizer")
    for broken in ("{", '{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", "b"]]}}'):
        (folder / "tokenizer.json").write_text(broken)
        kinds = []
        for change in (hf.unpatch_transformers, hf.patch_transformers):
            change()
            with pytest.raises(Exception) as caught:  # noqa: PT011 (compared below)
                transformers.AutoTokenizer.from_pretrained(folder)
            kinds.append((type(caught.value), str(caught.value)))
        assert kinds[0] == kinds[1]


def test_tensors_and_decoded_batches(tmp_path: Path) -> None:
    ours, theirs = both(folder_of(tmp_path / "model", small_file()))
    found = [
        each(TEXTS[:2], return_tensors="np", padding=True, return_offsets_mapping=True)
        for each in (ours, theirs)
    ]
    assert found[0].keys() == found[1].keys()
    for name in found[0]:
        assert (found[0][name] == found[1][name]).all()
    ids = found[0]["input_ids"]
    for skip in (False, True):
        texts = [each.batch_decode(ids, skip_special_tokens=skip) for each in (ours, theirs)]
        assert texts[0] == texts[1]


def test_streams_take_both_kinds(tmp_path: Path) -> None:
    from tokenizers import decoders

    ours, theirs = both(folder_of(tmp_path / "model", small_file()))
    original = decoders.DecodeStream
    hf.patch_transformers()
    hf.patch_transformers()
    ids = theirs("é中文 tool").input_ids
    texts = []
    for each in (ours, theirs):
        stream = decoders.DecodeStream(skip_special_tokens=True)
        texts.append([stream.step(each.backend_tokenizer, number) for number in ids])
    assert texts[0] == texts[1]
    hf.unpatch_transformers()
    assert decoders.DecodeStream is original
    assert "from_pretrained" not in vars(hf.transformers_patch._backend_class())
