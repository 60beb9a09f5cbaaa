"""`bpecore run`: any program with bpecore in tiktoken's place, otherwise like `python` itself."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from programs import run_python

import bpecore
from bpecore.dropin import TIKTOKEN_VERSION

REPORT = """
import json, sys
import tiktoken
from tiktoken.core import Encoding

print(json.dumps({
    "argv": sys.argv,
    "path": sys.path[0],
    "name": __name__,
    "file": globals().get("__file__"),
    "is_main": sys.modules["__main__"].__dict__ is globals(),
    "package": __package__ or "",
    "module": Encoding.__module__,
    "version": tiktoken.__version__,
}))
"""
LAUNCHERS = (["-m", "bpecore", "run"], ["-c", "from bpecore.cli import main; main()", "run"])


def python(
    *arguments: str, cwd: Path, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    return run_python(*arguments, folder=cwd, input=stdin)


def report(process: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert process.returncode == 0, process.stderr
    found: dict[str, object] = json.loads(process.stdout)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Contains the same program as a script, a module, a package, a folder and a zip file."""
    (tmp_path / "program.py").write_text(REPORT)
    for name in ("package", "tool"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__main__.py").write_text(REPORT)
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "inner.py").write_text(REPORT)
    with zipfile.ZipFile(tmp_path / "archive.zip", "w") as archive:
        archive.writestr("__main__.py", REPORT)
    (tmp_path / "work").mkdir()
    (tmp_path / "link.py").symlink_to(tmp_path / "tool" / "__main__.py")
    return tmp_path


WAYS = {
    "script": ["program.py"],
    "script in another folder": ["tool/__main__.py"],
    "symbolic link": ["link.py"],
    "folder": ["tool"],
    "zip file": ["archive.zip"],
    "module": ["-m", "program"],
    "module, one word": ["-mprogram"],
    "package": ["-m", "package"],
    "module in a package": ["-m", "package.inner"],
    "code": ["-c", REPORT],
}


@pytest.mark.parametrize("launcher", LAUNCHERS, ids=["module", "command"])
@pytest.mark.parametrize("way", WAYS)
def test_program_sees_what_it_sees_under_python(
    way: str, launcher: list[str], folder: Path
) -> None:
    arguments = [*WAYS[way], "-h", "--help", "-m", "--encoding", "", "a b", "--"]
    expected = report(python(*arguments, cwd=folder))
    found = report(python(*launcher, *arguments, cwd=folder))
    assert expected["module"] == "tiktoken.core"
    assert found["module"] == "bpecore.core"
    assert found["version"] == TIKTOKEN_VERSION
    for key in ("module", "version"):
        del expected[key], found[key]
    assert found == expected


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("sys.exit()", 0),
        ("sys.exit(3)", 3),
        ("sys.exit('message')", 1),
        ("raise SystemExit(None)", 0),
        ("1 // 0", 1),
        ("raise EOFError('end')", 1),
        ("import click; raise click.UsageError('no usage of bpecore')", 1),
    ],
)
def test_exit_codes_and_errors_are_the_programs(ending: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(f"import sys\n{ending}\n")
    expected = python("program.py", cwd=tmp_path)
    found = python("-m", "bpecore", "run", "program.py", cwd=tmp_path)
    assert found.returncode == expected.returncode == code
    assert found.stdout == ""
    assert found.stderr.splitlines()[-1:] == expected.stderr.splitlines()[-1:]


def test_interrupt_is_the_programs(tmp_path: Path) -> None:
    code = "raise KeyboardInterrupt"
    expected = python("-c", code, cwd=tmp_path)
    found = python("-m", "bpecore", "run", "-c", code, cwd=tmp_path)
    assert found.returncode == expected.returncode != 0
    assert "KeyboardInterrupt" in found.stderr


def test_standard_input_is_the_programs(tmp_path: Path) -> None:
    code = "import sys; print(sys.stdin.read().upper())"
    assert python("-m", "bpecore", "run", "-c", code, cwd=tmp_path, stdin="hé").stdout == "HÉ\n"


def test_tiktoken_need_not_be_installed(tmp_path: Path) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "tiktoken.py").write_text("raise ImportError('not installed')")
    code = "import tiktoken; print(tiktoken.get_encoding('o200k_base').encode('hello world'))"
    assert python("-c", code, cwd=tmp_path / "hidden").returncode == 1
    found = python("-m", "bpecore", "run", "-c", code, cwd=tmp_path / "hidden")
    assert found.stdout == "[24912, 2375]\n", found.stderr


def test_installation_outlives_the_programs_main_part(tmp_path: Path) -> None:
    code = "import atexit; atexit.register(lambda: print(__import__('tiktoken').Encoding))"
    found = python("-m", "bpecore", "run", "-c", code, cwd=tmp_path)
    assert found.stdout == f"{bpecore.Encoding}\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "Usage: bpecore run"),
        (["-m"], 2, "argument expected for the -m option"),
        (["-c"], 2, "argument expected for the -c option"),
        (["-x", "program.py"], 2, "unknown option -x"),
        (["nosuch.py"], 2, "can't open file 'nosuch.py'"),
        (["-m", "nosuch"], 1, "No module named nosuch"),
        (["-m", "nosuch.inner"], 1, "No module named nosuch.inner"),
        (["-m", "json.nosuch"], 1, "No module named json.nosuch"),
        (["-m", "json.tool.nosuch"], 1, "No module named json.tool.nosuch"),
        (["-m", ""], 1, "No module named"),
        (["-m", ".json"], 1, "No module named"),
        (["-m", "concurrent"], 1, "No module named concurrent.__main__"),
    ],
)
def test_no_program(arguments: list[str], code: int, message: str, tmp_path: Path) -> None:
    found = python("-m", "bpecore", "run", *arguments, cwd=tmp_path)
    assert found.returncode == code
    assert message in found.stderr
    assert "Traceback" not in found.stderr


def test_an_import_that_fails_inside_the_program_is_not_taken_for_its_absence(
    tmp_path: Path,
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").write_text("import nosuch_requirement")
    (tmp_path / "broken" / "inner.py").write_text("")
    found = python("-m", "bpecore", "run", "-m", "broken.inner", cwd=tmp_path)
    assert found.returncode == 1
    assert "No module named 'nosuch_requirement'" in found.stderr


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help(option: str, tmp_path: Path) -> None:
    found = python("-m", "bpecore", "run", option, cwd=tmp_path)
    assert found.returncode == 0
    assert found.stdout.startswith("Usage: bpecore run")
    assert "run " in python("-m", "bpecore", option, cwd=tmp_path).stdout
