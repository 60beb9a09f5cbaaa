"""Builds the extension for Windows on Linux, and runs its engine there under Wine.

There is no Python for Windows here. So the extension is compiled and linked, for x86-64 and arm64,
by the project's own CMakeLists.txt, with a library in place of Python's that only has its names.
The module for x86-64 is loaded under Wine. `host.pyx`, a program that uses the engine without
Python, encodes texts there with each instruction set, by one thread and by several; the ids must be
those of this machine.

Needs an environment with bpecore, cmake, cython, ninja and ziglang, and Wine:

    python tools/windows/check.py WORK_FOLDER
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys
import sysconfig
from array import array
from collections.abc import Iterator
from pathlib import Path

import bpecore
from bpecore._build.frozen_files import FROZEN_FOLDER

HERE = Path(__file__).parent
EXTENSION = HERE.parents[1] / "_ext"
VERSION = "{}{}".format(*sys.version_info)
MACHINES = {"x86_64": "AMD64", "aarch64": "ARM64"}
"""How zig and how Windows name them."""

ENCODINGS = {"r50k_base": "r50k", "cl100k_base": "cl100k", "o200k_base": "o200k"}
"""The encodings that are tried, with the names of their automata."""

THREADS = (1, 4)


def run(*command: str | Path) -> None:
    """Runs a command; if it fails, shows what it printed and ends the program."""
    words = [str(word) for word in command]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise SystemExit(f"{done.stdout}\nFAILED: {' '.join(words)}")


def main(work: Path) -> None:
    work.mkdir(parents=True, exist_ok=True)
    include = copy_headers(work)
    for machine in MACHINES:
        folder = work / machine
        folder.mkdir(exist_ok=True)
        write_tools(folder, machine)
        make_python_library(folder, include)
        build_extension(folder, machine, include)
        build_programs(folder, include)
        print(f"{machine}: compiled and linked", flush=True)
    run_under_wine(work / "x86_64")


# ---- building -----------------------------------------------------------------------------


def copy_headers(work: Path) -> Path:
    """Copies Python's headers, with the configuration for Windows."""
    include = work / "include"
    shutil.rmtree(include, ignore_errors=True)
    shutil.copytree(sysconfig.get_path("include"), include)
    for other in include.rglob("pyconfig*.h"):
        other.unlink()
    shutil.copy(HERE / "pyconfig.h", include)
    return include


def write_tools(folder: Path, machine: str) -> None:
    """Writes the commands `cc`, `ar` and `ranlib` for a machine, and the file that CMake needs."""
    for name in ("cc", "ar", "ranlib"):
        target = f" -target {machine}-windows-gnu" if name == "cc" else ""
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ziglang {name}{target} "$@"\n')
        command.chmod(0o755)
    (folder / "toolchain.cmake").write_text(
        f"""set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR {MACHINES[machine]})
set(CMAKE_C_COMPILER "{folder}/cc")
set(CMAKE_AR "{folder}/ar")
set(CMAKE_RANLIB "{folder}/ranlib")
"""
    )


def make_python_library(folder: Path, include: Path) -> None:
    """Makes a library with Python's names; what looks for signals returns, the rest aborts."""
    names = set()
    for header in include.rglob("*.h"):
        declared = r"PyAPI_(?:FUNC|DATA)\((?:[^()]|\([^()]*\))*\)[\s\w*]*?(_?Py\w+)\s*[;([]"
        names.update(re.findall(declared, header.read_text("utf-8", "replace")))
    idle = {"PyGILState_Ensure", "PyGILState_Release", "PyErr_CheckSignals"}
    lines = ["#include <stdio.h>", "#include <stdlib.h>"]
    for name in sorted(names):
        body = "return 0;" if name in idle else f'fputs("{name} was called\\n", stderr); abort();'
        lines.append(f"__declspec(dllexport) int {name}(void) {{ {body} }}")
    source = folder / f"python{VERSION}.c"  # zig names the library after it
    source.write_text("\n".join(lines))
    run(folder / "cc", "-shared", "-O1", source, "-o", folder / f"python{VERSION}.dll")


def build_extension(folder: Path, machine: str, include: Path) -> None:
    build = folder / "build"
    run(
        *("cmake", "-S", EXTENSION, "-B", build, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"),
        f"-DCMAKE_TOOLCHAIN_FILE={folder}/toolchain.cmake",
        f"-DPython_EXECUTABLE={sys.executable}",
        f"-DPython_INCLUDE_DIR={include}",
        f"-DPython_LIBRARY={folder}/python{VERSION}.lib",
    )
    run("cmake", "--build", build)
    (module,) = build.glob("_core*.pyd")
    shutil.copy(module, folder / "_core.pyd")


def build_programs(folder: Path, include: Path) -> None:
    translated = folder / "host.c"
    run(
        *(sys.executable, "-m", "cython", "-3", "-X", "cdivision=True", "-X", "boundscheck=False"),
        *("-I", EXTENSION, HERE / "host.pyx", "-o", translated),
    )
    run(
        *(folder / "cc", "-O1", "-DNDEBUG", "-fno-strict-aliasing", "-w"),
        *("-I", EXTENSION, "-I", include, translated, folder / f"python{VERSION}.lib"),
        *("-o", folder / "host.exe"),
    )
    run(folder / "cc", HERE / "load.c", "-o", folder / "load.exe")


# ---- running ------------------------------------------------------------------------------


def run_under_wine(folder: Path) -> None:
    environment = {**os.environ, "WINEPREFIX": str(folder / "wine"), "WINEDEBUG": "-all"}
    texts = list(example_texts())
    (folder / "texts").write_bytes(pack(texts))

    def wine(*command: str | Path) -> int:
        words = ["wine", *map(str, command)]
        return subprocess.run(words, cwd=folder, env=environment, timeout=300).returncode

    if wine("load.exe", "_core.pyd", "PyInit__core"):
        raise SystemExit("the extension does not load on Windows")
    for name, automaton in ENCODINGS.items():
        encoding = bpecore.get_encoding(name)
        expected = [encoding.encode_ordinary(text) for text in texts]
        files = (f"{FROZEN_FOLDER}/{name}.tables", f"{FROZEN_FOLDER}/{automaton}.automaton")
        for simd in ("off", *instruction_sets()):
            for threads in THREADS:
                (folder / "ids").unlink(missing_ok=True)
                step = wine("host.exe", *files, simd, str(threads), "texts", "ids")
                if step:
                    raise SystemExit(f"{name}, {simd}, {threads} threads: step {step} failed")
                if unpack((folder / "ids").read_bytes()) != expected:
                    raise SystemExit(f"{name}, {simd}, {threads} threads: wrong ids")
        print(f"{name}: {sum(map(len, expected))} ids equal under Wine", flush=True)


def instruction_sets() -> Iterator[str]:
    """Yields the instruction sets of this machine."""
    for simd in ("sse2", "avx2", "avx512"):
        try:
            bpecore._core.choose_simd(simd)
        except ValueError:
            continue
        yield simd


def example_texts() -> Iterator[str]:
    """Yields texts of each width, short ones and ones of several windows and mappings."""
    lines = Path(__file__).read_text("utf-8")
    yield from (
        "",
        "a",
        "hello world",
        "It's 12345 naïve  words\r\n\r\n",
        "日本語 текст 🎉🎉",
        " " * 5000,
    )
    yield from (lines, lines.replace("e", "é"), lines.replace("e", "ж"), lines.replace("e", "🙂"))
    yield from (
        lines * 200,
        (lines + "日本語\n") * 50,
        "ab" * 20000,
        "".join(map(chr, range(0xD800))),
    )


def form(text: str) -> tuple[int, bytes]:
    """Returns a text as Python holds it: its bytes per character, and its bytes."""
    highest = max(map(ord, text), default=0)
    width = 1 if highest < 0x100 else 2 if highest < 0x10000 else 4
    return width, text.encode({1: "latin-1", 2: "utf-16-le", 4: "utf-32-le"}[width])


def pack(texts: list[str]) -> bytes:
    parts = [struct.pack("<I", len(texts))]
    for width, content in map(form, texts):
        parts += [struct.pack("<II", width, len(content)), content, bytes(-len(content) % 4)]
    return b"".join(parts)


def unpack(contents: bytes) -> list[list[int]]:
    numbers = array("I", contents).tolist()
    found = []
    place = 0
    while place < len(numbers):
        end = place + 1 + numbers[place]
        found.append(numbers[place + 1 : end])
        place = end
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
