"""Files with everything at random: the ids and places of `tokenizers`, or a refusal."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hf_pairs import columns
from made_up_files import made_up_file, made_up_texts

from bpecore import Encoding
from bpecore.hf import Tokenizer

tokenizers = pytest.importorskip("tokenizers", reason='pip install "bpecore[models-test]"')

# Files of a test, and texts for each.
FILES, TEXTS = 12, 10


def result(call: Any, *arguments: Any, **options: Any) -> Any:
    """Returns what a call returns; None if `tokenizers` panics or refuses."""
    try:
        return call(*arguments, **options)
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, MemoryError)):
            raise
        return None


def load(call: Any, given: object) -> Any:
    """Returns what is loaded; None if it is refused."""
    try:
        return call(given)
    except ValueError:
        return None


@pytest.mark.parametrize("seed", range(10))
def test_ids_and_places_are_those_of_tokenizers(seed: int, tmp_path: Path) -> None:
    source = random.Random(seed)
    compared = 0
    for number in range(FILES):
        file = made_up_file(source)
        written = json.dumps(file)
        theirs = result(tokenizers.Tokenizer.from_str, written)
        path = tmp_path / f"{number}.json"
        path.write_text(written)
        ours, tokenizer = load(Encoding.from_file, path), load(Tokenizer.from_str, written)
        compared += ours is not None
        for text in made_up_texts(source, TEXTS):
            for added in (False, True):
                expected = theirs and result(theirs.encode, text, add_special_tokens=added)
                if expected is None:
                    continue
                if ours is not None:
                    encode: Any = ours.encode
                    ids = encode(text, allowed_special="all", add_special_tokens=added)
                    assert ids == expected.ids, (file, text)
                if tokenizer is not None:
                    found = tokenizer.encode(text, add_special_tokens=added)
                    assert columns(found) == columns(expected), (file, text)
    assert compared >= FILES // 4
