"""Lays tokens out in the lines of a terminal, in colour or with bars between them.

Colours are a dark letter on a light ground, so they can be read on any terminal. Neighbours never
share a colour. Every line ends with the colours off, since a terminal may otherwise fill the rest
of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from wcwidth import wcwidth

from bpecore.view.tokens import TokenizedText
from bpecore.view.visible import lines_of, width_of

BAR = "│"
COLOURS = tuple(f"\x1b[38;5;16;48;5;{number}m" for number in (153, 222, 157, 218, 189))
SPECIAL_COLOUR = "\x1b[1;38;5;231;48;5;90m"
FAINT = "\x1b[2m"
RESET = "\x1b[0m"


class Style(NamedTuple):
    """How tokens are printed.

    Attributes:
        colour: whether in colour.
        white_space: whether spaces and tabs are visible.
        ids: None; "below" for ids under the tokens; "beside" for a table, one token per line.
        width: the terminal's columns; None for lines of any length, as in a pipe.
    """

    colour: bool = False
    white_space: bool = False
    ids: str | None = None
    width: int | None = None


class Cell(NamedTuple):
    """What is printed of a token in one line.

    Attributes:
        text: the text.
        colour: the escape sequence that turns its colours on.
        id: the token's id if it is to be printed below.
        first: whether the token begins here.
        ends_line: whether the line ends after it.
    """

    text: str
    colour: str
    id: str
    first: bool
    ends_line: bool

    @property
    def width(self) -> int:
        return max(width_of(self.text), len(self.id))


def printed(tokens: TokenizedText, style: Style) -> Iterator[str]:
    """Yields the lines that show tokens, without line ends."""
    if style.ids == "beside":
        yield from _table(tokens, style)
        return
    for cells in _lines(_cells(tokens, style), style):
        yield from _rows(cells, style)


def heading(text: str, style: Style) -> str:
    """Returns a line that is not part of the text."""
    return f"{FAINT}{text}{RESET}" if style.colour else text


def _cells(tokens: TokenizedText, style: Style) -> Iterator[Cell]:
    for number, token in enumerate(tokens):
        colour = SPECIAL_COLOUR if token.special else COLOURS[number % len(COLOURS)]
        lines = lines_of(token.bytes, style.white_space)
        if token.special:
            lines = [f"⟦{''.join(lines)}⟧"]
        ends_line = token.bytes.endswith(b"\n") and not token.special
        if style.ids:
            ends_line = b"\n" in token.bytes and not token.special
            yield Cell("".join(lines), colour, str(token.id), True, ends_line)
            continue
        last = len(lines) - 1
        for place, line in enumerate(lines):
            yield Cell(line, colour, "", place == 0, place < last or ends_line)


def _lines(cells: Iterable[Cell], style: Style) -> Iterator[list[Cell]]:
    """Yields the cells of each line: as many as fit into the width."""
    line: list[Cell] = []
    used = 0
    gap = _gap(style)
    for whole in cells:
        for cell in _fitting(whole, style.width):
            needed = cell.width + (gap if cell.first and line else 0)
            if style.width and line and used + needed > style.width:
                yield line
                line, used = [], 0
                needed = cell.width
            line.append(cell)
            used += needed
        if whole.ends_line:
            yield line
            line, used = [], 0
    if line:
        yield line


def _gap(style: Style) -> int:
    """Returns the columns between two tokens."""
    return 0 if style.colour and not style.ids else 1


def _fitting(cell: Cell, width: int | None) -> Iterator[Cell]:
    """Yields a cell, cut between characters if it is wider than a line."""
    if width is None or cell.width <= width:
        yield cell
        return
    start = used = 0
    for place, char in enumerate(cell.text):
        columns = max(0, wcwidth(char))
        if used + columns > width and place > start:
            yield cell._replace(text=cell.text[start:place], first=start == 0 and cell.first)
            start, used = place, 0
        used += columns
    yield cell._replace(text=cell.text[start:], id="", first=start == 0 and cell.first)


def _rows(cells: list[Cell], style: Style) -> Iterator[str]:
    """Yields the line of a few cells, and the line of their ids."""
    tokens: list[str] = []
    ids: list[str] = []
    padding = ""
    for place, cell in enumerate(cells):
        text = f"{cell.colour}{cell.text}{RESET}" if style.colour else cell.text
        gap = "" if not (place and cell.first and _gap(style)) else " " if style.colour else BAR
        tokens.append(f"{padding}{gap}{text}")
        # Outside the colours, where a space is not the token's own.
        padding = " " * (cell.width - width_of(cell.text)) if style.ids else ""
        ids.append(f"{' ' * len(gap)}{cell.id.ljust(cell.width)}")
    yield "".join(tokens)
    if style.ids:
        yield heading("".join(ids).rstrip(), style)


def _table(tokens: TokenizedText, style: Style) -> Iterator[str]:
    """Yields a line for each token: its id, its text and its bytes."""
    for cell, token in zip(_cells(tokens, style), tokens):
        text = f"{cell.colour}{cell.text}{RESET}" if style.colour else cell.text
        hexadecimal = token.bytes.hex(" ")
        room = (style.width or 0) - 42
        if style.width and len(hexadecimal) > max(room, 24):
            hexadecimal = f"{hexadecimal[: max(room, 24) // 3 * 3]}…"
        padding = " " * (24 - width_of(cell.text))
        yield f"{token.id:>8}  {text}{padding}  {heading(hexadecimal, style)}"
