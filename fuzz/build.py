"""Builds the engine from a copy of the source tree: with planted faults, or with sanitizers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

SOURCE = Path(__file__).parents[1]
NEEDED = ("_ext", "bpecore", "tools", "pyproject.toml", "README.md", "LICENSE", "NOTICE")

FORGET_EDITABLE = """\
import sys

# An editable installation of bpecore would be found before this folder.
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in type(finder).__module__]
"""


def build(
    folder: Path,
    change: Callable[[Path], None] | None = None,
    settings: Mapping[str, str] | None = None,
    compiler: str | None = None,
) -> Path:
    """Builds a copy of the source tree and returns where it is installed.

    A Python process with that folder in `PYTHONPATH` imports this build, whatever is installed.

    Args:
        folder: where the copy goes.
        change: changes the copy, whose path it is given; None for the engine as it is.
        settings: options of `_ext/CMakeLists.txt`.
        compiler: the C compiler, or None for CMake's choice.

    Raises:
        RuntimeError: the copy does not build.
    """
    tree = folder / "tree"
    tree.mkdir()
    for name in NEEDED:
        path = SOURCE / name
        if path.is_dir():
            shutil.copytree(path, tree / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        else:
            shutil.copy(path, tree / name)
    if change is not None:
        change(tree)
    site = folder / "site"
    # Its short form -C is missing in pip before 23.1.
    option = "--config-settings=cmake.define"
    defined = [f"{option}.{name}={value}" for name, value in (settings or {}).items()]
    run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation"),
            *("--no-deps", "--target", str(site), *defined, "."),
        ],
        tree,
        {"CC": compiler} if compiler else {},
    )
    (site / "sitecustomize.py").write_text(FORGET_EDITABLE)
    return site


def freeze(folder: Path, environment: Mapping[str, str]) -> None:
    """Adds the frozen tables to a build whose extension needs an environment of its own to run.

    Args:
        folder: what `build` was given.
        environment: all variables of the process that imports the extension.

    Raises:
        RuntimeError: the extension does not make them.
    """
    package = folder / "site" / "bpecore"
    (extension,) = package.glob("_core.*.so")
    script = folder / "tree" / "tools" / "make_frozen_files.py"
    run(
        [sys.executable, "-S", "-B", str(script), str(extension), str(package / "frozen")],
        folder,
        environment,
    )


def apply_patch(patch: Path, tree: Path) -> None:
    """Applies a patch to a source tree.

    Raises:
        RuntimeError: it does not apply.
    """
    run(["git", "apply", "-C1", str(patch)], tree)


def run(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> None:
    """Runs a command in a folder, with some environment variables set.

    Raises:
        RuntimeError: it fails; the message is its output.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")
