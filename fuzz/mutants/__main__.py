"""`python -m fuzz.mutants`: one build with all planted faults; the fuzzer must find each.

A fault counts as found when the fuzzer ends within the time and prints a string of at most ten
characters, with a special token as one, from one of three seeds. One build of a copy of the source
tree, with little optimisation, holds all faults behind switches (`fuzz/mutants/switches.py`); each
fault makes frozen tables of its own. A patch that no longer applies is a failure too.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click

from fuzz.build import build, freeze
from fuzz.mutants.switches import VARIABLE, plant

MUTANTS = Path(__file__).parent
LONGEST_STRING = 10
QUICK_BUILD = {"CMAKE_C_FLAGS_RELEASE": "-Og -DNDEBUG"}

SEEDS = 3
"""Searches for a fault that shows now and then only: what a cache does follows random words, which
differ by process, and so a string may not come out small, or none."""

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


def search(number: int, name: str, built: Path, seconds: float, seed: int) -> Result:
    """Returns what the fuzzer says of an engine with a fault, of the first of several seeds that
    finds it, or of the last.

    Args:
        number: the fault's, as its switch knows it.
        name: the fault's.
        built: holds the source `tree` and the `site` with all faults.
        seconds: for each seed.
        seed: the first.
    """
    switched_on = {**os.environ, VARIABLE: str(number)}
    with tempfile.TemporaryDirectory(dir=built) as place:
        folder = Path(place)
        (folder / "tree").symlink_to(built / "tree")
        shutil.copytree(
            built / "site",
            folder / "site",
            copy_function=os.link,
            ignore=shutil.ignore_patterns("frozen"),
        )
        try:
            freeze(folder, switched_on)
        except RuntimeError as error:
            return Result(name, False, 0.0, str(error))
        for chosen in range(seed, seed + SEEDS):
            result = search_once(name, folder, switched_on, seconds, chosen)
            if result.found:
                break
        return result


def search_once(
    name: str, folder: Path, environment: Mapping[str, str], seconds: float, seed: int
) -> Result:
    """Lets the fuzzer search from one seed, with the engine in the folder's `site`."""
    site = folder / "site"
    arguments = ["--seconds", str(seconds), "--seed", str(seed), "--quiet", "--save", str(folder)]
    script = START.format(site=str(site), arguments=arguments)
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environment, capture_output=True, text=True
    )
    taken = time.monotonic() - start
    length = re.search(
        r"^  string .*, (\d+) (?:characters?|with each special token as one)$",
        done.stdout,
        re.MULTILINE,
    )
    found = (
        done.returncode == 1
        and length is not None
        and int(length[1]) <= LONGEST_STRING
        and taken < seconds
    )
    return Result(name, found, taken, done.stdout + done.stderr)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", default=60.0, show_default=True, help="For each fault and seed.")
@click.option("--seed", default=1, show_default=True, help="The first.")
@click.option("--only", multiple=True, help="Name of a fault; may be given several times.")
@click.option("--jobs", default=1, show_default=True, help="Faults at a time.")
def main(seconds: float, seed: int, only: tuple[str, ...], jobs: int) -> None:
    """Let the fuzzer find each planted fault; exit with 1 if it misses one."""
    patches = sorted(MUTANTS.glob("*.patch"))
    faults = [
        (i, patch.stem) for i, patch in enumerate(patches, 1) if not only or patch.stem in only
    ]
    missed = []
    with tempfile.TemporaryDirectory() as place, ThreadPoolExecutor(jobs) as executor:
        built = Path(place)
        build(built, partial(plant, patches=patches), QUICK_BUILD)
        searches = [executor.submit(search, *fault, built, seconds, seed) for fault in faults]
        for done in searches:
            result = done.result()
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
