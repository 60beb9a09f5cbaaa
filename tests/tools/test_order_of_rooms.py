"""Code uses only what is in rooms below its own, and no files use one another in a circle.

A room is a folder or a module. The tables list the rooms from the bottom up, each with the rooms
that it rests on. A room may use those and everything they rest on. What files use is read from
their source: `cimport`, `include` and `cdef extern from` in the engine, `import` in the package,
also inside functions and in the extension, but not under `TYPE_CHECKING`.

`python tests/tools/test_order_of_rooms.py` prints the order; `tools/site/pictures.py` draws it for
docs/design.md.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Container, Iterator, Mapping
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]

ENGINE = {
    "engine/base": "",
    "engine/simd": "engine/base",
    "engine/hash": "engine/base",
    "engine/sink": "engine/base",
    "engine/text": "engine/simd",
    "engine/vocab": "engine/text",
    "engine/decode": "engine/vocab",
    "engine/merge": "engine/vocab",
    "engine/build": "engine/merge",
    "engine/split": "engine/vocab",
    "engine/cache": "engine/merge",
    "engine/encode": "engine/split engine/cache engine/sink",
    "engine/growing": "engine/decode engine/encode",
    "api": "engine/hash engine/build engine/growing",
    "bpecore": "api",
}

PACKAGE = {
    "types": "",
    "_plural": "",
    "_corpus_formats": "",
    "data": "",
    "_core": "",
    "_version": "",
    "_source_tree": "_version",
    "_pattern": "",
    "_build": "_core _pattern data",
    "_tiktoken": "_build",
    "_arrays": "_build",
    "_engine_calls": "_tiktoken _arrays",
    "_limits": "_engine_calls",
    "_arrow": "_engine_calls",
    "_beyond_tiktoken": "_limits _arrow",
    "_registered": "",
    "_pickling": "_registered",
    "core": "_beyond_tiktoken _pickling",
    "load": "_build",
    "encodings": "_pattern data",
    "dropin": "_build",
    "_startup": "dropin",
    "_models": "_version _plural core encodings",
    "hf": "_models",
    "view": "_plural core",
    "registry": "_version _models dropin view",
    "model": "registry",
    "__init__": "_source_tree load model",
    "_educational": "__init__",
    "prefix_hash": "_core",
    "chat": "model types",
    "_services": "core",
    "aio": "_services registry",
    "pool.errors": "",
    "pool.metrics": "",
    "pool.wire": "_services pool.errors",
    "pool.client": "pool.wire",
    "pool.worker": "pool.wire",
    "pool.owner": "pool.client pool.worker pool.metrics registry",
    "pool": "pool.owner",
    "prometheus": "aio",
    "ray": "registry",
    "corpus": "_corpus_formats registry",
    "fuzzing": "__init__",
    "cli": "chat fuzzing corpus",
    "__main__": "cli",
    "_pyinstaller": "",
}
"""`_core` is the extension, and `__init__` the package itself."""

Links = dict[str, set[str]]


def engine_links(folder: Path) -> Links:
    """Returns what each file of the extension uses, by paths without suffix: a `.pxd` and the body
    beside it are one."""
    files = [
        file
        for pattern in ("*.p[xy]*", "*.h")
        for file in folder.rglob(pattern)
        if file.stem != "__init__"
    ]
    links: Links = {path_of(file, folder): set() for file in files}
    for file in files:
        own = path_of(file, folder)
        for used in used_by_engine_file(file.read_text(encoding="utf-8")):
            beside = str(Path(own).parent / used)
            links[own].update({used, beside} & links.keys() - {own})
    return links


def path_of(file: Path, folder: Path) -> str:
    return file.relative_to(folder).with_suffix("").as_posix()


def used_by_engine_file(text: str) -> Iterator[str]:
    """Yields paths without suffix of what a file names, which need not be files."""
    quoted = r"^\s*(?:include|#include|cdef extern from)\s+\"([^\"]+)\""
    for path in re.findall(quoted, text, re.MULTILINE):
        yield str(Path(path).with_suffix(""))
    for module in re.findall(r"^\s*cimport\s+([\w.]+)", text, re.MULTILINE):
        yield module.replace(".", "/")
    imports = r"^\s*from\s+([\w.]+)\s+cimport\s+(\([^)]*\)|.*)"
    for module, named in re.findall(imports, text, re.MULTILINE):
        path = module.replace(".", "/")
        yield path
        yield from (f"{path}/{name}" for name in re.findall(r"\w+", named))


def package_links(package: Path, extension: Path) -> Links:
    """Returns what each module of the package uses, by dotted names without the package's."""
    modules = {module_name(file, package): file for file in package.rglob("*.py")}
    core = f"{package.name}._core"
    links: Links = {name: set() for name in [*modules, core]}
    for name, file in modules.items():
        links[name].update(used_by_module(ast.parse(file.read_text("utf-8")), links))
    line = rf"^\s*((?:from|import) {package.name}\b(?!.* cimport).*)"
    for file in extension.rglob("*.p[xy]*"):
        for code in re.findall(line, file.read_text("utf-8"), re.MULTILINE):
            code = re.sub(r"\($", "_", code)
            links[core].update(used_by_module(ast.parse(code), links))

    def inside(name: str) -> str:
        return name.partition(".")[2] or "__init__"

    return {inside(name): {*map(inside, used - {name})} for name, used in links.items()}


def module_name(file: Path, package: Path) -> str:
    parts = file.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def used_by_module(tree: ast.AST, modules: Container[str]) -> Iterator[str]:
    """Yields those of some modules that code imports, by dotted names."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            yield from used_by_module(ast.Module(node.orelse, []), modules)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            for alias in node.names:
                names = (f"{node.module}.{alias.name}", f"{node.module}")
                yield from [name for name in names if name in modules][:1]
        else:
            yield from used_by_module(node, modules)


def room_of(file: str, rooms: Mapping[str, str]) -> str:
    """Returns the room with the longest name that a file is in, or an empty string."""
    inside = (room for room in rooms if re.match(rf"{re.escape(room)}([/.]|$)", file))
    return max(inside, key=len, default="")


def below(room: str, rooms: Mapping[str, str]) -> set[str]:
    """Returns all that a room rests on, directly or not."""
    direct = rooms[room].split()
    return set(direct).union(*(below(other, rooms) for other in direct))


def upward_arrows(links: Links, rooms: Mapping[str, str]) -> Iterator[str]:
    """Yields the pairs of files whose first must not use the second."""
    for file, used in sorted(links.items()):
        room = room_of(file, rooms)
        assert room, f"{file} is in no room"
        allowed = {room, *below(room, rooms)}
        yield from (
            f"{file} -> {other}" for other in sorted(used) if room_of(other, rooms) not in allowed
        )


def circles(links: Links) -> Iterator[list[str]]:
    """Yields the groups of files that use one another, by Tarjan's algorithm."""
    numbers: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_files: list[str] = []

    def visit(file: str) -> Iterator[list[str]]:
        numbers[file] = lowest[file] = len(numbers)
        open_files.append(file)
        for other in sorted(links[file]):
            if other not in numbers:
                yield from visit(other)
                lowest[file] = min(lowest[file], lowest[other])
            elif other in open_files:
                lowest[file] = min(lowest[file], numbers[other])
        if lowest[file] == numbers[file]:
            first = open_files.index(file)
            group = open_files[first:]
            del open_files[first:]
            if len(group) > 1:
                yield group

    for file in sorted(links):
        if file not in numbers:
            yield from visit(file)


TABLES = {"engine": ENGINE, "package": PACKAGE}


def links_of(table: str) -> Links:
    if table == "engine":
        return engine_links(SOURCE / "_ext")
    return package_links(SOURCE / "bpecore", SOURCE / "_ext")


@pytest.mark.parametrize("table", TABLES)
def test_no_arrow_points_upwards_and_there_is_no_circle(table: str) -> None:
    links = links_of(table)
    assert sum(map(len, links.values())) > 100
    faults = [*upward_arrows(links, TABLES[table]), *circles(links)]
    assert faults == []


@pytest.mark.parametrize("table", TABLES)
def test_the_table_is_in_order_and_every_room_is_used(table: str) -> None:
    rooms = TABLES[table]
    names = list(rooms)
    for number, room in enumerate(names):
        assert set(rooms[room].split()) <= {*names[:number]}, room
    assert {room_of(file, rooms) for file in links_of(table)} == {*names}


@pytest.mark.parametrize("table", TABLES)
def test_the_picture_in_the_documents_is_current(table: str) -> None:
    from rooms import room_picture

    path = SOURCE / "docs" / "pictures" / f"rooms-of-the-{table}.svg"
    assert room_picture(table, TABLES[table]).svg() == path.read_text(encoding="utf-8")


def write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


ROOMS = {"engine/low": "", "engine/high": "engine/low", "core": "engine/high"}


@pytest.mark.parametrize(
    "line",
    [
        "from engine.high.b cimport b",
        "from engine.high cimport b",
        "from engine.high.b cimport (\n    b,\n)",
        "cimport engine.high.b",
        'include "../high/b.pxi"',
        'cdef extern from "engine/high/b.h" nogil:',
    ],
)
def test_an_arrow_upwards_in_the_engine_is_found(line: str, tmp_path: Path) -> None:
    suffix = (re.search(r"b(\.\w+)\"", line) or ["", ".pxd"])[1]
    line = line.replace("../high", "engine/high")
    files = {"engine/low/a.pxd": f"{line}\n", f"engine/high/b{suffix}": "", "core.pyx": ""}
    links = engine_links(write(tmp_path, files))
    assert list(upward_arrows(links, ROOMS)) == ["engine/low/a -> engine/high/b"]


def test_circles_are_found(tmp_path: Path) -> None:
    files = {
        "engine/low/a.pxd": "from engine.low.b cimport b\n",
        "engine/low/b.pxd": 'cdef extern from "c.h":\n',
        "engine/low/c.h": '#include "engine/low/a.pxd"\n',
        "engine/high/d.pxd": "from engine.low.a cimport a\n",
        "core.pyx": "from engine.high.d cimport d\n",
    }
    links = engine_links(write(tmp_path, files))
    assert not list(upward_arrows(links, ROOMS))
    assert [{*circle} for circle in circles(links)] == [
        {"engine/low/a", "engine/low/b", "engine/low/c"}
    ]


def test_what_a_module_imports_is_found(tmp_path: Path) -> None:
    files = {
        "toy/__init__.py": "from toy.high import a\n",
        "toy/high/__init__.py": "",
        "toy/high/a.py": "import os, toy.low\nfrom toy.low import b\n",
        "toy/low/__init__.py": "",
        "toy/low/b.py": (
            "if TYPE_CHECKING:\n    import toy.high\n"
            "else:\n    import toy._core\n"
            "def late():\n    with open('a'):\n        from toy import high, a_function\n"
        ),
        "ext/core.pyx": "cdef class A:\n    def f(self):\n        from toy.high.a import (\n b)\n",
    }
    links = package_links(write(tmp_path, files) / "toy", tmp_path / "ext")
    assert links == {
        "__init__": {"high.a"},
        "high": set(),
        "high.a": {"low", "low.b"},
        "low": set(),
        "low.b": {"high", "_core", "__init__"},
        "_core": {"high.a"},
    }
    rooms = {"low": "", "_core": "low", "high": "low", "__init__": "high"}
    assert {*upward_arrows(links, rooms)} == {
        "low.b -> __init__",
        "low.b -> _core",
        "low.b -> high",
        "_core -> high.a",
    }
    assert [{*circle} for circle in circles(links)] == [{"__init__", "high.a", "low.b", "_core"}]


if __name__ == "__main__":
    faults: list[object] = []
    for title, rooms in TABLES.items():
        print(f"{title}, from the bottom up:")
        for room, others in rooms.items():
            print(f"  {room:<20} {others}")
        faults += [*upward_arrows(links_of(title), rooms), *circles(links_of(title))]
    print(*faults, sep="\n")
    sys.exit(bool(faults))
