"""Vocabulary files: what is accepted, what is refused, and how errors are reported."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import sys
import types
from pathlib import Path, PureWindowsPath
from typing import Any

import gpt2_files
import pytest
import tiktoken.load
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from own import BYTES

from bpecore import load
from bpecore.data import rank_tables as data


def make_line(token: bytes, rank: int) -> bytes:
    return base64.b64encode(token) + b" %d\n" % rank


BYTE_LINES = [make_line(bytes([byte]), byte) for byte in range(256)]


@pytest.fixture(autouse=True)
def no_network_and_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(url: str) -> bytes:
        raise AssertionError(f"the network was asked for {url}")

    monkeypatch.setattr(load, "_download", fail)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    return tmp_path / "small.tiktoken"


@pytest.mark.parametrize("name", data.RANK_TABLE_NAMES)
def test_openai_file_is_read_as_tiktoken_reads_it(name: str, vocabulary: Path) -> None:
    vocabulary.write_bytes(data.tiktoken_file(name))
    ours = list(load.load_tiktoken_bpe(vocabulary).items())
    theirs = list(tiktoken.load.load_tiktoken_bpe(str(vocabulary)).items())
    assert ours == theirs


@pytest.mark.parametrize("name", data.RANK_TABLE_NAMES)
def test_openai_url_needs_no_network(name: str) -> None:
    url = f"https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"
    expected_hash = hashlib.sha256(data.tiktoken_file(name)).hexdigest()
    assert load.load_tiktoken_bpe(url, expected_hash) == data.load_ranks(name)
    with pytest.raises(ValueError, match="Hash mismatch") as error:
        load.load_tiktoken_bpe(url, "0" * 64)
    assert url in str(error.value)


@pytest.mark.parametrize("convert", [str, Path, os.fspath])
def test_any_kind_of_path(vocabulary: Path, convert: Any) -> None:
    vocabulary.write_bytes(b"".join(BYTE_LINES))
    assert load.load_tiktoken_bpe(convert(vocabulary)) == BYTES
    assert load.read_file_cached(convert(vocabulary)) == b"".join(BYTE_LINES)
    assert load.read_file(convert(vocabulary)) == b"".join(BYTE_LINES)


def test_path_with_foreign_separators_is_local() -> None:
    with pytest.raises(FileNotFoundError):
        load.load_tiktoken_bpe(PureWindowsPath("C:\\nowhere\\x.tiktoken"))


@pytest.mark.parametrize(
    "extra",
    [
        b"",
        b"\n",
        b"\n\n\r\n\n",
        b"YWI= 256",
        b"YWI= 256\n",
        b"YWI= 256\r\n",
        b"YWI= 256\r",
        b"  YWI=   256  \n",
        b"\tYWI=\t256\t\n",
        b"YWI=\x0b256\n",
        b"YWI= 00256\n",
        b"YWI= 000000000000256\n",
        b"YWI= 256\n\n\nYWJj 257",
        b"YWI= 4294967295\n",
        b"YWI= 1000000000\n",
        b"YWJ= 256\n",  # padding bits that are not zero: decoders ignore them
        b"= 256\n",
        b"=\t256\n",
    ],
)
def test_odd_but_clear_lines_mean_what_tiktoken_takes_them_for(
    vocabulary: Path, extra: bytes
) -> None:
    vocabulary.write_bytes(b"".join(BYTE_LINES) + extra)
    ours = load.load_tiktoken_bpe(vocabulary)
    assert list(ours.items()) == list(tiktoken.load.load_tiktoken_bpe(str(vocabulary)).items())


NOT_BASE64 = "is not base64"
NOT_A_RANK = "is not an integer from 0 to 4294967295"
NOT_TWO_FIELDS = "expected a token in base64 and its rank"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b" ", NOT_TWO_FIELDS),
        (b"YWI=", NOT_TWO_FIELDS),
        (b"YWI= ", NOT_TWO_FIELDS),
        (b" 256", NOT_TWO_FIELDS),
        (b"YWI= 256 1", NOT_TWO_FIELDS),
        (b"YW I= 256", NOT_TWO_FIELDS),
        (b"\xff\xfe\x00", NOT_TWO_FIELDS),
        (b"x" * 1_000_000, NOT_TWO_FIELDS),
        (b"YWI 256", NOT_BASE64),
        (b"YWI== 256", NOT_BASE64),
        (b"YWJj= 256", NOT_BASE64),
        (b"Y 256", NOT_BASE64),
        (b"== 256", NOT_BASE64),
        (b"YWI=YWI= 256", NOT_BASE64),
        (b"*YWI= 256", NOT_BASE64),
        (b"YW-_ 256", NOT_BASE64),
        (b"\xef\xbb\xbfYWI= 256", NOT_BASE64),
        (b"\xff 256", NOT_BASE64),
        (b"YWI= -1", NOT_A_RANK),
        (b"YWI= +256", NOT_A_RANK),
        (b"YWI= 2_56", NOT_A_RANK),
        (b"YWI= 256.0", NOT_A_RANK),
        (b"YWI= 0x100", NOT_A_RANK),
        (b"YWI= x", NOT_A_RANK),
        ("YWI= ٣".encode(), NOT_A_RANK),
        (b"YWI= 4294967296", NOT_A_RANK),
        (b"YWI= 99999999999999999999", NOT_A_RANK),
        (b"YWI= " + b"9" * 1_000_000, NOT_A_RANK),
    ],
)
@pytest.mark.parametrize("position", [0, 1, 200, 256])
def test_malformed_line_is_named(vocabulary: Path, line: bytes, fault: str, position: int) -> None:
    lines = [*BYTE_LINES[:position], line + b"\n", *BYTE_LINES[position:]]
    vocabulary.write_bytes(b"".join(lines))
    with pytest.raises(ValueError, match=re.escape(fault)) as error:
        load.load_tiktoken_bpe(vocabulary)
    assert str(error.value).startswith(f"{vocabulary}, line {position + 1}: ")
    assert len(str(error.value)) < 1_000


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"YQ== 256", "token b'a' occurs twice: rank 97 before"),
        (b"YR== 256", "token b'a' occurs twice: rank 97 before"),
        (b"YQ== 97", "token b'a' occurs twice: rank 97 before"),
        (b"YWI= 98", "rank 98 occurs twice: of token b'b' before"),
        (b"YWI= 098", "rank 98 occurs twice: of token b'b' before"),
    ],
)
@pytest.mark.parametrize("position", [99, 200, 256])
def test_second_occurrence_is_named(
    vocabulary: Path, line: bytes, fault: str, position: int
) -> None:
    lines = [*BYTE_LINES[:position], line + b"\n", *BYTE_LINES[position:]]
    vocabulary.write_bytes(b"".join(lines))
    with pytest.raises(ValueError, match=re.escape(fault)) as error:
        load.load_tiktoken_bpe(vocabulary)
    assert str(error.value).startswith(f"{vocabulary}, line {position + 1}: ")


def test_leading_zeros_cost_no_more_than_their_length(vocabulary: Path) -> None:
    vocabulary.write_bytes(b"".join(BYTE_LINES) + b"YWI= " + b"0" * 1_000_000 + b"256\n")
    assert load.load_tiktoken_bpe(vocabulary) == {**BYTES, b"ab": 256}


def test_lines_are_counted_with_the_empty_ones(vocabulary: Path) -> None:
    vocabulary.write_bytes(b"\n\r\n" + BYTE_LINES[0] + b"\r!\n")
    with pytest.raises(ValueError, match=r"small\.tiktoken, line 5: "):
        load.load_tiktoken_bpe(vocabulary)


@pytest.mark.parametrize("missing", [{0}, {255}, {65, 66, 200}, set(range(256))])
def test_missing_byte_is_named(vocabulary: Path, missing: set[int]) -> None:
    lines = [line for byte, line in enumerate(BYTE_LINES) if byte not in missing]
    vocabulary.write_bytes(b"".join(lines))
    with pytest.raises(ValueError, match="single byte") as error:
        load.load_tiktoken_bpe(vocabulary)
    assert f"{vocabulary}, line {len(lines)} (the last)" in str(error.value)
    assert f"0x{min(missing):02X}; {len(missing)} of" in str(error.value)
    ours = load.load_tiktoken_bpe(vocabulary, require_all_bytes=False)
    assert ours == tiktoken.load.load_tiktoken_bpe(str(vocabulary))


FIELD = st.one_of(
    st.binary(max_size=6).map(base64.b64encode),
    st.integers(-5, 2**33).map(lambda number: b"%d" % number),
    st.sampled_from([b"=", b"==", b"YQ", b"YR==", b"YQ===", b"+1", b"1_0", b"007", b"\xff", b"*"]),
)
LINE = st.tuples(
    FIELD, st.sampled_from([b" ", b"  ", b"\t", b"", b"\x0c"]), FIELD, st.sampled_from([b"", b" 1"])
).map(b"".join)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(st.lists(LINE, max_size=5), st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_whatever_is_accepted_means_what_tiktoken_takes_it_for(
    vocabulary: Path, lines: list[bytes], line_end: bytes
) -> None:
    vocabulary.write_bytes(line_end.join(lines))
    try:
        ours = load.load_tiktoken_bpe(vocabulary, require_all_bytes=False)
    except ValueError as error:
        number = re.match(re.escape(str(vocabulary)) + r", line (\d+): ", str(error))
        assert number is not None
        assert lines[int(number[1]) - 1] != b""
    else:
        assert ours == tiktoken.load.load_tiktoken_bpe(str(vocabulary))
        assert len(set(ours.values())) == len(ours)


@given(
    st.dictionaries(st.binary(max_size=8), st.none(), max_size=20).flatmap(
        lambda tokens: st.lists(
            st.integers(0, 2**32 - 1), unique=True, min_size=len(tokens), max_size=len(tokens)
        ).map(lambda ranks: dict(zip(tokens, ranks)))
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
def test_what_is_dumped_loads_again(tmp_path: Path, ranks: dict[bytes, int]) -> None:
    path = tmp_path / "dumped.tiktoken"
    load.dump_tiktoken_bpe(ranks, path)
    loaded = load.load_tiktoken_bpe(path, require_all_bytes=False)
    assert loaded == ranks
    assert list(loaded.values()) == sorted(ranks.values())
    assert tiktoken.load.load_tiktoken_bpe(str(path)) == ranks


def test_dump_gives_the_original_file(tmp_path: Path) -> None:
    ranks = data.load_ranks("p50k_base")
    shuffled = dict(sorted(ranks.items()))
    path = tmp_path / "new" / "folder" / "p50k.tiktoken"
    load.dump_tiktoken_bpe(shuffled, str(path))
    assert path.read_bytes() == data.tiktoken_file("p50k_base")
    assert os.listdir(path.parent) == ["p50k.tiktoken"]


def test_dump_replaces_a_link_s_target(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    link = tmp_path / "link"
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("no symbolic links here")
    load.dump_tiktoken_bpe({b"a": 0}, link)
    assert link.is_symlink()
    assert target.read_bytes() == b"YQ== 0\n"


def test_failed_dump_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept"
    path.write_bytes(b"old")

    def fail(source: str, destination: str) -> None:
        raise OSError("disk on fire")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk on fire"):
        load.dump_tiktoken_bpe({b"a": 0}, path)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["kept"]


def test_dump_writes_to_a_device_and_does_not_replace_it() -> None:
    if not os.path.exists(os.devnull) or os.path.isfile(os.devnull):
        pytest.skip("no null device here")
    load.dump_tiktoken_bpe({b"a": 0}, os.devnull)
    assert not os.path.isfile(os.devnull)


def test_dump_to_a_directory_fails(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=re.escape(tmp_path.name)):
        load.dump_tiktoken_bpe({b"a": 0}, tmp_path)
    assert os.listdir(tmp_path) == []


class FakeBlobfile(types.ModuleType):
    """The two functions of `blobfile` that are used, over a dict of files."""

    def __init__(self, folder: Path) -> None:
        super().__init__("blobfile")
        self.folder = folder

    def read_bytes(self, path: str) -> bytes:
        return (self.folder / hashlib.sha1(path.encode()).hexdigest()).read_bytes()

    def BlobFile(self, path: str, mode: str) -> Any:  # noqa: N802 (its name there)
        return open(self.folder / hashlib.sha1(path.encode()).hexdigest(), mode)


def test_other_schemes_go_through_blobfile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "blobfile", FakeBlobfile(tmp_path))
    load.dump_tiktoken_bpe(BYTES, "gs://bucket/x.tiktoken")
    assert load.load_tiktoken_bpe("gs://bucket/x.tiktoken") == BYTES


def test_missing_blobfile_is_an_import_error_that_tells_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "blobfile", None)
    with pytest.raises(ImportError, match="pip install blobfile"):
        load.load_tiktoken_bpe("gs://bucket/x.tiktoken")
    with pytest.raises(ImportError, match="pip install blobfile"):
        load.dump_tiktoken_bpe(BYTES, "gs://bucket/x.tiktoken")


def test_gpt2_files_give_the_ranks_of_r50k(tmp_path: Path) -> None:
    merges, vocabulary = gpt2_files.make_gpt2_files()
    merges_path, vocabulary_path = tmp_path / "vocab.bpe", tmp_path / "encoder.json"
    merges_path.write_bytes(merges)
    vocabulary_path.write_bytes(vocabulary)
    hashes = (gpt2_files.MERGES_SHA256, gpt2_files.VOCABULARY_SHA256)
    ours = load.data_gym_to_mergeable_bpe_ranks(merges_path, vocabulary_path, *hashes)
    theirs = tiktoken.load.data_gym_to_mergeable_bpe_ranks(
        str(merges_path), str(vocabulary_path), *hashes
    )
    are_equal = list(ours.items()) == list(theirs.items())
    assert are_equal
    assert ours == data.load_ranks("r50k_base")


@pytest.fixture
def gpt2_folder(tmp_path: Path) -> Path:
    """A vocabulary of GPT-2's bytes, " t" and " th"."""
    order = gpt2_files.make_gpt2_files()[1]
    byte_ranks = {word: rank for word, rank in json.loads(order).items() if rank < 256}
    (tmp_path / "vocab.bpe").write_bytes("#version: 0.2\nĠ t\nĠt h\n".encode())
    (tmp_path / "encoder.json").write_text(json.dumps({**byte_ranks, "Ġt": 256, "Ġth": 257}))
    return tmp_path


def load_gpt2(load_module: Any, folder: Path, **options: Any) -> dict[bytes, int]:
    files = str(folder / "vocab.bpe"), str(folder / "encoder.json")
    ranks: dict[bytes, int] = load_module.data_gym_to_mergeable_bpe_ranks(*files, **options)
    return ranks


def test_one_byte_ranks_can_come_from_the_object(gpt2_folder: Path) -> None:
    words = json.loads((gpt2_folder / "encoder.json").read_text())
    words["!"], words["A"] = words["A"], words["!"]
    (gpt2_folder / "encoder.json").write_text(json.dumps({**words, "<|endoftext|>": 258}))
    ours = load_gpt2(load, gpt2_folder, clobber_one_byte_tokens=True)
    assert ours == load_gpt2(tiktoken.load, gpt2_folder, clobber_one_byte_tokens=True)
    assert (ours[b"!"], ours[b"A"], ours[b" th"]) == (32, 0, 257)
    with pytest.raises(ValueError, match="disagree on token b'!': rank 0 in the first, 32 in"):
        load_gpt2(load, gpt2_folder)


@pytest.mark.parametrize(
    ("merges", "fault"),
    [
        ("#version: 0.2\nĠ t\nĠ t\nĠt h\n", "disagree on token b' t': rank 257 in .*, 256 in"),
        ("#version: 0.2\nĠ t\n", "disagree on token b' th': rank None in the first, 257"),
        ("#version: 0.2\nĠ t\nĠt h\nĠt e\n", "disagree on token b' te': rank 258 in .*, None"),
        ("#version: 0.2\nĠ t\nĠt h x\n", r"vocab\.bpe, line 3: expected two tokens"),
        ("#version: 0.2\nĠt\n", r"vocab\.bpe, line 2: expected two tokens"),
        ("#version: 0.2\nĠ 漢\n", r"vocab\.bpe, line 2: .* in GPT-2's letters"),
        ("#version: 0.2\n\nĠ t\n", r"vocab\.bpe, line 2: "),
    ],
)
def test_wrong_merges_are_named(gpt2_folder: Path, merges: str, fault: str) -> None:
    (gpt2_folder / "vocab.bpe").write_bytes(merges.encode())
    with pytest.raises(ValueError, match=fault):
        load_gpt2(load, gpt2_folder)


@pytest.mark.parametrize(
    ("vocabulary", "fault"),
    [
        (b"{", "line 1 column 2"),
        (b"[]", "expected a JSON object, found a list"),
        (b"\xff", "encoder.json: "),
        (b'{"a b": 1}', "token 'a b' is not in GPT-2's letters"),
        (b"{}", "disagree on token b'!': rank 0 in the first, None in the second"),
    ],
)
def test_wrong_object_is_named(gpt2_folder: Path, vocabulary: bytes, fault: str) -> None:
    (gpt2_folder / "encoder.json").write_bytes(vocabulary)
    with pytest.raises(ValueError, match=fault) as error:
        load_gpt2(load, gpt2_folder)
    assert str(gpt2_folder / "encoder.json") in str(error.value)


def test_merges_that_are_not_utf8_are_named(gpt2_folder: Path) -> None:
    (gpt2_folder / "vocab.bpe").write_bytes(b"\xff\xff\n")
    with pytest.raises(ValueError, match=r"vocab\.bpe: "):
        load_gpt2(load, gpt2_folder)
