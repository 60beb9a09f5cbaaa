"""Start-up hook of the Python processes that a program under `bpecore run` starts.

`bpecore run` puts this folder on `PYTHONPATH`, which such processes inherit, so each of them
imports this module when it starts. Nothing is loaded until the process imports tiktoken. The folder
is then taken off `sys.path`, and the `sitecustomize` that Python would have found is run.

A process may run another Python than its parent, so this also runs where bpecore is not installed.
The environment variable `BPECORE_AS_TIKTOKEN=0` switches it off.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # as in `typing`, which no process should import only to start
if TYPE_CHECKING:
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec
    from types import ModuleType
else:
    Loader = object


class TiktokenFinder:
    """Puts bpecore in tiktoken's place when a process first imports tiktoken."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Installs bpecore as tiktoken if that is what is imported."""
        if name not in ("tiktoken", "tiktoken_ext"):
            return None
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        try:
            from bpecore.dropin import install_as_tiktoken
        except ImportError as error:
            import warnings

            warnings.warn(
                f"this process, a child of `bpecore run`, uses the installed tiktoken: {error} "
                f"(Python is {sys.executable})",
                RuntimeWarning,
                stacklevel=2,
            )
            return None
        from importlib.machinery import ModuleSpec

        install_as_tiktoken()
        # A module that is there already would be made once more, from its own spec.
        return ModuleSpec(name, _Installed(sys.modules.pop(name)))


class _Installed(Loader):
    """A loader that gives a module which has already been made."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self.spec


def _run_hidden_module() -> None:
    """Runs the `sitecustomize` that this one hides; it stays in `sys.modules` instead of this."""
    folder = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != folder]
    own = sys.modules.pop("sitecustomize")
    try:
        import sitecustomize  # type: ignore[import-not-found]  # noqa: F401
    except ImportError as error:
        if error.name != "sitecustomize":
            raise
    finally:
        sys.modules.setdefault("sitecustomize", own)


if __name__ == "sitecustomize":
    if os.environ.get("BPECORE_AS_TIKTOKEN") != "0":
        sys.meta_path.insert(0, TiktokenFinder())
    _run_hidden_module()
