"""Starts `worker.py` by path, so that the installed bpecore runs and no source tree hides it."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def import_package(folder: Path) -> None:
    """Imports the package of this folder without its parent on the path."""
    spec = spec_from_file_location(
        "benchmarks", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = module_from_spec(spec)
    sys.modules["benchmarks"] = package
    spec.loader.exec_module(package)


if __name__ == "__main__":
    sys.path.pop(0)
    import_package(Path(__file__).parent)
    from benchmarks.worker import main

    main()
