"""The platform is in one place: `_ext/engine/base/platform*.h`. Elsewhere in the extension no
condition asks for an operating system or a compiler, and no function of theirs is called. Only
`engine/simd` has instruction sets, and the compiler's vectors and builtins with them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

EXTENSION = Path(__file__).parents[2] / "_ext"

CONDITIONS = {
    "BPECORE_SANITIZE",
    "PY_VERSION_HEX",
    "Py_GIL_DISABLED",
    "SIZEOF_VOID_P",
    "__aarch64__",
    "__x86_64__",
}
"""What the extension may be compiled differently for: builds, Pythons and instruction sets."""

HEADERS = {"arm_neon.h", "cpuid.h", "immintrin.h", "stddef.h", "stdint.h", "string.h"}
"""Headers that belong to C or to an instruction set; files include others of the extension too."""

LARGEST_ENUMERATOR = 2**31 - 1
"""Microsoft's enumerators are `int`s."""


def files() -> list[Path]:
    """Returns the files that may not know a platform."""
    found = [
        file
        for file in EXTENSION.rglob("*")
        if file.suffix in {".h", ".pxd", ".pxi", ".pyx"}
        and not (file.parent.name == "base" and file.name.startswith("platform"))
    ]
    assert len(found) > 150
    return found


def without_comments(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return text if file.suffix == ".h" else re.sub(r"(?m)(?<!\S)#(?: .*)?$", "", text)


def faults(file: Path) -> Iterator[str]:
    """Yields what a file names of a platform."""
    text = without_comments(file).replace("\\\n", "")
    for condition in re.findall(r"(?m)^\s*#\s*(?:el)?if(?:n?def)?\s(.*)", text):
        names = set(re.findall(r"\b[A-Za-z_]\w*", condition)) - {"defined"}
        if not re.fullmatch(r"BPECORE_\w+_H", condition):
            yield from names - CONDITIONS
    yield from set(re.findall(r"#\s*include\s*<([^>]+)>", text)) - HEADERS
    yield from re.findall(r"cimport\s+posix\b|from\s+posix\b|libc\.(?:time|signal|errno)\b", text)
    if file.parent.name != "simd":
        yield from re.findall(r"__(?:atomic|sync|builtin|attribute|asm|typeof)\w*", text)


def test_only_the_platform_file_knows_a_platform() -> None:
    found = {str(file.relative_to(EXTENSION)): sorted(faults(file)) for file in files()}
    assert {name: names for name, names in found.items() if names} == {}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("    #ifdef __linux__", "__linux__"),
        ("#if defined(__x86_64__) && !defined(_WIN32)", "_WIN32"),
        ("    #elif _MSC_VER", "_MSC_VER"),
        ("    #include <sys/mman.h>", "sys/mman.h"),
        ("from posix.unistd cimport read", "from posix"),
        ("    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED)", "__atomic_store_n"),
    ],
)
def test_a_fault_is_found(line: str, fault: str, tmp_path: Path) -> None:
    file = tmp_path / "new.pxd"
    file.write_text(line)
    assert fault in list(faults(file))


def test_both_sides_offer_the_same() -> None:
    def offered(side: str) -> set[str]:
        text = (EXTENSION / f"engine/base/platform_{side}.h").read_text(encoding="utf-8")
        macros = set(re.findall(r"#define (BPECORE_\w+)(?<!_H) ", text))
        types = set(re.findall(r"typedef .*?(bpecore_\w+);", text))
        functions = re.findall(r"static inline (.*?\)) \{", text, re.DOTALL)
        return macros | types | {" ".join(function.split()) for function in functions}

    only_posix = {
        "void bpecore_advise(const void *memory, size_t size, int advice)",  # for two others there
        "void bpecore_leave_cpu(pthread_t thread)",  # for threads that are started there
    }
    assert len(offered("windows")) > 15
    assert offered("posix") - only_posix == offered("windows")


def test_enumerators_fit_an_int() -> None:
    numbers = []
    for file in files():
        if file.suffix != ".h":
            for block in re.findall(
                r"(?m)^cdef enum.*:\n((?: +.*\n|\n)+)", file.read_text("utf-8")
            ):
                numbers += re.findall(
                    r"(?m)^ +\w+ = ([0-9A-Fx][0-9A-Fx_ <+*()-]*?) *(?:#.*)?$", block
                )
    assert len(numbers) > 50
    assert max(eval(number, {}) for number in numbers) <= LARGEST_ENUMERATOR


def test_no_number_is_a_long() -> None:
    declared = r"cdef (?:inline )?(?:unsigned )?long (?!long)|<(?:unsigned )?long>"
    declared += r"|(?m:^\s+(?:static |const |unsigned )*long (?!long)\w+(?: = .*)?;)"
    found = [file.name for file in files() if re.search(declared, file.read_text("utf-8"))]
    assert found == ["main_thread.pxi"], (
        "Windows gives it 32 bits; Python's thread numbers are long"
    )
