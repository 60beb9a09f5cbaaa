"""The figures and plots of `docs/speed.md` and README, out of a record: none is typed by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .plots import TITLES, draw, file_name, text_name
from .record import Record, Sample
from .report import shown

BEGIN = "<!-- benchmarks: written by `python -m benchmarks --update-docs` -->"
END = "<!-- end of benchmarks -->"
IN_README = "![MB/s, "
"""How the lines of README begin that show a plot."""

README_PLOTS = 2
"""So many of the plots are in README."""

SPEED_COLUMNS = (
    ("bpecore array", "warm", "bpecore"),
    ("cold", "cold", "bpecore"),
    ("list", "list", "bpecore"),
    ("count", "count", "bpecore"),
    ("gigatoken array", "warm", "gigatoken"),
    ("cold", "cold", "gigatoken"),
    ("list", "list", "gigatoken"),
    ("quicktok list", "list", "quicktok"),
    ("tiktoken list", "list", "tiktoken"),
    ("tokenizers list", "list", "tokenizers"),
)
"""Heading, measure and engine of each column of the table of speeds."""

OTHER_ENGINES = ("bpecore", "tiktoken", "gigatoken", "quicktok", "tokenizers")

ONE_PASS_ENGINES = ("bpecore", "gigatoken", "snaptokens", "tokenizers", "tiktoken")
ONE_PASS_WAYS = ("arrays", "arrays, file", "lists", "counts")

OTHER_ROWS = (
    ("`encode`, 2 characters", "short", "2 characters"),
    ("`encode`, 11 characters", "short", "11 characters"),
    ("`encode`, 57 characters", "short", "57 characters"),
    ("`encode_ordinary`, 500 characters", "short", "500 characters"),
    ('`encode_batch` of 10,000 like "item 42"', "batch", "10,000 strings"),
    ("`decode`, 100,000 ids", "decode", "100,000 ids"),
    ("import", "import", "start"),
    ("`get_encoding` and first `encode`", "get_encoding and first encode", "start"),
    ("private memory after it", "after the first encode", "one process"),
    ("private memory after 1 MB of text", "after 1 MB to a list", "one process"),
    ("the same in eight processes", "after the first encode", "eight processes"),
    ("`Encoding` of 200,000 ranks", "construction", "200,000 ranks"),
)
"""What is shown, with the measure and its subject."""


def update(repository: Path, record_path: Path) -> str:
    """Writes the plots into docs/pictures/, the figures into docs/speed.md, and names in README.

    Args:
        repository: the root of the checkout.
        record_path: the record to show.

    Returns:
        The record's file name.

    Raises:
        ValueError: the page lacks the marks around the figures.
        ImportError: matplotlib is not installed.
    """
    record = Record.read(record_path)
    page = repository / "docs" / "speed.md"
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} lacks {BEGIN!r} … {END!r}")
    plots = draw(record, page.parent / "pictures")
    names = [plot.relative_to(page.parent).as_posix() for plot in plots]
    section = figures(record, record_path.name, names)
    page.write_text(f"{before}{BEGIN}\n\n{section}\n\n{END}{after}", encoding="utf-8")
    readme = repository / "README.md"
    if readme.exists():
        shown = [title for title in TITLES if record.find_any(title)][:README_PLOTS]
        readme.write_text(with_plots(readme.read_text(encoding="utf-8"), shown), encoding="utf-8")
    return record_path.name


def with_plots(text: str, measures: Sequence[str]) -> str:
    """Returns README with the plots of these measures in place of those that it shows."""
    lines = text.split("\n")
    places = [number for number, line in enumerate(lines) if line.startswith(IN_README)]
    if not places:
        return text
    plots = [f"{IN_README}{TITLES[name]}](docs/pictures/{file_name(name)})" for name in measures]
    lines[places[0] : places[-1] + 1] = "\n\n".join(plots).split("\n")
    return "\n".join(lines)


def figures(record: Record, name: str, plots: Sequence[str]) -> str:
    """Returns the section of the page: the machine, the plots and the tables, as Markdown."""
    machine, versions = record.machine, record.versions
    parts = [
        f"Measured on {record.date[:10]}: {machine['processor']}, {machine['cores']} cores, "
        f"{machine['system']}, {machine['python']}; "
        + ", ".join(f"{key} {value}" for key, value in versions.items())
        + f". The record is `benchmarks/results/{name}`.",
        *(f"![MB/s by text and engine]({plot})" for plot in plots),
    ]
    for encoding in record.encodings():
        for table in (
            one_pass_table(record, encoding),
            speed_table(record, encoding),
            other_table(record, encoding),
        ):
            if table:
                parts.append(f"{table[0]}\n\n{table[1]}")
    hostile = hostile_sentence(record)
    return "\n\n".join([*parts, hostile] if hostile else parts)


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Returns a table whose first row is the heading."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|")
    return "\n".join(lines)


def speed_table(record: Record, encoding: str) -> tuple[str, str] | None:
    """Returns a title and MB/s by text; None where nothing was measured."""
    columns = [
        (heading, record.find(measure, encoding, engine))
        for heading, measure, engine in SPEED_COLUMNS
    ]
    columns = [column for column in columns if column[1]]
    texts = list(dict.fromkeys(text for _, samples in columns for text in samples))
    if not texts:
        return None
    rows = [["Text", *(heading for heading, _ in columns)]]
    for text in texts:
        cells = [samples.get(text) for _, samples in columns]
        rows.append([text_name(text), *(speed_cell(cell) for cell in cells)])
    return f"`{encoding}`, MB/s on one core:", markdown_table(rows)


def one_pass_table(record: Record, encoding: str) -> tuple[str, str] | None:
    """Returns a title and MB/s by corpus and way; None where nothing was measured."""
    cores = record.machine["cores"]
    rows = [["Corpus", "Way", "Cores", *ONE_PASS_ENGINES]]
    for way in ONE_PASS_WAYS:
        for suffix, number in (("", "1"), (", all cores", cores)):
            measure = f"one pass, {way}{suffix}"
            found = [record.find(measure, encoding, engine) for engine in ONE_PASS_ENGINES]
            for corpus in dict.fromkeys(name for samples in found for name in samples):
                cells = [speed_cell(samples.get(corpus)) for samples in found]
                rows.append([text_name(corpus), way, str(number), *cells])
    rows[1:] = sorted(rows[1:], key=lambda row: row[0])
    if len(rows) == 1:
        return None
    sizes = ", ".join(
        f"{text_name(name)} {sample.bytes / 1e6:.0f} MB"
        for name, sample in record.find("one pass", encoding, "bpecore").items()
    )
    return (
        f"`{encoding}`, one pass over the first megabytes of large corpora ({sizes}), MB/s; medians"
        " of fresh processes:",
        markdown_table(rows),
    )


def speed_cell(sample: Sample | None) -> str:
    """Returns a speed without its unit."""
    return "" if sample is None else f"{sample.megabytes_per_second:.0f}"


def other_table(record: Record, encoding: str) -> tuple[str, str] | None:
    """Returns a title and what else was measured by engine; None where nothing was."""
    found = {
        (engine, measure, subject): sample
        for _, measure, subject in OTHER_ROWS
        for engine in OTHER_ENGINES
        if (sample := record.find(measure, encoding, engine).get(subject))
    }
    if not found:
        return None
    engines = [name for name in OTHER_ENGINES if any(key[0] == name for key in found)]
    rows = [["Measured", *engines]]
    for heading, measure, subject in OTHER_ROWS:
        samples = [found.get((engine, measure, subject)) for engine in engines]
        if any(samples):
            rows.append([heading, *(shown(sample) if sample else "" for sample in samples)])
    return f"`{encoding}`, other measurements:", markdown_table(rows)


def hostile_sentence(record: Record) -> str:
    """Returns what the worst character costs in each encoding."""
    worst = []
    subjects: dict[str, None] = {}
    for encoding in record.encodings():
        samples = record.find("hostile, 1,000,000", encoding, "bpecore")
        costs = {subject: item.value / item.items * 1e9 for subject, item in samples.items()}
        subjects.update(dict.fromkeys(costs))
        if costs:
            subject = max(costs, key=lambda key: costs[key])
            worst.append(f"{costs[subject]:.0f} ns per character in `{encoding}` (`{subject}`)")
    if not worst:
        return ""
    tried = ", ".join(f"`{subject}`" for subject in subjects)
    return (
        f"Worst case, one character repeated a million times: {', '.join(worst)}. "
        f"The characters tried are {tried}."
    )
