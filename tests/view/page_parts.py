"""Reads the pages that the tests make."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from typing import Any

import numpy as np

import bpecore
from bpecore.view.page import page_of
from bpecore.view.tokens import TokenizedText

VOID = {"meta", "input"}
ENCODINGS = [bpecore.get_encoding(name) for name in ("o200k_base", "cl100k_base")]

HOSTILE = (
    "</script><script>alert(1)</script><!-- ]]> & &lt; \u2028 <img src=x onerror=alert(1)> \0\x1b"
)
EIGHT_SCRIPTS = (
    "Hello wörld, cafe\u0301 Z\u0327\u0335\n"
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645\n"
    "\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd\n"
    "漢字かな交じり文\n한국어\nहिन्दी\nไทย\nЖизнь\n"
    "👨\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈 𓀀 ꙮ\n\tdef f(x):\n        return x\n\n\n<|endoftext|>"
)


class Page(HTMLParser):
    """The elements of a page; every start tag must have its end tag."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(content)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        name = dict(self.elements[-1][1]).get("id") if self.elements else None
        self.texts.setdefault(name or (self._open[-1] if self._open else ""), "")
        self.texts[name or (self._open[-1] if self._open else "")] += data


def page(text: str, count: int = 1, title: str = "text") -> str:
    texts = [TokenizedText(encoding, text, "all") for encoding in ENCODINGS[:count]]
    return page_of(texts, title)


def data_of(content: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(Page(content).texts["data"])
    return data


def tokens_of(vocabulary: dict[str, Any]) -> list[bytes]:
    """Returns the bytes of each token of the text, as the page's script finds them."""
    packed = base64.b64decode(vocabulary["sequence"])
    table = [bytes.fromhex(token) for token in vocabulary["tokens"].split(",")]
    return [table[number] for number in np.frombuffer(packed, "<u4").tolist()]
