"""Puts bpecore in tiktoken's place, for code that says `import tiktoken` and cannot be changed.

`tiktoken` becomes a module of its own with bpecore's names and a version number that callers can
compare. `tiktoken.core` and the other submodules are bpecore's own modules, so that whatever is set
in one is set in the other.
"""

from __future__ import annotations

import sys
import warnings
from contextlib import AbstractContextManager
from importlib.machinery import ModuleSpec
from types import ModuleType, TracebackType

from bpecore._build.locks import dropin_lock
from bpecore._core import holding

TIKTOKEN_VERSION = "0.14.0"
"""The version of tiktoken that bpecore behaves like, and `tiktoken.__version__` while installed."""

_SUBMODULES = ("_tiktoken", "core", "registry", "model", "load", "_educational")

_OPENAI_PLUGIN = "tiktoken_ext.openai_public"

_installations = 0
_replaced: dict[str, ModuleType] = {}
_installed: dict[str, ModuleType] = {}


class TiktokenAlreadyImportedWarning(UserWarning):
    """tiktoken was imported before bpecore replaced it; names taken from it remain tiktoken's."""


class Installation(AbstractContextManager[ModuleType]):
    """The context manager that `install_as_tiktoken` returns; it ends the installation."""

    def __enter__(self) -> ModuleType:
        return sys.modules["tiktoken"]

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        uninstall_as_tiktoken()


def install_as_tiktoken() -> Installation:
    """Makes `import tiktoken` mean bpecore, whether or not tiktoken is installed.

    From then on `tiktoken`, its submodules and `tiktoken_ext.openai_public` are bpecore's, in every
    thread. Other plugins in `tiktoken_ext` stay as they are. Calls are counted: as many calls of
    `uninstall_as_tiktoken` end the installation.

    Returns:
        A context manager, which calls `uninstall_as_tiktoken` at the end of a `with` block. Used
        without `with`, the installation stays.

    Warns:
        TiktokenAlreadyImportedWarning: tiktoken had already been imported. Its objects, and names
            bound by `from tiktoken import …`, remain tiktoken's.

    Example:
        >>> import bpecore
        >>> with bpecore.install_as_tiktoken():
        ...     from tiktoken import Encoding
        ...
        ...     Encoding is bpecore.Encoding
        True
    """
    # Imported before taking the lock, because a thread with an import lock may wait for ours.
    package = _import("bpecore")
    submodules = {name: _import(f"bpecore.{name}") for name in _SUBMODULES}
    encodings = _import("bpecore.encodings")
    try:
        plugins = _import("tiktoken_ext")
    except ImportError:
        plugins = _make_package("tiktoken_ext", package)
    tiktoken = _make_package("tiktoken", package)
    # A copy, because other threads may add names to the package that are imported on first use.
    names = vars(package).copy()
    public = {name: value for name, value in names.items() if not name.startswith("__")}
    public.update((name, getattr(package, name)) for name in package.__all__)
    vars(tiktoken).update(public, **submodules, __version__=TIKTOKEN_VERSION)

    _install(tiktoken, submodules, plugins, encodings)
    return Installation()


@holding(dropin_lock)
def _install(
    tiktoken: ModuleType,
    submodules: dict[str, ModuleType],
    plugins: ModuleType,
    encodings: ModuleType,
) -> None:
    global _installations
    if _installations == 0:
        if "tiktoken" in sys.modules:
            warnings.warn(
                "tiktoken was imported before bpecore took its place: objects made by it, and "
                "names bound by `from tiktoken import ...`, stay tiktoken's. Call "
                "bpecore.install_as_tiktoken() before anything imports tiktoken.",
                TiktokenAlreadyImportedWarning,
                stacklevel=3,
            )
        _put_in_place(tiktoken, submodules, plugins, encodings)
    _installations += 1


def uninstall_as_tiktoken() -> None:
    """Undoes one call of `install_as_tiktoken`; without such a call, does nothing.

    The last call restores the modules from before. If there were none, the next `import tiktoken`
    finds the installed tiktoken, or fails. No other thread should be inside its first
    `import tiktoken` at that time, because the module that it makes could be partly bpecore's.

    Example:
        >>> import bpecore, sys
        >>> before = sys.modules.get("tiktoken")
        >>> installation = bpecore.install_as_tiktoken()
        >>> bpecore.uninstall_as_tiktoken()
        >>> sys.modules.get("tiktoken") is before
        True
    """
    _uninstall()


@holding(dropin_lock)
def _uninstall() -> None:
    global _installations
    if _installations == 0:
        return
    _installations -= 1
    if _installations == 0:
        _restore()


def _import(name: str) -> ModuleType:
    """Imports a module. One that is there needs no import lock, which `importlib.import_module` of
    Python 3.9 takes, and which a signal handler that raises may leave held."""
    __import__(name)
    return sys.modules[name]


def _make_package(name: str, package: ModuleType) -> ModuleType:
    """Returns an empty package whose submodules are found only in `sys.modules`."""
    module = ModuleType(name, package.__doc__)
    module.__spec__ = ModuleSpec(name, None, origin=package.__file__, is_package=True)
    module.__file__ = package.__file__
    module.__package__ = name
    module.__path__ = []
    return module


def _put_in_place(
    tiktoken: ModuleType,
    submodules: dict[str, ModuleType],
    plugins: ModuleType,
    encodings: ModuleType,
) -> None:
    modules = {
        "tiktoken": tiktoken,
        **{f"tiktoken.{name}": module for name, module in submodules.items()},
        "tiktoken_ext": plugins,
        _OPENAI_PLUGIN: encodings,
    }
    for name, module in list(sys.modules.items()):
        if name in modules or name.startswith("tiktoken."):
            _replaced[name] = module
    for name in _replaced.keys() - modules.keys():
        sys.modules.pop(name, None)
    # A single call, so that other threads see all of the modules or none.
    sys.modules.update(modules)
    _installed.update(modules)
    vars(plugins)["openai_public"] = encodings


def _restore() -> None:
    vars(_installed["tiktoken_ext"]).pop("openai_public")
    if _OPENAI_PLUGIN in _replaced:
        vars(_replaced["tiktoken_ext"])["openai_public"] = _replaced[_OPENAI_PLUGIN]
    sys.modules.update(_replaced)
    # `tiktoken` goes first, because it hides the installed package's submodules while it is there.
    for name in _installed:
        if name not in _replaced:
            sys.modules.pop(name, None)
    _replaced.clear()
    _installed.clear()
