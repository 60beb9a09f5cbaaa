"""`PiecewiseEncoding`: what encodings share that the engine alone cannot encode a text with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpecore._models.encoding import ModelEncoding

if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

    from bpecore._models.text_rules import TextRules


class PiecewiseEncoding(ModelEncoding):
    """The encoding of a tokenizer.json that is run part by part; subclasses say how.

    It gives ids, but no places in a text, and takes no texts in chunks.
    """

    _lacks: str
    """What an encoding does that has all methods, for messages."""
    _has: str
    """What this one does instead."""

    def _made_of_parts(self, rules: TextRules) -> None:
        super()._made_of_parts(rules)
        self._rules = rules
        rules.engine_suffices = False

    def _is_plain(self, text: str) -> bool:
        return False

    def _growing(self, counts: bool, allowed: Collection[str]) -> Any:
        raise ValueError(
            f"a text in chunks needs an encoding that {self._lacks}, and {self.name!r} {self._has}"
        )

    def _require_plain(self, text: str, method: str) -> None:
        raise ValueError(
            f"{method} needs an encoding that {self._lacks}, and {self.name!r} {self._has}"
        )
