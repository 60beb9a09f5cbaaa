"""Plants all faults in one source tree, each behind a switch that an environment variable turns on.

One build then serves every fault. A fault stays a plain patch: its lines replace the engine's
when its number is switched on, and otherwise the engine's own lines run.
"""

from __future__ import annotations

import difflib
import io
import re
import tokenize
from collections.abc import Sequence
from pathlib import Path

from fuzz.build import apply_patch

VARIABLE = "BPECORE_PLANTED_FAULT"
"""The environment variable that holds the number of the fault; unset, there is none."""

SWITCH = "PLANTED_FAULT"

ENGINE_FILE = f'''"""The number of the fault that is switched on; 0 for none."""

cdef extern from *:
    """
    #include <stdlib.h>
    static int {SWITCH};
    __attribute__((constructor)) static void read_planted_fault(void) {{
        const char *number = getenv("{VARIABLE}");
        {SWITCH} = number ? atoi(number) : 0;
    }}
    """
    int {SWITCH}
'''
ENGINE_IMPORT = f"from engine.base.planted_fault cimport {SWITCH}\n"
PYTHON_IMPORT = f"""
import os as planted_os
{SWITCH} = int(planted_os.environ.get("{VARIABLE}", "0"))
"""
FUTURE = "from __future__ import annotations\n"


def plant(tree: Path, patches: Sequence[Path]) -> None:
    """Changes a source tree so that fault number i + 1 is what `patches[i]` makes of it.

    Raises:
        RuntimeError: a patch does not apply, or changes what a switch cannot choose.
    """
    changed = set()
    for number, patch in enumerate(patches, 1):
        paths = [tree / name for name in re.findall(r"^\+\+\+ b/(.+)$", patch.read_text(), re.M)]
        before = [path.read_text() for path in paths]
        apply_patch(patch, tree)
        for path, text in zip(paths, before):
            path.write_text(switched(text, path.read_text(), number))
        changed.update(paths)
    (tree / "_ext" / "engine" / "base" / "planted_fault.pxd").write_text(ENGINE_FILE)
    for path in changed:
        text = path.read_text()
        if path.suffix == ".py":
            path.write_text(text.replace(FUTURE, FUTURE + PYTHON_IMPORT, 1))
        else:
            path.write_text(ENGINE_IMPORT + text)


def switched(before: str, after: str, number: int) -> str:
    """Returns source in which a switch chooses between two versions of each changed statement."""
    old, new = statements(before), statements(after)
    result = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        removed, added = old[old_start:old_end], new[new_start:new_end]
        result += removed if kind == "equal" else [choice(removed, added, number)]
    return "".join(result)


def statements(source: str) -> list[str]:
    """Returns the statements of Python or Cython source, each with the comments above it.

    A compound statement's first line, up to its colon, counts as one.
    """
    lines = source.splitlines(keepends=True)
    result = []
    start = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE:
            result.append("".join(lines[start : token.end[0]]))
            start = token.end[0]
    return [*result, "".join(lines[start:])]


def choice(removed: Sequence[str], added: Sequence[str], number: int) -> str:
    """Returns statements that are `added` with the fault switched on, and otherwise `removed`."""
    is_on = f"{SWITCH} == {number}"
    heads = [re.fullmatch(r"((?:\s*#.*\n)*\s*(?:if|while) )(.*):\n", text, re.S)
             for text in (*removed, *added)]  # fmt: skip
    if len(removed) == len(added) == 1 and heads[0] and heads[1]:
        return f"{heads[0][1]}(({heads[1][2]}) if {is_on} else ({heads[0][2]})):\n"
    if any(text.endswith(":\n") for text in (*removed[-1:], *added[-1:])):
        raise RuntimeError(f"a switch cannot choose what a block belongs to: {removed} {added}")
    first = re.match(r"(?:\s*#.*\n)*(\s*)", (*removed, *added)[0])
    assert first is not None
    margin = first[1].rsplit("\n")[-1]
    chosen = ""
    if added:
        chosen += f"{margin}if {is_on}:\n{indented(added)}"
    if removed:
        head = "else" if added else f"if not {is_on}"
        chosen += f"{margin}{head}:\n{indented(removed)}"
    return chosen


def indented(block: Sequence[str]) -> str:
    """Returns statements as the body of a block."""
    return "".join(f"    {line}" for line in "".join(block).splitlines(keepends=True))
