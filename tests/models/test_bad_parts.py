"""Files of models with a faulty part: one error with the file, and the part's path in it."""

from __future__ import annotations

import base64
import copy
import functools
import json
import operator
from pathlib import Path
from typing import Any

import pytest
from small_models import BYTE_LEVEL, added_tokens, model_json

from bpecore import Encoding

GONE = object()
SPECIAL = {"content": "<s>", "special": True}
LONG_KIND = {"type": "A" * 100_000}
LONG_SPLIT = {
    "type": "Sequence",
    "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": "a(" * 9000}, "behavior": "Isolated"},
        {**BYTE_LEVEL, "use_regex": False},
    ],
}


def changed(file: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Returns a file with another value at a path such as `added_tokens.0.id`."""
    made = copy.deepcopy(file)
    *outer, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    inside = functools.reduce(operator.getitem, outer, made)
    if value is GONE:
        del inside[last]
    elif isinstance(inside, list) and last == len(inside):
        inside.append(value)
    else:
        inside[last] = value
    return made


def message_about(file: dict[str, Any], folder: Path) -> str:
    """Returns what is said about a file, after its path."""
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(file))
    with pytest.raises(ValueError, match=r"tokenizer\.json") as caught:
        Encoding.from_file(path)
    assert type(caught.value) is ValueError
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.count(str(path)) == 1
    assert len(message) < 900 + len(str(path))
    return message[len(str(path)) :]


BERT = {"type": "BertProcessing", "sep": ["</s>", 3], "cls": ["<s>", 4]}
ROBERTA = {**BERT, "type": "RobertaProcessing", "trim_offsets": True, "add_prefix_space": False}


def without(member: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in member.items() if key != name}


def split(**changes: object) -> dict[str, Any]:
    step = {"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Isolated", "invert": False}
    return {"type": "Sequence", "pretokenizers": [{**step, **changes}, BYTE_LEVEL]}


TOKENIZER_JSON = [
    ("version", 1.0, ": version must be a JSON string, found 1.0"),
    ("version", "2.0", " cannot be loaded exactly: version is '2.0', and only '1.0' is known"),
    ("model", GONE, ": model must be a JSON object, found nothing"),
    ("model", [], ": model must be a JSON object, found []"),
    ("model.type", 5, ": model.type must be a JSON string, found 5"),
    ("model.vocab", GONE, ": model.vocab must be a JSON object, found nothing"),
    ("model.vocab", {}, ": model.vocab is empty"),
    ("model.vocab", [["a", -1.5]], ": model.vocab must be a JSON object, found [['a', -1.5]]"),
    ("model.merges", GONE, ": model.merges must be a JSON array, found nothing"),
    ("model.merges", {"a": "b"}, ": model.merges must be a JSON array, found {'a': 'b'}"),
    *(
        (
            "model.vocab.a",
            number,
            f": model.vocab['a'] must be an id from 0 to 4294967295, found {number!r}",
        )
        for number in ("5", 5.0, True, -1, None, 2**32, [5])
    ),
    ("model.vocab.zz", 5, ": model.vocab has the id 5 twice: '&' and 'zz'"),
    ("model.merges.94", ["q", "zz"], ": model.merges[94] has 'zz', which is not in vocab"),
    ("model.merges.94", ["q"], ": model.merges[94] must be a pair, found ['q']"),
    ("model.merges.94", ["q", ["a"]], ": model.merges[94] must be a pair, found ['q', ['a']]"),
    ("model.merges.94", "q zz", ": model.merges[94] must be a pair, found 'q zz'"),
    ("model.merges", ["q zz"], ": model.merges[0] has 'zz', which is not in vocab"),
    ("model.merges", [7], ": model.merges[0] must be a pair, found 7"),
    ("pre_tokenizer", [], ": pre_tokenizer must be a JSON object, found []"),
    ("pre_tokenizer", LONG_KIND, " cannot be loaded exactly: pre_tokenizer is AAAA"),
    ("pre_tokenizer", LONG_SPLIT, " cannot be loaded exactly: pre_tokenizer"),
    ("normalizer", LONG_KIND, " cannot be loaded exactly: normalizer is AAAA"),
    ("post_processor", LONG_KIND, " cannot be loaded exactly: post_processor is AAAA"),
    (
        "pre_tokenizer.add_prefix_space",
        GONE,
        ": pre_tokenizer.add_prefix_space must be a JSON boolean, found nothing",
    ),
    ("pre_tokenizer", split(invert=None), ": pre_tokenizer.pretokenizers[0].invert must be a JSON"),
    *(
        (
            "pre_tokenizer",
            split(pattern={kind: "a" * 10_001}),
            " cannot be loaded exactly: pre_tokenizer.pretokenizers[0].pattern has 10,001 chara",
        )
        for kind in ("Regex", "String")
    ),
    *(
        (
            "post_processor",
            without(processor, option),
            f": post_processor.{option} must be a JSON boolean, found nothing",
        )
        for processor in (ROBERTA, BYTE_LEVEL)
        for option in ("trim_offsets", "add_prefix_space")
    ),
    (
        "post_processor",
        {**ROBERTA, "type": "BertProcessing"},
        " cannot be loaded exactly: post_processor has the options of RobertaProcessing, which",
    ),
    (
        "post_processor",
        {
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A"}, "SpecialToken": {"id": "<s>"}}],
            "special_tokens": {},
        },
        ": post_processor.single[0] is no part of a template: {'Sequence'",
    ),
    ("decoder", [], ": decoder must be a JSON object, found []"),
    ("decoder", {"type": 5}, ": decoder.type must be a JSON string, found 5"),
    ("decoder", LONG_KIND, " cannot be loaded exactly: decoder is AAAA"),
    ("decoder", {"type": "Sequence"}, ": decoder.decoders must be a JSON array, found nothing"),
    (
        "decoder",
        {"type": "Sequence", "decoders": [{"type": "Fuse"}, 7]},
        ": decoder.decoders[1] must be a JSON object, found 7",
    ),
    ("added_tokens", {}, ": added_tokens must be a JSON array, found {}"),
    ("added_tokens.0", 3, ": added_tokens[0] must be a JSON object, found 3"),
    ("added_tokens.0.id", "5", ": added_tokens[0].id must be a JSON integer, found '5'"),
    ("added_tokens.0.id", 7, " cannot be loaded exactly: added_tokens[0].id is 7, and tokenizers"),
    ("added_tokens.0.content", GONE, ": added_tokens[0].content must be a JSON string, found no"),
    ("added_tokens.0.content", "", " cannot be loaded exactly: added_tokens[0].content is empty"),
    ("added_tokens.0.lstrip", GONE, ": added_tokens[0].lstrip must be a JSON boolean, found no"),
]


@pytest.mark.parametrize(("path", "value", "expected"), TOKENIZER_JSON)
def test_a_part_of_a_tokenizer_json(
    path: str, value: object, expected: str, tmp_path: Path
) -> None:
    file = changed(model_json(added_tokens=added_tokens(SPECIAL)), path, value)
    assert message_about(file, tmp_path).startswith(expected)


def tekken() -> dict[str, Any]:
    tokens = [*(bytes([value]) for value in range(256)), b"ab"]
    return {
        "config": {
            "pattern": ".",
            "default_vocab_size": 259,
            "default_num_special_tokens": 2,
            "version": "v11",
        },
        "vocab": [
            {"rank": rank, "token_bytes": base64.b64encode(token).decode()}
            for rank, token in enumerate(tokens)
        ],
        "special_tokens": [{"rank": 0, "token_str": "<s>"}, {"rank": 1, "token_str": "</s>"}],
    }


COUNT = "config.default_num_special_tokens"
TEKKEN = [
    ("config", GONE, ": config must be a JSON object, found nothing"),
    ("config.pattern", GONE, ": config.pattern must be a JSON string, found nothing"),
    ("config.pattern", "a(", ": config.pattern: invalid split pattern 'a(': missing )"),
    ("config.pattern", "(" * 99_999, ": config.pattern: invalid split pattern '((("),
    (COUNT, 10**12, f": {COUNT} must be from 0 to 1,048,576, found 1000000000000"),
    (COUNT, -1, f": {COUNT} must be from 0 to 1,048,576, found -1"),
    ("config.version", 7, ": config.version must be a JSON string, found 7"),
    ("config.default_vocab_size", 10**12, ": config.default_vocab_size asks for 999,999,999,998"),
    ("config.default_vocab_size", 100, ": no token in vocab is the single byte 0x62"),
    ("vocab", GONE, ": vocab must be a JSON array, found nothing"),
    ("vocab.5", GONE, ": config.default_vocab_size asks for 257 tokens beside the special"),
    ("vocab.5", 7, ": vocab[5] must be a JSON object, found 7"),
    ("vocab.5.rank", "5", ": vocab[5].rank must be a JSON integer, found '5'"),
    ("vocab.5.rank", 9, ": vocab[5].rank must be 5, found 9"),
    *(
        (
            "vocab.5.token_bytes",
            bad,
            f": vocab[5].token_bytes must be one byte or more in base64, found {bad!r}",
        )
        for bad in ("é", "", "%%%", "AQ", "AQ==AQ==", "AR==", "A Q==", "AQ==\n")
    ),
    ("vocab.5.token_bytes", "AQ==", ": vocab[5] repeats the token b'\\x01'"),
    ("special_tokens.1.token_str", "<s>", ": special_tokens[1].token_str repeats '<s>'"),
    ("special_tokens.1.token_str", "", ": special_tokens[1].token_str is empty"),
    ("special_tokens.1.rank", 7, ": special_tokens must have the ranks 0 to 1, each once"),
    ("special_tokens", None, ": a tekken file of version 'v11' must list its special_tokens"),
]


@pytest.mark.parametrize(("path", "value", "expected"), TEKKEN)
def test_a_part_of_a_tekken_file(path: str, value: object, expected: str, tmp_path: Path) -> None:
    assert message_about(changed(tekken(), path, value), tmp_path).startswith(expected)


@pytest.mark.parametrize("version", ["v²", "v", "7", "v" + "9" * 100_000])
def test_the_version_of_a_tekken_file(version: str, tmp_path: Path) -> None:
    file = changed(changed(tekken(), "special_tokens", GONE), "config.version", version)
    assert message_about(file, tmp_path).startswith(": a tekken file of version 'v"[:-1])
    assert "must list its special_tokens" in message_about(file, tmp_path)


def test_ids_with_large_holes_take_no_memory(tmp_path: Path) -> None:
    file = model_json()
    file["model"]["vocab"]["the"] = 4_000_000_000
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(file))
    encoding = Encoding.from_file(path)
    assert 4_000_000_000 in encoding.encode("the")


CONFIG = [
    ('{"added_tokens_decoder": []}', ": added_tokens_decoder must be a JSON object, found []"),
    ('{"added_tokens_decoder": {"a": {"content": "x"}}}', ": added_tokens_decoder.a is no id"),
    ('{"added_tokens_decoder": {"07": {"content": "x"}}}', ": added_tokens_decoder.07 is no id"),
    ('{"added_tokens_decoder": {"4294967296": {"content": "x"}}}', ": added_tokens_decoder.42949"),
    ('{"added_tokens_decoder": {"%s": {}}}' % ("9" * 99_999), ": added_tokens_decoder.99999999"),
    ('{"added_tokens_decoder": {"300": 7}}', ": added_tokens_decoder.300 must be a JSON object"),
    ('{"added_tokens_decoder": {"300": {}}}', ": added_tokens_decoder.300.content must be a JSON"),
    ('{"added_tokens_decoder": {"300": {"content": ""}}}', ": added_tokens_decoder.300.content is"),
    (
        '{"added_tokens_decoder": {"300": {"content": "x"}, "301": {"content": "x"}}}',
        ": added_tokens_decoder.301.content is that of 300, too: 'x'",
    ),
    ('{"added_tokens_decoder": {"300": {}, "300": {}}}', ", line 1, column 38: no valid JSON: the"),
    ('{"added_tokens_decoder":\n', ", line 2, column 1: no valid JSON"),
    ("", ", line 1, column 1: no valid JSON: Expecting value, as in a file that is cut off. It is"),
    (
        "version https://git-lfs.github.com/spec/v1\n",
        ", line 1, column 1: no valid JSON: Expecting",
    ),
    ("[]", ": expected a JSON object, found a list"),
]


@pytest.mark.parametrize(("config", "expected"), CONFIG)
def test_a_tokenizer_config(config: str, expected: str, tmp_path: Path) -> None:
    lines = [f"{base64.b64encode(bytes([value])).decode()} {value}\n" for value in range(256)]
    (tmp_path / "tiktoken.model").write_text("".join(lines))
    path = tmp_path / "tokenizer_config.json"
    path.write_text(config)
    with pytest.raises(ValueError, match=r"tokenizer_config\.json") as caught:
        Encoding.from_file(tmp_path, pattern="kimi_k2")
    message = str(caught.value)
    assert message.startswith(f"{path}{expected}")
    assert len(message) < 400 + len(str(path))
