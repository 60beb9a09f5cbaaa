"""A folder with `vocab.json` and `merges.txt` and no tokenizer.json, such as those of GPT-2.

The two files say nothing about splits, normalizers and added tokens; the class and the other
members of the folder's `tokenizer_config.json` do. They are made into the tokenizer.json that
`transformers` 5 makes of them, which is then read like any other.
"""

from __future__ import annotations

import json
import os
from typing import Any

from bpecore._models.errors import refusal
from bpecore._models.folder_config import CONFIG
from bpecore._models.json_files import member, parse_json
from bpecore._models.kept_models import (
    LoadedModel,
    keep_model,
    kept_model_path,
    kept_models_folder,
    read_kept_model,
)
from bpecore._models.presets import PATTERNS
from bpecore._models.reading import without_collections
from bpecore._models.recognition import read_bounded
from bpecore._models.tokenizer_json import read_tokenizer_json

VOCAB = "vocab.json"
MERGES = "merges.txt"
KIND = "vocab.json and merges.txt"

_NAMED = ("bos", "eos", "unk", "sep", "pad", "cls", "mask")
_END: dict[str, str | None] = dict.fromkeys(("bos", "eos", "unk"), "<|endoftext|>")
_ROBERTA: dict[str, str | None] = {
    "bos": "<s>",
    "eos": "</s>",
    "unk": "<unk>",
    "sep": "</s>",
    "pad": "<pad>",
    "cls": "<s>",
    "mask": "<mask>",
}
_NAMES: dict[str, dict[str, str | None]] = {
    "GPT2": _END,
    "Roberta": _ROBERTA,
    "Qwen2": {**_END, "bos": None, "pad": "<|endoftext|>"},
}
"""The special tokens that a class has unless the folder names others."""
_ID_DIGITS = 10  # of the highest id, 2**32 - 1
_OPTIONS = ("single_word", "lstrip", "rstrip", "normalized", "special")


@without_collections()
def read_folder(vocab_file: str, pattern: str | None, special_tokens: Any) -> LoadedModel:
    """Reads the model of a folder.

    Args:
        vocab_file: the folder's vocab.json.
        pattern: the split pattern that was given, which takes the place of the model's.
        special_tokens: those that were given; None: those of the folder.

    Raises:
        ValueError: a file is invalid, or could not be reproduced exactly, or nothing says how
            texts are split.
        OSError: a file cannot be read.
    """
    folder = os.path.dirname(vocab_file)
    vocab, merges, config = (_contents(folder, name) for name in (VOCAB, MERGES, CONFIG))
    assert vocab is not None
    path = os.path.join(folder, CONFIG)
    members = {} if config is None else parse_json(config, path)
    kind = _class_of(members, path)
    if kind is None and pattern is None:
        said = repr(members.get("tokenizer_class"))[:60] if config is not None else "missing"
        raise refusal(
            folder,
            f"it has vocab.json and merges.txt, which do not say how texts are split; the class in "
            f"{CONFIG}, which may be GPT2Tokenizer, RobertaTokenizer or Qwen2Tokenizer, is {said}. "
            "Pass pattern=, a regular expression or the name of a model such as 'gpt2'",
        )
    ids = parse_json(vocab, vocab_file)
    outline = _outline(kind, members, path)
    if special_tokens is None:
        tokens = _added_tokens(folder, kind, members, path)
    else:
        by_id = sorted(special_tokens, key=special_tokens.__getitem__)
        tokens = [{"id": special_tokens[content], **_special(content)} for content in by_id]
    following = len(ids)
    for token in tokens:
        expected = ids.get(token["content"], following)
        following += expected == following
        token.setdefault("id", expected)
    if kind is not None and special_tokens is None:
        outline["post_processor"] = _post_processor(kind, members, ids, tokens, path)
    outline["added_tokens"] = tokens
    kept_in = kept_models_folder()
    kept = None
    if kept_in:
        rest = json.dumps(outline).encode()
        kept = kept_model_path(kept_in, b"\0".join([vocab, merges or b"", rest]))
        found = read_kept_model(kept)
        if found is not None:
            return found
    outline["model"] = {
        "type": "BPE",
        "vocab": ids,
        "merges": _pairs(merges, os.path.join(folder, MERGES)),
    }
    vocabulary, parts = read_tokenizer_json(outline, folder)
    model = LoadedModel(KIND, vocabulary, parts.plain())
    if kept:
        keep_model(kept, model)
    return model


def _contents(folder: str, name: str) -> bytes | None:
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return read_bounded(file)
    except FileNotFoundError:
        if name == CONFIG:
            return None
        raise


def _class_of(config: dict[str, Any], path: str) -> str | None:
    """Returns the class of a folder's tokenizer without "Tokenizer"; None if it is not known."""
    name = member(config, "tokenizer_class", str, path, default=None) or ""
    for suffix in ("TokenizerFast", "Tokenizer"):
        if name.endswith(suffix) and name[: -len(suffix)] in _NAMES:
            return str(name[: -len(suffix)])
    return None


def _outline(kind: str | None, config: dict[str, Any], path: str) -> dict[str, Any]:
    """Returns the members of a tokenizer.json that depend on a class alone."""
    prefix = bool(member(config, "add_prefix_space", bool, path, default=None))
    letters = {"type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": True}
    decoder = {**letters, "use_regex": True}
    if kind != "Qwen2":
        return {"pre_tokenizer": decoder, "decoder": decoder}
    regex = {"Regex": PATTERNS["qwen2"].pattern}
    split = {"type": "Split", "pattern": regex, "behavior": "Isolated", "invert": False}
    steps = [split, {**letters, "use_regex": False}]
    return {
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps},
        "decoder": decoder,
    }


def _special(content: str) -> dict[str, Any]:
    return {"content": content, **dict.fromkeys(_OPTIONS, False), "special": True}


def _names(kind: str | None, config: dict[str, Any], path: str) -> dict[str, Any]:
    """Returns the special tokens that have names, as they are written."""
    names: dict[str, Any] = {**_NAMES.get(kind or "", {})}
    for name in _NAMED:
        if f"{name}_token" in config:
            names[name] = member(config, f"{name}_token", (str, dict), path, default=None)
    return {name: names[name] for name in _NAMED if names.get(name) is not None}


def _content(written: Any, place: str, path: str) -> str:
    if isinstance(written, dict):
        return str(member(written, f"{place}.content", str, path))
    return str(written)


def _added_tokens(
    folder: str, kind: str | None, config: dict[str, Any], path: str
) -> list[dict[str, Any]]:
    """Returns the entries of a tokenizer.json, without ids where the folder does not say them."""
    found: dict[str, dict[str, Any]] = {}
    listed = member(config, "added_tokens_decoder", dict, path, default={})
    for number, entry in sorted(listed.items(), key=lambda item: item[0].zfill(20)):
        place = f"added_tokens_decoder.{number}"
        if not number.isascii() or not number.isdigit() or len(number) > _ID_DIGITS:
            raise ValueError(f"{path}: {place:.99} is no id")
        found[_content(entry, place, path)] = {"id": int(number), **_entry(entry, place, path)}
    others = [(f"{name}_token", token) for name, token in _names(kind, config, path).items()]
    for place in ("additional_special_tokens", "extra_special_tokens"):
        extra = member(config, place, (list, dict), path, default=[]) or []
        values = extra.values() if isinstance(extra, dict) else extra
        others += [(f"{place}[{number}]", token) for number, token in enumerate(values)]
    for place, token in others:
        if not isinstance(token, (str, dict)):
            raise ValueError(f"{path}: {place} must be a token, found {token!r:.60}")
        content = _content(token, place, path)
        known = found.setdefault(content, _entry(token, place, path))
        known["special"] = True
    if kind == "Qwen2":
        for content, entry in found.items():
            if entry["special"] and any(entry[option] for option in _OPTIONS[:4]):
                raise refusal(path, f"the special token {content!r:.60} has options")
    for name in ("added_tokens.json", "special_tokens_map.json"):
        _require_covered(os.path.join(folder, name), found)
    return [*found.values()]


def _entry(written: Any, place: str, path: str) -> dict[str, Any]:
    if isinstance(written, str):
        return _special(written)
    if not isinstance(written, dict):
        raise ValueError(f"{path}: {place} must be a JSON object, found {written!r:.60}")
    special = member(written, f"{place}.special", bool, path, default=False)
    entry = {"content": _content(written, place, path)}
    for option in _OPTIONS:
        default = not special if option == "normalized" else False
        entry[option] = member(written, f"{place}.{option}", bool, path, default=default)
    return entry


def _require_covered(file: str, found: dict[str, Any]) -> None:
    """Refuses a file of earlier versions of `transformers` with tokens that are nowhere else."""
    if not os.path.exists(file):
        return
    with open(file, "rb") as opened:
        members = parse_json(read_bounded(opened), file)
    if file.endswith("added_tokens.json"):
        tokens = [*members]
    else:
        values = [
            one
            for value in members.values()
            for one in (value if isinstance(value, list) else [value])
        ]
        tokens = [_content(value, "token", file) for value in values if value is not None]
    missing = next((token for token in tokens if token not in found), None)
    if missing is not None:
        raise refusal(
            file, f"{missing!r:.60} is not in {CONFIG}: pass special_tokens=, which is all of them"
        )


def _post_processor(
    kind: str, config: dict[str, Any], ids: dict[str, int], tokens: list[Any], path: str
) -> dict[str, Any] | None:
    """Returns the member of that name: what the class puts around texts."""
    known = {**ids, **{token["content"]: token["id"] for token in tokens}}
    names = {
        name: _content(written, f"{name}_token", path)
        for name, written in _names(kind, config, path).items()
    }
    adds = {
        name: member(config, f"add_{name}_token", bool, path, default=None) and name in names
        for name in ("bos", "eos")
    }
    if kind == "Roberta":
        for name in ("sep", "cls"):
            if name not in names:
                raise refusal(path, f"{name}_token is missing, which is put around texts")
        ends = {name: [names[name], known[names[name]]] for name in ("sep", "cls")}
        # `trim_offsets` changes no ids.
        return {"type": "RobertaProcessing", **ends, "trim_offsets": True, "add_prefix_space": True}
    if not any(adds.values()):
        return None

    def template(letter: str, type_id: int) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = [{"Sequence": {"id": letter, "type_id": type_id}}]
        if adds["bos"]:
            parts.insert(0, {"SpecialToken": {"id": names["bos"], "type_id": type_id}})
        if adds["eos"]:
            parts.append({"SpecialToken": {"id": names["eos"], "type_id": type_id}})
        return parts

    used = {names[name] for name, is_added in adds.items() if is_added}
    return {
        "type": "TemplateProcessing",
        "single": template("A", 0),
        "pair": template("A", 0) + template("B", 1),
        "special_tokens": {
            token: {"id": token, "ids": [known[token]], "tokens": [token]} for token in used
        },
    }


def _pairs(contents: bytes | None, path: str) -> list[str]:
    """Returns the lines of a merges.txt without those that begin with `#version`.

    Raises:
        ValueError: a line is not two tokens with a blank between them.
    """
    try:
        text = (contents or b"").decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is no UTF-8 text: byte {error.start} is wrong") from None
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    lines = [line[:-1] if line.endswith("\r") else line for line in lines]
    for number, line in enumerate(lines, 1):
        if line.count(" ") != 1 and not line.startswith("#version"):
            raise ValueError(
                f"{path}, line {number}: expected two tokens with a blank between them, found "
                f"{line!r:.60}"
            )
    return [line for line in lines if not line.startswith("#version")]
