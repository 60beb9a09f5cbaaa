"""A process that runs one engine on one core: requests come as JSON lines, answers go out as such.

Run by `python -m benchmarks.worker ENGINE ENCODING`. The first answer tells how long loading took.
"""

from __future__ import annotations

import array
import hashlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from .engines import ENGINES, METHODS, Engine, engine_version


def pin_to_one_core() -> int | None:
    """Keeps this process on the last core it may use; None where the system cannot."""
    if not hasattr(os, "sched_setaffinity"):
        return None
    core = max(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    return core


def verify(engine: Engine, text: str) -> dict[str, Any]:
    """Returns the number of ids and their digest, after the methods were found to agree."""
    ids = array.array("I", engine.encode_ordinary(text))
    if bytes(engine.encode_to_numpy(text)) != ids.tobytes():
        raise AssertionError(f"{engine.name}: encode_to_numpy and encode_ordinary differ")
    if engine.count(text) != len(ids):
        raise AssertionError(f"{engine.name}: count is not the number of ids")
    return {"tokens": len(ids), "sha256": hashlib.sha256(ids.tobytes()).hexdigest()}


def seconds(engine: Engine, method: str, text: str) -> dict[str, Any]:
    """Returns how long one call took; freeing what it returned is not in it."""
    call = getattr(engine, method)
    before = time.perf_counter()
    result = call(text)
    after = time.perf_counter()
    del result
    return {"seconds": after - before}


def main() -> None:
    engine_name, encoding_name = sys.argv[1:]
    core = pin_to_one_core()
    before = time.perf_counter()
    engine = ENGINES[engine_name](encoding_name)
    engine.count("loaded")
    loading = time.perf_counter() - before
    hello = {"core": core, "loading_seconds": loading, "version": engine_version(engine_name)}
    print(json.dumps(hello), flush=True)
    text = ""
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any] = {}
        if request["do"] == "read":
            text = Path(request["path"]).read_bytes().decode("utf-8")
        elif request["do"] == "verify":
            answer = verify(engine, text)
        elif request["do"] in METHODS:
            answer = seconds(engine, request["do"], text)
        else:
            raise ValueError(f"unknown request {request!r}")
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
