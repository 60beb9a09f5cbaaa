"""Generates bpecore/_pattern/unicode_table.py from the Unicode Character Database 16.0.0.

The split patterns of every tokenizer that tiktoken 0.14.0 runs are read by regex-syntax 0.8.11,
whose tables are Unicode 16.0.0; neither Python's `unicodedata` nor the `regex` library stays on
that version. General categories come from the PyPI package `unicodedata2` and scripts from
`fonttools`, which are needed here only; case folding comes from tiktoken itself, whose engine is
asked which characters match each character under `(?i)`:

    pip install unicodedata2==16.0.0 fonttools==4.55.0 tiktoken==0.14.0
    python tools/make_unicode_table.py            # writes the table
    python tools/make_unicode_table.py --check    # fails if the committed table is not current
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from itertools import groupby
from pathlib import Path

UNICODE_VERSION = "16.0.0"
TABLE = Path(__file__).resolve().parent.parent / "bpecore" / "_pattern" / "unicode_table.py"
# "Zzzz" (Unknown) is the absence of a script, and no name that regex-syntax knows.
SCRIPT_OF_UNASSIGNED = "Zzzz"

TEMPLATE = '''"""General categories, scripts and simple case folding of Unicode {version}.

Made by tools/make_unicode_table.py from the Unicode Character Database; do not edit.
Copyright 1991-2024 Unicode, Inc., under the Unicode License V3
(https://www.unicode.org/license.txt).
"""

UNICODE_VERSION = "{version}"

# The general category of every code point, as runs: a length in code points, then the category.
GENERAL_CATEGORY_RUNS = """
{categories}
"""

# One script per line (indented lines continue it): name, ISO 15924 code, ranges in hexadecimal.
SCRIPTS = """
{scripts}
"""

# Groups of characters that are equal under simple case folding: their code points in hexadecimal,
# then `*` and the number of such groups in a row, then `/` and their distance if it is not 1.
CASE_GROUPS = """
{case_groups}
"""
'''


def general_category_runs() -> str:
    """The general categories as `GENERAL_CATEGORY_RUNS` holds them."""
    import unicodedata2  # type: ignore[import-not-found,unused-ignore]

    if unicodedata2.unidata_version != UNICODE_VERSION:
        raise SystemExit(
            f"unicodedata2 {UNICODE_VERSION} is needed, not {unicodedata2.unidata_version}"
        )
    categories = (unicodedata2.category(chr(code_point)) for code_point in range(0x110000))
    runs = [f"{sum(1 for _ in run)}{category}" for category, run in groupby(categories)]
    return textwrap.fill(" ".join(runs), 99)


def script_lines() -> str:
    """The scripts as `SCRIPTS` holds them."""
    from fontTools.unicodedata import Scripts  # type: ignore[import-not-found,unused-ignore]

    header = Path(Scripts.__file__).read_text(encoding="utf-8")
    found = re.search(r"# Scripts-([0-9.]+)\.txt", header)
    if found is None or found.group(1) != UNICODE_VERSION:
        raise SystemExit(
            f"a fonttools release with the scripts of Unicode {UNICODE_VERSION} is needed"
        )
    ranges: dict[str, list[tuple[int, int]]] = {}
    ends = [*Scripts.RANGES[1:], 0x110000]
    for first, end, code in zip(Scripts.RANGES, ends, Scripts.VALUES):
        if code != SCRIPT_OF_UNASSIGNED:
            ranges.setdefault(code, []).append((first, end - 1))
    lines = []
    for name, code in sorted((Scripts.NAMES[code], code) for code in ranges):
        spans = [
            f"{first:X}" if first == last else f"{first:X}-{last:X}" for first, last in ranges[code]
        ]
        line = " ".join([name, code, *spans])
        # Ranges hold a hyphen, at which a line must not be broken.
        lines += textwrap.wrap(line, 99, subsequent_indent=" ", break_on_hyphens=False)
    return "\n".join(lines)


def case_groups() -> str:
    """The characters that are equal under simple case folding, as `CASE_GROUPS` holds them."""
    import tiktoken
    import unicodedata2

    def matches(pattern: str) -> str:
        encoding = tiktoken.Encoding(
            "case", pat_str=pattern, mergeable_ranks=single_bytes, special_tokens={}
        )
        return bytes(encoding.encode_ordinary(candidates)).decode()

    single_bytes = {bytes([value]): value for value in range(256)}
    # Unicode gives no case to letters of the category Lo and to unassigned code points.
    without_case = ("Lo", "Cc", "Cf", "Cn", "Co", "Cs")
    candidates = "".join(
        character
        for character in map(chr, range(0x110000))
        if unicodedata2.category(character) not in without_case
    )
    if matches(r"(?i:[\p{Lo}\p{C}])"):
        raise SystemExit("a character that was taken to have no case has one")
    groups = {matches(rf"(?i)\x{{{ord(character):X}}}") for character in candidates}
    pending = sorted(tuple(map(ord, group)) for group in groups if len(group) > 1)
    written = []
    while pending:
        first = pending[0]
        runs = (_run(pending, first, distance) for distance in (1, 2))
        distance, run = max(enumerate(runs, 1), key=lambda item: len(item[1]))
        pending = [group for group in pending if group not in run]
        count = f"*{len(run)}" if len(run) > 1 else ""
        written.append("-".join(f"{point:X}" for point in first) + count)
        if count and distance > 1:
            written[-1] += f"/{distance}"
    return textwrap.fill(" ".join(written), 99, break_on_hyphens=False)


def _run(
    groups: list[tuple[int, ...]], group: tuple[int, ...], distance: int
) -> list[tuple[int, ...]]:
    """`group` and the groups that follow it, each `distance` after the one before."""
    run = []
    while group in groups:
        run.append(group)
        group = tuple(point + distance for point in group)
    return run


def main() -> int:
    """Writes the table, or with `--check` compares it with what would be written."""
    parser = argparse.ArgumentParser(
        description="Generate the Unicode table of the split patterns."
    )
    parser.add_argument("--check", action="store_true", help="fail if the table is not current")
    arguments = parser.parse_args()
    table = TEMPLATE.format(
        version=UNICODE_VERSION,
        categories=general_category_runs(),
        scripts=script_lines(),
        case_groups=case_groups(),
    )
    if not arguments.check:
        TABLE.write_text(table, encoding="utf-8")
    elif not TABLE.exists() or TABLE.read_text(encoding="utf-8") != table:
        print(f"{TABLE} is not current: run {Path(__file__).name}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
