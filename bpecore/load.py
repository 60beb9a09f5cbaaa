"""Reading and writing vocabulary files: local ones, cached downloads, OpenAI's formats.

Names, arguments and cache files are those of `tiktoken.load` 0.14.0; the differences are meant:

- Local files are read directly, never through the cache, where an edited file's old contents
  would live on, and paths may be `os.PathLike`.
- Requests time out. `requests` is not needed.
- OpenAI's `.tiktoken` files are in the package: their URLs work without a network.
- Whatever is wrong with a file is a `ValueError` that names the file, the line and the fault.
- Files are written atomically: a reader sees the old contents or the new, never a part.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import re
import tempfile
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from typing import Any, Union

from bpecore._build.atomic_files import write_atomically
from bpecore.data.rank_tables import RANK_TABLE_NAMES, tiktoken_file

HTTP_TIMEOUT_SECONDS = 60.0
"""How long a server may stay silent, while connecting or between two parts of its answer."""

MAX_RANK = 2**32 - 1
"""The highest rank: ranks and token ids are unsigned 32-bit integers."""

FilePath = Union[str, "os.PathLike[str]"]

_BUNDLED_FILES = {
    f"https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken": name
    for name in RANK_TABLE_NAMES
}

_BASE64 = re.compile(rb"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")

# How the empty token is written: it has no base64 text of its own, and a line needs two fields.
# OpenAI's Whisper has one.
_EMPTY_TOKEN = b"="


def _is_url(path: str) -> bool:
    return "://" in path


def _import_blobfile() -> Any:
    try:
        return importlib.import_module("blobfile")
    except ImportError as error:
        raise ImportError(
            "paths other than local files and http(s) URLs are read and written by blobfile, "
            "which is not installed: `pip install blobfile`"
        ) from error


def _download(url: str) -> bytes:
    # Imported here: they cost more than the rest of the module, and few callers come this far.
    import http.client
    import urllib.request

    try:
        with urllib.request.urlopen(url, timeout=HTTP_TIMEOUT_SECONDS) as response:
            contents: bytes = response.read()
    except (OSError, http.client.HTTPException, ValueError) as error:
        # ValueError is what urllib raises for some malformed URLs.
        raise OSError(f"could not download {url}: {error or type(error).__name__}") from error
    return contents


def read_file(blobpath: FilePath) -> bytes:
    """Read a whole file from wherever it is, without cache or check.

    Args:
        blobpath: A local path, an `http://` or `https://` URL, or any other URL that the
            `blobfile` package understands (it must be installed then).

    Returns:
        The file's bytes.

    Raises:
        OSError: The file cannot be read; for a URL, the message names it.
        ImportError: `blobfile` is needed and missing.
    """
    path = os.fsdecode(blobpath)
    if not _is_url(path):
        with open(path, "rb") as file:
            return file.read()
    if path.startswith(("http://", "https://")):
        return _download(path)
    contents: bytes = _import_blobfile().read_bytes(path)
    return contents


def check_hash(data: bytes, expected_hash: str) -> bool:
    """Tell whether the SHA-256 of some bytes is the expected one.

    Args:
        data: The bytes.
        expected_hash: 64 lower-case hexadecimal digits.

    Returns:
        True if they agree.

    Example:
        >>> check_hash(b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        True
    """
    return hashlib.sha256(data).hexdigest() == expected_hash


def _find_cache_directory() -> tuple[str, bool]:
    """The cache directory, "" if caching is off, and whether the user chose it."""
    for variable in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR"):
        if variable in os.environ:
            return os.environ[variable], True
    return os.path.join(tempfile.gettempdir(), "data-gym-cache"), False


def _read_cache_file(path: str, expected_hash: str | None) -> bytes | None:
    """The cached contents; None if there are none, or if they fail the check and are removed."""
    try:
        with open(path, "rb") as file:
            contents = file.read()
    except FileNotFoundError:
        return None
    if not expected_hash or check_hash(contents, expected_hash):
        return contents
    # If it cannot be removed, then it cannot be replaced either, and that is reported later.
    with contextlib.suppress(OSError):
        os.remove(path)
    return None


def _require_hash(contents: bytes, source: str, expected_hash: str | None) -> None:
    if expected_hash and not check_hash(contents, expected_hash):
        actual_hash = hashlib.sha256(contents).hexdigest()
        raise ValueError(
            f"Hash mismatch for data from {source}: expected sha256 {expected_hash}, "
            f"found {actual_hash}. The file may be damaged or have changed."
        )


def read_file_cached(blobpath: FilePath, expected_hash: str | None = None) -> bytes:
    """Read a file, keeping a copy of what had to be downloaded.

    The cache directory is that of the environment variable `TIKTOKEN_CACHE_DIR`, then of
    `DATA_GYM_CACHE_DIR`, then `data-gym-cache` in the directory for temporary files; an empty
    variable turns caching off. They are read at every call. A cached file is named by the SHA-1
    of its URL; one that fails the check is removed and downloaded again.

    Args:
        blobpath: A local path, which is read directly and never cached, or a URL. OpenAI's
            `.tiktoken` URLs are answered from the package if they are not cached.
        expected_hash: The SHA-256 that the contents must have, in lower-case hexadecimal digits,
            wherever they come from; None skips the check.

    Returns:
        The file's bytes.

    Raises:
        ValueError: The contents do not have the expected hash.
        OSError: The file cannot be read, or cannot be kept in a cache directory that an
            environment variable names. A default directory that cannot be used is ignored.
        ImportError: See `read_file`.
    """
    path = os.fsdecode(blobpath)
    if not _is_url(path):
        contents = read_file(path)
        _require_hash(contents, path, expected_hash)
        return contents

    cache_directory, is_users_choice = _find_cache_directory()
    cache_path = os.path.join(cache_directory, hashlib.sha1(path.encode()).hexdigest())
    if cache_directory:
        try:
            cached = _read_cache_file(cache_path, expected_hash)
        except OSError:
            if is_users_choice:
                raise
            cached = None
        if cached is not None:
            return cached

    bundled_name = _BUNDLED_FILES.get(path)
    contents = read_file(path) if bundled_name is None else tiktoken_file(bundled_name)
    _require_hash(contents, path, expected_hash)
    if cache_directory and bundled_name is None:
        try:
            write_atomically(cache_path, contents)
        except OSError:
            if is_users_choice:
                raise
    return contents


def _parse_base64(text: bytes) -> bytes:
    """Decode base64 that is not canonical, or ValueError; the `binascii` module's strictness
    differs between Python versions."""
    if text == _EMPTY_TOKEN:
        return b""
    if not _BASE64.fullmatch(text):
        raise ValueError(f"{_quote(text)} is not base64")
    return a2b_base64(text)


def _parse_rank(text: bytes) -> int:
    digits = text.lstrip(b"0")
    # The length is checked first: converting a million digits takes a quadratic time.
    if text.isdigit() and len(digits) <= len(str(MAX_RANK)):
        rank = int(digits or b"0")
        if rank <= MAX_RANK:
            return rank
    raise ValueError(f"rank {_quote(text)} is not an integer from 0 to {MAX_RANK}")


def _quote(text: bytes) -> str:
    """`text` for an error message, cut if it is long."""
    return repr(text) if len(text) <= 80 else f"{text[:80]!r}…"


def _parse_line(line: bytes) -> tuple[bytes, int]:
    """Token and rank of a line that the fast way of `_parse_tiktoken_bpe` does not take."""
    fields = line.split()
    if len(fields) != 2:
        raise ValueError(f"expected a token in base64 and its rank, found {_quote(line)}")
    return _parse_base64(fields[0]), _parse_rank(fields[1])


def _parse_tiktoken_bpe(contents: bytes, source: str, require_all_bytes: bool) -> dict[bytes, int]:
    ranks: dict[bytes, int] = {}
    tokens_by_rank: dict[int, bytes] = {}
    line_count = 0
    for line_count, line in enumerate(contents.splitlines(), start=1):
        if not line:
            continue
        token = rank_text = b""
        try:
            try:
                token_text, rank_text = line.split(b" ")
                token = a2b_base64(token_text)
                is_canonical = token != b"" and b2a_base64(token, newline=False) == token_text
            except ValueError:
                is_canonical = False
            if is_canonical and len(rank_text) < 10 and rank_text.isdigit():
                rank = int(rank_text)
            else:
                token, rank = _parse_line(line)
            if token in ranks:
                raise ValueError(f"token {_quote(token)} occurs twice: rank {ranks[token]} before")
            if rank in tokens_by_rank:
                raise ValueError(
                    f"rank {rank} occurs twice: of token {_quote(tokens_by_rank[rank])} before"
                )
        except ValueError as error:
            raise ValueError(f"{source}, line {line_count}: {error}") from None
        ranks[token] = rank
        tokens_by_rank[rank] = token

    if require_all_bytes:
        missing = [byte for byte in range(256) if bytes([byte]) not in ranks]
        if missing:
            raise ValueError(
                f"{source}, line {line_count} (the last): no token so far is the single byte "
                f"0x{missing[0]:02X}; {len(missing)} of the 256 single bytes are missing"
            )
    return ranks


def load_tiktoken_bpe(
    tiktoken_bpe_file: FilePath,
    expected_hash: str | None = None,
    *,
    require_all_bytes: bool = True,
) -> dict[bytes, int]:
    r"""Read a `.tiktoken` file: a line a token, its bytes in base64, a space and its rank.

    Empty lines, any line ending and any amount of blank space between and around the two fields
    are accepted; the token `=` is the empty one.

    Args:
        tiktoken_bpe_file: A local path or a URL, read by `read_file_cached`.
        expected_hash: The SHA-256 that the file must have, in lower-case hexadecimal digits;
            None skips the check.
        require_all_bytes: Whether each of the 256 single bytes must be a token. Without one,
            text that contains the byte cannot be encoded; some vocabularies lack bytes that
            never occur in UTF-8.

    Returns:
        Each token's bytes and its rank, in the file's order.

    Raises:
        ValueError: The hash differs, a line is malformed, its base64 is wrong, its rank is not an
            integer from 0 to 2**32 - 1, a token or a rank occurs twice, or a single byte is
            missing. The message names the file and the line.
        OSError: See `read_file_cached`.
        ImportError: See `read_file`.

    Example:
        >>> url = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
        >>> load_tiktoken_bpe(url)[b" world"]
        1917
    """
    contents = read_file_cached(tiktoken_bpe_file, expected_hash)
    return _parse_tiktoken_bpe(contents, os.fsdecode(tiktoken_bpe_file), require_all_bytes)


def dump_tiktoken_bpe(bpe_ranks: Mapping[bytes, int], tiktoken_bpe_file: FilePath) -> None:
    """Write a `.tiktoken` file, lowest rank first.

    Args:
        bpe_ranks: Each token's bytes and its rank.
        tiktoken_bpe_file: A local path, whose missing directories are made, or a URL that the
            `blobfile` package can write to.

    Raises:
        OSError: The file cannot be written.
        ImportError: `blobfile` is needed and missing.
    """
    contents = b"".join(
        b"%s %d\n" % (b2a_base64(token, newline=False) or _EMPTY_TOKEN, rank)
        for token, rank in sorted(bpe_ranks.items(), key=lambda item: item[1])
    )
    path = os.fsdecode(tiktoken_bpe_file)
    if _is_url(path):
        with _import_blobfile().BlobFile(path, "wb") as file:
            file.write(contents)
    elif os.path.exists(path) and not os.path.isfile(path):
        # A device or a pipe is written to, not replaced; a directory fails here.
        with open(path, "wb") as file:
            file.write(contents)
    else:
        write_atomically(os.path.realpath(path), contents)


def _order_of_gpt2_bytes() -> dict[str, int]:
    """GPT-2's letter for each byte, in rank order.

    A byte that is a visible Latin-1 character stands for itself; the others, in order, are the
    characters from U+0100 on. Source: `bytes_to_unicode` in GPT-2's published encoder.
    """
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in visible]
    letters = {chr(byte): byte for byte in visible}
    letters.update((chr(0x100 + number), byte) for number, byte in enumerate(others))
    return letters


def _read_gpt2_merges(contents: bytes, source: str, letters: Mapping[str, int]) -> dict[bytes, int]:
    """Ranks that a GPT-2 merge list gives: the single bytes, then a merge a line."""
    ranks = {bytes([byte]): rank for rank, byte in enumerate(letters.values())}
    try:
        lines = contents.decode().split("\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"{source}: {error}") from error
    if lines[-1] == "":
        lines.pop()
    # The first line tells the format's version.
    for rank, line in enumerate(lines[1:], start=len(ranks)):
        try:
            first, second = line.split()
            ranks[bytes(letters[letter] for letter in first + second)] = rank
        except (ValueError, KeyError):
            number = rank - 256 + 2
            raise ValueError(
                f"{source}, line {number}: expected two tokens in GPT-2's letters, "
                f"found {_quote(line.encode())}"
            ) from None
    return ranks


def _read_gpt2_vocabulary(
    contents: bytes, source: str, letters: Mapping[str, int]
) -> dict[bytes, int]:
    """Ranks that GPT-2's JSON object gives, without its special tokens."""
    try:
        vocabulary = json.loads(contents)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error
    if not isinstance(vocabulary, dict):
        raise ValueError(f"{source}: expected a JSON object, found a {type(vocabulary).__name__}")
    ranks = {}
    for token, rank in vocabulary.items():
        if token in ("<|endoftext|>", "<|startoftext|>"):
            continue
        try:
            ranks[bytes(letters[letter] for letter in token)] = rank
        except KeyError:
            raise ValueError(f"{source}: token {token!r} is not in GPT-2's letters") from None
    return ranks


def data_gym_to_mergeable_bpe_ranks(
    vocab_bpe_file: FilePath,
    encoder_json_file: FilePath,
    vocab_bpe_hash: str | None = None,
    encoder_json_hash: str | None = None,
    clobber_one_byte_tokens: bool = False,
) -> dict[bytes, int]:
    """Read a vocabulary in the form that GPT-2 was published in.

    Args:
        vocab_bpe_file: The merges, one a line, best first, after a line with the version; a local
            path or a URL.
        encoder_json_file: A JSON object of every token and its rank, which must say the same; a
            local path or a URL.
        vocab_bpe_hash: The SHA-256 that the first file must have; None skips the check.
        encoder_json_hash: The SHA-256 that the second file must have; None skips the check.
        clobber_one_byte_tokens: Whether the single bytes have the second file's ranks instead of
            GPT-2's order.

    Returns:
        Each token's bytes and its rank, single bytes first.

    Raises:
        ValueError: A hash differs, a file is malformed, or the two files disagree. The message
            names the file.
        OSError: See `read_file_cached`.
        ImportError: See `read_file`.
    """
    letters = _order_of_gpt2_bytes()
    merges_source = os.fsdecode(vocab_bpe_file)
    vocabulary_source = os.fsdecode(encoder_json_file)
    ranks = _read_gpt2_merges(
        read_file_cached(vocab_bpe_file, vocab_bpe_hash), merges_source, letters
    )
    expected = _read_gpt2_vocabulary(
        read_file_cached(encoder_json_file, encoder_json_hash), vocabulary_source, letters
    )
    if clobber_one_byte_tokens:
        ranks.update((token, rank) for token, rank in expected.items() if len(token) == 1)
    if ranks != expected:
        tokens = [*ranks, *(token for token in expected if token not in ranks)]
        token = next(token for token in tokens if ranks.get(token) != expected.get(token))
        raise ValueError(
            f"{merges_source} and {vocabulary_source} disagree on token {_quote(token)}: "
            f"rank {ranks.get(token)} in the first, {expected.get(token)} in the second"
        )
    return ranks
