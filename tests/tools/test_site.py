"""The documentation builds as a site without a warning, and its reference has every public name."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import chromium

pytest.importorskip("furo", reason="needs the extra site")
pytest.importorskip("anyio", reason="needs the extra site")
pytest.importorskip("prometheus_client", reason="needs the extra site")

import tiktoken
from sphinx.util.inventory import InventoryFile

import bpecore

SOURCE = Path(__file__).parents[2]
MODULES = [
    "bpecore",
    "bpecore.aio",
    "bpecore.chat",
    "bpecore.chat.harmony",
    "bpecore.hf",
    "bpecore.corpus",
    "bpecore.pool",
]
"""Public modules that list their names."""


@pytest.fixture(scope="module")
def site() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c"]
        run = subprocess.run(
            [*command, str(SOURCE / "tools" / "site"), str(SOURCE / "docs"), folder],
            capture_output=True,
            text=True,
            cwd=folder,
        )
        assert (run.returncode, run.stderr) == (0, "")
        yield Path(folder)


@pytest.fixture(scope="module")
def documented(site: Path) -> set[str]:
    """The names that have an entry in the reference."""
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    return {
        name for kind, names in inventory.data.items() if kind.startswith("py:") for name in names
    }


def test_every_public_name_has_an_entry(documented: set[str]) -> None:
    names = {
        f"{module}.{name}"
        for module in MODULES
        for name in importlib.import_module(module).__all__
        if name != "__version__"
    }
    assert len(names) > 40
    assert sorted(names - documented) == []


def test_every_public_name_of_a_module_that_lists_none_has_an_entry(documented: set[str]) -> None:
    """Classes, functions, constants and aliases, except under another of its names."""
    missing = []
    for file in sorted((SOURCE / "bpecore").glob("[a-z]*.py")):
        for name in names_defined_in(file):
            if {f"bpecore.{file.stem}.{name}", f"bpecore.{name}"}.isdisjoint(documented):
                missing.append(f"{file.stem}.{name}")
    assert missing == []


def names_defined_in(file: Path) -> Iterator[str]:
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            names = [found.id for found in ast.walk(node) if isinstance(found, ast.Name)][:1]
        else:
            continue
        yield from (name for name in names if name[0] != "_" and name != "TYPE_CHECKING")


def test_every_method_of_an_encoding_has_an_entry(documented: set[str]) -> None:
    for cls in (bpecore.Encoding, bpecore.TokenCounter, bpecore.StreamDecoderBatch):
        names = {f"bpecore.{cls.__name__}.{name}" for name in dir(cls) if name[0] != "_"}
        assert names
        assert sorted(names - documented) == []


def test_every_name_of_tiktoken_is_in_its_table() -> None:
    table = (SOURCE / "docs" / "reference" / "tiktoken.md").read_text(encoding="utf-8")
    modules = ["core", "load", "model", "registry", "_educational", "_tiktoken"]
    names = {name for name in dir(tiktoken.Encoding) if name[:2] != "__"}
    for module in (importlib.import_module(f"tiktoken.{name}") for name in modules):
        names |= {
            name
            for name, value in vars(module).items()
            if name[:2] != "__" and inspect.getmodule(value) is module
        }
    assert len(names) > 40
    shown = set(re.findall(r"(\w+)`", table))
    assert sorted(names - shown) == []


def test_pages_load_nothing_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert 'src="http' not in text, page
        assert 'rel="stylesheet" href="http' not in text, page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_pages_in_a_browser(site: Path, width: int, scheme: str) -> None:
    """No page is wider than the screen or breaks a rule of accessibility."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    pages = ["index", "tokens", "start", "speed", "exactness", "reference/encoding"]
    with chromium() as browser:
        viewport = {"width": width, "height": 900}
        opened = browser.new_context(viewport=viewport, color_scheme=scheme).new_page()
        for name in pages:
            opened.goto((site / f"{name}.html").as_uri())
            found = axe.Axe().run(opened)
            assert found.violations_count == 0, found.generate_report()
            assert opened.evaluate("document.documentElement.scrollWidth") <= width, name


def test_search_finds_a_name(site: Path) -> None:
    with chromium() as browser:
        opened = browser.new_page()
        opened.goto((site / "index.html").as_uri())
        opened.fill("input[name=q]", "encode_batch_to_numpy")
        opened.press("input[name=q]", "Enter")
        opened.wait_for_selector("#search-results li a")
        assert "encoding" in opened.locator("#search-results").inner_text().lower()
