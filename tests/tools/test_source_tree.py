"""In a clone, where the source hides the installed package, the installed one is what runs."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest
from programs import run_python

import bpecore
from bpecore import _core

PACKAGE = Path(bpecore.__file__).parent
BUILT = Path(_core.__file__)
SOURCE = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The source of the package and of its tools, without an extension."""
    clone = tmp_path / "clone"
    ignored = shutil.ignore_patterns("*.so", "*.ranks", "frozen", "__pycache__")
    shutil.copytree(PACKAGE, clone / "bpecore", ignore=ignored)
    (clone / "_ext").mkdir()
    return clone


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder for `PYTHONPATH` that has the package with its extension."""
    folder = tmp_path / "installed"
    (folder / "bpecore").mkdir(parents=True)
    for file in {BUILT, BUILT.with_name("frozen"), *PACKAGE.iterdir()}:
        if file.exists() and file.name != "__pycache__":
            (folder / "bpecore" / file.name).symlink_to(file)
    return folder


def run(folder: Path, *arguments: str, path: tuple[Path, ...] = ()) -> tuple[int, str, str]:
    """Runs Python with the packages of this one, but no bpecore except where `path` has it."""
    searched = [*path]
    for number, entry in enumerate(map(Path, filter(None, sys.path))):
        if entry == SOURCE or not entry.is_dir():
            continue
        if (entry / "bpecore").exists():
            hidden = folder.parent / f"packages-{number}"
            hidden.mkdir()
            for package in entry.iterdir():
                if "bpecore" not in package.name and package.suffix != ".pth":
                    (hidden / package.name).symlink_to(package)
            entry = hidden
        searched.append(entry)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, searched)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = run_python("-S", *arguments, folder=folder, env=environment)
    return done.returncode, done.stdout, done.stderr


PROGRAM = """
import concurrent.futures, importlib, multiprocessing, bpecore

def count(text):
    return bpecore.count_for_model("gpt-4o", text)

if __name__ == "__main__":
    for name in ("bpecore", "bpecore.core", "bpecore._core", "bpecore.load", "bpecore.data"):
        assert "clone" not in importlib.import_module(name).__file__, name
    assert "clone" not in "".join(bpecore.__spec__.submodule_search_locations)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as executor:
        print(executor.submit(count, "hello world").result())
"""


def test_all_comes_from_the_installed_package(clone: Path, installed: Path) -> None:
    (clone / "program.py").write_text(PROGRAM)
    assert run(clone, "program.py", path=(installed,)) == (0, "2\n", "")


def test_the_command_line(clone: Path, installed: Path) -> None:
    (clone / "text").write_text("hello world")
    assert run(clone, "-m", "bpecore", "count", "text", path=(installed,)) == (0, "2\n", "")


@pytest.mark.parametrize("tool", ["benchmarks", "fuzz", "fuzz.mutants", "benchmarks.services"])
def test_tools_that_only_the_clone_has(tool: str, clone: Path, installed: Path) -> None:
    folder = tool.partition(".")[0]
    if tool == "benchmarks.services":
        pytest.importorskip("anyio")
    if not (SOURCE / folder).is_dir():
        pytest.skip(f"there is no {folder}/")
    (clone / folder).symlink_to(SOURCE / folder)
    code, output, errors = run(clone, "-m", tool, "--help", path=(installed,))
    assert (code, errors) == (0, "")
    assert output.lower().startswith("usage: ")


def test_a_clone_that_is_not_installed(clone: Path) -> None:
    code, _, errors = run(clone, "-c", "import bpecore")
    assert code == 1
    assert errors.splitlines()[-1] == (
        f"ImportError: {clone / 'bpecore'} is the source of bpecore {bpecore.__version__}, which "
        f"is not installed in this environment. Install it: {sys.executable} -m pip install "
        f'"{clone}"'
    )


def test_another_version_is_not_taken(clone: Path, installed: Path) -> None:
    version = installed / "bpecore" / "_version.py"
    version.unlink()
    version.write_text('__version__ = "99"\n')
    code, _, errors = run(clone, "-c", "import bpecore", path=(installed,))
    assert code == 1
    assert "in this environment; installed is 99. Install it: " in errors


def test_a_package_for_another_python(clone: Path) -> None:
    (clone / "_ext").rmdir()
    code, _, errors = run(clone, "-c", "import bpecore")
    assert code == 1
    assert "lacks the extension module of bpecore for this Python" in errors
