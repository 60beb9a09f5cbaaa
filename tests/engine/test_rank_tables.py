"""The bundled rank tables are OpenAI's, byte for byte, and damage to them is noticed."""

from __future__ import annotations

import base64
import hashlib
import inspect
import re
import struct
import zlib
from array import array
from pathlib import Path

import gpt2_files
import pytest
from tiktoken_ext import openai_public

from bpecore.data import packed_ranks
from bpecore.data import rank_tables as data

# Source: tiktoken 0.14.0, tiktoken_ext/openai_public.py.
PUBLISHED_SHA256 = {
    "r50k_base": "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930",
    "p50k_base": "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}
TOKEN_COUNTS = {
    "r50k_base": 50_256,
    "p50k_base": 50_280,
    "cl100k_base": 100_256,
    "o200k_base": 199_998,
}

every_table = pytest.mark.parametrize("name", data.RANK_TABLE_NAMES)


def find_parents_slowly(token: bytes, ranks: dict[bytes, int]) -> list[bytes]:
    """Returns the two parts of `token` before its last merge, by the textbook algorithm."""
    parts = [bytes([byte]) for byte in token]
    while len(parts) > 2:
        best = min(range(len(parts) - 1), key=lambda i: ranks.get(parts[i] + parts[i + 1], 2**32))
        assert parts[best] + parts[best + 1] in ranks, f"{token!r} is stuck at {parts}"
        parts[best : best + 2] = [parts[best] + parts[best + 1]]
    return parts


def sha256(contents: bytes) -> str:
    return hashlib.sha256(contents).hexdigest()


@every_table
def test_original_file_regenerates_with_the_published_hash(name: str) -> None:
    assert sha256(data.tiktoken_file(name)) == PUBLISHED_SHA256[name]


def test_published_hashes_are_those_in_the_installed_tiktoken() -> None:
    found = re.findall(
        r'/(\w+)\.tiktoken",\s*expected_hash="([0-9a-f]{64})"', inspect.getsource(openai_public)
    )
    assert dict(found) == PUBLISHED_SHA256
    assert gpt2_files.MERGES_SHA256 in inspect.getsource(openai_public.gpt2)
    assert gpt2_files.VOCABULARY_SHA256 in inspect.getsource(openai_public.gpt2)


@every_table
def test_ranks_are_those_of_the_file(name: str) -> None:
    expected = {}
    for line in data.tiktoken_file(name).decode().splitlines():
        token, rank = line.split(" ")
        expected[base64.b64decode(token)] = int(rank)
    assert len(expected) == TOKEN_COUNTS[name]
    assert list(data.load_ranks(name).items()) == list(expected.items())


@every_table
def test_every_load_gives_a_fresh_mapping(name: str) -> None:
    first = data.load_ranks(name)
    first.clear()
    assert len(data.load_ranks(name)) == TOKEN_COUNTS[name]


@every_table
def test_table_agrees_with_ranks(name: str) -> None:
    table = data.load_rank_table(name)
    assert dict(zip(table.tokens, table.ranks)) == data.load_ranks(name)
    assert len(table.tokens) == len(table.ranks) == TOKEN_COUNTS[name]
    assert list(table.ranks) == sorted(table.ranks)


@every_table
def test_parents_are_the_pair_that_merging_produces_the_token_from(name: str) -> None:
    table = data.load_rank_table(name)
    ranks = data.load_ranks(name)
    assert table.parents.typecode == "I"
    assert table.parents.itemsize == 4
    assert len(table.parents) == 2 * len(table.tokens)
    for position, token in enumerate(table.tokens):
        left, right = table.parents[2 * position : 2 * position + 2]
        if position < 256:
            assert len(token) == 1
            assert (left, right) == (data.NO_PARENT, data.NO_PARENT)
        else:
            assert max(left, right) < position
            assert [table.tokens[left], table.tokens[right]] == find_parents_slowly(token, ranks)


def test_r50k_is_the_beginning_of_p50k() -> None:
    p50k = list(data.load_ranks("p50k_base").items())
    assert list(data.load_ranks("r50k_base").items()) == p50k[:50_256]
    assert p50k[50_256:] == [(b" " * (2 + i), 50_257 + i) for i in range(24)]


def test_gpt2_files_regenerate_from_r50k_with_the_published_hashes() -> None:
    """The ranks of gpt2, which OpenAI publishes in another form, are those of r50k_base."""
    merges, vocabulary = gpt2_files.make_gpt2_files()
    assert sha256(merges) == gpt2_files.MERGES_SHA256
    assert sha256(vocabulary) == gpt2_files.VOCABULARY_SHA256


def test_all_files_together_are_small() -> None:
    files = list(Path(data.__file__).parent.glob("*.ranks"))
    assert len(files) == 3
    assert sum(file.stat().st_size for file in files) < 1_300_000


@pytest.mark.parametrize("name", ["", "gpt2", "o200k_harmony", "../o200k_base", "O200K_BASE"])
def test_unknown_table_is_refused_by_name(name: str) -> None:
    for function in (data.load_rank_table, data.load_ranks, data.tiktoken_file):
        with pytest.raises(ValueError, match=f"unknown rank table {re.escape(repr(name))}"):
            function(name)


SINGLE_BYTES = bytes(range(256))


@pytest.fixture
def table_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replaces every bundled file; at first it holds a small sound table."""
    path = tmp_path / "small.ranks"
    # "ab", "abc", "cab"; ranks 257 and 300 are skipped, the latter beyond the end.
    path.write_bytes(packed_ranks.pack(SINGLE_BYTES, [257, 300], [(97, 98), (256, 99), (99, 256)]))
    monkeypatch.setattr(data, "_rank_table_path", lambda name: str(path))
    return path


def test_small_table_with_gaps_expands(table_file: Path) -> None:
    table = data.load_rank_table("cl100k_base")
    assert table.tokens[256:] == [b"ab", b"abc", b"cab"]
    assert list(table.ranks) == [*range(257), 258, 259]
    assert table.parents[512:] == array("I", [97, 98, 256, 99, 99, 256])
    assert data.tiktoken_file("cl100k_base").endswith(b"/w== 255\nYWI= 256\nYWJj 258\nY2Fi 259\n")


def test_indices_of_three_bytes_survive(table_file: Path) -> None:
    chain = [(97, 97)] + [(position, 98) for position in range(256, 70_000)]
    # Tokens of up to 70,000 bytes would take gigabytes, so only the packing is tested.
    packed = packed_ranks.pack(SINGLE_BYTES, [], chain)
    compact = packed_ranks.unpack(packed, "chain")
    parents = compact.parents(compact.token_count)
    assert list(zip(parents[::2], parents[1::2])) == chain


@pytest.mark.parametrize("bit", range(8))
def test_any_flipped_bit_is_noticed(table_file: Path, bit: int) -> None:
    sound = table_file.read_bytes()
    for position in range(len(sound)):
        damaged = bytearray(sound)
        damaged[position] ^= 1 << bit
        table_file.write_bytes(damaged)
        with pytest.raises(ValueError, match=f"{re.escape(str(table_file))} is damaged"):
            data.load_ranks("cl100k_base")


def test_any_truncation_is_noticed(table_file: Path) -> None:
    sound = table_file.read_bytes()
    for length in range(len(sound)):
        table_file.write_bytes(sound[:length])
        with pytest.raises(ValueError, match="is damaged"):
            data.load_ranks("cl100k_base")
    table_file.write_bytes(sound + b"\0")
    with pytest.raises(ValueError, match=f"is damaged: {len(sound) + 1} bytes long"):
        data.load_ranks("cl100k_base")


def repack(version: int, skipped_count: int, token_count: int, body: bytes) -> bytes:
    """Returns a `.ranks` file with a correct checksum for any content."""
    stored = struct.pack("<4sHHII", b"BPER", version, skipped_count, token_count, len(body)) + body
    return stored + struct.pack("<I", zlib.crc32(stored))


@pytest.mark.parametrize(
    ("contents", "fault"),
    [
        (repack(2, 0, 256, zlib.compress(SINGLE_BYTES)), "format version 2"),
        (repack(1, 0, 257, zlib.compress(SINGLE_BYTES)), "256 bytes inside do not hold 257 tokens"),
        (repack(1, 1, 256, zlib.compress(SINGLE_BYTES)), "256 bytes inside do not hold 256 tokens"),
        (repack(1, 0, 255, zlib.compress(SINGLE_BYTES[6:])), "do not hold 255 tokens"),
        (repack(1, 0, 256, b"not zlib"), "incorrect header"),
        (repack(1, 0, 256, zlib.compress(SINGLE_BYTES)[:-5]), "incomplete or truncated"),
        (packed_ranks.pack(SINGLE_BYTES, [], [(97, 256)]), "index out of range"),
    ],
)
def test_wrong_contents_with_a_right_checksum_are_noticed(
    table_file: Path, contents: bytes, fault: str
) -> None:
    table_file.write_bytes(contents)
    with pytest.raises(ValueError, match=f"is damaged: .*{fault}"):
        data.load_rank_table("cl100k_base")


def test_missing_file_is_named(table_file: Path) -> None:
    table_file.unlink()
    with pytest.raises(FileNotFoundError, match=re.escape(table_file.name)):
        data.load_ranks("cl100k_base")
