"""What engines are given, described by JSON and built in the process that needs it.

A description is a dict whose `kind` names a function of this file, the rest being its arguments.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

Description = dict[str, Any]


def read_text(path: str | Path) -> str:
    """Returns a UTF-8 file's text with its line ends as they are."""
    return Path(path).read_bytes().decode("utf-8")


def file(path: str) -> str:
    """The text of one file."""
    return read_text(path)


def text(text: str) -> str:
    """A text that is given."""
    return text


def repeated(text: str, times: int) -> str:
    """A text over and over."""
    return text * times


def mixed(paths: Sequence[str], size: int) -> str:
    """About `size` bytes of UTF-8, an equal share from the start of each file."""
    share = size // len(paths)
    starts = (Path(path).read_bytes()[:share] for path in paths)
    return "".join(start.decode("utf-8", "ignore") for start in starts)


def long_text(paths: Sequence[str], size: int) -> str:
    """At least `size` bytes of UTF-8: all files one after the other, over and over."""
    once = b"".join(Path(path).read_bytes() for path in paths)
    return (once * -(-size // len(once))).decode("utf-8")


def documents(paths: Sequence[str], characters: int) -> list[str]:
    """All files, cut into documents of a number of characters."""
    whole = "".join(map(read_text, paths))
    return [whole[start : start + characters] for start in range(0, len(whole), characters)]


def prompts(paths: Sequence[str], number: int, characters: int) -> list[str]:
    """So many prompts of a number of characters, an equal share from the start of each file."""
    share = number // len(paths)
    return [
        text[start : start + characters]
        for text in map(read_text, paths)
        for start in range(0, share * characters, characters)
    ]


def corpus(path: str) -> list[str]:
    """The documents of a .jsonl file, or a .txt file as one document."""
    if path.endswith(".txt"):
        return [read_text(path)]
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def file_name(path: str) -> Path:
    """A file, for engines that read files themselves."""
    return Path(path)


def numbered(prefix: str, number: int) -> list[str]:
    """So many strings, which differ by a number at their end."""
    return [f"{prefix}{i}" for i in range(number)]


def ids(engine: Any, paths: Sequence[str], number: int) -> list[int]:
    """The first ids of a mixed text, as a list; fewer where the files are short."""
    found: list[int] = engine.encode_ordinary(mixed(paths, 6 * number))
    return found[:number]


def own_ranks(number: int) -> dict[bytes, int]:
    """A vocabulary of a given size: o200k_base's tokens and doubled ones, or its first ones."""
    from bpecore.data.rank_tables import load_ranks

    ranks = load_ranks("o200k_base")
    doubled = (2 * token for token in list(ranks) if 2 * token not in ranks)
    while len(ranks) < number:
        ranks[next(doubled)] = len(ranks)
    return {token: rank for token, rank in ranks.items() if rank < number}


KINDS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        *(file, text, repeated, mixed, long_text, documents, numbered, own_ranks),
        prompts,
        *(corpus, file_name),
    )
}


def build(engine: Any, description: Description) -> Any:
    """Returns the input that a description describes; `engine` makes ids where it needs them."""
    arguments = {key: value for key, value in description.items() if key != "kind"}
    if description["kind"] == "ids":
        return ids(engine, **arguments)
    return KINDS[description["kind"]](**arguments)


def sizes(value: Any) -> dict[str, int]:
    """Returns how large an input is: bytes of UTF-8 and characters, or the number of its items."""
    if isinstance(value, str):
        return {"bytes": len(value.encode("utf-8")), "items": len(value)}
    if isinstance(value, Path):
        return {"bytes": value.stat().st_size, "items": 1}
    if value and isinstance(value, list) and isinstance(value[0], str):
        return {"bytes": sum(len(item.encode("utf-8")) for item in value), "items": len(value)}
    return {"bytes": 0, "items": len(value)}
