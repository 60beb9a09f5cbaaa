"""The plots of README and docs/speed.md: MB/s by text and engine, for two encodings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .record import Record, Sample

TEXT_NAMES = {
    "code_py": "Python code",
    "en_cli": "English help pages",
    "en_drama": "English drama",
    "en_novel": "English novel",
    "ja": "Japanese",
    "ko": "Korean",
    "multi": "forty languages",
    "ru": "Russian",
    "zh": "Chinese",
    "code_c": "C sources",
    "prose_en": "English reference works",
    "multi.jsonl": "manuals, seven languages",
}
"""What a file's text is called; others go by their file's name."""

COLOURS = {
    "bpecore": "#0072B2",
    "gigatoken": "#E69F00",
    "quicktok": "#009E73",
    "snaptokens": "#CC79A7",
    "tokenizers": "#56B4E9",
    "tiktoken": "#7F7F7F",
}
"""The engines that are drawn, in this order, in colours that the colour-blind tell apart."""

BAR, GAP, LETTERS = 0.2, 0.25, 8
"""Height of a bar and of the space between texts, in units of the axis; points of small print."""

TITLES = {
    "one pass": "One pass: large corpora, each document once",
    "warm": "Warm: the text was encoded before",
    "cold": "Cold: the first call of a fresh process",
}
"""What is drawn, one file per measure."""


def file_name(measure: str) -> str:
    """Returns the name of a measure's plot."""
    return f"speed-{measure.replace(' ', '-')}.svg"


def text_name(subject: str) -> str:
    """Returns what a file's text is called."""
    stem = subject.removesuffix(".txt").removesuffix(".jsonl")
    return TEXT_NAMES.get(subject) or TEXT_NAMES.get(stem, stem)


def draw(record: Record, folder: Path) -> list[Path]:
    """Draws every plot that the record has values for.

    Args:
        record: what was measured.
        folder: where the SVG files go.

    Returns:
        Their paths.

    Raises:
        ImportError: matplotlib is not installed; it is in the extra `benchmarks`.
    """
    import matplotlib

    matplotlib.use("svg")
    # Letters as letters, and the same file for the same record.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bpecore"})
    paths = []
    for measure, title in TITLES.items():
        encodings = [name for name in record.encodings() if record.find(measure, name, "bpecore")][
            :2
        ]
        if encodings:
            paths.append(folder / file_name(measure))
            draw_measure(record, measure, title, encodings, paths[-1])
    return paths


def draw_measure(
    record: Record, measure: str, title: str, encodings: Sequence[str], path: Path
) -> None:
    """Draws one measure, a panel per encoding."""
    from matplotlib import pyplot

    panels = [
        {engine: record.find(measure, encoding, engine) for engine in COLOURS}
        for encoding in encodings
    ]
    texts = list(panels[0]["bpecore"])
    height = 1.1 + len(texts) * (len(COLOURS) * BAR + GAP) * 0.72
    figure, axes = pyplot.subplots(
        1, len(encodings), figsize=(9, height), sharey=True, squeeze=False, layout="constrained"
    )
    highest = max(
        sample.megabytes_per_second
        for panel in panels
        for samples in panel.values()
        for sample in samples.values()
    )
    for axis, encoding, panel in zip(axes[0], encodings, panels):
        draw_panel(axis, panel, texts)
        axis.set_title(encoding, fontsize=11, loc="left")
        axis.set_xlim(0, highest * 1.3)
    figure.suptitle(f"{title}. MB/s on one core, more is better", fontsize=11, x=0.01, ha="left")
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def draw_panel(axis: Any, panel: dict[str, dict[str, Sample]], texts: Sequence[str]) -> None:
    """Draws a group of bars per text; the first group names the engines."""
    engines = [engine for engine, samples in panel.items() if samples]
    step = len(engines) * BAR + GAP
    for row, text in enumerate(texts):
        for place, engine in enumerate(engines):
            sample = panel[engine].get(text)
            if sample is None:
                continue
            speed = sample.megabytes_per_second
            y = row * step + place * BAR
            axis.barh(y, speed, height=BAR * 0.92, color=COLOURS[engine])
            label = f"{speed:.0f}" + (f"  {engine}" if row == 0 else "")
            weight = "bold" if engine == "bpecore" else "normal"
            axis.annotate(
                label,
                (speed, y),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=LETTERS,
                fontweight=weight,
            )
    middle = (len(engines) - 1) * BAR / 2
    axis.set_yticks([row * step + middle for row in range(len(texts))])
    axis.set_yticklabels([text_name(text) for text in texts], fontsize=LETTERS + 1)
    axis.set_ylim(len(texts) * step - GAP / 2, -BAR)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=LETTERS)
    axis.spines[["top", "right"]].set_visible(False)
