"""Wheels are checked before they are published, by `tools/check_wheels.py`."""

from __future__ import annotations

import importlib.util
import re
import sys
import zlib
from pathlib import Path
from types import ModuleType, SimpleNamespace
from zipfile import ZipFile

import pytest

SOURCE = Path(__file__).parents[2]
LINUX = "bpecore-1.0-cp313-cp313-manylinux2014_x86_64.manylinux_2_17_x86_64.whl"
MACOS = "bpecore-1.0-cp313-cp313-macosx_11_0_arm64.whl"
CONTENTS = {
    "bpecore/_core.cpython-313-x86_64-linux-gnu.so": b"code",
    "bpecore/frozen/o200k_base.tables": b"tables",
    "bpecore/frozen/o200k.automaton": b"automaton",
}


def load_tool(name: str) -> ModuleType:
    specification = importlib.util.spec_from_file_location(name, SOURCE / "tools" / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


CHECKER = load_tool("check_wheels")


def write_wheel(path: Path, changes: dict[str, bytes | None] | None = None) -> None:
    """Writes a wheel; a change to None leaves a file out."""
    with ZipFile(path, "w") as wheel:
        for name, content in {**CONTENTS, **(changes or {})}.items():
            if content is not None:
                wheel.writestr(name, content)


def test_good_wheels(tmp_path: Path) -> None:
    for name in (LINUX, MACOS):
        write_wheel(tmp_path / name)
    tags = {"cp313-manylinux_2_17_x86_64", "cp313-macosx_11_0_arm64"}
    assert CHECKER.check_wheels(tmp_path, tags) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"bpecore/frozen/o200k_base.tables": None}, "no frozen tables"),
        ({"bpecore/frozen/o200k_base.tables": b"Tables"}, "other frozen files.*o200k_base.tables"),
        ({"bpecore/frozen/o200k.automaton": None}, "other frozen files.*o200k.automaton"),
        ({"bpecore/_core.cpython-313-x86_64-linux-gnu.so": None}, "0 extension modules"),
        ({"bpecore/_core.cp313-win_amd64.pyd": b"code"}, "2 extension modules"),
        (
            {
                "bpecore/_core.cpython-313-x86_64-linux-gnu.so": None,
                "bpecore/_core.cpython-313-x86_64-linux-gnu.2.so": b"code",
            },
            "0 extension modules",
        ),
    ],
)
def test_contents(tmp_path: Path, changes: dict[str, bytes | None], fault: str) -> None:
    write_wheel(tmp_path / MACOS)
    write_wheel(tmp_path / LINUX, changes)
    (found,) = CHECKER.check_wheels(tmp_path, set())
    assert re.search(fault, found)
    assert found.startswith(LINUX)


def test_a_large_wheel(tmp_path: Path) -> None:
    write_wheel(tmp_path / LINUX, {"bpecore/large": bytes(CHECKER.LARGEST_WHEEL)})
    (found,) = CHECKER.check_wheels(tmp_path, set())
    assert "more than 12,500,000" in found


def test_platforms(tmp_path: Path) -> None:
    write_wheel(tmp_path / "bpecore-1.0-cp313-cp313-linux_x86_64.whl")
    unfit, missing = CHECKER.check_wheels(tmp_path, {"cp314t-win_arm64"})
    assert "no index takes its platform" in unfit
    assert missing == "no wheel for cp314t-win_arm64"


def test_no_wheels(tmp_path: Path) -> None:
    assert CHECKER.check_wheels(tmp_path, set()) == [f"no wheels in {tmp_path}"]


def test_compressed_wheels_have_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = []

    def compress(content: bytes, numiterations: int) -> bytes:
        streams.append(content)
        return zlib.compress(content, 1)

    stand_in = SimpleNamespace(compress=compress)
    monkeypatch.setitem(sys.modules, "zopfli", SimpleNamespace(zlib=stand_in))
    monkeypatch.setitem(sys.modules, "zopfli.zlib", stand_in)
    (tmp_path / "streams").mkdir()
    tables = bytes(range(256)) * 100
    for name, code in ((LINUX, b"linux" * 5000), (MACOS, b"macos" * 5000)):
        changes = {"bpecore/frozen/o200k_base.tables": tables, "bpecore/code.so": code}
        write_wheel(tmp_path / name, changes)
    before = [contents_of(tmp_path / name) for name in (LINUX, MACOS)]
    load_tool("compress_wheels").main(tmp_path, tmp_path / "streams")
    assert [contents_of(tmp_path / name) for name in (LINUX, MACOS)] == before
    assert sorted(map(len, streams)) == [25_000, 25_000, len(tables)]
    assert sorted(path.name for path in tmp_path.glob("*.*")) == sorted([LINUX, MACOS])


def contents_of(path: Path) -> list[tuple[str, tuple[int, ...], bytes]]:
    """Returns the name, date and content of each file of a wheel, in their order."""
    with ZipFile(path) as wheel:
        return [(entry.filename, entry.date_time, wheel.read(entry)) for entry in wheel.infolist()]
