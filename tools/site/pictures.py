"""Draws the pictures of the documentation: `python tools/site/pictures.py docs/pictures`.

Each is an SVG on a light ground of its own, so that it can be read on light and dark pages. What
they show of tokens and merges is what the engine does.
"""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path

import bpecore
from bpecore._educational import SimpleBytePairEncoding

COLOURS = ("#cfe8e4", "#fbe3c0", "#dcd9f2", "#f6d5d5", "#d9ebc8")
INK, LINE, QUIET = "#17323a", "#4d7480", "#4b5d63"
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
LETTER = 9.6
"""The width of a character of 16 pixels, in pixels."""


class Picture:
    """An SVG that grows by one shape at a time; all numbers are pixels."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
            f'width="{width:g}" height="{height:g}" role="img"><title>{escape(title)}</title>',
            f'<rect width="{width:g}" height="{height:g}" rx="10" fill="#f7f9fa"/>',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
            'markerHeight="8" orient="auto">'
            f'<path d="M0 0L8 4L0 8z" fill="{LINE}"/></marker></defs>',
        ]

    def box(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """Adds a rounded rectangle."""
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5" '
            f'fill="{colour}" stroke="{LINE}" stroke-width="1"/>'
        )

    def text(self, x: float, y: float, text: str, size: int = 16, colour: str = INK) -> None:
        """Adds a line of text whose middle is at `x`."""
        self.parts.append(
            f'<text x="{x:g}" y="{y:g}" font-family="{FONT}" font-size="{size}" fill="{colour}" '
            f'text-anchor="middle" xml:space="preserve">{escape(text)}</text>'
        )

    def arrow(self, x: float, y: float, to_x: float, to_y: float) -> None:
        """Adds an arrow."""
        self.parts.append(
            f'<path d="M{x:g} {y:g}L{to_x:g} {to_y:g}" stroke="{LINE}" stroke-width="1.5" '
            f'fill="none" marker-end="url(#tip)"/>'
        )

    def write(self, path: Path) -> None:
        """Writes the file."""
        path.write_text(self.svg(), encoding="utf-8")

    def svg(self) -> str:
        """Returns the content of the file."""
        return "\n".join([*self.parts, "</svg>", ""])


def visible(text: bytes | str) -> str:
    """Returns text with its spaces visible."""
    decoded = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return decoded.replace(" ", "·")


def draw_row(
    picture: Picture, parts: list[bytes], y: float, x: float, labels: list[str] | None = None
) -> None:
    """Adds a row of tokens, each as wide as its text or label, with the labels below."""
    for number, part in enumerate(parts):
        label = labels[number] if labels else ""
        width = max(len(visible(part)), len(label) * 0.8) * LETTER + 16
        picture.box(x, y, width, 32, COLOURS[number % len(COLOURS)])
        picture.text(x + width / 2, y + 21, visible(part))
        if label:
            picture.text(x + width / 2, y + 50, label, 13, QUIET)
        x += width + 6


def draw_tokens(folder: Path) -> None:
    """A sentence as tokens with their ids."""
    encoding = bpecore.get_encoding("o200k_base")
    ids = encoding.encode("Tokens are strings, not words.")
    parts = [encoding.decode_single_token_bytes(token) for token in ids]
    picture = Picture(490, 92, f"A sentence as {len(ids)} tokens of o200k_base, with their ids")
    draw_row(picture, parts, 18, 20, [str(token) for token in ids])
    picture.write(folder / "tokens.svg")


def merges_of(word: bytes, ranks: dict[bytes, int]) -> list[list[bytes]]:
    """Returns the parts of a word before the first merge and after each."""
    parts = [bytes([value]) for value in word]
    steps = [parts]
    while True:
        pairs = [(ranks.get(a + b), i) for i, (a, b) in enumerate(zip(parts, parts[1:]))]
        found = [(rank, i) for rank, i in pairs if rank is not None]
        if not found:
            return steps
        place = min(found)[1]
        joined = parts[place] + parts[place + 1]
        parts = [*parts[:place], joined, *parts[place + 2 :]]
        steps.append(parts)


def draw_merge(folder: Path) -> None:
    """The merges of a word."""
    coder = SimpleBytePairEncoding.from_tiktoken("o200k_base")
    steps = merges_of(b" tokenizers", coder.mergeable_ranks)
    picture = Picture(470, len(steps) * 44 + 30, 'The word " tokenizers", merge by merge')
    for number, parts in enumerate(steps):
        y = 16 + number * 44
        picture.text(46, y + 21, "bytes" if number == 0 else f"merge {number}", 13, QUIET)
        draw_row(picture, parts, y, 96)
    picture.write(folder / "merge.svg")


WAY = (
    ("text", "a str, in place", "1 to 4 bytes each"),
    ("view", "its characters", "no copy"),
    ("split", "pieces", "64 letters at once"),
    ("look-up", "known pieces", "vocabulary, cache"),
    ("merge", "unknown pieces", "n log n"),
    ("sink", "ids", "array, list, count"),
)


def draw_way(folder: Path) -> None:
    """The way of a text through the engine."""
    picture = Picture(60 + 170 * len(WAY), 140, "The way of a text through the engine")
    for number, (name, what, how) in enumerate(WAY):
        x = 30 + 170 * number
        picture.box(x, 34, 140, 72, COLOURS[number % len(COLOURS)])
        picture.text(x + 70, 57, name)
        picture.text(x + 70, 77, what, 12, QUIET)
        picture.text(x + 70, 95, how, 12, QUIET)
        if number:
            picture.arrow(x - 28, 70, x - 3, 70)
    # A piece that is known needs no merge.
    start, end = 30 + 170 * 3 + 70, 30 + 170 * 5 + 70
    picture.parts.append(
        f'<path d="M{start} 106C{start} 136 {end} 136 {end} 109" stroke="{LINE}" fill="none" '
        'stroke-width="1.5" stroke-dasharray="4 3" marker-end="url(#tip)"/>'
    )
    picture.write(folder / "way-of-a-text.svg")


def draw_pool(folder: Path) -> None:
    """Processes of a service that share a pool."""
    picture = Picture(700, 250, "Processes of a service share a few workers and one vocabulary")
    for number in range(3):
        y = 24 + 72 * number
        picture.box(30, y, 170, 54, COLOURS[0])
        picture.text(115, y + 24, f"process {number + 1}")
        picture.text(115, y + 43, "PoolClient", 12, QUIET)
    for number in range(2):
        y = 48 + 96 * number
        picture.box(330, y, 150, 60, COLOURS[1])
        picture.text(405, y + 26, f"worker {number + 1}")
        picture.text(405, y + 46, "encodes, decodes", 12, QUIET)
        for client in range(3):
            picture.arrow(203, 51 + 72 * client, 327, y + 30)
        picture.arrow(483, y + 30, 547, 124)
    picture.text(265, 238, "rings of shared memory", 12, QUIET)
    picture.box(550, 88, 125, 72, COLOURS[2])
    picture.text(612, 118, "vocabulary", 15)
    picture.text(612, 138, "one copy", 12, QUIET)
    picture.write(folder / "pool.svg")


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(exist_ok=True)
    for draw in (draw_tokens, draw_merge, draw_way, draw_pool):
        draw(target)
