"""`install_as_tiktoken`: `import tiktoken` means bpecore, and afterwards what it meant before."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import WITHOUT_TIKTOKEN, output_of

import bpecore
import bpecore._educational
import bpecore.load
from bpecore import dropin, encodings

SUBMODULES = ("core", "load", "model", "registry", "_educational", "_tiktoken")


def entries() -> dict[str, object]:
    """Returns the imported modules of tiktoken, except its plugins' package."""
    return {
        name: module
        for name, module in sys.modules.items()
        if name == "tiktoken" or name.startswith(("tiktoken.", "tiktoken_ext."))
    }


@pytest.fixture
def without_tiktoken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes it look as if nothing had imported tiktoken yet."""
    for name in [*entries(), "tiktoken_ext"]:
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.fixture
def installed(without_tiktoken: None) -> Iterator[None]:
    with bpecore.install_as_tiktoken():
        yield


def test_every_way_to_import(installed: None) -> None:
    import tiktoken
    import tiktoken.core as core
    import tiktoken.load
    import tiktoken_ext.openai_public
    from tiktoken import Encoding, get_encoding
    from tiktoken.load import load_tiktoken_bpe
    from tiktoken.model import encoding_for_model
    from tiktoken_ext import openai_public

    assert Encoding is core.Encoding is bpecore.Encoding
    assert get_encoding is bpecore.get_encoding
    assert encoding_for_model is bpecore.encoding_for_model
    assert load_tiktoken_bpe is tiktoken.load.load_tiktoken_bpe is bpecore.load.load_tiktoken_bpe
    assert tiktoken_ext.openai_public is openai_public is encodings
    assert isinstance(bpecore.get_encoding("gpt2"), tiktoken.Encoding)
    assert importlib.import_module("tiktoken") is tiktoken


@pytest.mark.parametrize("name", SUBMODULES)
def test_submodules_are_the_very_modules(name: str, installed: None) -> None:
    import tiktoken

    ours = importlib.import_module(f"bpecore.{name}")
    assert importlib.import_module(f"tiktoken.{name}") is ours
    assert getattr(tiktoken, name) is ours


def test_shared_names_are_the_very_objects(installed: None) -> None:
    import tiktoken

    for name in bpecore.__all__:
        if name != "__version__":
            assert getattr(tiktoken, name) is getattr(bpecore, name)


def test_the_version_is_one_that_callers_may_compare(installed: None) -> None:
    import tiktoken

    assert tiktoken.__version__ == dropin.TIKTOKEN_VERSION
    assert bpecore.__version__ != tiktoken.__version__


def test_the_version_is_that_of_the_tested_tiktoken() -> None:
    from importlib.metadata import version

    assert version("tiktoken") == dropin.TIKTOKEN_VERSION


def test_what_is_set_in_a_submodule_is_set_in_bpecore(
    installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tiktoken

    encoding = bpecore.get_encoding("gpt2")
    monkeypatch.setitem(tiktoken.registry.ENCODINGS, "of this test", encoding)
    assert bpecore.get_encoding("of this test") is encoding
    monkeypatch.setitem(tiktoken.model.MODEL_TO_ENCODING, "of this test", "gpt2")
    assert bpecore.encoding_for_model("of this test") is encoding


def test_it_can_be_found_without_being_imported(installed: None) -> None:
    assert importlib.util.find_spec("tiktoken") is not None
    assert importlib.util.find_spec("tiktoken.core") is not None
    assert importlib.util.find_spec("tiktoken_ext.openai_public") is not None


def test_a_submodule_that_does_not_exist(installed: None) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"tiktoken\.encodings"):
        importlib.import_module("tiktoken.encodings")


def test_the_context_manager_gives_the_module_and_restores(without_tiktoken: None) -> None:
    with bpecore.install_as_tiktoken() as module:
        assert importlib.import_module("tiktoken") is module
    assert entries() == {}


def test_it_restores_after_an_error(without_tiktoken: None) -> None:
    with pytest.raises(ZeroDivisionError), bpecore.install_as_tiktoken():
        _ = 1 // 0
    assert entries() == {}


def test_uninstalling_lets_the_real_one_be_imported(without_tiktoken: None) -> None:
    with bpecore.install_as_tiktoken():
        pass
    module = importlib.import_module("tiktoken.core")
    assert module.Encoding is not bpecore.Encoding


def test_the_real_one_comes_back_as_it_was() -> None:
    import tiktoken
    import tiktoken.load
    import tiktoken_ext.openai_public

    before = entries()
    with pytest.warns(dropin.TiktokenAlreadyImportedWarning, match="stay tiktoken's") as caught:
        bpecore.install_as_tiktoken()
    assert len(caught) == 1
    assert caught[0].filename == __file__
    try:
        assert importlib.import_module("tiktoken").Encoding is bpecore.Encoding
        assert not isinstance(bpecore.get_encoding("gpt2"), tiktoken.Encoding)
        assert tiktoken_ext.openai_public is encodings
    finally:
        bpecore.uninstall_as_tiktoken()
    assert entries() == before
    assert importlib.import_module("tiktoken") is tiktoken
    assert tiktoken_ext.openai_public is before["tiktoken_ext.openai_public"]
    assert tiktoken.core is before["tiktoken.core"]


def test_a_submodule_that_only_the_real_one_has_is_out_of_sight(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import tiktoken

    monkeypatch.setitem(sys.modules, "tiktoken.of_this_test", tiktoken)
    with pytest.warns(UserWarning, match="imported before"):
        bpecore.install_as_tiktoken()
    assert "tiktoken.of_this_test" not in sys.modules
    bpecore.uninstall_as_tiktoken()
    assert sys.modules["tiktoken.of_this_test"] is tiktoken


def test_a_warning_made_an_error_leaves_everything_as_it_was() -> None:
    import tiktoken

    before = entries()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(dropin.TiktokenAlreadyImportedWarning):
            bpecore.install_as_tiktoken()
    assert entries() == before
    bpecore.uninstall_as_tiktoken()
    assert sys.modules["tiktoken"] is tiktoken


def test_calls_are_counted(without_tiktoken: None) -> None:
    with bpecore.install_as_tiktoken() as outer:
        with bpecore.install_as_tiktoken() as inner:
            assert inner is outer
        assert sys.modules["tiktoken"] is outer
        bpecore.install_as_tiktoken()
        bpecore.uninstall_as_tiktoken()
        assert sys.modules["tiktoken"] is outer
    assert entries() == {}


def test_uninstalling_what_is_not_installed_does_nothing() -> None:
    before = entries()
    bpecore.uninstall_as_tiktoken()
    bpecore.uninstall_as_tiktoken()
    assert entries() == before
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dropin.TiktokenAlreadyImportedWarning)
        with bpecore.install_as_tiktoken():
            assert importlib.import_module("tiktoken").Encoding is bpecore.Encoding
    assert entries() == before


def test_where_tiktoken_is_not_installed(tmp_path: Path) -> None:
    code = (
        WITHOUT_TIKTOKEN
        + """
try:
    import tiktoken
except ModuleNotFoundError:
    pass
else:
    raise AssertionError("it is not hidden")

import bpecore
assert bpecore.get_encoding("gpt2").encode("hello") == [31373]
with bpecore.install_as_tiktoken():
    import tiktoken, tiktoken.load, tiktoken_ext.openai_public
    assert tiktoken.get_encoding("o200k_base").encode("hello world") == [24912, 2375]
    assert tiktoken_ext.openai_public.ENDOFTEXT == "<|endoftext|>"
try:
    import tiktoken
except ModuleNotFoundError:
    print("gone")
assert not [name for name in sys.modules if name.partition(".")[0].startswith("tiktoken")]
"""
    )
    assert output_of(code, folder=tmp_path, options=("-W", "error")) == "gone\n"


def test_bpecore_alone_has_the_attributes_of_tiktoken(tmp_path: Path) -> None:
    code = """
import sys
import bpecore as tiktoken
for name in ("core", "model", "registry", "_tiktoken", "load"):
    assert getattr(tiktoken, name) is sys.modules[f"bpecore.{name}"], name
assert tiktoken.load.load_tiktoken_bpe and tiktoken.core.Encoding is tiktoken.Encoding
assert "bpecore._educational" not in sys.modules and "regex" not in sys.modules
print(tiktoken.registry.ENCODINGS)
"""
    assert output_of(code, folder=tmp_path) == "{}\n"


# Other threads import and use tiktoken while one installs and uninstalls. The real one is already
# imported: in that case uninstalling is guaranteed to be seamless.
THREADS = """
import sys, threading, warnings
import tiktoken.load, tiktoken._educational, tiktoken_ext.openai_public
import bpecore, bpecore.load, bpecore._educational

warnings.simplefilter("ignore")
real = sys.modules["tiktoken"]
ours = (bpecore.Encoding, bpecore.load.load_tiktoken_bpe)
theirs = (real.Encoding, real.load.load_tiktoken_bpe)
stop, errors, seen = threading.Event(), [], set()

def use():
    try:
        while not stop.is_set():
            import tiktoken
            from tiktoken.core import Encoding
            from tiktoken.load import load_tiktoken_bpe
            import tiktoken_ext.openai_public as public
            assert public.ENDOFTEXT == "<|endoftext|>"
            assert Encoding in (ours[0], theirs[0])
            assert load_tiktoken_bpe in (ours[1], theirs[1])
            seen.add(Encoding)
    except BaseException as error:
        errors.append(error)

users = [threading.Thread(target=use) for _ in range(4)]
sys.setswitchinterval(1e-5)
for user in users: user.start()

def install():
    try:
        for _ in range(200):
            with bpecore.install_as_tiktoken() as module:
                assert module.Encoding is ours[0]
                assert sys.modules["tiktoken"] is module
    except BaseException as error:
        errors.append(error)

installers = [threading.Thread(target=install) for _ in range(3)]
for installer in installers: installer.start()
for installer in installers: installer.join()
stop.set()
for user in users: user.join()
assert not errors, errors
assert sys.modules["tiktoken"] is real and sys.modules["tiktoken.core"] is real.core
assert theirs[0] in seen or ours[0] in seen
print("done")
"""


def test_other_threads_may_import_meanwhile(tmp_path: Path) -> None:
    assert output_of(THREADS, folder=tmp_path) == "done\n"


def test_an_import_lock_that_stays_held_does_not_matter(without_tiktoken: None) -> None:
    """As one does on Python 3.9 where a signal handler raises inside an import."""
    thread = threading.Thread(target=lambda: bpecore.install_as_tiktoken(), daemon=True)
    manager = importlib._bootstrap._ModuleLockManager  # type: ignore[attr-defined]
    bpecore.install_as_tiktoken()  # what it needs is imported
    bpecore.uninstall_as_tiktoken()
    with manager("bpecore"), manager("bpecore.core"), manager("tiktoken_ext"):
        thread.start()
        thread.join(30)
        assert not thread.is_alive()
    bpecore.uninstall_as_tiktoken()
