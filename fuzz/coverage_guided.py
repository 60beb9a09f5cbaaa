"""`python -m fuzz.coverage_guided`: libFuzzer on the extension's boundary.

The engine is built by Clang with AddressSanitizer, UndefinedBehaviorSanitizer and counters of the
code that was reached; Atheris brings libFuzzer into Python. The calls are in
`fuzz.coverage_target`. Needed: Clang with its sanitizers' libraries, and `pip install atheris`.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import click

from fuzz.build import SOURCE, apply_patch, build, freeze

SANITIZERS = "address,undefined,fuzzer-no-link"
LONGEST_INPUT = 1_000
SECONDS_A_CALL = 60
MEGABYTES = 8_000


def environment(site: Path) -> dict[str, str]:
    """Returns the environment in which Atheris runs the instrumented build."""
    found = importlib.util.find_spec("atheris")
    if found is None or found.origin is None:
        raise click.ClickException("atheris is not installed: pip install atheris")
    return {
        **os.environ,
        # libFuzzer and AddressSanitizer, as Atheris brings them.
        "LD_PRELOAD": str(Path(found.origin).parents[1] / "asan_with_fuzzer.so"),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:malloc_context_size=8",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": os.pathsep.join((str(site), str(SOURCE))),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seconds", default=300, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=1, show_default=True, type=click.IntRange(1))
@click.option("--compiler", default="clang", show_default=True)
@click.option(
    "--build",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep the build and the corpus here, or go on with those here. Default: temporary.",
)
@click.option(
    "--patch",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Change the engine first: to see that a planted fault is found.",
)
@click.option(
    "--replay",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Run one stored input again.",
)
def main(
    seconds: int,
    seed: int,
    compiler: str,
    folder: Path | None,
    patch: Path | None,
    replay: Path | None,
) -> None:
    """Fuzz all entry points, guided by coverage; an input that fails is kept in this folder."""
    with tempfile.TemporaryDirectory() as temporary:
        place = folder.resolve() if folder else Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        if not (place / "site").is_dir():
            click.echo(f"building the engine with {SANITIZERS}")
            change = partial(apply_patch, patch.resolve()) if patch else None
            build(place, change, {"BPECORE_SANITIZE": SANITIZERS}, compiler)
            freeze(place, environment(place / "site"))
        command = [sys.executable, "-m", "fuzz.coverage_target"]
        surroundings = environment(place / "site")
        corpus = place / "corpus"
        if not corpus.is_dir():
            corpus.mkdir()
            subprocess.run(
                [*command, "seeds", str(corpus)], cwd=place, env=surroundings, check=True
            )
        limits = [
            *(f"-timeout={SECONDS_A_CALL}", f"-rss_limit_mb={MEGABYTES}"),
            f"-artifact_prefix={Path.cwd()}{os.sep}",
        ]
        if replay is not None:
            arguments = [str(replay.resolve())]
        else:
            arguments = [
                *(f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={LONGEST_INPUT}"),
                *("-print_final_stats=1", "-len_control=0", str(corpus)),
            ]
        done = subprocess.run([*command, *limits, *arguments], cwd=place, env=surroundings)
    raise SystemExit(done.returncode != 0)


if __name__ == "__main__":
    main(prog_name="python -m fuzz.coverage_guided")
