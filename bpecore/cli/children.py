"""Puts bpecore in tiktoken's place in the Python processes that a program starts."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping
from typing import Any

HOOK_FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_startup")
"""The folder with the `sitecustomize` that such processes import when they start."""

# Options of `python` that are followed by a word of their own.
_OPTIONS_WITH_WORD = "cmWX"


class TiktokenNotReplacedWarning(UserWarning):
    """A Python process that the program starts will use the installed tiktoken."""


def reach_children() -> None:
    """Makes later Python processes replace tiktoken, through `PYTHONPATH`.

    Warns:
        TiktokenNotReplacedWarning: now, if they inherit options with which Python ignores
            `PYTHONPATH`; later, for each that is started with such options or without the folder.
    """
    paths = os.environ.get("PYTHONPATH")
    if HOOK_FOLDER not in _entries(paths):
        os.environ["PYTHONPATH"] = os.pathsep.join([HOOK_FOLDER, *([paths] if paths else [])])
    if sys.flags.ignore_environment or sys.flags.no_site:
        _warn("processes that `multiprocessing` starts inherit -E, -I or -S")
    start = subprocess.Popen.__init__

    @functools.wraps(start)
    def checked(self: Any, args: Any, *rest: Any, **options: Any) -> None:
        reason = why_not_reached(args, options.get("env"))
        if reason:
            _warn(f"{args!r:.200} {reason}")
        start(self, args, *rest, **options)

    subprocess.Popen.__init__ = checked  # type: ignore[method-assign]


def why_not_reached(command: object, environment: Mapping[Any, Any] | None) -> str:
    """Returns why a process will use the installed tiktoken; "" if it will not, or is no Python.

    Args:
        command: the words of a command line, as `subprocess.Popen` takes them.
        environment: the environment it is given; None for this process's.

    Example:
        >>> why_not_reached(["python3", "-I", "-c", "import tiktoken"], None)
        'is started with -I'
        >>> why_not_reached(["python3", "-m", "uvicorn"], {"PATH": "/bin"})
        "is started without this process's PYTHONPATH"
        >>> why_not_reached(["ls", "-I"], None)
        ''
    """
    if not isinstance(command, (list, tuple)) or not command:
        return ""
    program, *words = (
        os.fsdecode(word) for word in command if isinstance(word, (str, bytes, os.PathLike))
    )
    if not os.path.basename(program).lower().startswith(("python", "pypy")):
        return ""
    option = _option_that_ignores_paths(words)
    if option:
        return f"is started with -{option}"
    if environment is not None and HOOK_FOLDER not in _entries(environment.get("PYTHONPATH")):
        return "is started without this process's PYTHONPATH"
    return ""


def _option_that_ignores_paths(words: list[str]) -> str:
    skip = False
    for word in words:
        if skip:
            skip = False
            continue
        if word[:1] != "-" or word[:2] in ("-", "--"):
            break
        for place, letter in enumerate(word[1:], 2):
            if letter in "IES":
                return letter
            if letter in _OPTIONS_WITH_WORD:
                if letter in "cm":
                    return ""
                skip = place == len(word)
                break
    return ""


def _entries(paths: str | bytes | None) -> list[str]:
    return os.fsdecode(paths or "").split(os.pathsep)


def _warn(what: str) -> None:
    warnings.warn(f"not reached by `bpecore run`: {what}", TiktokenNotReplacedWarning, stacklevel=3)
