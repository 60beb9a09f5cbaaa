"""A record as text: every measure's values, who was left out, and the bars."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from .bars import BARS, Bar, Judgement, judgements
from .record import Record, Sample

SPEEDS = ("warm", "cold", "list", "count", "ids beside the count", "one thread", "two threads")
"""Measures that are shown as MB/s."""


def heading(record: Record) -> str:
    """Returns what was measured on what."""
    machine = ", ".join(f"{key} {value}" for key, value in record.machine.items())
    versions = ", ".join(f"{name} {version}" for name, version in record.versions.items())
    return (
        f"{record.date}\n{machine}\n{versions}\nThe outputs were equal before anything was timed."
    )


def shown(sample: Sample) -> str:
    """Returns a sample's value in the unit that suits it."""
    if sample.unit == "B":
        return f"{sample.value / 1e6:.2f} MB"
    if sample.measure.startswith(("hostile", "any character")):
        return f"{sample.value / sample.items * 1e9:.1f} ns/char"
    if sample.measure in SPEEDS:
        return f"{sample.megabytes_per_second:.1f} MB/s"
    return f"{sample.value * 1e6:.2f} µs" if sample.value < 1e-3 else f"{sample.value * 1e3:.2f} ms"


def values_table(record: Record, encoding: str, measure: str) -> str:
    """Returns a line per subject and a column per engine, with every value of one measure."""
    samples = [
        item for item in record.samples if (item.encoding, item.measure) == (encoding, measure)
    ]
    engines = list(dict.fromkeys(item.engine for item in samples))
    found = {(item.subject, item.engine): shown(item) for item in samples}
    lines = [f"{measure:<32}" + "".join(f"{engine:>18}" for engine in engines)]
    for subject in dict.fromkeys(item.subject for item in samples):
        cells = (found.get((subject, engine), "-") for engine in engines)
        lines.append(f"  {subject:<30}" + "".join(f"{cell:>18}" for cell in cells))
    return "\n".join(lines)


def all_values(record: Record) -> Iterator[str]:
    """Yields the table of each encoding and measure, and why an engine is missing from one."""
    for encoding in record.encodings():
        yield f"\n{encoding}"
        measures = dict.fromkeys(s.measure for s in record.samples if s.encoding == encoding)
        for measure in measures:
            yield values_table(record, encoding, measure)
    reasons: dict[tuple[str, str], list[str]] = {}
    for item in record.left_out:
        place = f"{item.measure} {item.encoding} {item.subject}"
        reasons.setdefault((item.engine, item.reason), []).append(place)
    if reasons:
        yield "\nLeft out"
    for (engine, reason), places in reasons.items():
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        yield f"  {engine}: {reason} ({places[0]}{more})"


def ratios_table(record: Record) -> str:
    """Returns how many times faster bpecore is than the build before; nothing without one."""
    before = {s[:3]: s.value for s in record.samples if s.engine == "before"}
    ratios = [
        (before[s[:3]] / s.value, f"{s.encoding} {s.measure} {s.subject}")
        for s in record.samples
        if s.engine == "bpecore" and s[:3] in before
    ]
    if not ratios:
        return ""
    mean = statistics.geometric_mean(ratio for ratio, _ in ratios)
    lines = [f"  {ratio:6.3f}  {what}" for ratio, what in sorted(ratios)]
    return "\n".join(["Before over after, time", *lines, f"  {mean:6.3f}  mean of all"])


def number(value: float) -> str:
    """Returns a value of a bar with three digits that count."""
    return f"{value:.2f}" if value < 100 else f"{value:.0f}"


def bar_line(found: list[Judgement]) -> str:
    """Returns the worst subject of a bar, and every subject that misses it."""
    bar, encoding = found[0].bar, found[0].encoding
    worst = min(found, key=lambda judgement: judgement.margin)
    missed = [item for item in found if not item.met]
    verdict = (
        "met"
        if not missed
        else f"MISSED on {len(missed)} of {len(found)}: "
        + ", ".join(f"{item.subject.removesuffix('.txt')} {number(item.value)}" for item in missed)
    )
    bound = f"{bar.sign()} {bar.limit_of(worst.subject):g}"
    return (
        f"{bar.what:<50}{encoding:<13}{bound:>7}  worst {number(worst.value):>6} "
        f"({worst.subject.removesuffix('.txt')})  {verdict}"
    )


def bars_table(record: Record, bars: Sequence[Bar] = BARS) -> str:
    """Returns a line per bar and encoding that the record can judge."""
    return "\n".join(["Bars", *(bar_line(found) for found in judgements(record, bars))])
