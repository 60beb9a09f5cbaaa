"""Writes the tables of `docs/platforms.md` from the records of runs.

Usage: python tools/platform_table.py [FOLDER…] [--page PAGE]

Each FOLDER (at first `docs/platforms`) holds JSON files that `tests/support/run_records.py` wrote,
on this machine or on others. A record of the same run in a later folder replaces an earlier one.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RECORDS = ROOT / "docs" / "platforms"
PAGE = ROOT / "docs" / "platforms.md"

BEGIN, END = "<!-- records -->", "<!-- end of records -->"
Record = dict[str, Any]


def read_records(folders: Iterable[Path]) -> list[Record]:
    """Returns the records of folders, in the order of the table."""
    found: dict[str, Record] = {}
    for folder in folders:
        for path in folder.rglob("*.json"):
            found[path.name] = json.loads(path.read_text("utf-8"))
    return sorted(found.values(), key=place)


def place(record: Record) -> tuple[Any, ...]:
    version = [int(number) for number in re.findall(r"\d+", record["python"])]
    return record["platform"], version, record["python"], record["machine"], record["commit"]


def row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(header: list[str], rows: list[list[object]]) -> list[str]:
    return [row(header), row(["---"] * len(header)), *map(row, rows)]


def machine_of(record: Record) -> str:
    return ", ".join(filter(None, (record["platform"], record["machine"])))


def origin(record: Record) -> list[object]:
    return [record["commit"][:8], record["date"]]


def render(records: list[Record]) -> str:
    """Returns the tables."""
    runs = [record for record in records if "passed" in record]
    checks = [record for record in records if "check" in record]
    names = list(dict.fromkeys(name for run in runs for name in run["vocabularies"]))
    lines = table(
        ["Platform", "CPython", *names, "passed", "failed", "skipped", "tests", "commit", "date"],
        [
            [
                *(machine_of(run), run["python"]),
                *(f"{run['vocabularies'].get(name, 0):,}" for name in names),
                *(f"{run[outcome]:,}" for outcome in ("passed", "failed", "skipped")),
                ", ".join(test.removeprefix("tests/").removesuffix(".py") for test in run["tests"]),
                *origin(run),
            ]
            for run in runs
        ],
    )
    lines += ["", *skips(runs), ""]
    lines += table(
        ["Check", "Platform", "CPython", "Result", "commit", "date"],
        [
            [check["check"], machine_of(check), check["python"], check["result"], *origin(check)]
            for check in checks
        ],
    )
    return "\n".join(lines)


def skips(runs: list[Record]) -> list[str]:
    """Returns the reasons for which tests were skipped, each with how often in one run at most."""
    most: dict[str, int] = {}
    for run in runs:
        for reason, count in run["reasons"].items():
            most[reason] = max(count, most.get(reason, 0))
    if not most:
        return ["No test was skipped."]
    ranked = sorted(most.items(), key=lambda item: (-item[1], item[0]))
    return ["Reasons for skipped tests, and in how many of one run at most:", ""] + [
        f"- {reason}: {count}" for reason, count in ranked
    ]


def write_tables(page: Path, records: list[Record]) -> None:
    """Replaces what a page has between the two marks."""
    text = page.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{page} has no {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n{render(records)}\n{END}{after}", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=Path, default=[RECORDS])
    parser.add_argument("--page", type=Path, default=PAGE)
    arguments = parser.parse_args()
    write_tables(arguments.page, read_records(arguments.folders))


if __name__ == "__main__":
    main()
