"""Added tokens: every option, alone and together, as `tokenizers` finds them."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest
from hf_pairs import pair_of
from small_models import added_tokens, both, first_difference, mixed_texts, model_json

from bpecore import Encoding
from bpecore._models.added_tokens import are_found_at_once
from bpecore._models.parts import AddedToken

OPTIONS = ("single_word", "lstrip", "rstrip", "normalized", "special")
CONTENTS = ["<a>", "<ab>", "b>", "  ", "tool", "<K>", "e\u0301", "Å", "k", "a b"]
NORMALIZERS = [None, {"type": "NFC"}, {"type": "NFKC"}, {"type": "Lowercase"}]


@pytest.mark.parametrize("chosen", list(itertools.product((False, True), repeat=5)))
def test_each_set_of_options(chosen: tuple[bool, ...], tmp_path: Path) -> None:
    options = dict(zip(OPTIONS, chosen))
    tokens = added_tokens({"content": "<a>", **options}, {"content": "tool", **options})
    for normalizer in NORMALIZERS:
        ours, theirs = both(model_json(added_tokens=tokens, normalizer=normalizer), tmp_path)
        assert first_difference(ours, theirs, mixed_texts(4, 120)) is None


@pytest.mark.parametrize("seed", range(40))
def test_tokens_with_different_options_that_overlap(seed: int, tmp_path: Path) -> None:
    source = random.Random(seed)
    entries = [
        {"content": content, **{name: source.random() < 0.3 for name in OPTIONS}}
        for content in source.sample(CONTENTS, 5)
    ]
    file = model_json(added_tokens=added_tokens(*entries), normalizer=source.choice(NORMALIZERS))
    ours, theirs = both(file, tmp_path)
    texts = mixed_texts(seed, 200, [*CONTENTS, " ", "a", "b", "é", ">", "<", "A", "\u212a", "\n"])
    assert first_difference(ours, theirs, texts) is None


@pytest.mark.parametrize("normalizer", [None, {"type": "NFC"}])
def test_special_tokens_must_be_allowed_and_others_need_not(
    normalizer: object, tmp_path: Path
) -> None:
    tokens = added_tokens({"content": "<s>", "special": True}, {"content": "<a>"})
    ours, theirs = both(model_json(added_tokens=tokens, normalizer=normalizer), tmp_path)
    text = "é<a> <s>e\u0301<a>"
    everything = theirs.encode(text, add_special_tokens=False).ids
    assert ours.encode(text, allowed_special="all") == everything
    assert ours.encode(text, allowed_special={"<s>"}) == everything
    theirs.encode_special_tokens = True
    as_text = theirs.encode(text, add_special_tokens=False).ids
    assert ours.encode_ordinary(text) == as_text
    assert ours.encode(text, disallowed_special=()) == as_text
    assert ours.ordinary.encode(text) == as_text
    assert ours.ordinary.encode(text, allowed_special={"<s>"}) == as_text
    assert ours.special_tokens_set == {"<s>"}
    with pytest.raises(ValueError, match="<s>"):
        ours.encode(text)
    with pytest.raises(ValueError, match="<s>"):
        ours.encode(text.replace("e\u0301", "é"))
    assert ours.encode("<a>") == [tokens[1]["id"]]


@pytest.mark.parametrize(
    ("special", "other"),
    [("<e><e>", "<e>"), ("<s>a", "a>"), ("<s>ab", "b"), ("a<s", "<s>"), ("<s>", "<s>x")],
)
def test_a_special_token_that_is_not_allowed_hides_what_begins_in_it(
    special: str, other: str, tmp_path: Path
) -> None:
    tokens = added_tokens({"content": special, "special": True}, {"content": other})
    ours, theirs = both(model_json(added_tokens=tokens), tmp_path)
    theirs.encode_special_tokens = True
    for text in mixed_texts(7, 200, [special, other, *special, *other, " the", "é"]):
        ids = theirs.encode(text, add_special_tokens=False).ids
        assert ours.encode_ordinary(text) == ids, text
        assert ours.encode(text, disallowed_special=()) == ids, text
        assert ours.encode_to_numpy(text, disallowed_special=()).tolist() == ids, text


def test_decoding_leaves_out_special_tokens_alone(tmp_path: Path) -> None:
    tokens = added_tokens({"content": "<s>", "special": True}, {"content": "<a>"})
    ours, theirs = both(model_json(added_tokens=tokens), tmp_path)
    ids = ours.encode("the<s><a>", allowed_special="all")
    assert ours.decode(ids) == "the<s><a>"
    assert ours.decode(ids, skip_special=True) == "the<a>"
    assert theirs.decode(ids, skip_special_tokens=True) == "the<a>"
    assert ours.encode_single_token("<a>") == tokens[1]["id"]
    assert ours.n_vocab == tokens[1]["id"] + 1


@pytest.mark.parametrize(
    ("tokens", "at_once"),
    [
        ([("<a>", False), ("<b>", True)], True),
        ([("<a>", False), ("<a>b", True)], False),
        ([("b<a>", False), ("<a>", True)], True),
        ([("<a>", False), ("x<a>y", True)], False),
        ([("<a>", False), ("x<", True)], False),
        ([(">x", False), ("<a>", True)], False),
        ([("a<", False), ("<a>", True)], True),
    ],
)
def test_when_one_search_is_enough(tokens: list[tuple[str, bool]], at_once: bool) -> None:
    made = [
        AddedToken(content, number, False, normalized, False, False, False)
        for number, (content, normalized) in enumerate(tokens)
    ]
    assert are_found_at_once(made) is at_once


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": 5}, r"added_tokens\[0\]\.id is 5, and tokenizers gives '<a>' the id"),
        ({"id": "5"}, r"added_tokens\[0\]\.id must be a JSON integer, found '5'"),
        ({"content": ""}, r"added_tokens\[0\]\.content is empty"),
        ({"special": None}, r"added_tokens\[0\]\.special must be a JSON boolean, found nothing"),
    ],
)
def test_faulty_added_tokens(changes: dict[str, object], reason: str, tmp_path: Path) -> None:
    entry = {**added_tokens({"content": "<a>"})[0], **changes}
    with pytest.raises(ValueError, match=reason):
        load(model_json(added_tokens=[entry]), tmp_path)


def test_a_token_that_is_there_twice(tmp_path: Path) -> None:
    entry = added_tokens({"content": "<a>"})[0]
    with pytest.raises(ValueError, match=r"added_tokens\[1\]\.content is there before: '<a>'"):
        load(model_json(added_tokens=[entry, entry]), tmp_path)


@pytest.mark.parametrize(
    ("contents", "normalizer", "reason"),
    [
        (["TOOL", "x", "tooL"], {"type": "Lowercase"}, r"\[2\]\.content is 'tooL'.* of 'TOOL'"),
        (["e\u0301", "é"], {"type": "NFC"}, r"\[1\]\.content is 'é', and its normalizer makes the"),
        (["\u0301"], {"type": "StripAccents"}, r"\[0\]\.content is .*, and its normalizer removes"),
    ],
)
def test_tokens_that_a_normalizer_makes_the_same(
    contents: list[str], normalizer: object, reason: str, tmp_path: Path
) -> None:
    """`tokenizers` finds one of them, by chance."""
    tokens = [{"content": content, "normalized": True} for content in contents]
    file = model_json(added_tokens=added_tokens(*tokens), normalizer=normalizer)
    with pytest.raises(ValueError, match=r"tokenizer\.json cannot be .*: added_tokens" + reason):
        load(file, tmp_path)
    for entry in file["added_tokens"][:-1]:
        entry["normalized"] = False
    if len(contents) > 1:
        assert load(file, tmp_path).encode(contents[-1]) == [file["added_tokens"][-1]["id"]]


def test_an_id_in_a_gap_that_ends_at_a_token_of_the_model(tmp_path: Path) -> None:
    file = model_json()
    vocab = file["model"]["vocab"]
    first = len(vocab)
    vocab["the quick"] = first + 1
    entries = [{**added_tokens({"content": "<a>"})[0], "id": first + 1}]
    with pytest.raises(ValueError, match=r"\[0\]\.id is \d+, as that of the model's 'the quick'"):
        load({**file, "added_tokens": entries}, tmp_path)
    vocab["the tool"] = first + 2
    ours, _ = pair_of(file)
    with pytest.raises(ValueError, match=r"cannot add '<a>': its id would be \d+, as that of"):
        ours.add_tokens(["<a>"])


def test_ids_of_new_tokens_where_the_model_has_gaps(tmp_path: Path) -> None:
    file = model_json()
    vocab = file["model"]["vocab"]
    count = len(vocab) + 1
    vocab["the quick"] = count + 900
    contents = ("<a>", "the quick", "b>")
    ids = (count, count + 900, count + 1)
    entries = [
        {**added_tokens({"content": content})[0], "id": number}
        for content, number in zip(contents, ids)
    ]
    ours, theirs = pair_of({**file, "added_tokens": entries})
    for tokenizer in (ours, theirs):
        tokenizer.add_tokens(["<new>", "b>", "<newer>"])
        assert [*map(tokenizer.token_to_id, contents)] == [*ids]
        assert tokenizer.token_to_id("<newer>") == count + 902
    entries[2]["id"] = count + 901
    with pytest.raises(ValueError, match=rf"gives 'b>' the id {count + 1}"):
        load({**file, "added_tokens": entries}, tmp_path)


@pytest.mark.parametrize("content", [" ", "  ", "<a>"])
@pytest.mark.parametrize("text", [" ", "<a>", " <a> "])
def test_many_tokens_take_linear_time(content: str, text: str, tmp_path: Path) -> None:
    options = {"lstrip": True, "rstrip": True}
    ours = load(model_json(added_tokens=added_tokens({"content": content, **options})), tmp_path)
    assert len(ours.encode(text * 200_000)) <= 1_200_000


def test_a_token_that_is_very_long(tmp_path: Path) -> None:
    long = added_tokens({"content": "ab" * 50_000}, {"content": "b" * 50_000, "normalized": True})
    ours = load(model_json(added_tokens=long), tmp_path)
    assert ours.encode("ab" * 50_000) == [long[0]["id"]]


def load(file: dict[str, object], folder: Path) -> Encoding:
    import json

    path = folder / "tokenizer.json"
    path.write_text(json.dumps(file), encoding="utf-8")
    return Encoding.from_file(path)
