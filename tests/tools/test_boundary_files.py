"""The files of `_ext/api` stand alone: each names what it uses, and their order means nothing.

`_core.pyx` includes the bodies (`.pxi`), and `_core.pxd` the declarations (`.pxd`) of what
several bodies use. A body finds a name that it defines or imports itself, that the declarations
beside it import, or that any declarations declare. That another body imports it is not enough.
"""

from __future__ import annotations

import builtins
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

EXTENSION = Path(__file__).parents[2] / "_ext"
API = EXTENSION / "api"
BODIES = sorted(API.glob("*/*.pxi"))
KNOWN = {*dir(builtins), None, "NULL", "Py_buffer", "bint", "object", "sizeof"}

fragments = pytest.importorskip("Cython.Compiler.TreeFragment")
pytestmark = pytest.mark.skipif(not BODIES, reason="the source of the extension is not here")


class Names:
    """The names of one file, of all scopes.

    Attributes:
        used: what it uses.
        imported: what its imports bring.
        defined: what it defines.
    """

    def __init__(self, path: Path) -> None:
        self.used: set[str] = set()
        self.imported: set[str] = set()
        self.defined: set[str] = set()
        if path.exists():
            level = "module_pxd" if path.suffix == ".pxd" else "module"
            self._read(
                fragments.parse_from_strings(path.stem, path.read_text("utf-8"), level=level)
            )

    def _read(self, node: Any) -> None:
        kind = type(node).__name__
        if kind == "FromCImportStatNode":
            self.imported.update(name[2] or name[1] for name in node.imported_names)
        elif kind == "CImportStatNode":
            self.imported.add(node.as_name or node.module_name)
        elif kind == "FromImportStatNode":
            self.imported.update(target.name for _, target in node.items)
        elif kind == "CArgDeclNode" and getattr(node.declarator, "name", None) == "":
            self.defined.add(node.base_type.name)
        elif kind in ("NameNode", "CSimpleBaseTypeNode") and not getattr(
            node, "is_basic_c_type", 0
        ):
            self.used.add(node.name)
        elif kind.endswith("DefNode") or kind in ("CNameDeclaratorNode", "CEnumDefItemNode"):
            self.defined.update(vars(node).get(name) or "" for name in ("name", "class_name"))
            self.defined.update(arg.name for arg in star_arguments(node))
        for target in (getattr(node, "lhs", None), getattr(node, "target", None)):
            self.defined.update(name.name for name in names_in(target))
        for child in children(node):
            self._read(child)


def star_arguments(node: Any) -> list[Any]:
    """Returns the `*` and `**` arguments of a definition."""
    return [vars(node)[name] for name in ("star_arg", "starstar_arg") if vars(node).get(name)]


def children(node: Any) -> Iterator[Any]:
    """Yields the nodes below a node of Cython's parser."""
    for name in node.child_attrs or ():
        value = getattr(node, name)
        yield from (c for c in (value if isinstance(value, list) else [value]) if c is not None)


def names_in(target: Any) -> list[Any]:
    """Returns the names in the target of an assignment or a loop."""
    if type(target).__name__ == "TupleNode":
        return [name for part in target.args for name in names_in(part)]
    return [target] if type(target).__name__ == "NameNode" else []


@pytest.fixture(scope="module")
def declared() -> set[str]:
    """What the declarations declare."""
    return {name for path in API.glob("*/*.pxd") for name in Names(path).defined}


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.stem)
def test_each_body_names_what_it_uses(body: Path, declared: set[str]) -> None:
    names = Names(body)
    beside = Names(body.with_suffix(".pxd")).imported - {"cython"}  # Cython's magic, file by file
    assert names.used - names.defined - names.imported - beside - declared - KNOWN == set()


@pytest.mark.slow
def test_the_order_of_the_bodies_means_nothing(tmp_path: Path) -> None:
    source = (EXTENSION / "bpecore" / "_core.pyx").read_text(encoding="utf-8")
    includes = re.findall("^include .*\n", source, re.MULTILINE)
    assert len(includes) == len(BODIES)
    (tmp_path / "core.pyx").write_text("".join(reversed(includes)), encoding="utf-8")
    command = [sys.executable, "-m", "cython", "--module-name=bpecore._core", "core.pyx"]
    subprocess.run([*command, "-I", EXTENSION], check=True, cwd=tmp_path)
