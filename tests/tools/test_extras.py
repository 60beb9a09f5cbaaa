"""Extras: one spelling everywhere, without an index, and all that the examples import."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2]
STANDARD = getattr(sys, "stdlib_module_names", None)  # since Python 3.10


def requirements_of(extra: str) -> set[str]:
    """Returns the names of what an extra installs, those of the package included."""
    found = set()
    for line in requires("bpecore") or ():
        name, _, condition = line.partition(";")
        of_extra = re.search(r"extra == ['\"]([\w-]+)['\"]", condition)
        if of_extra is None or of_extra[1] == extra:
            nested = re.match(r"bpecore\[([^\]]+)\]", name)
            if nested:
                for part in nested[1].split(","):
                    found |= requirements_of(part.strip())
            else:
                found.add(re.split(r"[^\w-]", name.strip())[0])
    return found


@pytest.mark.skipif(STANDARD is None, reason="needs Python 3.10")
def test_services_brings_what_the_examples_import() -> None:
    own = {"bpecore", "__future__", *(file.stem for file in SOURCE.glob("examples/*.py"))}
    provided = requirements_of("services") | {"pydantic"}  # fastapi's own
    files = list(SOURCE.glob("examples/*.py"))
    missing = {name for file in files for name in imports(file)} - own - provided - set(STANDARD)
    assert files
    assert missing == set()


def imports(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


def test_the_spelling_is_one() -> None:
    """`".[test]"` also builds the clone; an extra alone is added to what is installed."""
    other = re.compile(r"pip install [^\n`]*('bpecore\[|(?<!\")bpecore\[|\"\.\[(?!test|lint))")
    files = [*SOURCE.glob("*.md"), *SOURCE.glob("docs/**/*.md"), *SOURCE.glob("examples/*")]
    files += SOURCE.glob("bpecore/**/*.py")
    found = [file for file in files if file.is_file() and other.search(file.read_text("utf-8"))]
    assert found == []


def test_an_extra_needs_no_index_where_bpecore_is_installed() -> None:
    pytest.importorskip("anyio", reason="needs the extra aio")
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--dry-run", "bpecore[aio]"]
    run = subprocess.run(command, capture_output=True, text=True)
    if "No module named pip" in run.stderr or "no such option" in run.stderr:
        pytest.skip("needs a newer pip")
    assert run.returncode == 0, run.stderr
