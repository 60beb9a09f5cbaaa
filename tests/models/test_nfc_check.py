"""NFC: a text is normalized only where it may change, and its other parts are encoded in place.

The oracles are Python's `unicodedata`, with characters later than Unicode 9.0 left alone, and
`tokenizers`.
"""

from __future__ import annotations

import random
import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import added_tokens, both, mixed_texts, model_json

from bpecore import Encoding
from bpecore._core import doubtful_stretches, doubtful_texts, encode_changed
from bpecore._models.nfc_classes import nfc_classes
from bpecore._models.normalizers import is_later, read_normalizers

NEVER, SECOND, FIRST = 63, 64, 128
STEP = read_normalizers({"type": "NFC"}, "here")[0]
MARKS = "\u0301\u0323\u0338\u0308\u093c\u09be\u0bbe\u3099\u0651\u064e\u0654\u1161\u11a8\u0345\u1ac0"
BASES = "aeA<中かकনொক\u0bc6\u09c7\u0627\u1100가각é\u1e69Å\u2126\u0344\u0f73\U0001d15e\U0002f800x \n"


def composed(text: str) -> str:
    """Returns a text in NFC, normalized between later characters."""
    found, stretch = [], ""
    for character in text:
        if is_later(character):
            found += [unicodedata.normalize("NFC", stretch), character]
            stretch = ""
        else:
            stretch += character
    return "".join([*found, unicodedata.normalize("NFC", stretch)])


def test_the_classes_are_those_of_unicode() -> None:
    characters = [
        chr(point)
        for point in range(0x110000)
        if not 0xD800 <= point < 0xE000 and not (point > 127 and is_later(chr(point)))
    ]
    firsts, seconds = {*map(chr, range(0x1100, 0x1113))}, {*map(chr, range(0x1161, 0x1176))}
    seconds |= {*map(chr, range(0x11A8, 0x11C3))}
    for character in characters:
        parts = unicodedata.decomposition(character).split()
        is_kept = unicodedata.normalize("NFC", character) == character
        if is_kept and len(parts) == 2 and not parts[0].startswith("<"):
            firsts.add(chr(int(parts[0], 16)))
            seconds.add(chr(int(parts[1], 16)))
    ranks = {
        number: place
        for place, number in enumerate(
            sorted({unicodedata.combining(character) for character in characters})
        )
    }
    classes = bytearray(0x110000)
    for character in characters:
        if unicodedata.normalize("NFC", character) != character:
            classes[ord(character)] = NEVER
            continue
        classes[ord(character)] = ranks[unicodedata.combining(character)]
        classes[ord(character)] |= SECOND * (character in seconds)
        is_composed = unicodedata.normalize("NFD", character) != character
        classes[ord(character)] |= FIRST * (character in firsts or is_composed)
    known = nfc_classes()
    assert [hex(point) for point in range(0x30000) if known[point] != classes[point]] == []
    assert not any(classes[0x30000:])


def test_every_pair_of_a_base_and_a_mark() -> None:
    classes = nfc_classes()
    firsts = [chr(point) for point in range(0x30000) if classes[point] & FIRST]
    bases = [*"x中ক\u0300\u0344", *(base for base in firsts if not "나" <= base <= "힣")]
    marks = [chr(point) for point in range(0x30000) if classes[point] & (NEVER | SECOND)]
    source = random.Random(1)
    for base in bases:
        for mark in source.sample(marks, 60):
            text = f"中{base}{mark}中"
            assert STEP.apply(text) == composed(text), ascii(text)


@settings(max_examples=500, deadline=None)
@given(text=st.text(st.sampled_from(MARKS * 2 + BASES + "\U00011935\U0001e5ee"), max_size=12))
def test_any_text_of_bases_and_marks(text: str) -> None:
    expected = composed(text)
    assert STEP.apply(text) == expected
    assert STEP.leaves is not None
    assert STEP.leaves(text) == (expected == text)
    far = "a" * 63 + "é" * 70 + text + "中" * 130
    assert STEP.apply(far) == composed(far)
    if expected != text:
        assert doubtful_texts(["plain", text, "é中", text], nfc_classes()) == [1, 3]


def test_texts_of_many_changes_are_normalized_as_a_whole() -> None:
    for text in ("e\u0301" * 5_000, "中\u0323\u0301 e\u0301" * 3_000, "e\u0301\u0323" * 999):
        assert STEP.apply(text) == unicodedata.normalize("NFC", text)
        assert STEP.leaves is not None
        assert not STEP.leaves(text)
    vowels = "தமிழ் மொழியில் க\u0bbe ন\u09be " * 2_000
    assert STEP.leaves is not None
    assert STEP.leaves(vowels)
    assert doubtful_stretches(vowels, nfc_classes(), 5) == []


def test_ordinary_texts_of_scripts_with_marks_are_not_doubtful() -> None:
    """Else each word of theirs would be looked at again."""
    for text in (
        "நீங்கள் எப்படி இருக்கிறீர்கள்",
        "আমি বাংলায় গান গাই".replace("\u09df", "য"),
        "मैं हिन्दी बोलता हूँ",
        "السَّلامُ عليكم".replace("\u0651\u064e", "\u064e\u0651"),
        "Tôi nói tiếng Việt",
        "한국어를 말합니다",
        "日本語のガイド",
        "ฉันพูดภาษาไทย",
        "Ελληνικά ή",
    ):
        assert doubtful_stretches(text, nfc_classes(), 5) == [], text


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[Encoding, Any]:
    pytest.importorskip("tokenizers", reason='pip install "bpecore[models-test]"')
    tokens = added_tokens(
        {"content": "<a>", "special": True}, {"content": "tool", "normalized": True}
    )
    file = model_json(normalizer={"type": "NFC"}, added_tokens=tokens)
    return both(file, tmp_path_factory.mktemp("model"))


def assert_encoded(model: tuple[Encoding, Any], text: str) -> None:
    ours, theirs = model
    expected = theirs.encode(text, add_special_tokens=False).ids
    assert ours.encode(text, allowed_special="all") == expected, ascii(text)
    assert ours.encode_to_numpy(text, allowed_special="all").tolist() == expected, ascii(text)
    assert ours.count(text, allowed_special="all") == len(expected)


def test_changes_next_to_each_other_and_to_tokens(model: tuple[Encoding, Any]) -> None:
    changes = [
        "e\u0301",
        "\u212b",
        "<a>\u0338",
        "x>\u0338",
        "tool\u0301",
        "A\u030a",
        "が",
        "\u0f73",
    ]
    between = ["", "a", " ", " the ", "中", " the quick fox " * 9, "<a>", " tool ", "中" * 80, "\n"]
    source = random.Random(2)
    for count in (1, 2, 3, 8):
        for _ in range(120):
            parts = [source.choice(between)]
            for _ in range(count):
                parts += [source.choice(changes), source.choice(between)]
            assert_encoded(model, "".join(parts))


def test_more_changes_than_are_replaced_one_by_one(model: tuple[Encoding, Any]) -> None:
    for count in (63, 64, 65, 1_000, 1_001):
        assert_encoded(model, "the quick e\u0301 fox " * count)


def test_mixed_texts(model: tuple[Encoding, Any]) -> None:
    for text in mixed_texts(5, 400):
        assert_encoded(model, text)


def test_a_changed_text_knows_all_options(model: tuple[Encoding, Any]) -> None:
    ours, _ = model
    text = "the quick e\u0301 fox, " * 3
    ids = ours.encode(text)
    assert ours.encode_to_numpy(text, append=5, dtype="int64").tolist() == [*ids, 5]
    assert ours.encode_to_numpy(text, num_threads=1).tolist() == ids
    with pytest.raises(ValueError, match="<a>"):
        ours.encode_to_numpy(f"{text}<a>")
    broken = f"{text}\ud800"
    assert ours.encode_to_numpy(broken).tolist() == ours.encode(broken)


def test_changes_out_of_order_are_refused(model: tuple[Encoding, Any]) -> None:
    core = model[0]._core_bpe
    for changes in ([(3, 2, "")], [(0, 99, "")], [(2, 3, ""), (1, 2, "")]):
        with pytest.raises(ValueError, match="in order"):
            encode_changed(core, "text", changes, set(), (), frozenset())
    kept = encode_changed(
        core, "some text", [(4, 9, " fox"), (9, 9, " it")], set(), (), frozenset()
    )
    assert np.asarray(kept).tolist() == core.encode_ordinary("some fox it")
