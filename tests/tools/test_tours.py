"""The tours of docs/design.md name files and functions that exist, and enter no room twice."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

SOURCE = Path(__file__).parents[2]
DESIGN = (SOURCE / "docs" / "design.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (`\w+`|package)? *\| `([\w/.]+)` \| (.*) \|$", re.MULTILINE)


def tour(number: int) -> str:
    return DESIGN.split(f"## Tour {number}:")[1].split("\n## ")[0]


def test_the_tour_to_the_list() -> None:
    rooms: list[str] = []
    for room, file, text in ROW.findall(tour(1)):
        rooms.append(room.strip("`") or rooms[-1])
        folder = {"package": "", "api": "_ext/api"}.get(rooms[-1], f"_ext/engine/{rooms[-1]}")
        path = SOURCE / folder / file
        code = path.read_text("utf-8")
        named = [name.rpartition(".")[2] for name in re.findall(r"`([\w.]+)`", text)]
        assert [name for name in named if name not in code] == [], path
    assert 15 < len(rooms) <= 20
    entered = [room for room, _ in groupby(rooms)]
    assert len(entered) == len({*entered})


def test_the_tour_of_a_vocabulary() -> None:
    crossings = re.findall(r"\*\*`(\w+)\(", tour(2))
    assert len(crossings) == 3
    for class_name, file in zip(crossings, re.findall(r"\(`(api/[\w/.]+)`\)", tour(2))):
        assert f"class {class_name}" in (SOURCE / "_ext" / file).read_text("utf-8")
    for file in re.findall(r"`((?:_build|api|engine|bpecore)/[\w/]+\.\w+)`", tour(2)):
        assert any((SOURCE / folder / file).is_file() for folder in ("", "_ext", "bpecore")), file
