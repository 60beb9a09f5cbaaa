"""A text of several scripts and emoji, and its ids; most tests of pools send it."""

from __future__ import annotations

import bpecore

ENCODING = bpecore.get_encoding("o200k_base")
MIXED = "Der Fluss fließt ins Meer. 🌊🤷🏽‍♀️🏴‍☠️ 中文字 नमस्ते ꧁꧂\n" * 5
IDS = ENCODING.encode(MIXED)
