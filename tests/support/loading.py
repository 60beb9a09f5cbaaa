"""Imports examples from their files, without making the source tree's package importable."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "examples"


def load_example(name: str, *needed: str) -> Any:
    """Imports an example by name; skips the test if a module it needs is missing."""
    for module in needed:
        pytest.importorskip(module, reason="needs the extra services")
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
