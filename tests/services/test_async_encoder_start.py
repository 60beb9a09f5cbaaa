"""First calls do what later ones do; `load`; encoders in forked children.

Each in a process of its own, in which nothing has been called before.
"""

from __future__ import annotations

import gc
import os
import weakref
from pathlib import Path

import pytest
from programs import output_of

import bpecore

pytest.importorskip("anyio", reason="needs the extra aio")

CALLS = """
CALLS = [("count", ()), ("encode", ()), ("encode_to_numpy", ()), ("count_up_to", (5,)),
         ("truncate", (5,)), ("split", (64,))]
TEXTS = ["short", "a longer text " * 1000, "x\\ud800y " * 2000, "very " * 40_000]
"""
WATCH = """
import sys
KINDS = ("open", "import", "os.listdir", "os.scandir", "_thread.start_new_thread",
         "_thread.start_joinable_thread")
seen, watching = [], False

def watch(kind, arguments):
    if watching and kind in KINDS:
        seen.append((kind, str(arguments)[:200]))

sys.addaudithook(watch)
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_no_call_imports_opens_or_starts_anything(backend: str, tmp_path: Path) -> None:
    pytest.importorskip(backend, reason="needs trio")
    code = f"""{CALLS}{WATCH}
import {backend}, anyio, bpecore
from bpecore.aio import AsyncEncoder

async def main():
    global watching
    watching = True
    encoding = bpecore.get_encoding("o200k_base")
    watching = False
    (kind, named), = seen
    assert kind == "open" and "o200k_base.tables" in named, "what is mapped, and nothing else"
    seen.clear()
    encoder = AsyncEncoder(encoding, workers=3)
    watching = True
    for text in TEXTS:
        for name, arguments in CALLS:
            for options in ({{}}, {{"allowed_special": "all"}}, {{"disallowed_special": ()}}):
                try:
                    await getattr(encoder, name)(text, *arguments, **options)
                except UnicodeEncodeError:
                    assert "\\ud800" in text
        for side in ("start", "middle"):
            await encoder.truncate(text, 5, side=side)
    watching = False
    print(seen)
    await encoder.aclose()

anyio.run(main, backend="{backend}")
"""
    assert output_of(code, folder=tmp_path) == "[]\n"


def test_no_turn_of_the_first_thousand_calls_is_long(tmp_path: Path) -> None:
    """In processor time of the loop's thread, which other programs do not lengthen."""
    code = """
import asyncio, gc, time
import bpecore
from bpecore.aio import AsyncEncoder

encoder = AsyncEncoder(bpecore.get_encoding("o200k_base"))
gc.collect()
gc.freeze()
turns = []

async def main():
    loop = asyncio.get_running_loop()
    last = time.thread_time()

    def turn():
        nonlocal last
        now = time.thread_time()
        turns.append(now - last)
        last = now
        if len(turns) < 10**6:
            loop.call_soon(turn)

    loop.call_soon(turn)
    for number in range(1000):
        text = f"{number} " + "The river rises; x = compute(y)\\n" * [1, 9, 90, 900][number % 4]
        method = [encoder.count, encoder.encode, encoder.encode_to_numpy][number % 3]
        await method(text)
    turns.append(0.0)

asyncio.run(main())
print(max(turns))
"""
    longest = []
    for _ in range(6):
        longest.append(float(output_of(code, folder=tmp_path)))
        if longest[-1] < 0.003:
            return
    pytest.fail(f"the longest turns take {longest} s")


def test_load(tmp_path: Path) -> None:
    code = f"""{WATCH}
import asyncio, threading
import bpecore
from bpecore import aio, registry

async def main():
    load, threads = registry._load, []

    def noted(name):
        threads.append(threading.current_thread())
        return load(name)

    registry._load = noted
    encodings = await asyncio.gather(*(aio.load("o200k_base") for _ in range(4)))
    assert all(encoding is bpecore.get_encoding("o200k_base") for encoding in encodings)
    assert threads and threading.main_thread() not in threads
    global watching
    watching = True
    assert await aio.load("o200k_base") is encodings[0]
    assert seen == []
    for wrong in ("nosuch", None):
        try:
            await aio.load(wrong)
        except ValueError as error:
            print(type(error).__name__)

asyncio.run(main())
"""
    assert output_of(code, folder=tmp_path) == "ValueError\nValueError\n"


def test_a_plugin_that_fails_does_not_make_the_import_fail(tmp_path: Path) -> None:
    (tmp_path / "tiktoken_ext").mkdir()
    (tmp_path / "tiktoken_ext" / "bad.py").write_text("1 // 0")
    code = """
import sys
sys.path.insert(0, "")
import bpecore.aio, bpecore
assert bpecore.get_encoding("gpt2").encode("hello world") == [31373, 995]
for _ in range(2):
    try:
        bpecore.get_encoding("tiny")
    except ZeroDivisionError:
        print("raised")
"""
    assert output_of(code, folder=tmp_path) == "raised\nraised\n"


FORKING = """
import importlib, os, signal, threading, warnings
import anyio, bpecore
from bpecore.aio import AsyncEncoder, EncoderClosedError

warnings.simplefilter("ignore", DeprecationWarning)  # "multi-threaded, use of fork()"
importlib.import_module(BACKEND)
LONG = "a text that is long enough for a thread " * 200
gate, begun = threading.Event(), threading.Event()

class Gated(bpecore.Encoding):
    def count(self, text, **arguments):
        if text == "gated" + LONG:
            begun.set()
            gate.wait()
        return super().count(text, **arguments)

base = bpecore.get_encoding("o200k_base")
encoding = Gated("gated", pat_str=base._pat_str, mergeable_ranks=base._mergeable_ranks,
                 special_tokens={})
encoder = AsyncEncoder(encoding, workers=1, queue=2)

async def ask(*texts):
    with anyio.fail_after(60):
        for text in texts:
            assert await encoder.encode(text) == base.encode(text)
            assert await encoder.count(text) == base.count(text)

def child():
    signal.alarm(60)
    if MOMENT == "closed":
        try:
            anyio.run(ask, LONG, backend=BACKEND)
        except EncoderClosedError:
            return
        raise AssertionError("not closed")
    anyio.run(ask, "short", LONG, "gated", LONG + "other", backend=BACKEND)
    gate.set()
    anyio.run(ask, "gated" + LONG, backend=BACKEND)
    assert encoder.metrics().queue_depth == 0

def fork():
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            child()
            code = 0
        except BaseException:
            import traceback
            traceback.print_exc()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0

anyio.run(ask, "short", LONG, backend=BACKEND)
if MOMENT == "at work":
    async def several():
        async with anyio.create_task_group() as group:
            for text in ("gated" + LONG, "gated" + LONG, "waits" + LONG, "for room" + LONG):
                group.start_soon(encoder.count, text)
    worker = threading.Thread(target=anyio.run, args=(several,), kwargs=dict(backend=BACKEND))
    worker.start()
    assert begun.wait(60)
    fork()
    gate.set()
    worker.join()
elif MOMENT == "locked":
    encoder._lock.acquire()
    thread = threading.Thread(target=fork)
    thread.start()
    thread.join()
    encoder._lock.release()
else:
    if MOMENT == "closed":
        encoder.close()
    fork()
    fork()
if MOMENT != "closed":
    anyio.run(ask, "short", LONG, LONG + "later", backend=BACKEND)
print("done")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("moment", ["between loops", "at work", "locked", "closed"])
def test_a_forked_child_works_afresh(backend: str, moment: str, tmp_path: Path) -> None:
    pytest.importorskip(backend, reason="needs trio")
    code = f"MOMENT, BACKEND = {moment!r}, {backend!r}\n{FORKING}"
    assert output_of(code, folder=tmp_path) == "done\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_keeps_the_cache(tmp_path: Path) -> None:
    code = """
import asyncio, os, bpecore
from bpecore.aio import AsyncEncoder
encoder = AsyncEncoder(bpecore.get_encoding("o200k_base"))
asyncio.run(encoder.count("known"))
pid = os.fork()
if pid == 0:
    asyncio.run(encoder.count("known"))
    os._exit(encoder.metrics().hits)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    assert output_of(code, folder=tmp_path) == "1\n"


def test_encoders_are_not_kept_alive() -> None:
    from bpecore.aio import AsyncEncoder

    encoder = weakref.ref(AsyncEncoder(bpecore.get_encoding("o200k_base")))
    gc.collect()
    assert encoder() is None
