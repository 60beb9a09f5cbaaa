"""Finds the files below a directory, without those that Git ignores."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import Callable, NamedTuple

from pathspec import GitIgnoreSpec

IGNORE_FILES = (".gitignore", os.path.join(".git", "info", "exclude"))


class Rules(NamedTuple):
    """The ignore rules of a directory.

    Attributes:
        folder: the directory's absolute path.
        spec: its rules.
    """

    folder: str
    spec: GitIgnoreSpec


def files_below(root: str, report: Callable[[OSError], None]) -> Iterator[str]:
    """Yields the regular files below a directory, sorted by name.

    Rules are those of each `.gitignore` from the repository's root down, and of the repository's
    `.git/info/exclude`. `.git` itself is left out.

    Args:
        root: the directory; paths begin with it as it is written.
        report: gets the error of each directory that cannot be read.
    """
    yield from _walk(root, _rules_above(os.path.abspath(root)), report)


def _walk(folder: str, rules: list[Rules], report: Callable[[OSError], None]) -> Iterator[str]:
    absolute = os.path.abspath(folder)
    rules = [*rules, *_rules_of(absolute)]
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        report(error)
        return
    for entry in entries:
        is_folder = entry.is_dir(follow_symlinks=False)
        path = os.path.join(absolute, entry.name)
        if entry.name == ".git" or _is_ignored(path, is_folder, rules):
            continue
        if is_folder:
            yield from _walk(entry.path, rules, report)
        elif _is_regular(entry.path):
            yield entry.path


def _is_regular(path: str) -> bool:
    """Returns whether a path is a file, or a link to one, and neither a pipe nor a device."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


def _rules_above(folder: str) -> list[Rules]:
    """Returns the rules of the directories above one, up to the root of its repository."""
    above = []
    while not os.path.exists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return []
        above.append(parent)
        folder = parent
    return [rules for parent in reversed(above) for rules in _rules_of(parent)]


def _rules_of(folder: str) -> list[Rules]:
    found = []
    for name in reversed(IGNORE_FILES):
        try:
            with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
                found.append(Rules(folder, GitIgnoreSpec.from_lines(file.read().splitlines())))
        except OSError:
            continue
    return found


def _is_ignored(path: str, is_folder: bool, rules: list[Rules]) -> bool:
    """Returns whether a path is ignored: the deepest rules that say anything decide."""
    for folder, spec in reversed(rules):
        relative = os.path.relpath(path, folder).replace(os.sep, "/")
        decision = spec.check_file(relative + "/" * is_folder).include
        if decision is not None:
            return decision
    return False
