"""`python -m fuzz.sanitize`: tests and fuzzing of an engine that is built with sanitizers.

`--kind memory` uses AddressSanitizer, UndefinedBehaviorSanitizer and LeakSanitizer, and runs the
tests and then the fuzzer. `--kind threads` uses ThreadSanitizer, and runs `fuzz.threads` and
the tests that use threads. Anything that a sanitizer reports, in any process, ends the run with 1.
GCC and its sanitizers' libraries are needed.

Python's allocator is off, so every object has its own place on the heap, and reading past the end
of a str or bytes object is detected. In this build the piece caches come from the heap too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click

from fuzz.build import SOURCE, apply_patch, build, freeze

COMPILER = "gcc"

LEFT_OUT = {
    "test_benchmarks.py": "it is about the benchmarks, which are not copied",
    "test_leaks.py": "it measures memory, which AddressSanitizer keeps when it is freed",
    "test_memory_bounds.py": "the same",
    "test_order_of_rooms.py": "it reads the source of the package, which is not copied",
    "test_plugins.py": "its processes have a PYTHONPATH of their own and import another build",
    "test_quoted_sizes.py": "it reads the source of the package, which is not copied",
    "test_typing.py": "it runs mypy, not the engine",
}
"""Tests that are left out, and why."""

DESELECTED = "tests/engine/test_fork.py::test_fork_while_other_threads_are_encoding"
"""A test that cannot be run: a thread may hold a lock of AddressSanitizer's own allocator at the
fork, and GCC's does not free it in the child, which then waits for it (seen with gdb, GCC 12)."""

THREAD_TESTS = ("tests/engine/test_batches.py", "tests/engine/test_threads.py")

NEEDED = ("tests", "fuzz", "docs", "_ext", "setup.cfg")
"""Folders and files that the tests need besides the package."""

RUN = """
import atexit
import ctypes
import gc
import runpy
import sys

import bpecore

if not bpecore.__file__.startswith({site!r}):
    sys.exit(f"the build in {site} is not what is imported: {{bpecore.__file__}}")


def check_for_leaks():
    gc.collect()
    ctypes.CDLL(None).__lsan_do_recoverable_leak_check()


if {leaks!r}:
    atexit.register(check_for_leaks)
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Runs a module and at its end lets LeakSanitizer look for memory that nothing refers to.

That is before Python drops what it keeps, and when no frame runs: LeakSanitizer does not look into
the memory of Python's stack, so the object of a running frame would seem lost.
"""


SUPPRESSIONS = {
    # Python's tracemalloc keeps its tracebacks where LeakSanitizer does not look.
    "LSAN_OPTIONS": "leak:^traceback_new$",
    # ThreadSanitizer cannot see how tiktoken synchronises, which is not built for it.
    "TSAN_OPTIONS": "race:_tiktoken.\ncalled_from_lib:_tiktoken.",
}
"""Reports that are not about the engine, by the sanitizer's variable."""


class Kind(NamedTuple):
    """A set of sanitizers that can be used together."""

    flags: str
    library: str
    finds_leaks: bool


KINDS = {
    "memory": Kind("address,undefined", "libasan.so", True),
    "threads": Kind("thread", "libtsan.so", False),
}


def environment(kind: Kind, site: Path, reports: Path) -> dict[str, str]:
    """Returns the environment in which a Python process uses a sanitized build.

    Args:
        kind: the sanitizers.
        site: where the build is installed.
        reports: path that names of report files begin with.
    """
    found = subprocess.run(
        [COMPILER, f"-print-file-name={kind.library}"], capture_output=True, text=True, check=True
    )
    common = f"log_path={reports}:exitcode=97"
    suppressed = {}
    for variable, content in SUPPRESSIONS.items():
        file = reports.with_name(variable)
        file.write_text(content + "\n")
        suppressed[variable] = f"{common}:suppressions={file}:print_suppressions=0"
    return {
        **os.environ,
        **suppressed,
        # The sanitizer must be there before anything is allocated; Python itself has none.
        "LD_PRELOAD": found.stdout.strip(),
        "ASAN_OPTIONS": f"{common}:leak_check_at_exit=0:allocator_may_return_null=1",
        "UBSAN_OPTIONS": f"{common}:print_stacktrace=1",
        "PYTHONMALLOC": "malloc",
        "PATH": f"{site / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(site),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@contextmanager
def built(kind: Kind, folder: Path | None, patch: Path | None) -> Iterator[Path]:
    """Gives a folder with a sanitized build in `site` and a copy of the tests in `outside`.

    Args:
        kind: the sanitizers.
        folder: is kept, and its build used again; None for a temporary one.
        patch: a change of the engine.
    """
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary) if folder is None else folder
        place.mkdir(parents=True, exist_ok=True)
        if not (place / "site").is_dir():
            click.echo(f"building the engine with {kind.flags}")
            shutil.rmtree(place / "tree", ignore_errors=True)
            change = partial(apply_patch, patch) if patch else None
            site = build(place, change, {"BPECORE_SANITIZE": kind.flags}, COMPILER)
            freeze(place, environment(kind, site, place / "report"))
        # Away from the source tree, whose package would hide the build.
        outside = place / "outside"
        shutil.rmtree(outside, ignore_errors=True)
        outside.mkdir()
        for name in NEEDED:
            path = SOURCE / name
            if path.is_dir():
                shutil.copytree(path, outside / name)
            else:
                shutil.copy(path, outside / name)
        for report in place.glob("report.*"):
            report.unlink()
        yield place


def chosen_tests(names: Sequence[str], outside: Path) -> list[str]:
    """Returns the test files to run: those named, or all that are not left out."""
    if names:
        return list(names)
    for name, reason in LEFT_OUT.items():
        click.echo(f"left out: {name} ({reason})")
    found = sorted((outside / "tests").rglob("test_*.py"))
    left_out = {*LEFT_OUT, "test_libraries.py"}
    return [str(file.relative_to(outside)) for file in found if file.name not in left_out]


def run(arguments: Sequence[str], kind: Kind, place: Path) -> bool:
    """Runs a Python module with the sanitized engine; returns whether all was well."""
    click.echo(f"$ python -m {' '.join(arguments)}")
    site = place / "site"
    script = RUN.format(site=str(site), leaks=kind.finds_leaks)
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=place / "outside",
        env=environment(kind, site, place / "report"),
    )
    return done.returncode == 0


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--kind", "kind_name", type=click.Choice(list(KINDS)), default="memory")
@click.option("--seconds", default=60.0, show_default=True, help="Of fuzzing; 0 for none.")
@click.option("--seed", default=0, show_default=True, help="Of fuzzing.")
@click.option("--tests/--no-tests", default=True, help="Run the tests too.")
@click.option(
    "--build",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the build here, or use the one that is here. Default: a temporary folder.",
)
@click.option(
    "--patch",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Change the engine first: to see that a planted fault is reported.",
)
@click.argument("names", metavar="[TEST]...", nargs=-1)
def main(
    kind_name: str,
    seconds: float,
    seed: int,
    tests: bool,
    folder: Path | None,
    patch: Path | None,
    names: tuple[str, ...],
) -> None:
    """Run tests (all, or those named) and fuzzing with sanitizers; exit with 1 on a finding."""
    kind = KINDS[kind_name]
    jobs: list[list[str]] = []
    with built(kind, folder and folder.resolve(), patch and patch.resolve()) as place:
        fuzzer = ["fuzz.threads"] if kind_name == "threads" else ["fuzz", "--quiet"]
        if tests:
            if kind_name == "threads":
                files = list(names or THREAD_TESTS)
            else:
                files = chosen_tests(names, place / "outside")
            # A sanitizer's output must not be captured with that of the test it ends.
            options = ["-n0", "-m", "slow or not slow", "-p", "no:cacheprovider", "--capture=sys"]
            jobs.append(["pytest", *options, "--deselect", DESELECTED, *files])
        if seconds > 0:
            jobs.append([*fuzzer, "--seconds", str(seconds), "--seed", str(seed)])
        fine = [run(job, kind, place) for job in jobs]
        reports = sorted(place.glob("report.*"))
        for report in reports:
            click.echo(report.read_text(errors="replace"))
    if reports or not all(fine):
        raise SystemExit(f"not clean: {len(reports)} reports, {fine.count(False)} failed runs")
    click.echo("clean: no sanitizer reported anything")


if __name__ == "__main__":
    main(prog_name="python -m fuzz.sanitize")
