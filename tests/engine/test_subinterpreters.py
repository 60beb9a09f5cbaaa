"""A second interpreter of a process is refused with a sentence, and the first one is not harmed.

The reasons are in docs/decisions/subinterpreters.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from programs import output_of

try:
    import _interpreters as interpreters  # type: ignore[import-not-found]
except ImportError:
    interpreters = pytest.importorskip("_xxsubinterpreters")

CODE = """
import os, sys, bpecore
import {module} as interpreters
written = os.dup(1)
code = '''
import os
try:
    import bpecore
except ImportError as error:
    os.write(WRITTEN, (str(error) + chr(10)).encode())
'''.replace("WRITTEN", str(written))
run = getattr(interpreters, "run_string", None) or interpreters.exec
for _ in range(2):
    run(interpreters.create(), code)
print(bpecore.get_encoding("o200k_base").encode("hello world"))
"""


def test_the_second_interpreter(tmp_path: Path) -> None:
    code = CODE.format(module=interpreters.__name__)
    *refused, ids = output_of(code, folder=tmp_path).splitlines()
    assert len(refused) == 2
    for line in refused:
        assert line.startswith("bpecore can be imported by one interpreter per process")
        assert "Use threads, which encode in parallel, or processes" in line
    assert ids == "[24912, 2375]"
