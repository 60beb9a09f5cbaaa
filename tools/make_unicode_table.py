"""Generates bpecore/_pattern/unicode_table.py from the Unicode Character Database 16.0.0.

The split patterns of every tokenizer that tiktoken 0.14.0 runs are read by regex-syntax 0.8.11,
whose tables are Unicode 16.0.0; neither Python's `unicodedata` nor the `regex` library stays on
that version. General categories come from the PyPI package `unicodedata2`, scripts from
`fonttools`; both are needed here only:

    pip install unicodedata2==16.0.0 fonttools==4.55.0
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

TEMPLATE = '''"""General categories and scripts of Unicode {version}.

Made by tools/make_unicode_table.py from the Unicode Character Database; do not edit.
Copyright 1991-2024 Unicode, Inc., under the Unicode License V3
(https://www.unicode.org/license.txt).
"""

UNICODE_VERSION = "{version}"

# The general category of every code point, as runs: a length in code points, then the category.
GENERAL_CATEGORY_RUNS = """
{categories}
"""

# A script a line (indented lines continue it): name, ISO 15924 code, ranges in hexadecimal.
SCRIPTS = """
{scripts}
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


def main() -> int:
    """Writes the table, or with `--check` compares it with what would be written."""
    parser = argparse.ArgumentParser(
        description="Generate the Unicode table of the split patterns."
    )
    parser.add_argument("--check", action="store_true", help="fail if the table is not current")
    arguments = parser.parse_args()
    table = TEMPLATE.format(
        version=UNICODE_VERSION, categories=general_category_runs(), scripts=script_lines()
    )
    if not arguments.check:
        TABLE.write_text(table, encoding="utf-8")
    elif not TABLE.exists() or TABLE.read_text(encoding="utf-8") != table:
        print(f"{TABLE} is not current: run {Path(__file__).name}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
