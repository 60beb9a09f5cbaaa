"""What `Encoding.show` returns: a text's tokens, as a page in notebooks and as text elsewhere."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bpecore.core import Encoding
from bpecore.view.page import page_of
from bpecore.view.tokens import TokenizedText

if TYPE_CHECKING:
    from bpecore.types import Allowed

_FRAME = (
    '<iframe sandbox="allow-scripts" title="Tokens" srcdoc="{page}" '
    'style="width: 100%; height: 28rem; border: 1px solid #888"></iframe>'
)


class ShownTokens:
    """The tokens of a text, to be displayed.

    Args:
        text: any text.
        encoding: an encoding.
        compare_with: others to compare with it.
        allowed_special: the special tokens that are encoded as such, or "all".

    Raises:
        TypeError: `compare_with` is something else.
    """

    def __init__(
        self,
        text: str,
        encoding: Encoding,
        compare_with: Iterable[Encoding],
        allowed_special: Allowed,
    ) -> None:
        others = [*compare_with] if isinstance(compare_with, Iterable) else None
        if others is None or not all(isinstance(other, Encoding) for other in others):
            raise TypeError(
                "compare_with must be a list of encodings, such as "
                f"[bpecore.get_encoding('gpt2')], not {compare_with!r:.100}"
            )
        encodings = [encoding, *others]
        self._texts = [TokenizedText(each, text, allowed_special) for each in encodings]

    def _repr_html_(self) -> str:
        """Returns the page of `bpecore view --html` in a frame, which is what notebooks display."""
        return _FRAME.format(page=html.escape(page_of(self._texts, "text")))

    def __repr__(self) -> str:
        from bpecore.view.terminal import Style, printed

        lines = []
        for tokens in self._texts:
            lines += [*printed(tokens, Style()), tokens.summary()]
        return "\n".join(lines)
