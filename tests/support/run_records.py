"""Writes what a run of the tests found on this machine, for the table of `docs/platforms.md`.

`BPECORE_RECORDS` names the folder; without it nothing is written. Each run is one JSON file, which
a later run of the same section, platform and Python replaces. The scripts in `.ci` set what the
system does not know: `BPECORE_SECTION`, `BPECORE_MACHINE` (an emulator) and `BPECORE_COMMIT`.
`tools/platform_table.py` makes the table.

Checks that pytest does not run are written by `python run_records.py CHECK RESULT`.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

VOCABULARIES = (
    "gpt2",
    "r50k_base",
    "p50k_base",
    "p50k_edit",
    "cl100k_base",
    "o200k_base",
    "o200k_harmony",
)
"""As `pairs.ENCODING_NAMES`, which needs the package."""

OTHERS = "others"
"""Counts the tests of vocabularies of models, and of the user's own."""

OTHERS_TESTS = re.compile(r"\b(models|hf|pattern)/|custom_vocabulary|vocabulary_building")


def facts() -> dict[str, Any]:
    """Returns where this runs: the same keys in every record."""
    system, machine = platform.system(), platform.machine()
    if system == "Linux":
        is_musl = "musl" in str(sysconfig.get_config_var("SOABI"))
        system += " (musl)" if is_musl else " (glibc)"
    is_free = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    return {
        "platform": f"{system} {machine}",
        "machine": os.environ.get("BPECORE_MACHINE", ""),
        "python": platform.python_version() + ("t" if is_free else ""),
        "commit": os.environ.get("BPECORE_COMMIT", "unknown"),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def vocabularies(names: Iterable[str]) -> dict[str, int]:
    """Returns how many tests, by their names, are of each vocabulary."""
    found = dict.fromkeys((*VOCABULARIES, OTHERS), 0)
    for name in names:
        parameters = re.split(r"[\[\]\-]", name)[1:]
        for vocabulary in VOCABULARIES:
            found[vocabulary] += vocabulary in parameters
        found[OTHERS] += OTHERS_TESTS.search(name) is not None
    return found


def write_record(kind: str, found: dict[str, Any]) -> None:
    """Writes one record, if a folder for them is named."""
    folder = os.environ.get("BPECORE_RECORDS")
    if not folder:
        return
    record = {**facts(), **found}
    parts = (kind, record["platform"], record["machine"], record["python"])
    name = "-".join(part for part in parts if part)
    Path(folder).mkdir(parents=True, exist_ok=True)
    path = Path(folder) / (re.sub(r"[^\w.+-]+", "-", name) + ".json")
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """Pytest's hook: writes the record of this run. Only the process that reports calls it."""
    stats = terminalreporter.stats
    passed = [report.nodeid for report in stats.get("passed", ()) if report.when == "call"]
    reasons: Counter[str] = Counter()
    for report in stats.get("skipped", ()):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        reasons[str(reason).partition("Skipped: ")[2] or str(reason)] += 1
    write_record(
        os.environ.get("BPECORE_SECTION", "tests"),
        {
            "tests": [str(argument) for argument in config.args],
            "passed": len(passed),
            "failed": len(stats.get("failed", ())) + len(stats.get("error", ())),
            "skipped": sum(reasons.values()),
            "reasons": dict(reasons.most_common()),
            "vocabularies": vocabularies(passed),
        },
    )


if __name__ == "__main__":
    write_record(sys.argv[1], {"check": sys.argv[1], "result": sys.argv[2]})
