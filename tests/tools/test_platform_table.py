"""Runs of the tests leave records, and the tables of `docs/platforms.md` are made from them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pairs import ENCODING_NAMES
from run_records import VOCABULARIES, vocabularies, write_record

SOURCE = Path(__file__).parents[2]
SUPPORT = SOURCE / "tests" / "support"


def load_tool() -> ModuleType:
    path = SOURCE / "tools" / "platform_table.py"
    specification = importlib.util.spec_from_file_location("platform_table", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


TOOL = load_tool()

TESTS = """
import pytest

@pytest.mark.parametrize("name", ["gpt2", "o200k_base-short", "o200k_base-long"])
def test_ids(name):
    pass

def test_skipped():
    pytest.skip("no emulator")

def test_failed():
    assert False
"""


def test_the_vocabularies_are_those_that_tests_compare() -> None:
    assert VOCABULARIES == ENCODING_NAMES


def test_names_of_tests_say_which_vocabulary_they_are_of() -> None:
    names = ["tests/engine/test_a.py::test[p50k_base]", "tests/models/test_b.py::test", "test"]
    found = {name: count for name, count in vocabularies(names).items() if count}
    assert found == {"p50k_base": 1, "others": 1}


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of tests that leave records, and the environment of a script that starts them."""
    (tmp_path / "conftest.py").write_text(
        "from run_records import pytest_configure, pytest_terminal_summary\n"
    )
    (tmp_path / "few").mkdir()
    (tmp_path / "few" / "test_few.py").write_text(TESTS)
    monkeypatch.setenv("BPECORE_RECORDS", str(tmp_path / "records"))
    monkeypatch.setenv("BPECORE_SECTION", "few")
    monkeypatch.setenv("BPECORE_MACHINE", "QEMU")
    monkeypatch.setenv("BPECORE_COMMIT", "0123456789")
    monkeypatch.setenv("PYTHONPATH", str(SUPPORT))
    monkeypatch.delenv("BPECORE_PROGRESS", raising=False)
    return tmp_path


def run_few(folder: Path, *options: str) -> tuple[int, Path]:
    """Returns pytest's exit status, and the record."""
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", ".", "few"]
    run = subprocess.run([*command, *options], cwd=folder, stdout=subprocess.DEVNULL, check=False)
    (path,) = (folder / "records").iterdir()
    return run.returncode, path


def test_a_run_leaves_a_record(few: Path) -> None:
    status, path = run_few(few)
    record = json.loads(path.read_text())
    assert status == 1
    assert path.name.startswith("few-")
    assert "QEMU" in path.name
    assert (record["passed"], record["failed"], record["skipped"]) == (3, 1, 1)
    assert record["reasons"] == {"no emulator": 1}
    assert record["vocabularies"]["o200k_base"] == 2
    assert record["commit"] == "0123456789"


def test_a_run_continues_one_that_was_stopped(few: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each worker of xdist has to leave out the same tests.
    progress = few / "progress" / "few"
    monkeypatch.setenv("BPECORE_PROGRESS", str(progress))
    run_few(few)
    finished = progress.read_text().splitlines()
    assert len(finished) == 4  # all but the test that failed
    finished.remove('["few/test_few.py::test_ids[gpt2]", null]')
    finished.append('["others/test_other.py::test", null]')
    progress.write_text("\n".join(finished) + "\n")
    (few / "few" / "test_few.py").write_text(TESTS.replace("assert False", "pass"))

    ran = few / "ran"
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--junit-xml={ran}")
    status, path = run_few(few, "-n2")
    record = json.loads(path.read_text())
    assert status == 0
    assert ran.read_text().count("<testcase") == 2
    assert (record["passed"], record["failed"], record["skipped"]) == (4, 0, 1)
    assert record["reasons"] == {"no emulator": 1}
    assert record["vocabularies"]["gpt2"] == 1

    status, path = run_few(few)  # nothing is left to run
    assert (status, json.loads(path.read_text())) == (0, record)


def test_nothing_is_written_without_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BPECORE_RECORDS", raising=False)
    monkeypatch.chdir(tmp_path)
    write_record("check", {"check": "a", "result": "b"})
    assert not list(tmp_path.iterdir())


def test_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, passed in (("old", 1), ("new", 1234)):
        monkeypatch.setenv("BPECORE_RECORDS", str(tmp_path / folder))
        run = {"passed": passed, "failed": 0, "skipped": 2, "reasons": {"no fork": 2}}
        write_record("tests", {**run, "tests": ["tests/arrow"], "vocabularies": {"gpt2": 7}})
    write_record("calls", {"check": "calls", "result": "all well"})
    page = tmp_path / "page.md"
    page.write_text(f"above\n{TOOL.BEGIN}\nformer\n{TOOL.END}\nbelow\n")
    for _ in range(2):
        TOOL.write_tables(page, TOOL.read_records([tmp_path / "old", tmp_path / "new"]))
    text = page.read_text()
    assert text.startswith("above\n")
    assert text.endswith("below\n")
    assert "former" not in text
    assert text.count("| 7 | 1,234 | 0 | 2 | arrow |") == 1
    assert "- no fork: 2" in text
    assert "all well" in text


def test_the_page_shows_the_records_that_are_kept() -> None:
    records = TOOL.read_records([TOOL.RECORDS])
    assert TOOL.render(records) in TOOL.PAGE.read_text("utf-8")


def test_a_page_without_marks_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")
    with pytest.raises(SystemExit, match="has no"):
        TOOL.write_tables(page, [])
    assert page.read_text() == "nothing"
