"""A process that runs one engine on few cores: requests come as JSON lines, answers go out as such.

Run by `python start_worker.py ENGINE ENCODING RANK_FILES CORES`. The first answer gives the
cores and the engine's version.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from .engines import ENGINES, Engine, UnsupportedError, installed_version
from .inputs import build, sizes

TURN_CALLS = 5
"""How often a turn times its call at most; the first ones warm the processor's caches."""

TURN_SECONDS = 0.1
"""After how long a turn times no further call."""


def pin_to_cores(number: int) -> list[int] | None:
    """Keeps this process on the last cores that it may use; None where the system cannot."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    cores = sorted(os.sched_getaffinity(0))[-number:]
    os.sched_setaffinity(0, cores)
    return cores


def digest(result: Any) -> str:
    """Returns a fingerprint of a result; ids in a list, an array or a buffer have the same."""
    if isinstance(result, str):
        return hashlib.sha256(result.encode("utf-8", "surrogatepass")).hexdigest()
    if isinstance(result, int):
        return str(result)
    if hasattr(result, "n_vocab"):
        return str(result.n_vocab)
    if type(result).__module__.partition(".")[0] == "awkward":
        import awkward

        lengths = awkward.num(result) if result.ndim > 1 else []
        flat = np.asarray(awkward.flatten(result, axis=None))
        result = (flat, np.cumsum([0, *lengths])) if result.ndim > 1 else flat
    if isinstance(result, list) and result and hasattr(result[0], "ids"):
        result = [encoding.ids for encoding in result]
    offsets = np.empty(0, np.int64)
    if isinstance(result, tuple):
        result, offsets = result
    elif isinstance(result, list) and result and isinstance(result[0], list):
        offsets = np.cumsum([0, *map(len, result)])
        result = [token for tokens in result for token in tokens]
    content = np.asarray(result, dtype=np.uint32).tobytes()
    return hashlib.sha256(content + np.asarray(offsets, dtype=np.int64).tobytes()).hexdigest()


def time_turn(method: Any, value: Any, arguments: dict[str, Any], calls: int) -> list[float]:
    """Returns the seconds that each of several calls took, without freeing large results.

    Args:
        method: what to time.
        value: its input.
        arguments: its other arguments; none where `calls` is more than one.
        calls: how many calls make one timing, for those that are shorter than the clock is fine.
    """
    timings: list[float] = []
    while len(timings) < TURN_CALLS and sum(timings) * calls < TURN_SECONDS:
        if calls == 1:
            before = time.perf_counter()
            result = method(value, **arguments)
            timings.append(time.perf_counter() - before)
            del result
        else:
            rounds = range(calls)
            before = time.perf_counter()
            for _ in rounds:
                method(value)
            timings.append((time.perf_counter() - before) / calls)
    return timings


class Desk:
    """Answers requests with one engine and the input prepared last."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._method: Any = None
        self._value: Any = None
        self._arguments: dict[str, Any] = {}

    def prepare(
        self, method: str, description: dict[str, Any], arguments: dict[str, Any]
    ) -> dict[str, Any]:
        """Builds an input for a method, and returns its size."""
        self._method = getattr(self._engine, method, None)
        if self._method is None:
            raise UnsupportedError(f"no {method}")
        self._value = build(self._engine, description)
        self._arguments = arguments
        return sizes(self._value)

    def verify(self) -> dict[str, Any]:
        """Calls once and returns the fingerprint of what came out."""
        answer = {"digest": digest(self._method(self._value, **self._arguments))}
        gc.collect()
        return answer

    def time(self, calls: int) -> dict[str, Any]:
        """Times a turn of calls."""
        return {"seconds": time_turn(self._method, self._value, self._arguments, calls)}

    def time_first(self) -> dict[str, Any]:
        """Times one call, the first of the process where nothing was verified before."""
        before = time.perf_counter()
        result = self._method(self._value, **self._arguments)
        seconds = time.perf_counter() - before
        return {"seconds": [seconds], "digest": digest(result)}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Does what a request says."""
        what = request.pop("do")
        actions: dict[str, Callable[..., dict[str, Any]]] = {
            "prepare": self.prepare,
            "verify": self.verify,
            "time": self.time,
            "time_first": self.time_first,
        }
        if what not in actions:
            raise ValueError(f"unknown request {what!r}")
        return actions[what](**request)


def say(answer: dict[str, Any]) -> None:
    """Sends an answer."""
    print(json.dumps(answer), flush=True)


def main() -> None:
    engine_name, encoding_name, rank_files, cores = sys.argv[1:]
    hello = {"cores": pin_to_cores(int(cores)), "version": installed_version(engine_name)}
    try:
        desk = Desk(ENGINES[engine_name](encoding_name, Path(rank_files)))
    except UnsupportedError as error:
        say({"unsupported": str(error)})
        return
    say(hello)
    for line in sys.stdin:
        try:
            answer = desk.answer(json.loads(line))
        except UnsupportedError as error:
            answer = {"unsupported": str(error)}
        except Exception as error:  # any failure of an engine is reported
            answer = {"failed": f"{type(error).__name__}: {error}"[:300]}
        say(answer)


if __name__ == "__main__":
    main()
