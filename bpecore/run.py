"""Running a program with bpecore in tiktoken's place: `python -m bpecore run …`.

It is like `python` itself, with the same three ways to name a program, the same `sys.argv` and
`sys.path`, and the program's own exit code.
"""

from __future__ import annotations

import importlib.util
import os
import runpy
import sys
from collections.abc import Sequence
from types import ModuleType

from bpecore.dropin import install_as_tiktoken

USAGE = """\
Usage: bpecore run [-m MODULE | -c CODE | SCRIPT] [ARGUMENTS]...

  Run a Python program with bpecore in tiktoken's place, whether or not tiktoken
  is installed. Everything after MODULE, CODE or SCRIPT is the program's.

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
        install_as_tiktoken()
        (_run_module if option == "-m" else _run_code)(rest[0], rest[1:])
    elif option.startswith("-"):
        _refuse(f"unknown option {option}")
    else:
        install_as_tiktoken()
        _run_script(option, rest)


def _refuse(what: str) -> None:
    print(f"{USAGE}\nbpecore run: {what}", file=sys.stderr)
    raise SystemExit(USAGE_EXIT_CODE)


def _set_first_path(entry: str | None) -> None:
    """Puts `entry` where `python` had put the folder of the program that it started, ours."""
    if getattr(sys.flags, "safe_path", False):
        return
    del sys.path[:1]
    if entry is not None:
        sys.path.insert(0, entry)


def _run_module(name: str, arguments: Sequence[str]) -> None:
    _set_first_path(os.getcwd())
    sys.argv = ["-m", *arguments]
    try:
        found = name[:1] not in ("", ".") and importlib.util.find_spec(name) is not None
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise
        found = False
    if not found:
        print(f"bpecore run: No module named {name}", file=sys.stderr)
        raise SystemExit(1)
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _run_code(code: str, arguments: Sequence[str]) -> None:
    _set_first_path("")
    sys.argv = ["-c", *arguments]
    main = ModuleType("__main__")
    sys.modules["__main__"] = main
    exec(compile(code, "<string>", "exec", dont_inherit=True), vars(main))


def _run_script(path: str, arguments: Sequence[str]) -> None:
    if not os.path.exists(path):
        print(f"bpecore run: can't open file {path!r}: no such file", file=sys.stderr)
        raise SystemExit(USAGE_EXIT_CODE)
    # A folder or zip file is put first by runpy itself; of a script, it is its folder.
    is_script = os.path.isfile(path) and not _is_importable(path)
    _set_first_path(os.path.dirname(os.path.realpath(path)) if is_script else None)
    sys.argv = [path, *arguments]
    runpy.run_path(path, run_name="__main__")


def _is_importable(path: str) -> bool:
    """Whether a path can stand on `sys.path`: a zip file can."""
    import pkgutil

    return pkgutil.get_importer(path) is not None
