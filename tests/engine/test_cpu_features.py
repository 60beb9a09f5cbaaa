"""Vector functions run only on CPUs with all features that they are compiled for; machines that the
engine cannot run on are refused when it is compiled."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from programs import output_of

HEADERS = Path(__file__).parents[2] / "_ext/engine/simd"
PLATFORM = HEADERS.parent / "base/platform.h"
CPU = (HEADERS / "cpu.h").read_text(encoding="utf-8")
LISTS = dict(re.findall(r"#define BPECORE_(\w+)_FEATURES\(F, S\)((?:.*\\\n)*.*)", CPU))
COMPILER = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
EMULATOR = shutil.which("qemu-x86_64-static") or shutil.which("qemu-x86_64")

PART_OF_OTHERS = {"CRC32", "XSAVE", "EVEX256", "EVEX512"}
"""Macros of what every CPU with the listed features has: it comes with SSE4.2, AVX or AVX-512."""

ENCODE = """
import bpecore
from bpecore import _core
ids = bpecore.get_encoding("cl100k_base").encode("It's 12345 naïve 日本語 words,\\n\\n " * 20)
ranks = {bytes([byte]): byte for byte in range(256)}
for left in b"abcdefgh ":
    ranks.update({bytes([left, right]): len(ranks) + i for i, right in enumerate(b"abcdefgh ")})
own = bpecore.Encoding("own", pat_str=r"\\w+|\\s+", mergeable_ranks=ranks, special_tokens={})
print(_core.simd, ids, own.encode("abc def gh " * 10))
"""

needs_compiler = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")


def features_of(name: str) -> set[str]:
    """Returns the features of a list, with those of the list that it extends."""
    features = set(re.findall(r'\bF\("([\w.]+)"', LISTS[name]))
    return features.union(*map(features_of, re.findall(r"BPECORE_(\w+)_FEATURES\(", LISTS[name])))


def macros(*options: str) -> set[str]:
    """Returns the macros that the compiler defines."""
    assert COMPILER is not None
    command = [COMPILER, *options, "-dM", "-E", "-x", "c", os.devnull]
    run = subprocess.run(command, capture_output=True, text=True)
    if run.returncode:
        pytest.skip("the compiler does not know all the features")
    return set(re.findall(r"#define __(\w+)__ 1$", run.stdout, re.MULTILINE))


def test_every_target_is_a_list_that_is_asked_for() -> None:
    asked = re.findall(r"BPECORE_(\w+)_FEATURES\(BPECORE_FEATURE_BIT, &\)", CPU)
    compiled = []
    for file in HEADERS.parent.rglob("*"):
        if file.suffix in {".h", ".pxd"}:
            compiled += re.findall(r"\btarget\((.*)\)\)\)", file.read_text(encoding="utf-8"))
    wanted = [f'BPECORE_{name}_FEATURES(BPECORE_FEATURE_NAME, ",")' for name in LISTS]
    assert sorted(compiled) == sorted(wanted)
    assert sorted(asked) == sorted(LISTS)


@needs_compiler
@pytest.mark.parametrize("name", sorted(LISTS))
def test_a_list_names_what_its_features_imply(name: str) -> None:
    if "x86_64" not in macros():
        pytest.skip("needs a compiler for x86-64")
    features = features_of(name)
    implied = macros(*(f"-m{feature}" for feature in features)) - macros() - PART_OF_OTHERS
    assert implied == {feature.upper().replace(".", "_") for feature in features}


@needs_compiler
@pytest.mark.parametrize(
    ("machine", "sentence"),
    [
        (["-U__BYTE_ORDER__", "-D__BYTE_ORDER__=__ORDER_BIG_ENDIAN__"], "little-endian machine"),
        (["-U__SIZEOF_POINTER__", "-D__SIZEOF_POINTER__=4"], "64-bit machine"),
        (["-U__SIZEOF_INT128__"], "64-bit machine"),
        ([], ""),
    ],
)
def test_other_machines_are_refused(machine: list[str], sentence: str) -> None:
    assert COMPILER is not None
    command = [COMPILER, *machine, "-w", "-fsyntax-only", str(PLATFORM)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert (run.returncode == 0) == (not sentence), run.stderr
    assert f"bpecore needs a {sentence}" in run.stderr or not sentence


@pytest.mark.skipif(platform.machine() not in {"x86_64", "AMD64"}, reason="this is no x86-64")
@pytest.mark.skipif(EMULATOR is None, reason="needs qemu-x86_64-static (qemu-user-static)")
@pytest.mark.skipif("san" in os.environ.get("LD_PRELOAD", ""), reason="sanitizers need a real CPU")
@pytest.mark.parametrize(
    ("cpu", "simd"),
    [
        ("Nehalem", "sse2"),
        ("Haswell", "avx2"),
        ("Haswell,-popcnt", "sse2"),
        ("Haswell,-bmi1,-bmi2", "sse2"),
        ("Haswell,-abm", "avx2"),  # LZCNT: no function is compiled for it
        ("Haswell,-xsave", "sse2"),  # the operating system does not save the registers
    ],
)
def test_emulated_cpus(
    cpu: str, simd: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert EMULATOR is not None
    monkeypatch.delenv("BPECORE_SIMD", raising=False)
    expected = output_of(ENCODE, folder=tmp_path).split(" ", 1)[1]
    emulator = [EMULATOR, "-cpu", cpu]
    if "-bmi2" in cpu:  # glibc 2.41's strncpy for AVX2 uses BMI2 without asking for it
        emulator += ["-E", "GLIBC_TUNABLES=glibc.cpu.hwcaps=-AVX2"]
    command = [*emulator, sys.executable, "-c", ENCODE]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert run.stdout == f"{simd} {expected}"
