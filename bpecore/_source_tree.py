"""What to do when `bpecore` is imported where its extension module is not.

In a clone, `python -c "import bpecore"`, `python -m fuzz` and notebooks find the source of the
package before the installed one. The source has no extension, so the import goes on with the
installed package if that is the same version.
"""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import MutableSequence
from importlib.machinery import EXTENSION_SUFFIXES

from bpecore._version import __version__


def use_installed(path: MutableSequence[str]) -> str:
    """Lets the package find its submodules in the installed copy.

    Args:
        path: `bpecore.__path__`, which is changed.

    Returns:
        The `__init__.py` of the installed package.

    Raises:
        ImportError: there is none of this version. The message says how to install it.
    """
    here = os.path.abspath(path[0])
    source = os.path.dirname(here)
    if not os.path.isdir(os.path.join(source, "_ext")):
        raise ImportError(
            f"{here} lacks the extension module of bpecore for this Python "
            f"({EXTENSION_SUFFIXES[0]}). It was installed for another one, or not completely: "
            f"install bpecore again with {sys.executable} -m pip install --force-reinstall"
        )
    others = []
    for folder in filter(is_installed, (os.path.join(entry, "bpecore") for entry in sys.path)):
        version = runpy.run_path(os.path.join(folder, "_version.py"))["__version__"]
        if version == __version__:
            path[:] = [folder]
            return os.path.join(folder, "__init__.py")
        others.append(version)
    found = f"; installed is {', '.join(others)}" if others else ""
    raise ImportError(
        f"{here} is the source of bpecore {__version__}, which is not installed in this "
        f'environment{found}. Install it: {sys.executable} -m pip install "{source}"'
    )


def is_installed(folder: str) -> bool:
    """Returns whether a folder is a whole copy of the package, built for this Python."""
    return os.path.isfile(os.path.join(folder, "_version.py")) and any(
        os.path.isfile(os.path.join(folder, "_core" + suffix)) for suffix in EXTENSION_SUFFIXES
    )
