"""What is measured: a group of measures a file, each a function of the settings."""

from __future__ import annotations

from typing import Callable, NamedTuple

from ..turns import Result
from . import (
    beyond,
    characters,
    cold,
    command_line,
    decode,
    hostile,
    limits,
    load,
    memory,
    own_vocabulary,
    short,
    texts,
    threads,
)
from .settings import Settings


class Group(NamedTuple):
    """Measures that are chosen and run together."""

    run: Callable[[Settings], list[Result]]
    what: str
    """For the help text."""
    also_encodings: tuple[str, ...] = ()
    """Measured with these too in a full run."""
    only_encodings: tuple[str, ...] = ()
    """Measured with these alone, since others would tell nothing new."""


GROUPS: dict[str, Group] = {
    "warm": Group(texts.warm, "encode_to_numpy, or the engine's native call, on each text"),
    "list": Group(texts.to_list, "encode_ordinary on each text"),
    "count": Group(texts.count, "count on each text"),
    "cold": Group(cold.cold, "the native call on each text, as the first of a fresh process"),
    "short": Group(short.short, "strings of 2 to 500 characters"),
    "batch": Group(short.batch, "10,000 tiny strings at once"),
    "threads": Group(threads.threads, "two threads against one"),
    "hostile": Group(hostile.hostile, "a million of one character", also_encodings=("r50k_base",)),
    "any": Group(characters.any_character, "a million of any of 200 characters"),
    "decode": Group(decode.decode, "100,000 ids to text"),
    "beyond": Group(beyond.beyond, "split, offsets and encode_with_unstable"),
    "limits": Group(limits.limits, "texts cut to 1,000 tokens, and counts of a text that grows"),
    "command": Group(
        command_line.command_line,
        "the command line's memory, and its first id",
        only_encodings=("o200k_base",),
    ),
    "load": Group(load.load, "import, and get_encoding with the first encode"),
    "memory": Group(memory.memory, "private memory of one process and of eight"),
    "own": Group(
        own_vocabulary.own_vocabulary,
        "encodings of the user's own vocabulary",
        only_encodings=("o200k_base",),
    ),
}
"""Every group by the name that the option takes, in the order of a run."""
