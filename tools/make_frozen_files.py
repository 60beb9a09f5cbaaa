"""Writes the files that spare a process building tables; run by the build, see _ext/CMakeLists.txt.

Usage: python tools/make_frozen_files.py EXTENSION FOLDER

EXTENSION is the extension module that was just built, which need not be installed. FOLDER receives
the files that `bpecore/_build/frozen_files.py` reads.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]


def import_extension(path: Path) -> None:
    """Makes a built extension module the `bpecore._core` of the package beside this script."""
    sys.path.insert(0, str(SOURCE))
    specification = importlib.util.spec_from_file_location("bpecore._core", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules["bpecore._core"] = module
    specification.loader.exec_module(module)


def write_files(folder: Path) -> None:
    """Writes the tables of the bundled vocabularies and the automata of OpenAI's patterns."""
    from bpecore._build.frozen_files import pack_automaton
    from bpecore._core import RankTable, Vocabulary
    from bpecore._pattern import compile_pattern, member_of
    from bpecore._pattern.families import PATTERNS
    from bpecore.data.rank_tables import RANK_TABLE_NAMES, load_ranks

    folder.mkdir(parents=True, exist_ok=True)
    for name in RANK_TABLE_NAMES:
        ranks = RankTable(load_ranks(name))
        vocabulary = Vocabulary(ranks, seeds=ranks.digest)
        (folder / f"{name}.tables").write_bytes(vocabulary.to_bytes())
    for name, pattern in PATTERNS.items():
        automaton = compile_pattern(pattern)
        member = member_of(automaton)
        assert member is not None, name
        (folder / f"{name}.automaton").write_bytes(pack_automaton(pattern, automaton, *member))


if __name__ == "__main__":
    import_extension(Path(sys.argv[1]).resolve())
    write_files(Path(sys.argv[2]))
