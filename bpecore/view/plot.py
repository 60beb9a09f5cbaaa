"""Draws grouped bars as SVG, readable on a light and on a dark ground."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH = 720
LEFT = 150
BAR = 16
GAP = 14

_COLOURS = (
    ("#0b57d0", "#8ab4f8"),
    ("#b3470b", "#ffb77c"),
    ("#1d7a35", "#81d18f"),
    ("#8a2a9b", "#e7a6f3"),
    ("#8a6d00", "#e6cc5c"),
    ("#00707a", "#7fd6de"),
)
"""Of the bars, on a light and on a dark ground."""


def bars(title: str, groups: Mapping[str, Sequence[float | None]], names: Sequence[str]) -> str:
    """Returns an SVG of horizontal bars.

    Args:
        title: what the bars measure.
        groups: for each group, the value of each name; None where there is none.
        names: what the bars of a group are.
    """
    longest = max((value or 0 for values in groups.values() for value in values), default=0) or 1
    scale = (WIDTH - LEFT - 70) / longest
    parts: list[str] = []
    y = 44
    for number, name in enumerate(names):
        parts += [_bar(number, y, 12, 12), _text(LEFT + 20, y + 11, name)]
        y += 20
    for group, values in groups.items():
        y += GAP
        middle = y + BAR * len(values) / 2 + 4
        parts.append(_text(LEFT - 10, middle, group, ' text-anchor="end"'))
        for number, value in enumerate(values):
            size = (value or 0) * scale
            shown = "-" if value is None else f"{value:.2f}"
            parts += [_bar(number, y, size, BAR - 2), _text(LEFT + size + 6, y + 11, shown)]
            y += BAR
    return _SVG.format(
        width=WIDTH,
        height=y + 16,
        title=escape(title),
        light=_rules(0, "#1b1b1f", "#ffffff"),
        dark=_rules(1, "#f1f1f4", "#141418"),
        body="\n".join(parts),
    )


_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" \
height="{height}" role="img" aria-labelledby="title">
<title id="title">{title}</title>
<style>
text {{ font: 13px system-ui, sans-serif; }}
{light}
@media (prefers-color-scheme: dark) {{ {dark} }}
</style>
<rect class="ground" width="100%" height="100%"/>
<text x="16" y="24" style="font-weight: bold">{title}</text>
{body}
</svg>
"""


def _rules(scheme: int, ink: str, ground: str) -> str:
    rules = [f"text {{ fill: {ink}; }}", f".ground {{ fill: {ground}; }}"]
    rules += [f".b{number} {{ fill: {pair[scheme]}; }}" for number, pair in enumerate(_COLOURS)]
    return " ".join(rules)


def _text(x: float, y: float, text: str, attributes: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{escape(text)}</text>'


def _bar(number: int, y: float, width: float, height: int) -> str:
    colour = f"b{number % len(_COLOURS)}"
    return f'<rect class="{colour}" x="{LEFT}" y="{y}" width="{width:.1f}" height="{height}"/>'
