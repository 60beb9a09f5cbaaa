"""Third-party encodings: modules of the namespace package `tiktoken_ext`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
import tiktoken
from own import BYTES
from pairs import ENCODING_NAMES
from programs import output_of

TINY = """
def tiny():
    return {
        "name": "tiny",
        "pat_str": ".",
        "mergeable_ranks": {bytes([byte]): byte for byte in range(256)},
        "special_tokens": {},
    }
"""
GOOD = f"{TINY}\nENCODING_CONSTRUCTORS = {{'tiny': tiny}}\n"
# How plugins are written: they import tiktoken, at the top or inside.
NEEDS_TIKTOKEN = f"""
from tiktoken.load import load_tiktoken_bpe
import tiktoken
{TINY}
def from_file():
    import tiktoken.core
    assert tiktoken.core.Encoding
    return {{**tiny(), "name": "from_file", "mergeable_ranks": load_tiktoken_bpe(FILE)}}

import os
FILE = os.path.join(os.path.dirname(__file__), "bytes.tiktoken")
ENCODING_CONSTRUCTORS = {{"tiny": tiny, "from_file": from_file}}
"""
HIDE_TIKTOKEN = """
import importlib.abc, sys

class Nothing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tiktoken":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Nothing())
"""


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of plugins that child processes find."""
    folder = tmp_path / "site" / "tiktoken_ext"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(folder.parent))
    monkeypatch.chdir(tmp_path)
    return folder


def run(code: str) -> str:
    return output_of(code, folder=Path(tempfile.gettempdir()))


def run_both(code: str) -> tuple[str, str]:
    """Runs code that uses `tiktoken`: with tiktoken, and with bpecore under that name."""
    return run(f"import tiktoken\n{code}"), run(f"import bpecore as tiktoken\n{code}")


def test_a_plugins_encoding_is_found(plugins: Path) -> None:
    (plugins / "mine.py").write_text(GOOD)
    code = """
from {0} import registry
encoding = registry.get_encoding("tiny")
print(encoding, encoding.encode("ab"), registry.get_encoding("tiny") is encoding)
print(registry.list_encoding_names(), registry._available_plugin_modules())
"""
    theirs, ours = run(code.format("tiktoken")), run(code.format("bpecore"))
    assert ours == theirs
    assert "tiktoken_ext.mine" in ours
    assert all(name in ours for name in [*ENCODING_NAMES, "tiny"])


def test_names_of_openais_encodings_stay_bpecores(plugins: Path) -> None:
    (plugins / "mine.py").write_text(GOOD)
    code = """
import sys
import bpecore
from bpecore import encodings, registry
assert bpecore.get_encoding("o200k_base").encode("hello world") == [24912, 2375]
assert registry.ENCODING_CONSTRUCTORS["o200k_base"] is encodings.o200k_base
assert "tiktoken_ext.openai_public" not in sys.modules and "tiktoken" not in sys.modules
"""
    run(code)


@pytest.mark.parametrize(
    "plugin", ["1 // 0", "x = 1\n", f"{TINY}\nENCODING_CONSTRUCTORS = {{'gpt2': tiny}}\n"]
)
def test_a_bad_plugin_leaves_openais_encodings_alone(plugin: str, plugins: Path) -> None:
    (plugins / "mine.py").write_text(plugin)
    code = """
import sys
import bpecore
from bpecore import registry
assert registry.ENCODING_CONSTRUCTORS is None
print(bpecore.encoding_for_model("gpt2").encode("hello world"))
assert "tiktoken_ext.mine" not in sys.modules
for call in (bpecore.list_encoding_names, lambda: registry.ENCODING_CONSTRUCTORS):
    try:
        call()
    except (ValueError, ZeroDivisionError):
        print("raised")
"""
    assert run(code) == "[31373, 995]\nraised\nraised\n"


def test_constructors_are_there_once_an_encoding_is(plugins: Path) -> None:
    (plugins / "mine.py").write_text(GOOD)
    code = """
from bpecore import registry
print(registry.ENCODING_CONSTRUCTORS)
registry.get_encoding("gpt2")
print(list(registry.ENCODING_CONSTRUCTORS) == registry.list_encoding_names())
print(registry.ENCODING_CONSTRUCTORS["tiny"]()["name"])
"""
    assert run(code) == "None\nTrue\ntiny\n"


@pytest.mark.parametrize(
    ("plugin", "named"),
    [
        ("x = 1\n", ["tiktoken_ext.mine", "ENCODING_CONSTRUCTORS"]),
        (
            f"{TINY}\nENCODING_CONSTRUCTORS = {{'gpt2': tiny}}\n",
            ["tiktoken_ext.openai_public", "gpt2"],
        ),
    ],
)
def test_a_bad_plugin_is_the_same_error_each_time(
    plugin: str, named: list[str], plugins: Path
) -> None:
    (plugins / "mine.py").write_text(plugin)
    code = """
for call in (tiktoken.list_encoding_names, lambda: tiktoken.get_encoding("tiny")) * 2:
    try:
        call()
    except ValueError as error:
        print(error)
    assert tiktoken.registry.ENCODING_CONSTRUCTORS is None
    assert tiktoken.registry.ENCODINGS == {}
"""
    for output in run_both(code):
        lines = output.splitlines()
        assert len(lines) == 4
        assert len(set(lines)) == 1
        for word in named:
            assert word in lines[0]


def test_a_name_defined_twice_is_an_error_that_names_both(plugins: Path) -> None:
    (plugins / "mine.py").write_text(GOOD)
    (plugins / "yours.py").write_text(GOOD)
    code = """
try:
    tiktoken.get_encoding("tiny")
except ValueError as error:
    print(error)
"""
    theirs, ours = run_both(code)
    assert ours.startswith(theirs.strip())
    assert "tiktoken_ext.mine" in ours
    assert "tiktoken_ext.yours" in ours


def test_a_plugin_that_raises(plugins: Path) -> None:
    (plugins / "mine.py").write_text("1 // 0")
    code = """
for _ in range(2):
    try:
        tiktoken.get_encoding("tiny")
    except ZeroDivisionError:
        print("raised")
"""
    assert run_both(code) == ("raised\nraised\n",) * 2


def test_a_constructor_that_raises_can_be_tried_again(plugins: Path) -> None:
    (plugins / "mine.py").write_text(
        GOOD.replace(
            "def tiny():",
            "tries = []\ndef tiny():\n    tries.append(1)\n    len(tries) > 1 or 1 // 0",
        )
    )
    code = """
try:
    tiktoken.get_encoding("tiny")
except ZeroDivisionError:
    assert "tiny" not in tiktoken.registry.ENCODINGS
    print(tiktoken.get_encoding("tiny").encode("a"))
"""
    assert run_both(code) == ("[97]\n",) * 2


def test_an_unknown_name_tells_the_plugins(plugins: Path) -> None:
    (plugins / "mine.py").write_text(GOOD)
    code = """
try:
    tiktoken.get_encoding("nope")
except ValueError as error:
    print(error)
"""
    theirs, ours = run_both(code)
    assert theirs.splitlines()[:2] == ours.splitlines()[:2]
    assert "'tiktoken_ext.mine'" in ours
    assert "version: " in ours


@pytest.mark.parametrize("hidden", [False, True], ids=["with tiktoken", "without tiktoken"])
def test_a_plugin_that_imports_tiktoken(hidden: bool, plugins: Path) -> None:
    (plugins / "mine.py").write_text(NEEDS_TIKTOKEN)
    from bpecore.load import dump_tiktoken_bpe

    dump_tiktoken_bpe(dict(BYTES), plugins / "bytes.tiktoken")
    code = (
        (HIDE_TIKTOKEN if hidden else "")
        + """
import sys
import bpecore
print(bpecore.get_encoding("from_file").encode("ab"))
assert not hasattr(sys.modules.get("tiktoken"), "install_as_tiktoken")
"""
    )
    assert run(code) == "[97, 98]\n"


@pytest.mark.parametrize("hidden", [False, True], ids=["with tiktoken", "without tiktoken"])
def test_plugins_while_bpecore_stands_in_for_tiktoken(hidden: bool, plugins: Path) -> None:
    (plugins / "mine.py").write_text(NEEDS_TIKTOKEN)
    code = (
        (HIDE_TIKTOKEN if hidden else "")
        + """
import bpecore
bpecore.install_as_tiktoken()
import tiktoken, tiktoken_ext.mine, tiktoken_ext.openai_public
assert isinstance(tiktoken.get_encoding("tiny"), bpecore.Encoding)
assert tiktoken_ext.mine.load_tiktoken_bpe is bpecore.load.load_tiktoken_bpe
assert tiktoken.registry.ENCODING_CONSTRUCTORS["tiny"] is tiktoken_ext.mine.tiny
print(tiktoken.list_encoding_names())
"""
    )
    output = run(code)
    assert "tiny" in output
    assert "o200k_harmony" in output


def test_no_plugins_and_no_tiktoken_at_all(plugins: Path) -> None:
    code = (
        HIDE_TIKTOKEN.replace('== "tiktoken"', 'in ("tiktoken", "tiktoken_ext")')
        + """
import bpecore
print(bpecore.list_encoding_names(), bpecore.registry._available_plugin_modules())
"""
    )
    assert run(code) == f"{list(ENCODING_NAMES)} ['tiktoken_ext.openai_public']\n"


def test_a_broken_import_of_a_plugin_is_told_as_it_is(plugins: Path) -> None:
    (plugins / "mine.py").write_text("import tiktoken.no_such_module")
    code = """
import bpecore
try:
    bpecore.get_encoding("tiny")
except ModuleNotFoundError as error:
    print(error.name)
"""
    assert run(code) == "tiktoken.no_such_module\n"


def test_constructors_may_be_added_by_hand() -> None:
    """As programs without plugins do."""
    code = """
tiktoken.list_encoding_names()
tiktoken.registry.ENCODING_CONSTRUCTORS["tiny"] = lambda: dict(
    name="tiny", pat_str=".", mergeable_ranks={b"a": 5}, special_tokens={}
)
print(tiktoken.get_encoding("tiny").encode("a"), tiktoken.list_encoding_names()[-1])
"""
    assert run_both(code) == ("[5] tiny\n",) * 2


def test_names_are_tiktokens() -> None:
    assert set(ENCODING_NAMES) <= set(tiktoken.list_encoding_names())
