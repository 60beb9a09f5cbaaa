"""Batches in which some texts are plain, some are normalized first, and some hold added tokens."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import added_tokens, mixed_texts, model_json

from bpecore import Encoding
from bpecore._core import texts_with_others
from bpecore._models.normalizers import character_set

NORMALIZERS: list[Any] = [
    {"type": "NFC"},
    {"type": "NFKC"},
    {"type": "Lowercase"},
    {"type": "Prepend", "prepend": "a"},
    {"type": "Replace", "pattern": {"String": "tool"}, "content": "<a>"},
    {"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "Lowercase"}]},
]
ALLOWED: list[Any] = [{}, {"allowed_special": "all"}, {"disallowed_special": ()}]


@pytest.mark.parametrize("normalizer", NORMALIZERS, ids=str)
@pytest.mark.parametrize("prefix_space", [False, True])
def test_batches_are_their_texts(normalizer: Any, prefix_space: bool, tmp_path: Path) -> None:
    tokens = added_tokens(
        {"content": "<a>", "special": True}, {"content": "tool", "normalized": True}
    )
    file = model_json(normalizer=normalizer, added_tokens=tokens)
    file["pre_tokenizer"] = {**file["pre_tokenizer"], "add_prefix_space": prefix_space}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(file), encoding="utf-8")
    encoding = Encoding.from_file(path)
    texts = [*mixed_texts(3, 150), "", "A\u030a", "\ud800", "e\u0301\udfff", "plain ascii"]
    ordinary = [encoding.encode_ordinary(text) for text in texts]
    assert encoding.encode_ordinary_batch(texts) == ordinary
    for special in ALLOWED:
        allowed = [text for text in texts if special or "<a>" not in text]
        if special == {}:
            allowed = [text for text in allowed if "<a>" not in text.replace("tool", "<a>")]
        expected = [encoding.encode(text, **special) for text in allowed]
        assert encoding.encode_batch(allowed, **special) == expected
        assert encoding.count_batch(allowed, **special) == [*map(len, expected)]
        for end in ([], [7]):
            options = {**special, "append": end[0]} if end else special
            ids, offsets = encoding.encode_batch_to_numpy(allowed, **options)
            rows = [[*one, *end] for one in expected]
            assert ids.tolist() == [*itertools.chain(*rows)]
            assert offsets.tolist() == np.cumsum([0, *map(len, rows)]).tolist()
            assert ids.dtype == np.uint32


def test_errors_name_the_text(tmp_path: Path) -> None:
    tokens = added_tokens({"content": "<a>", "special": True})
    path = tmp_path / "tokenizer.json"
    path.write_text(
        json.dumps(model_json(normalizer={"type": "NFC"}, added_tokens=tokens)), "utf-8"
    )
    encoding = Encoding.from_file(path)
    for bad in ("b <a>", "e\u0301 <a>"):
        for method in ("encode_batch", "encode_batch_to_numpy", "count_batch"):
            with pytest.raises(ValueError, match=r"at index 2: .*<a>"):
                getattr(encoding, method)(["x", "e\u0301", bad])
    with pytest.raises(TypeError, match="NoneType"):
        encoding.encode_batch(["e\u0301", None])  # type: ignore[list-item]


@pytest.mark.parametrize("member", ["a", "é", "中", "\U0001f600"])
@pytest.mark.parametrize("other", ["b", "ÿ", "丮", "\U0010ffff"])
def test_other_characters_are_found_anywhere(member: str, other: str) -> None:
    members = character_set(f"{ord(member):X}")
    assert len(members) == 0x110000 // 8
    for length in (1, 7, 255, 256, 257, 600):
        text = member * length
        texts = [other.join([text[:place], text[place + 1 :]]) for place in {0, length - 1}]
        assert texts_with_others([text, *texts, "", None], members) == [*range(1, len(texts) + 1)]
        assert texts_with_others([text], character_set(f"{ord(other):X}", others=True)) == []
    with pytest.raises(ValueError, match="139264 bytes, not 3"):
        texts_with_others([], b"abc")


def test_ascii_is_no_exception() -> None:
    assert texts_with_others(["abc", "abz", "é"], character_set("0-79")) == [1, 2]
    assert texts_with_others(["abc", "abz", "é"], character_set("0-7F")) == [2]
