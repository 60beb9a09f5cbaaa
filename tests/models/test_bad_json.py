"""JSON that is damaged or hostile: one error with the file, the line and the column."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpecore import Encoding
from bpecore._models.json_faults import first_fault, lone_surrogate
from bpecore._models.json_files import parse_json

DEEP = b'{"x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"

BAD = {
    "cut": (b'{"model": {"vocab": {"a": 1,\n', "line 2, column 1", "as in a file that is cut off"),
    "cut in a string": (b'{"model": "BP', "line 1, column 11", "as in a file that is cut off"),
    "cut in an escape": (b'{"model": "\\u12', "line 1, column 1", "as in a file that is cut off"),
    "more follows": (b'{"a": 1}\n{"a": 1}', "line 2, column 1", "Extra data"),
    "a key twice": (
        b'{"model": {"b": {"a": 1},\n "c": {"a": 1, "b": "\\"a\\":", "\\u0061": 2}}}',
        "line 2, column 31",
        "the key 'a' is there twice",
    ),
    "NaN": (b'{"a": "NaN",\n"b": NaN}', "line 2, column 6", "NaN is no number"),
    "infinity": (b'{"a": [0, -Infinity]}', "line 1, column 11", "-Infinity is no number"),
    "digits": (b'{"a": "x",\n"b": ' + b"9" * 1_000_000 + b"}", "line 2, column 6", "1,000,000 dig"),
    "depth": (DEEP, "line 1, column 134", "nested more than 128 deep"),
    "half a pair": (
        b'{"a": "\\\\ud800 \\ud800x"}',
        "line 1, column 16",
        "half of a surrogate pair",
    ),
    "a control character": (b'{"a": "\n"}', "line 1, column 8", "Invalid control character"),
    "no UTF-8": (b'{"a": "\xff"}', "byte 7", "no UTF-8"),
    "UTF-16": ('{"a": 1}'.encode("utf-16-le"), "line 1, column 2", "It looks like UTF-16 text"),
}


@pytest.mark.parametrize("name", BAD)
def test_the_error_has_the_place(name: str, tmp_path: Path) -> None:
    contents, place, what = BAD[name]
    file = tmp_path / "tokenizer.json"
    file.write_bytes(contents)
    with pytest.raises(ValueError, match=r"tokenizer\.json") as caught:
        Encoding.from_file(file)
    message = str(caught.value)
    assert message.startswith(f"{file}, {place}")
    assert what in message
    assert len(message) < 400 + len(str(file))


OTHERS = {
    "a server's answer": ({"error": "not found"}, "it has error, as the answer of a server"),
    "a config": ({"model_type": "x"}, "as the config.json of a model"),
    "a tokenizer's config": ({"tokenizer_class": "x"}, "the vocabulary is in a file beside it"),
    "weights": ({"metadata": {}, "weight_map": {}}, "as the index of a model's weights"),
    "a vocabulary without merges": (
        {"error": 300, **{str(i): i for i in range(300)}},
        "as a vocab.json, whose",
    ),
    "nothing": ({}, "it has no keys"),
    "long keys": ({"x" * 5000: 1}, "it has xxxxxxxx"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_other_json_is(name: str, tmp_path: Path) -> None:
    contents, what = OTHERS[name]
    file = tmp_path / "some.json"
    file.write_text(json.dumps(contents))
    with pytest.raises(ValueError, match=r"is JSON, but neither a tokenizer\.json nor a") as caught:
        Encoding.from_file(file)
    assert what in str(caught.value)
    assert len(str(caught.value)) < 300 + len(str(file))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**28), 10**28)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON), st.booleans())
def test_sound_json_is_read(value: dict[str, object], escaped: bool) -> None:
    written = json.dumps(value, ensure_ascii=escaped)
    assert first_fault(written) is None
    assert lone_surrogate(written) is None
    assert parse_json(b"\xef\xbb\xbf" + written.encode(), "here") == value


@given(st.text(st.sampled_from("a\\\ud800\udc00\U0001f600u"), max_size=6))
def test_halves_of_pairs_are_found(text: str) -> None:
    """Only escaped ones can be in a file."""
    is_whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    written = json.dumps({"a": text}).encode()
    if "\ufffd" in is_whole:
        with pytest.raises(ValueError, match="half of a surrogate pair"):
            parse_json(written, "here")
    else:
        assert parse_json(written, "here") == {"a": is_whole}
