"""Make or check the compact rank tables in `bpecore/data/`. For maintainers only.

The source is a PyPI wheel that carries OpenAI's files unchanged; nothing else of it is used:

    pip download --no-deps litellm==1.70.0
    python tools/make_rank_tables.py litellm-1.70.0-py3-none-any.whl

Every file is checked against the sha256 that OpenAI publishes in tiktoken's sources, before it is
read and again after it has been regenerated from the compact form. Without the wheel,

    python tools/make_rank_tables.py --check

expands the committed tables, compares the regenerated texts with the same sums, and works out
every token's two parts afresh. The format is described in `bpecore/data/packed_ranks.py`.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import sys
import zipfile
from pathlib import Path
from types import ModuleType

DATA_FOLDER = Path(__file__).resolve().parent.parent / "bpecore" / "data"
URL = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
WHEEL_FOLDER = "litellm/litellm_core_utils/tokenizers/"

# Source: tiktoken 0.14.0, tiktoken_ext/openai_public.py.
SHA256 = {
    "r50k_base": "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930",
    "p50k_base": "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}
STORED_TABLES = ("p50k_base", "cl100k_base", "o200k_base")
R50K_TOKEN_COUNT = 50_256


# An empty package in place of `bpecore`, whose import would need a built engine.
sys.modules["bpecore"] = ModuleType("bpecore")
sys.modules["bpecore"].__path__ = [str(DATA_FOLDER.parent)]

from bpecore.data import packed_ranks, rank_tables  # noqa: E402


class TableError(Exception):
    """The input or a committed table is not what it must be."""


def find_parts(token: bytes, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    """The two parts that merging `token` by the rest of the table leaves before the last merge.

    Standard byte pair encoding, lowest rank first and leftmost among equals, stopped when two
    parts are left: only then could the token itself be merged.

    Raises:
        TableError: Merging gets stuck with more than two parts.
    """
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        candidates = [
            (ranks[left + right], position)
            for position, (left, right) in enumerate(zip(parts, parts[1:]))
            if left + right in ranks
        ]
        if not candidates:
            raise TableError(f"token {token!r} cannot be reached by merging: stuck at {parts}")
        _, position = min(candidates)
        parts[position : position + 2] = [parts[position] + parts[position + 1]]
    left, right = parts
    return left, right


def find_parents(tokens: list[bytes], ranks: dict[bytes, int]) -> list[tuple[int, int]]:
    """Positions in `tokens` of the two parts of every token after the 256 single bytes."""
    positions = {token: position for position, token in enumerate(tokens)}
    parents = []
    for position, token in enumerate(tokens[256:], start=256):
        left, right = find_parts(token, ranks)
        pair = positions[left], positions[right]
        if max(pair) >= position:
            raise TableError(f"token {token!r} comes before its part {left!r} or {right!r}")
        parents.append(pair)
    return parents


def parse_tiktoken_file(contents: bytes) -> dict[bytes, int]:
    """Tokens and ranks of a file whose sum has been checked already."""
    ranks = {}
    for line in contents.splitlines():
        token, rank = line.split()
        ranks[base64.b64decode(token, validate=True)] = int(rank)
    return ranks


def check_sum(name: str, contents: bytes) -> None:
    """TableError unless `contents` is OpenAI's file, byte for byte."""
    actual = hashlib.sha256(contents).hexdigest()
    if actual != SHA256[name]:
        raise TableError(f"{name}.tiktoken has sha256 {actual}, not {SHA256[name]}")


def make_table(name: str, contents: bytes) -> bytes:
    """The compact form of one of OpenAI's files."""
    ranks = parse_tiktoken_file(contents)
    tokens = sorted(ranks, key=ranks.__getitem__)
    if sorted(tokens[:256]) != [bytes([byte]) for byte in range(256)]:
        raise TableError(f"{name}: the first 256 tokens are not the single bytes")
    used = set(ranks.values())
    skipped = [rank for rank in range(max(used)) if rank not in used]
    single_bytes = b"".join(tokens[:256])
    parents = find_parents(tokens, ranks)
    return packed_ranks.pack(single_bytes, skipped, parents)


def make(wheel: Path) -> None:
    """Write the compact tables from the wheel's files."""
    for name in STORED_TABLES:
        member = WHEEL_FOLDER + hashlib.sha1(URL.format(name).encode()).hexdigest()
        with zipfile.ZipFile(wheel) as archive:
            contents = archive.read(member)
        check_sum(name, contents)
        if name == "p50k_base":
            lines = contents.splitlines(keepends=True)
            check_sum("r50k_base", b"".join(lines[:R50K_TOKEN_COUNT]))
        compact = make_table(name, contents)
        path = DATA_FOLDER / f"{name}.ranks"
        path.write_bytes(compact)
        print(f"{path.name}: {len(compact):,} bytes for {len(contents):,}")


def check() -> None:
    """Compare everything the committed tables expand to with what it must be."""
    for name in rank_tables.RANK_TABLE_NAMES:
        check_sum(name, rank_tables.tiktoken_file(name))
        table = rank_tables.load_rank_table(name)
        ranks = dict(zip(table.tokens, table.ranks))
        entries = iter(table.parents[2 * 256 :])
        if list(zip(entries, entries)) != find_parents(table.tokens, ranks):
            raise TableError(f"{name}: stored parts differ from those that merging gives")
        print(f"{name}: {len(table.tokens):,} tokens, all reached by merging; text is OpenAI's")


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Make or check the compact rank tables.")
    parser.add_argument("wheel", nargs="?", type=Path, help="litellm-1.70.0-py3-none-any.whl")
    parser.add_argument("--check", action="store_true", help="only check the committed tables")
    arguments = parser.parse_args()
    if arguments.check == (arguments.wheel is not None):
        parser.error("give either a wheel or --check")
    try:
        if arguments.wheel is not None:
            make(arguments.wheel)
        check()
    except (TableError, ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
