"""`dir(bpecore)` and tab completion show what is public, and all of it can be imported."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
from programs import output_of

import bpecore

MODULES = {
    "chat",
    "core",
    "corpus",
    "encodings",
    "hf",
    "load",
    "model",
    "pool",
    "prefix_hash",
    "registry",
    "types",
}


def test_what_is_public_is_there_and_nothing_else() -> None:
    expected = {*bpecore.__all__, *MODULES}
    if find_spec("anyio"):
        expected.add("aio")
    if find_spec("prometheus_client"):
        expected.add("prometheus")
    shown = {name for name in dir(bpecore) if not name.startswith("__")} | {"__version__"}
    assert shown == expected
    assert {"__doc__", "__file__", "__path__"} <= set(dir(bpecore))


@pytest.mark.parametrize("name", dir(bpecore))
def test_each_can_be_had(name: str) -> None:
    assert getattr(bpecore, name, None) is not None or name == "__cached__"


def test_modules_are_imported_when_first_used(tmp_path: Path) -> None:
    code = """
import sys, bpecore
dir(bpecore)
assert "bpecore.chat" not in sys.modules
print(bpecore.chat.num_tokens_from_string("hello world", "gpt-4o"))
"""
    assert output_of(code, folder=tmp_path) == "2\n"


def test_without_the_extras(tmp_path: Path) -> None:
    code = """
import inspect, sys
sys.modules["anyio"] = sys.modules["prometheus_client"] = None
import bpecore
print({"aio", "prometheus"} & dict(inspect.getmembers(bpecore)).keys())
try:
    bpecore.aio
except ImportError as error:
    print(error)
"""
    lines = output_of(code, folder=tmp_path).splitlines()
    assert lines == ["set()", 'event loops need anyio: pip install "bpecore[aio]"']


def test_a_submodule_is_a_module() -> None:
    assert isinstance(bpecore.pool, ModuleType)


@pytest.mark.parametrize("method", ["encode", "truncate", "split", "encode_arrow"])
def test_a_missing_argument_is_of_a_method_that_the_caller_knows(method: str) -> None:
    with pytest.raises(TypeError, match=rf"^Encoding\.{method}\(\) missing"):
        getattr(bpecore.get_encoding("gpt2"), method)()
