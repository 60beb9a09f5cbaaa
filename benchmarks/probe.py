"""How an engine starts in a fresh process: times and memory, phase by phase.

A script that imports almost nothing before the engine does, run by path in isolated mode:
`python -I probe.py start|memory|repeated ENGINE ENCODING RANK_FILES [TEXT_FILE|NUMBER]`. Each phase
prints a line of JSON. With `memory` and `repeated` a phase begins when a line comes in, and a line
"measure" asks for the memory in use, so that several processes can be held at the same phase.
"""

from __future__ import annotations

import os
import sys
import time

# Not typing.TYPE_CHECKING: importing typing here would spare the engines its import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Callable

    Start = Iterator[Callable[[str], list[int]] | None]


LOADS: dict[str, Callable[[Any, str, str], Any]] = {
    "tiktoken": lambda module, encoding, _: module.get_encoding(encoding),
    "bpecore": lambda module, encoding, _: module.get_encoding(encoding),
    "before": lambda module, encoding, _: module.get_encoding(encoding),
    "gigatoken": lambda module, encoding, files: module.Tokenizer.from_tiktoken(
        f"{files}/{encoding}.tiktoken"
    ).as_tiktoken(),
    "quicktok": lambda module, encoding, _: module.get_encoding(encoding),
    "tokenizers": lambda module, encoding, files: module.Tokenizer.from_file(
        f"{files}/{encoding}.json"
    ),
    "snaptokens": lambda module, encoding, files: module.Tokenizer.from_file(
        f"{files}/{encoding}.json"
    ),
}
"""By engine, how its module loads an encoding."""


def phases_of(engine: str, encoding: str, rank_files: str) -> Start:
    """Imports an engine, then loads an encoding and encodes with it for the first time."""
    os.environ["TIKTOKEN_CACHE_DIR"] = rank_files
    module = __import__("bpecore" if engine == "before" else engine)
    yield None
    loaded = LOADS[engine](module, encoding, rank_files)
    loaded.encode("hello world")
    if engine in ("tokenizers", "snaptokens"):
        yield lambda text: list(loaded.encode(text).ids)
    else:
        yield loaded.encode_ordinary


def start(engine: str, encoding: str, rank_files: str) -> None:
    """Prints the seconds of the import, and of `get_encoding` with a first encode."""
    phases = phases_of(engine, encoding, rank_files)
    before = time.perf_counter()
    next(phases)
    imported = time.perf_counter()
    next(phases)
    loaded = time.perf_counter()
    print(f'{{"import": {imported - before}, "load": {loaded - imported}}}', flush=True)


def hold(measure: Callable[[], int]) -> None:
    """Reports that a phase is over, then answers with the memory until the next phase begins."""
    import gc

    gc.collect()
    print("null", flush=True)
    while sys.stdin.readline() == "measure\n":
        print(measure(), flush=True)


def memory(engine: str, encoding: str, rank_files: str, text_file: str) -> None:
    """Holds after the import, after the first encode, and after a long text to a list."""
    import psutil

    process = psutil.Process()

    def private_bytes() -> int:
        return int(process.memory_full_info().uss)

    with open(text_file, encoding="utf-8", newline="") as file:
        text = file.read()
    phases = phases_of(engine, encoding, rank_files)
    next(phases)
    hold(private_bytes)
    encode = next(phases)
    hold(private_bytes)
    assert encode is not None
    encode(text)
    hold(private_bytes)


def repeated(engine: str, encoding: str, rank_files: str, number: str) -> None:
    """Holds with one encoding of some ranks, and with `number` equal ones of bpecore."""
    import psutil

    import bpecore
    from bpecore.data.rank_tables import load_ranks

    ranks = load_ranks("r50k_base")
    process = psutil.Process()

    def resident_bytes() -> int:
        return int(process.memory_info().rss)

    def own(i: int) -> Any:
        return bpecore.Encoding(
            f"own-{i}", pat_str=r"\S+|\s+", mergeable_ranks=ranks, special_tokens={}
        )

    held = [own(0)]
    held[0].encode("hello world")
    hold(resident_bytes)
    held += [own(i) for i in range(1, int(number))]
    hold(resident_bytes)


if __name__ == "__main__":
    MODES = {mode.__name__: mode for mode in (start, memory, repeated)}
    MODES[sys.argv[1]](*sys.argv[2:])
