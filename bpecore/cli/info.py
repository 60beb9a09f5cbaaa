"""The command `bpecore info`."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata

import click

from bpecore import __version__, _core
from bpecore._build.download_cache import find_cache_directory
from bpecore._build.frozen_files import FROZEN_FOLDER, TABLES_DIRECTORY_VARIABLE
from bpecore._build.threads import thread_count
from bpecore._plural import counted
from bpecore.cli.inputs import printable
from bpecore.registry import get_encoding, list_encoding_names

PACKAGES = (
    "tiktoken",
    "numpy",
    "regex",
    "click",
    "imagesize",
    "pathspec",
    "wcwidth",
    "anyio",
    "prometheus_client",
)
VARIABLES = (
    "BPECORE_SIMD",
    "BPECORE_CACHE_MB",
    "BPECORE_AS_TIKTOKEN",
    TABLES_DIRECTORY_VARIABLE,
    "TIKTOKEN_CACHE_DIR",
    "DATA_GYM_CACHE_DIR",
)


@click.command(short_help="Print what a bug report needs.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def info(as_json: bool) -> None:
    """Print versions, the instructions in use, tables and directories, for a bug report."""
    facts = dict(all_facts())
    if as_json:
        import json

        click.echo(json.dumps(facts, indent=2))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        click.echo(f"{name.ljust(width)}  {printable(value)}")


def all_facts() -> Iterator[tuple[str, str]]:
    """Yields each fact with its name."""
    yield "bpecore", f"{__version__} in {os.path.dirname(_core.__file__)}"
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()})"
    if (is_gil_enabled := getattr(sys, "_is_gil_enabled", None)) is not None:
        yield "GIL", "on" if is_gil_enabled() else "off"
    yield "platform", platform.platform()
    yield "CPUs", f"{thread_count(None)} for this process, {os.cpu_count()} in the machine"
    yield "SIMD", _core.simd
    for package in PACKAGES:
        yield package, version_of(package)
    for variable in VARIABLES:
        if variable in os.environ:
            yield variable, os.environ[variable]
    directory, _ = find_cache_directory()
    yield "cache of downloads", state_of_directory(directory) if directory else "off"
    yield "tables", state_of_directory(FROZEN_FOLDER)
    for name in list_encoding_names():
        yield name, state_of_encoding(name)


def version_of(package: str) -> str:
    """Returns an installed package's version."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def state_of_directory(path: str) -> str:
    """Returns a directory with the number of its files."""
    try:
        count = len(os.listdir(path))
    except FileNotFoundError:
        return f"{path} (does not exist)"
    except OSError as error:
        return f"{path} ({error.strerror})"
    return f"{path} ({counted(count, 'file')})"


def state_of_encoding(name: str) -> str:
    """Loads an encoding; returns where its tables are, or why it cannot be loaded."""
    try:
        encoding = get_encoding(name)
    except Exception as error:
        return f"cannot be loaded: {type(error).__name__}: {error}".splitlines()[0]
    vocabulary = encoding._core_bpe.vocabulary
    origin = "mapped from a file" if vocabulary.is_mapped else "made in memory"
    return f"{encoding.n_vocab:,} tokens, {vocabulary.nbytes / 1e6:.1f} MB {origin}"
