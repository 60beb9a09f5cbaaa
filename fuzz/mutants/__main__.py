"""`python -m fuzz.mutants`: builds the engine with each planted fault and lets the fuzzer find it.

A fault counts as found when the fuzzer ends within the time and prints a string of at most ten
characters. Each is built from a copy of the source tree, so this checkout is left as it is. A fault
takes about half a minute; a patch that no longer applies is a failure too.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import click

MUTANTS = Path(__file__).parent
SOURCE = MUTANTS.parents[1]
NEEDED = ("_ext", "bpecore", "pyproject.toml", "README.md", "LICENSE", "NOTICE")
LONGEST_STRING = 10

START = """
import sys

sys.path.insert(0, {site!r})
sys.meta_path[:] = [finder for finder in sys.meta_path if "editable" not in type(finder).__module__]
import bpecore

assert bpecore.__file__.startswith({site!r}), bpecore.__file__
from bpecore.fuzzing.command import fuzz

fuzz({arguments!r})
"""


class Result(NamedTuple):
    """What the fuzzer made of one fault."""

    name: str
    found: bool
    seconds: float
    output: str


def build(patch: Path | None, folder: Path) -> Path:
    """Builds a copy of the source tree and returns where it is installed.

    Args:
        patch: the fault, or None for the engine as it is.
        folder: where the copy goes.

    Raises:
        RuntimeError: the patch does not apply, or the copy does not build.
    """
    tree = folder / "tree"
    tree.mkdir()
    for name in NEEDED:
        path = SOURCE / name
        if path.is_dir():
            shutil.copytree(path, tree / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        else:
            shutil.copy(path, tree / name)
    if patch is not None:
        run(["git", "apply", "-C1", str(patch)], tree)
    site = folder / "site"
    run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation"),
            *("--no-deps", "--target", str(site), "."),
        ],
        tree,
    )
    return site


def run(command: list[str], folder: Path) -> None:
    """Runs a command in a folder.

    Raises:
        RuntimeError: it fails; the message is what it said.
    """
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}{done.stderr}")


def search(patch: Path, seconds: float, seed: int) -> Result:
    """Returns what the fuzzer says of an engine with a fault."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            site = build(patch, folder)
        except RuntimeError as error:
            return Result(patch.stem, False, 0.0, str(error))
        arguments = ["--seconds", str(seconds), "--seed", str(seed), "--quiet", "--save", name]
        script = START.format(site=str(site), arguments=arguments)
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True
        )
        taken = time.monotonic() - start
    length = re.search(r"^  string .*, (\d+) characters$", done.stdout, re.MULTILINE)
    found = (
        done.returncode == 1
        and length is not None
        and int(length[1]) <= LONGEST_STRING
        and taken < seconds
    )
    return Result(patch.stem, found, taken, done.stdout + done.stderr)


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="For each fault.")
@click.option("--seed", default=1, show_default=True)
@click.option("--only", multiple=True, help="Name of a fault; may be given several times.")
@click.option("--jobs", default=1, show_default=True, help="Faults at a time.")
def main(seconds: float, seed: int, only: tuple[str, ...], jobs: int) -> None:
    """Let the fuzzer find each planted fault; exit with 1 if it misses one."""
    patches = [path for path in sorted(MUTANTS.glob("*.patch")) if not only or path.stem in only]
    missed = []
    with ThreadPoolExecutor(jobs) as executor:
        for result in executor.map(lambda patch: search(patch, seconds, seed), patches):
            click.echo(
                f"{result.name}: {'found' if result.found else 'MISSED'}, {result.seconds:.1f} s"
            )
            click.echo("".join(f"    {line}\n" for line in result.output.splitlines()[:8]))
            if not result.found:
                missed.append(result.name)
    if missed:
        raise SystemExit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main(prog_name="python -m fuzz.mutants")
