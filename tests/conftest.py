"""Fixtures: every encoding beside tiktoken's own of the same ranks, real text, a pool's client.

Importing this also makes the folders `benchmarks` and `fuzz` of the source importable, if they are
there, without the source's root on the path: its copy of the package would hide the installed one.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pairs import ENCODING_NAMES, Pair, load_pair
from run_records import pytest_configure, pytest_terminal_summary  # noqa: F401  (hooks)

if TYPE_CHECKING:
    from bpecore.pool import PoolClient, TokenizerPool

SOURCE = Path(__file__).parents[1]

if importlib.util.find_spec("_posixshmem") is None:  # Windows, where there is no pool
    collect_ignore = ["pool", "services/examples/test_pooled_endpoint.py"]


def import_source_folder(name: str) -> None:
    """Imports a package that comes with the source only, by its place."""
    folder = SOURCE / name
    if name in sys.modules or not folder.is_dir():
        return
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)


for folder_name in ("benchmarks", "fuzz"):
    import_source_folder(folder_name)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Runs tests in this process where files are named: starting others takes longer."""
    named = [Path(argument.partition("::")[0]) for argument in config.args]
    return 0 if all(path.is_file() for path in named) else None


@pytest.fixture(scope="session", params=ENCODING_NAMES)
def pair(request: pytest.FixtureRequest) -> Pair:
    """Ours and tiktoken's, for each of the seven encodings."""
    return load_pair(request.param)


@pytest.fixture(scope="session")
def cl100k() -> Pair:
    """Ours and tiktoken's, for tests that one encoding is enough for."""
    return load_pair("cl100k_base")


@pytest.fixture
def client(pool: TokenizerPool) -> Iterator[PoolClient]:
    """A client of the pool that the test's file has."""
    with pool.client() as client:
        yield client


@pytest.fixture(scope="session")
def corpora() -> dict[str, str]:
    """Real texts by name: the corpora folder if there is one, otherwise texts shipped with Python.

    `BPECORE_CORPORA` names another folder.
    """
    given = os.environ.get("BPECORE_CORPORA")
    folder = Path(given) if given else Path(__file__).parents[2] / "shared" / "corpora"
    if given and not folder.is_dir():
        raise FileNotFoundError(f"BPECORE_CORPORA={given!r} is not a folder")
    texts = {file.name: read_exactly(file) for file in sorted(folder.glob("*.txt"))}
    return texts or texts_shipped_with_python()


def texts_shipped_with_python() -> dict[str, str]:
    """Returns several hundred KB of the standard library, and other scripts out of its codecs."""
    library = Path(sysconfig.get_path("stdlib"))
    names = (
        "argparse.py",
        "_pydecimal.py",
        "typing.py",
        "html/entities.py",
        "pydoc_data/topics.py",
        "encodings/cp1251.py",
        "encodings/mac_greek.py",
        "LICENSE.txt",
        "test/test_unicode_identifiers.py",
    )
    texts = {name: read_exactly(library / name) for name in names if (library / name).is_file()}
    for codec in ("cp1251", "cp1253", "cp1255", "cp1256", "cp874", "shift_jis", "gb2312", "euc_kr"):
        texts[f"characters of {codec}"] = characters_of(codec)
    return texts


def characters_of(codec: str) -> str:
    """Returns, as words of uneven length, every character that a legacy codec knows."""
    singles = [bytes([byte]) for byte in range(256)]
    pairs = [bytes([lead, trail]) for lead in range(0x81, 0xFF) for trail in range(0x40, 0xFF)]
    text = "".join(sequence.decode(codec, "ignore") for sequence in singles + pairs)
    return " ".join(text[i : i + 3 + i % 11] for i in range(0, len(text), 7))


def read_exactly(file: Path) -> str:
    """Returns a file's text with its line ends as they are."""
    return file.read_bytes().decode("utf-8", "replace")
