"""Normalizers: what `tokenizers` makes of every character, and of texts between added tokens."""

from __future__ import annotations

import random
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from small_models import added_tokens, both, first_difference, mixed_texts, model_json

from bpecore._models import normalizers
from bpecore._models.normalizers import read_normalizers
from bpecore.hf import Tokenizer

tokenizers = pytest.importorskip("tokenizers", reason='pip install "bpecore[models-test]"')

NORMALIZERS: dict[str, dict[str, Any]] = {
    **{form: {"type": form} for form in ("NFC", "NFD", "NFKC", "NFKD", "Lowercase")},
    "Strip": {"type": "Strip", "strip_left": True, "strip_right": True},
    "Strip left": {"type": "Strip", "strip_left": True, "strip_right": False},
    "Prepend": {"type": "Prepend", "prepend": "▁"},
    "Replace": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
    "StripAccents": {"type": "StripAccents"},
    "Nmt": {"type": "Nmt"},
    **{
        f"Replace {pattern}": {
            "type": "Replace",
            "pattern": {"Regex": pattern},
            "content": content,
        }
        for pattern, content in ((r"[ab]+|e\p{M}", "$0\\1"), (r" +", " "), (r"\s+(?!\S)", ""))
    },
    "decomposed, without accents": {
        "type": "Sequence",
        "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}],
    },
    "in sequence": {
        "type": "Sequence",
        "normalizers": [
            {"type": "NFKC"},
            {"type": "Lowercase"},
            {"type": "Replace", "pattern": {"String": "ab"}, "content": "é"},
        ],
    },
}
BLOCKS = [(0x300, 0x360), (0x591, 0x5C8), (0x898, 0x8E0), (0x1AB0, 0x1AF1), (0x1DF0, 0x1E00)]
MARKS = [chr(point) for block in BLOCKS for point in range(*block)]
BASES = [*"aAeEkKoO가각각<>=かガﾊ", "\u0915", "\u09c7", "\u1025", "\U00011131", "\U00011935"]


def both_normalizers(name: str) -> tuple[Any, Any]:
    import json

    file = json.dumps(model_json(normalizer=NORMALIZERS[name]))
    theirs = tokenizers.Tokenizer.from_str(file).normalizer.normalize_str
    steps = read_normalizers(NORMALIZERS[name], "here", all_kinds=True)

    def ours(text: str) -> str:
        for step in steps:
            text = step.apply(text)
        return text

    return ours, theirs


@pytest.mark.parametrize("name", NORMALIZERS)
def test_strings_of_bases_and_marks(name: str) -> None:
    ours, theirs = both_normalizers(name)
    source = random.Random(name)
    later = [chr(point) for point in (0x11930, 0x113C2, 0x16121, 0x1E5EE, 0x105D2, 0x1CCD6)]
    pool = [*MARKS, *BASES * 8, *later * 4, *" \u00a0\u2003\n ab ﬁ①ΑΣ İ"]
    for _ in range(4000):
        text = "".join(source.choices(pool, k=source.randrange(8)))
        assert ours(text) == theirs(text), ascii(text)


@pytest.mark.slow
@pytest.mark.parametrize("name", NORMALIZERS)
def test_every_character_alone_and_between_marks(name: str) -> None:
    ours, theirs = both_normalizers(name)
    for point in range(0x110000):
        if not 0xD800 <= point < 0xE000:
            character = chr(point)
            for text in (character, f"a\u0301{character}\u0334\u0307"):
                assert ours(text) == theirs(text), hex(point)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_nothing_before_a_border_changes_it(form: str) -> None:
    ours, theirs = both_normalizers(form)
    before = ["a", "e\u0301", "\u1100", "\u1100\u1161", "\u0915", "か", "\u09c7", "\u212a"]
    for first, last in normalizers._BORDERS:
        for point in range(first, last + 1, 1 if last < 0x4000 else 97):
            for text in before:
                joined = theirs(text + chr(point))
                assert joined == theirs(text) + theirs(chr(point)) == ours(text + chr(point))


@pytest.mark.parametrize("form", normalizers._PLAIN)
def test_plain_characters_stay_next_to_each_other(form: Any) -> None:
    joined = set(map(chr, [*range(0x1160, 0x1200), *range(0xD7B0, 0xD800)]))
    for point in range(0x110000):
        parts = unicodedata.decomposition(chr(point))
        if parts and not parts.startswith("<"):
            joined.update(chr(int(part, 16)) for part in parts.split()[1:])
    for item in normalizers._PLAIN[form].split():
        first, last = (int(part, 16) for part in item.split("-"))
        text = "".join(map(chr, range(first, last + 1)))
        assert not joined.intersection(text)
        text = "".join(normalizers._later_characters().split(text)[::2])
        assert unicodedata.is_normalized(form, text)
        assert not any(map(unicodedata.combining, text))


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_chunks_are_normalized_by_themselves(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = both_normalizers(form)
    for length in (1, 2, 3, 7):
        monkeypatch.setattr(normalizers, "_CHUNK", length)
        for text in mixed_texts(length, 1500):
            assert ours(text) == theirs(text)


@pytest.mark.parametrize("name", NORMALIZERS)
def test_a_text_that_is_said_to_be_left_is_left(name: str) -> None:
    ours, _ = both_normalizers(name)
    steps = read_normalizers(NORMALIZERS[name], "here", all_kinds=True)
    for text in mixed_texts(9, 2000):
        if all(step.leaves and step.leaves(text) for step in steps):
            for start in range(len(text)):
                assert ours(text[start:]) == text[start:]


@pytest.mark.parametrize("name", NORMALIZERS)
@pytest.mark.parametrize("prefix_space", [False, True])
def test_ids_with_added_tokens_between(name: str, prefix_space: bool, tmp_path: Path) -> None:
    tokens = added_tokens(
        {"content": "<a>"}, {"content": "tool", "normalized": True}, {"content": "<K>"}
    )
    file = model_json(normalizer=NORMALIZERS[name], added_tokens=tokens)
    file["pre_tokenizer"] = {**file["pre_tokenizer"], "add_prefix_space": prefix_space}
    ours, theirs = both(file, tmp_path)
    texts = [*mixed_texts(10, 400), "<tool>\u0338", "<a>\u0338", "<a> <a>", " ", "", "<\u212a>"]
    assert first_difference(ours, theirs, texts) is None


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"a*", "a pattern that can match the empty string"),
        (r"\b", "a pattern that can match the empty string"),
        (r"\h", r"normalizer\.pattern has \\h at character 0"),
        (r"a{", "normalizer.pattern"),
        (r"\d+\.?\d+", "otherwise than Oniguruma"),
    ],
)
def test_patterns_that_are_refused(pattern: str, reason: str) -> None:
    value = {"type": "Replace", "pattern": {"Regex": pattern}, "content": ""}
    with pytest.raises(ValueError, match=reason):
        read_normalizers(value, "here", all_kinds=True)


def test_what_has_no_places_is_refused_by_the_interface_of_tokenizers(tmp_path: Path) -> None:
    ours, _ = both(model_json(normalizer={"type": "StripAccents"}), tmp_path)
    assert ours.encode("e\u0301") == ours.encode("e")
    with pytest.raises(ValueError, match="normalizer is StripAccents, which is not known exactly"):
        Tokenizer.from_file(str(tmp_path / "tokenizer.json"))


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"type": "Nmt"}, "normalizer is Nmt, which is not known exactly"),
        ({"type": "BertNormalizer"}, "normalizer is BertNormalizer"),
        ({"type": "StripAccents"}, "normalizer is StripAccents"),
        (
            {"type": "Replace", "pattern": {"Regex": "a+"}, "content": ""},
            "normalizer replaces {'Regex': 'a\\+'}, which is not known",
        ),
        ({"type": "Prepend", "prepend": ""}, "prepend is empty: tokenizers doubles a character"),
        ({"type": "Prepend"}, r"normalizer\.prepend must be a JSON string, found nothing"),
        (
            {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Nmt"}]},
            r"normalizer\.normalizers\[1\] is Nmt",
        ),
        ("NFC", "normalizer must be a JSON object, found 'NFC'"),
    ],
)
def test_other_normalizers_are_refused(value: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_normalizers(value, "here")


@pytest.mark.parametrize("name", ["NFC", "Lowercase"])
def test_a_newer_unicode_than_is_known_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(normalizers.unicodedata, "unidata_version", "19.0.0")
    with pytest.raises(ValueError, match=r"this Python's Unicode 19\.0\.0 is newer than is known"):
        read_normalizers(NORMALIZERS[name], "here")
