"""Loads and dumps vocabulary files, with a cache of downloads.

Names, arguments and cache files are those of `tiktoken.load` 0.14.0, with these intentional
differences:

- Local files are read directly, never through the cache, which would keep the old contents of an
  edited file. Paths can be `os.PathLike`.
- Requests time out. `requests` is not needed.
- OpenAI's `.tiktoken` files are in the package: their URLs work without a network.
- Any fault in a file is a `ValueError` that names the file, the line and the fault.
- An error about a cached copy names the copy, and says what it looks like.
- Files are written atomically: a reader sees the old contents or the new, never a part.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bpecore._build.atomic_files import write_atomically
from bpecore._build.download_cache import CacheFile
from bpecore.data import gpt2_format, tiktoken_format
from bpecore.data.appearance import appearance
from bpecore.data.rank_tables import BUNDLED_FILES, tiktoken_file

if TYPE_CHECKING:
    from bpecore.types import FilePath

HTTP_TIMEOUT_SECONDS = 60.0
"""How long a server may stay silent, while connecting or between two parts of its answer."""


def _path(path: FilePath) -> str:
    try:
        return os.fsdecode(path)
    except TypeError:
        kind = type(path).__name__
        raise TypeError(f"expected the path or URL of a file, got {kind}: {path!r:.80}") from None


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
    # Imported here because they cost more than the rest of the module, and few callers get here.
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
    """Reads a whole file, with no cache and no check.

    Args:
        blobpath: a local path, an `http://` or `https://` URL, or any other URL that the
            `blobfile` package understands (which must then be installed).

    Returns:
        The file's bytes.

    Raises:
        OSError: the file cannot be read; for a URL, the message names it.
        ImportError: `blobfile` is needed and missing.
    """
    path = _path(blobpath)
    if not _is_url(path):
        with open(path, "rb") as file:
            return file.read()
    if path.startswith(("http://", "https://")):
        return _download(path)
    contents: bytes = _import_blobfile().read_bytes(path)
    return contents


def check_hash(data: bytes, expected_hash: str) -> bool:
    """Whether the SHA-256 of some bytes is `expected_hash`, 64 lower-case hexadecimal digits.

    Example:
        >>> check_hash(b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        True
    """
    return hashlib.sha256(data).hexdigest() == expected_hash


def _require_hash(contents: bytes, source: str, expected_hash: str | None) -> None:
    if expected_hash and not check_hash(contents, expected_hash):
        actual_hash = hashlib.sha256(contents).hexdigest()
        raise ValueError(
            f"Hash mismatch for data from {source}: expected sha256 {expected_hash}, "
            f"found {actual_hash}. The file may be damaged or have changed.{appearance(contents)}"
        )


def read_file_cached(blobpath: FilePath, expected_hash: str | None = None) -> bytes:
    """Reads a file, and keeps a copy of what had to be downloaded.

    The cache directory is the value of the environment variable `TIKTOKEN_CACHE_DIR`, otherwise of
    `DATA_GYM_CACHE_DIR`, otherwise `data-gym-cache` in the directory for temporary files; an empty
    variable turns caching off. They are read at every call. A cached file is named by the SHA-1
    of its URL; one that fails the check is removed and downloaded again.

    Args:
        blobpath: a local path, which is read directly and never cached, or a URL. OpenAI's
            `.tiktoken` URLs are answered from the package if they are not cached.
        expected_hash: the SHA-256 that the contents must have, in lower-case hexadecimal digits,
            wherever they come from; None skips the check.

    Returns:
        The file's bytes.

    Raises:
        ValueError: the contents do not have the expected hash.
        OSError: the file cannot be read, or cannot be kept in a cache directory that an
            environment variable names. A default directory that cannot be used is ignored.
        ImportError: see `read_file`.
    """
    return _read_with_source(blobpath, expected_hash)[0]


def _read_with_source(blobpath: FilePath, expected_hash: str | None) -> tuple[bytes, str]:
    """Reads as `read_file_cached`; returns also where the contents are from, for errors."""
    path = _path(blobpath)
    if not _is_url(path):
        contents = read_file(path)
        _require_hash(contents, path, expected_hash)
        return contents, path

    cache = CacheFile(path)
    cached = cache.read(lambda found: not expected_hash or check_hash(found, expected_hash))
    if cached is not None:
        return cached, f"{cache.path}, the cached copy of {path}"

    bundled_name = BUNDLED_FILES.get(path)
    try:
        contents = read_file(path) if bundled_name is None else tiktoken_file(bundled_name)
    except OSError as error:
        if not cache.damage:
            raise
        raise OSError(f"{error}{cache.damage}") from error
    _require_hash(contents, path, expected_hash)
    if bundled_name is None:
        cache.write(contents)
    return contents, path


@contextlib.contextmanager
def _with_appearance(contents: bytes, is_json: bool = False) -> Iterator[None]:
    """Adds what a file looks like to the error about its contents."""
    try:
        yield
    except ValueError as error:
        looks = appearance(contents, is_json)
        raise ValueError(f"{error}.{looks}" if looks else str(error)) from error


def load_tiktoken_bpe(
    tiktoken_bpe_file: FilePath,
    expected_hash: str | None = None,
    *,
    require_all_bytes: bool = True,
) -> dict[bytes, int]:
    r"""Reads a `.tiktoken` file (see `bpecore.data.tiktoken_format`).

    Args:
        tiktoken_bpe_file: a local path or a URL, read by `read_file_cached`.
        expected_hash: as for `read_file_cached`.
        require_all_bytes: whether each of the 256 single bytes must be a token. Without one,
            text that contains the byte cannot be encoded; some vocabularies lack bytes that
            never occur in UTF-8.

    Returns:
        Each token's bytes and its rank, in the file's order.

    Raises:
        ValueError: the hash differs, a line is malformed, its base64 is wrong, its rank is not an
            integer from 0 to 2**32 - 1, a token or a rank occurs twice, or a single byte is
            missing. The message names the file and the line.
        OSError: see `read_file_cached`.
        ImportError: see `read_file`.

    Example:
        >>> url = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
        >>> load_tiktoken_bpe(url)[b" world"]
        1917
    """
    contents, source = _read_with_source(tiktoken_bpe_file, expected_hash)
    with _with_appearance(contents):
        return tiktoken_format.parsed(contents, source, require_all_bytes)


def dump_tiktoken_bpe(bpe_ranks: Mapping[bytes, int], tiktoken_bpe_file: FilePath) -> None:
    """Writes a `.tiktoken` file, lowest rank first.

    Args:
        bpe_ranks: each token's bytes and its rank.
        tiktoken_bpe_file: a local path, whose missing directories are made, or a URL that the
            `blobfile` package can write to.

    Raises:
        OSError: the file cannot be written.
        ImportError: `blobfile` is needed and missing.
    """
    try:
        ranks = bpe_ranks.items()
    except AttributeError:  # as in tiktoken
        raise AttributeError(f"bpe_ranks must be a dict, not {type(bpe_ranks).__name__}") from None
    contents = tiktoken_format.written(sorted(ranks, key=lambda item: item[1]))
    path = _path(tiktoken_bpe_file)
    if _is_url(path):
        with _import_blobfile().BlobFile(path, "wb") as file:
            file.write(contents)
    elif os.path.exists(path) and not os.path.isfile(path):
        # A device or a pipe is written to, not replaced. A directory fails here.
        with open(path, "wb") as file:
            file.write(contents)
    else:
        write_atomically(os.path.realpath(path), contents)


def data_gym_to_mergeable_bpe_ranks(
    vocab_bpe_file: FilePath,
    encoder_json_file: FilePath,
    vocab_bpe_hash: str | None = None,
    encoder_json_hash: str | None = None,
    clobber_one_byte_tokens: bool = False,
) -> dict[bytes, int]:
    """Reads a vocabulary in the two files that GPT-2's was published as.

    Args:
        vocab_bpe_file: path or URL of the merges, one per line, best first, after a line with the
            version.
        encoder_json_file: path or URL of a JSON object of every token and its rank, which must
            agree with the merges.
        vocab_bpe_hash: the SHA-256 that the first file must have; None skips the check.
        encoder_json_hash: the SHA-256 that the second file must have; None skips the check.
        clobber_one_byte_tokens: whether the single bytes have the second file's ranks instead of
            GPT-2's order.

    Returns:
        Each token's bytes and its rank, single bytes first.

    Raises:
        ValueError: a hash differs, a file is malformed, or the two files disagree. The message
            names the file.
        OSError: see `read_file_cached`.
        ImportError: see `read_file`.
    """
    merges, merges_source = _read_with_source(vocab_bpe_file, vocab_bpe_hash)
    with _with_appearance(merges):
        ranks = gpt2_format.merged_ranks(merges, merges_source)
    vocabulary, vocabulary_source = _read_with_source(encoder_json_file, encoder_json_hash)
    with _with_appearance(vocabulary, is_json=True):
        expected = gpt2_format.vocabulary_ranks(vocabulary, vocabulary_source)
    if clobber_one_byte_tokens:
        ranks.update((token, rank) for token, rank in expected.items() if len(token) == 1)
    gpt2_format.require_agreement(ranks, merges_source, expected, vocabulary_source)
    return ranks
