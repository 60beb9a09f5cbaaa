"""Frozen tables: intact files are mapped; others are refused and the tables rebuilt."""

from __future__ import annotations

import random
import struct
import warnings
from pathlib import Path
from typing import Any

import pytest
from own import BYTES, own_encoding
from programs import output_of

from bpecore._build import frozen_files
from bpecore._core import RankTable, Vocabulary
from bpecore.data.rank_tables import RANK_TABLE_NAMES, load_ranks

HEADER_END = 8192
SECTIONS = ("lines", "pairs", "borders", "long slots", "long records", "starts", "bytes", "ids")
TEXT = "hello world, naïve 漢字 " + "antidisestablishmentarianism" * 3


def small_ranks() -> dict[bytes, int]:
    ranks = dict(BYTES)
    for token in ("ab", "abc", "漢字", "h" * 2, "h" * 4, "h" * 8, "h" * 16, "é"):
        ranks[token.encode()] = len(ranks) + 7
    return ranks


def section_offsets(contents: bytes) -> list[tuple[int, int]]:
    """Returns where each section begins and how long it is."""
    return list(struct.iter_unpack("<QQ", contents[48 : 48 + 16 * len(SECTIONS)]))


@pytest.fixture
def table_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.tables"
    path.write_bytes(Vocabulary(RankTable(small_ranks())).to_bytes())
    return path


def encode_with(vocabulary: Vocabulary, text: str) -> list[int]:
    encoding = own_encoding(r"\S+|\s+", vocabulary)
    return encoding.encode(text)


def test_a_mapped_vocabulary_is_the_one_that_was_written(table_file: Path) -> None:
    built = Vocabulary(RankTable(small_ranks()))
    mapped = Vocabulary(str(table_file))
    assert mapped.is_mapped
    assert not built.is_mapped
    assert mapped.digest == built.digest
    assert mapped.has_ranks_of(built)
    assert mapped.mergeable_ranks() == small_ranks()
    assert mapped.highest_id == built.highest_id == max(small_ranks().values())
    assert mapped.sorted_tokens() == built.sorted_tokens()
    assert mapped.unreachable_count == built.unreachable_count
    for text in (TEXT, "h" * 33, "abcabx", "漢字漢", "é" * 20):
        assert encode_with(mapped, text) == encode_with(built, text)


def test_what_is_mapped_writes_the_same_file_again(table_file: Path) -> None:
    assert Vocabulary(str(table_file)).to_bytes() == table_file.read_bytes()


def test_tables_outlive_their_file(table_file: Path) -> None:
    vocabulary = Vocabulary(str(table_file))
    table_file.unlink()
    assert encode_with(vocabulary, "abc") == [small_ranks()[b"abc"]]


# In its own process: other tests may have built the same vocabulary in memory.
BUNDLED = """
import sys
from bpecore._build.vocabularies import bundled_vocabulary
print(bundled_vocabulary(sys.argv[1]).is_mapped)
"""


@pytest.mark.parametrize("name", RANK_TABLE_NAMES)
def test_the_package_holds_the_tables_of_each_bundled_vocabulary(name: str, tmp_path: Path) -> None:
    vocabulary = frozen_files.map_bundled_vocabulary(name)
    assert vocabulary is not None, "the build has made no frozen tables"
    table = RankTable(load_ranks(name))
    assert vocabulary.digest == table.digest
    assert vocabulary.has_ranks_of(table)
    printed = output_of(BUNDLED, name, folder=tmp_path)
    assert printed == "True\n"


def refusal(path: Path) -> str:
    with pytest.raises(ValueError, match="cannot be used") as error:
        Vocabulary(str(path))
    assert str(path) in str(error.value)
    return str(error.value)


def test_cut_short_anywhere(table_file: Path) -> None:
    contents = table_file.read_bytes()
    lengths = {0, 1, 7, 8, 23, 24, 48, 200, HEADER_END - 1, HEADER_END, len(contents) - 1}
    lengths.update(offset for offset, _ in section_offsets(contents))
    for length in sorted(lengths):
        table_file.write_bytes(contents[:length])
        refusal(table_file)
    table_file.write_bytes(contents + b"\0")
    assert "cut short or has grown" in refusal(table_file)


@pytest.mark.parametrize("foreign", [b"", b"\0" * 20_000, b"PK\3\4" * 5_000, b"BPETABLF" * 3_000])
def test_foreign(table_file: Path, foreign: bytes) -> None:
    table_file.write_bytes(foreign)
    assert "not a file of frozen tables" in refusal(table_file)


@pytest.mark.parametrize(
    ("place", "value", "fault"),
    [
        (8, struct.pack("=I", 999_999), "another version"),
        (12, struct.pack("=I", 0x04030201), "another kind of machine"),
        (16, struct.pack("=I", 3), "another kind of machine"),
        (20, struct.pack("=I", 17), "another kind of machine"),
    ],
)
def test_another_layout_or_machine(table_file: Path, place: int, value: bytes, fault: str) -> None:
    contents = bytearray(table_file.read_bytes())
    contents[place : place + 4] = value
    table_file.write_bytes(contents)
    assert fault in refusal(table_file)


def test_one_bit_changed_in_the_header(table_file: Path) -> None:
    contents = table_file.read_bytes()
    source = random.Random(1)
    for place in [*range(24, 200), *(source.randrange(200, 1_500) for _ in range(200))]:
        changed = bytearray(contents)
        changed[place] ^= 1 << source.randrange(8)
        table_file.write_bytes(changed)
        assert "header is damaged" in refusal(table_file)


@pytest.mark.parametrize("section", range(len(SECTIONS)), ids=SECTIONS)
def test_one_bit_changed_in_a_section(table_file: Path, section: int) -> None:
    contents = table_file.read_bytes()
    offset, size = section_offsets(contents)[section]
    source = random.Random(section)
    for place in [0, size - 1, *(source.randrange(size) for _ in range(40))]:
        changed = bytearray(contents)
        changed[offset + place] ^= 1 << source.randrange(8)
        table_file.write_bytes(changed)
        assert "tables are damaged" in refusal(table_file)


def test_pages_exchanged(table_file: Path) -> None:
    contents = table_file.read_bytes()
    (first, _), (second, _) = section_offsets(contents)[:2]
    changed = bytearray(contents)
    changed[first : first + 4096], changed[second : second + 4096] = (
        contents[second : second + 4096],
        contents[first : first + 4096],
    )
    table_file.write_bytes(changed)
    assert "tables are damaged" in refusal(table_file)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Vocabulary(str(tmp_path / "none"))
    with pytest.raises((OSError, ValueError)):
        Vocabulary(str(tmp_path))


LOAD = """
import sys, warnings
from bpecore._build import frozen_files
frozen_files.FROZEN_FOLDER = sys.argv[1]
import bpecore
with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    encoding = bpecore.get_encoding("r50k_base")
print(encoding.encode("hello world"), encoding._core_bpe.vocabulary.is_mapped, len(told))
for warning in told:
    assert warning.category is RuntimeWarning
    assert "cannot be used" in str(warning.message), warning.message
"""


def load_from(folder: Path, tmp_path: Path) -> str:
    return output_of(LOAD, folder, folder=tmp_path).strip()


def test_a_package_with_damaged_files_warns_and_works(tmp_path: Path) -> None:
    folder = tmp_path / "frozen"
    folder.mkdir()
    for name in ("r50k_base.tables", "r50k.automaton"):
        contents = bytearray((Path(frozen_files.FROZEN_FOLDER) / name).read_bytes())
        contents[-1_000] ^= 1
        (folder / name).write_bytes(contents)
    assert load_from(folder, tmp_path) == "[31373, 995] False 2"


def test_a_package_without_the_files_works_silently(tmp_path: Path) -> None:
    assert load_from(tmp_path / "none", tmp_path) == "[31373, 995] False 0"


def test_a_whole_package_maps_its_tables(tmp_path: Path) -> None:
    folder = Path(frozen_files.FROZEN_FOLDER)
    assert load_from(folder, tmp_path) == "[31373, 995] True 0"


@pytest.mark.parametrize("damage", [b"", b"x", b"BPEAUTO1" + b"\0" * 40, "crc", "pattern"])
def test_an_automaton_that_cannot_be_used(
    damage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = (Path(frozen_files.FROZEN_FOLDER) / "cl100k.automaton").read_bytes()
    if damage == "crc":
        damage = sound[:-1] + bytes([sound[-1] ^ 1])
    if damage == "pattern":
        damage = sound
    (tmp_path / "cl100k.automaton").write_bytes(damage)
    monkeypatch.setattr(frozen_files, "FROZEN_FOLDER", str(tmp_path))
    with pytest.warns(RuntimeWarning, match="cannot be used"):
        assert frozen_files.read_automaton("cl100k", "another pattern") is None


def test_a_sound_automaton_is_what_the_compiler_makes() -> None:
    from bpecore._pattern import compile_pattern, member_of
    from bpecore._pattern.families import PATTERNS

    for name, pattern in PATTERNS.items():
        automaton = compile_pattern(pattern)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = frozen_files.read_automaton(name, pattern)
        member = member_of(automaton)
        assert member is not None
        assert found == (tuple(automaton), *member)
