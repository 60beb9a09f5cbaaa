"""An encoding whose threads wait until a test lets them go on."""

from __future__ import annotations

import threading
from typing import Any

from bpecore import Encoding


class Gated(Encoding):
    """An encoding whose threads wait at a gate, and to which "bad" is an error."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.begun: list[str] = []
        super().__init__(
            "gated",
            pat_str=r"\S+|\s+",
            mergeable_ranks={bytes([value]): value for value in range(256)},
            special_tokens={},
        )

    def count(self, text: str, **arguments: Any) -> int:
        self.begun.append(text)
        assert self.gate.wait(20), "nobody opened the gate"
        if "bad" in text:
            raise ValueError(f"bad: {text}")
        return len(text)

    def encode(self, text: str, **arguments: Any) -> list[int]:
        return [0] * self.count(text)
