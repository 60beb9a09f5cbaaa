"""Makes a token's bytes visible in a terminal: no control character passes, and no byte is lost."""

from __future__ import annotations

import re
import unicodedata

from wcwidth import wcswidth, wcwidth

JOINERS = "\u200c\u200d"
VARIATION_SELECTORS = [chr(code) for code in range(0xFE00, 0xFE10)]
SIGNS = {"\n": "↵", "\r": "␍", "\t": "\t"}
TAB_WIDTH = 4

_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")
_LINE_END_OR_REST = re.compile(r"[^\n]*\n|[^\n]+")


def lines_of(token: bytes, white_space: bool) -> list[str]:
    """Returns how a token is displayed, cut after each of its line ends.

    Args:
        token: its bytes. Those that are not a whole character become ⟨hexadecimal⟩, and characters
            that control a terminal, or cannot be seen, ⟨U+…⟩.
        white_space: whether spaces and tabs become visible. Line ends always are.
    """
    text = token.decode("utf-8", errors="surrogateescape")
    return [_shown(line, white_space) for line in _LINE_END_OR_REST.findall(text)] or [""]


def width_of(shown: str) -> int:
    """Returns how many columns a terminal takes for what `lines_of` returned."""
    return len(shown) if shown.isascii() else max(0, wcswidth(shown))


def _shown(text: str, white_space: bool) -> str:
    """Returns a line's display."""
    if white_space:
        text = text.replace(" ", "·")
    if _NOT_PLAIN.search(text):
        text = _escaped(text)
    return text.replace("\t", ("→" if white_space else " ").ljust(TAB_WIDTH))


def _escaped(text: str) -> str:
    shown: list[str] = []
    for place, char in enumerate(text):
        if "\udc80" <= char <= "\udcff":
            byte = f"{ord(char) - 0xDC00:02x}"
            if place and shown[-1].startswith("⟨") and "\udc80" <= text[place - 1] <= "\udcff":
                shown[-1] = f"{shown[-1][:-1]} {byte}⟩"
            else:
                shown.append(f"⟨{byte}⟩")
        elif char in SIGNS:
            shown.append(SIGNS[char])
        elif _is_hidden(char, place == 0, place == len(text) - 1):
            shown.append(f"⟨U+{ord(char):04X}⟩")
        elif place == 0 and wcwidth(char) == 0:
            shown.append(f"◌{char}")  # a mark whose letter is in another token
        else:
            shown.append(char)
    return "".join(shown)


def _is_hidden(char: str, first: bool, last: bool) -> bool:
    """Returns whether a character has no form, or controls a terminal or the direction of text."""
    if char in JOINERS:
        return first or last
    if char in VARIATION_SELECTORS:
        return first
    return unicodedata.category(char) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
