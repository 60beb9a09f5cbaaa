"""Type checkers accept typical uses, and what they accept works.

`.ci/run` runs both checkers on the whole package; here they check only the uses, where installed.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "typing"))

import typical_uses

import bpecore
from bpecore.dropin import TiktokenAlreadyImportedWarning

USES = Path(typical_uses.__file__)

# Each line is wrong: a checker that accepts one has missed the annotations.
WRONG_USES = (
    "bpecore.get_encoding(5)",
    "bpecore.get_encoding('gpt2').encode(b'bytes')",
    "bpecore.get_encoding('gpt2').encode('a', allowed_special=['a'])",
    "bpecore.get_encoding('gpt2').encode('a', allowed_special='some')",
    "bpecore.get_encoding('gpt2').encode('a', {'a'})",
    "bpecore.get_encoding('gpt2').decode([1]).no_such_method()",
    "bpecore.get_encoding('gpt2').no_such_method()",
    "bpecore.Encoding('a', pat_str='a', mergeable_ranks={'a': 1}, special_tokens={})",
    "bpecore.no_such_name",
    "class Engine(bpecore._tiktoken.CoreBPE): ...",
)


def test_typical_uses_work(tmp_path: Path) -> None:
    ids, count = typical_uses.encode_and_count()
    assert len(ids) > count > 2
    tokens, explanation, kept = typical_uses.count_chats()
    assert (tokens, explanation.total, len(kept)) == (8, 31, 1)
    assert typical_uses.encode_many()[0] == [15339]
    assert typical_uses.decode().startswith("hello worldhello worldhello world")
    assert typical_uses.arrays() > 24912 + 2375
    assert typical_uses.facts()["special"] is True
    own = typical_uses.own_encoding(tmp_path)
    assert own.encode("<|im_start|>", allowed_special="all") == [100264]
    assert typical_uses.pass_around(own) == [15339, 1, 15339]
    limited = typical_uses.Limited(
        "limited", pat_str=".", mergeable_ranks={b"a": 0}, special_tokens={}
    )
    assert limited.fits("aa", 2)
    assert not limited.fits("aaa", 2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TiktokenAlreadyImportedWarning)
        assert typical_uses.stand_in() == "hello"


def check_with_mypy(file: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(folder), str(file)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def check_with_pyright(file: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["pyright", "--pythonpath", sys.executable, str(file)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


CHECKERS = [
    pytest.param(
        check_with_mypy,
        id="mypy",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("mypy") is None, reason="mypy is not installed"
        ),
    ),
    pytest.param(
        check_with_pyright,
        id="pyright",
        marks=pytest.mark.skipif(
            shutil.which("pyright") is None, reason="pyright is not installed"
        ),
    ),
]


@pytest.mark.parametrize("check", CHECKERS)
def test_typical_uses_are_accepted(check: object, tmp_path: Path) -> None:
    assert callable(check)
    result = check(USES, tmp_path)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("check", CHECKERS)
def test_wrong_uses_are_refused(check: object, tmp_path: Path) -> None:
    """Each wrong line is reported, so the annotations are seen and are not too wide."""
    assert callable(check)
    file = tmp_path / "wrong.py"
    file.write_text("\n".join(["import bpecore", *WRONG_USES, ""]))
    result = check(file, tmp_path)
    assert result.returncode == 1
    accepted = [
        use
        for line, use in enumerate(WRONG_USES, start=2)
        if f"wrong.py:{line}:" not in result.stdout
    ]
    assert not accepted


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(bpecore.__file__).parent / "py.typed").is_file()
