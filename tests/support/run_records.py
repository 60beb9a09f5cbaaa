"""Writes what a run of the tests found on this machine, for the table of `docs/platforms.md`.

`BPECORE_RECORDS` names the folder; without it nothing is written. Each run is one JSON file, which
a later run of the same section, platform and Python replaces. The scripts in `.ci` set what the
system does not know: `BPECORE_SECTION`, `BPECORE_MACHINE` (an emulator) and `BPECORE_COMMIT`.
`tools/platform_table.py` makes the table.

`BPECORE_PROGRESS` names a file in which each finished test gets a line. A run with the same file
leaves out the tests that have passed or were skipped, and counts them in its record, so that hours
of an emulated run are not lost when it stops.

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

NO_TESTS = 5
"""Pytest's exit status when no test is left."""

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


def reason_of(report: Any) -> str:
    """Returns why a test was skipped."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    return str(reason).partition("Skipped: ")[2] or str(reason)


class Progress:
    """Leaves out tests that an earlier run has finished, and keeps what this one finishes.

    Workers of xdist only leave out: they read a copy that does not change while the tests run.
    """

    def __init__(self, path: Path, config: Any) -> None:
        self.path = path
        before = path.with_name(path.name + ".before")
        if not hasattr(config, "workerinput"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            before.write_bytes(path.read_bytes())
            self.pytest_runtest_logreport = self.keep
        lines = before.read_text("utf-8").splitlines()
        self.finished: dict[str, str | None] = dict(map(json.loads, lines))
        self.running: dict[str, list[Any]] = {}

    def pytest_collection_modifyitems(self, config: Any, items: list[Any]) -> None:
        left_out = [item for item in items if item.nodeid in self.finished]
        items[:] = [item for item in items if item.nodeid not in self.finished]
        config.hook.pytest_deselected(items=left_out)

    def keep(self, report: Any) -> None:
        """Writes a test and why it was skipped, or null; failures and expected ones run again."""
        reports = self.running.setdefault(report.nodeid, [])
        reports.append(report)
        if report.when != "teardown":
            return
        del self.running[report.nodeid]
        outcomes = {report.outcome for report in reports}
        if "failed" in outcomes or any(hasattr(report, "wasxfail") for report in reports):
            return
        skipped = next((reason_of(report) for report in reports if report.skipped), None)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([report.nodeid, skipped]) + "\n")

    def pytest_sessionfinish(self, session: Any, exitstatus: int) -> None:
        if exitstatus == NO_TESTS and self.finished:
            session.exitstatus = 0

    def of(self, arguments: list[str]) -> dict[str, str | None]:
        """Returns what earlier runs finished of the files and folders named."""
        return {
            test: reason
            for test, reason in self.finished.items()
            if test.startswith(tuple(arguments))
        }


def pytest_configure(config: Any) -> None:
    """Pytest's hook: continues a run that was stopped."""
    path = os.environ.get("BPECORE_PROGRESS")
    if path:
        config.pluginmanager.register(Progress(Path(path), config), "progress")


def pytest_terminal_summary(terminalreporter: Any, config: Any) -> None:
    """Pytest's hook: writes the record of this run. Only the process that reports calls it."""
    stats = terminalreporter.stats
    progress = config.pluginmanager.get_plugin("progress")
    earlier = progress.of(config.args) if progress else {}
    passed = [report.nodeid for report in stats.get("passed", ()) if report.when == "call"]
    passed += [test for test, reason in earlier.items() if reason is None]
    reasons = Counter(map(reason_of, stats.get("skipped", ())))
    reasons.update(reason for reason in earlier.values() if reason is not None)
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
