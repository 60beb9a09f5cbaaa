"""What the first `get_encoding` of a process touches: its tables, and nothing of plugins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pairs import ENCODING_NAMES
from programs import output_of

PROGRAM = """
import json, os, sys
{imports}
from bpecore._build.frozen_files import FROZEN_FOLDER
import bpecore

seen, watching = [], True
EVENTS = {{"open", "os.listdir", "os.scandir"}}
sys.addaudithook(lambda event, args: watching and event in EVENTS and seen.append(str(args[0])))
ids = bpecore.get_encoding({name!r}).encode("hello world")
watching = False
folders = [os.path.dirname(module.__file__) for module in (bpecore.core, os)]
print(json.dumps([seen, FROZEN_FOLDER, *folders]))
"""


def touched(imports: str, name: str, folder: Path) -> tuple[list[Path], Path, Path, Path]:
    """Returns the files and folders that a first load touches, and three that it may touch."""
    (folder / "tiktoken_ext").mkdir()
    (folder / "tiktoken_ext" / "mine.py").write_text("1 // 0")
    program = PROGRAM.format(imports=f"sys.path.insert(0, '')\n{imports}", name=name)
    seen, frozen, package, standard = json.loads(output_of(program, folder=folder))
    return [Path(path) for path in seen], Path(frozen), Path(package), Path(standard)


@pytest.mark.parametrize("name", ENCODING_NAMES)
def test_only_its_tables_once_aio_is_imported(name: str, tmp_path: Path) -> None:
    pytest.importorskip("anyio", reason="needs the extra aio")
    seen, frozen, *_ = touched("import bpecore.aio", name, tmp_path)
    assert [path.parent for path in seen] == [frozen]
    assert seen[0].suffix == ".tables"


def test_only_modules_and_tables_of_the_package(tmp_path: Path) -> None:
    seen, frozen, package, standard = touched("import bpecore", "o200k_base", tmp_path)
    assert seen
    for path in seen:
        is_standard = standard in path.parents and "site-packages" not in path.parts
        assert is_standard or {package, frozen} & {path, *path.parents}, path
