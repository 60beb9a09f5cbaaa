"""Runs a Python program with bpecore in tiktoken's place: `bpecore run …`.

It behaves like `python` itself: the same three ways to name a program, the same `sys.argv` and
`sys.path`, and the program's own exit code. Python processes that the program starts have bpecore
too (`bpecore.cli.children`).
"""

from __future__ import annotations

import builtins
import importlib.util
import os
import pkgutil
import runpy
import sys
from collections.abc import Sequence
from importlib.abc import FileLoader, InspectLoader
from importlib.machinery import PathFinder, SourceFileLoader, SourcelessFileLoader
from types import CodeType, ModuleType
from typing import cast

from bpecore.cli.children import reach_children
from bpecore.dropin import install_as_tiktoken

USAGE = """\
Usage: bpecore run [-m MODULE | -c CODE | SCRIPT] [ARGUMENTS]...

  Run a Python program with bpecore in tiktoken's place, whether or not tiktoken
  is installed, also in the Python processes that it starts. Everything after
  MODULE, CODE or SCRIPT is the program's.

  SCRIPT may be a file, or a folder or zip file with a __main__.py.
"""

USAGE_EXIT_CODE = 2


def run_program(arguments: Sequence[str]) -> None:
    """Runs a program as `python ARGUMENTS` would, with `import tiktoken` meaning bpecore.

    Args:
        arguments: a script's path, or "-m" and a module's name, or "-c" and code; then the
            program's own arguments.

    Raises:
        SystemExit: no program is named, or it cannot be found (2, or 1 for a module, as with
            `python`), or the program exits.
        BaseException: whatever the program raises.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE, end="", file=sys.stdout if arguments else sys.stderr)
        raise SystemExit(0 if arguments else USAGE_EXIT_CODE)
    option, rest = arguments[0], arguments[1:]
    if option[:2] in ("-m", "-c") and len(option) > 2:
        option, rest = option[:2], [option[2:], *rest]
    if option in ("-m", "-c"):
        if not rest:
            _refuse(f"argument expected for the {option} option")
        _replace_tiktoken()
        (_run_module if option == "-m" else _run_code)(rest[0], rest[1:])
    elif option.startswith("-"):
        _refuse(f"unknown option {option}")
    else:
        _replace_tiktoken()
        _run_script(option, rest)


def _replace_tiktoken() -> None:
    """Replaces tiktoken here, and in the Python processes that are started from here."""
    install_as_tiktoken()
    reach_children()


def _refuse(what: str) -> None:
    print(f"{USAGE}\nbpecore run: {what}", file=sys.stderr)
    raise SystemExit(USAGE_EXIT_CODE)


def _set_first_path(entry: str) -> None:
    """Replaces the folder that `python` put first, which is that of our own program."""
    if getattr(sys.flags, "safe_path", False):
        return
    sys.path[:1] = [entry]


def _run_module(name: str, arguments: Sequence[str]) -> None:
    _set_first_path(os.getcwd())
    sys.argv = ["-m", *arguments]
    try:
        found = importlib.util.find_spec(name) if name[:1] not in ("", ".") else None
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        found = None
    missing = f"No module named {name}"
    if found is not None and found.submodule_search_locations is not None:
        found = importlib.util.find_spec(f"{name}.__main__")
        missing += f".__main__; {name!r} is a package without one"
    if found is None:
        print(f"bpecore run: {missing}", file=sys.stderr)
        raise SystemExit(1)
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _run_code(code: str, arguments: Sequence[str]) -> None:
    _set_first_path("")
    sys.argv = ["-c", *arguments]
    _run_as_main(ModuleType("__main__"), compile(code, "<string>", "exec", dont_inherit=True))


def _run_script(path: str, arguments: Sequence[str]) -> None:
    if not os.path.exists(path):
        print(f"bpecore run: can't open file {path!r}: no such file", file=sys.stderr)
        raise SystemExit(USAGE_EXIT_CODE)
    sys.argv = [path, *arguments]
    path = os.path.abspath(path)
    if pkgutil.get_importer(path) is None:
        _set_first_path(os.path.dirname(os.path.realpath(path)))
        _run_file(path)
    else:
        _set_first_path(path)
        _run_container(path)


def _run_container(path: str) -> None:
    """Runs the `__main__` in a folder or zip file."""
    spec = PathFinder.find_spec("__main__", [path])
    if spec is None or spec.loader is None:
        print(f"bpecore run: can't find '__main__' module in {path!r}", file=sys.stderr)
        raise SystemExit(1)
    # A zip file's loader has the method without being an InspectLoader.
    loader = cast(InspectLoader, spec.loader)
    _run_as_main(importlib.util.module_from_spec(spec), loader.get_code("__main__"))


def _run_file(path: str) -> None:
    """Runs a source file, whatever its suffix, or a compiled one."""
    code: CodeType | None
    loader: FileLoader
    if path.endswith(".pyc"):
        loader = compiled = SourcelessFileLoader("__main__", path)
        code = compiled.get_code("__main__")
    else:
        # Not `get_code`, which would write a compiled copy.
        loader = source = SourceFileLoader("__main__", path)
        code = source.source_to_code(source.get_data(path), path)
    main = ModuleType("__main__")
    main.__file__ = path
    main.__loader__ = loader
    _run_as_main(main, code)


def _run_as_main(main: ModuleType, code: CodeType | None) -> None:
    """Runs code in a module that stays `__main__`, for threads and exit handlers."""
    assert code is not None
    vars(main)["__builtins__"] = builtins
    sys.modules["__main__"] = main
    exec(code, vars(main))
