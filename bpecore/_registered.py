"""How an encoding finds what is above it: the registry when it is pickled, the files of models, and
the display of tokens.

`bpecore.registry` sets the functions.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from typing import Any

    from typing_extensions import Self

    from bpecore._models.source import ModelSource
    from bpecore.core import Encoding
    from bpecore.types import Allowed
    from bpecore.view.notebook import ShownTokens

    find: Callable[[str], Encoding | None]
    """Returns the loaded encoding of a name, None if there is none."""

    load: Callable[[str], Encoding]
    """Returns the encoding of a name, loading it if necessary."""

    load_file: Callable[..., Any]
    """Makes an encoding of a class from a model's files; arguments as for `Encoding.from_file`."""

    show: Callable[..., ShownTokens]
    """Makes what `Encoding.show` returns, of a text, encodings and special tokens."""


class FromAbove:
    """What `bpecore.core.Encoding` inherits."""

    source: ModelSource | None = None
    """What `from_file` found; None for an encoding that was made otherwise."""

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        pattern: str | None = None,
        special_tokens: dict[str, int] | str | None = None,
    ) -> Self:
        """Makes an encoding from the vocabulary that comes with a model.

        The file may be Hugging Face's `tokenizer.json` of a byte-level BPE model, whose ids are
        those of `tokenizers`; a `.tiktoken` file of any name; or Mistral's `tekken.json`. Anything
        that is wrong with a file, or that could not be done exactly, is an error that names the
        place.

        Args:
            path: the file, or the model's folder.
            name: the encoding's name; None for that of the file or folder.
            pattern: the split pattern, for a file that has none: a regular expression, or the name
                of a model such as "qwen3", or of an encoding. None for the file's own.
            special_tokens: the id of each special token, or the name of a model. None for the
                file's own.

        Returns:
            An encoding whose `source` says what was found. That of a `tokenizer.json` also has
            added tokens that are always found, and `add_special_tokens=` of `encode` and
            `encode_batch`.

        Raises:
            ValueError: the file is damaged or none of these, has no split pattern and none was
                given, or a name is unknown.
            OSError: it cannot be read.

        Example:
            >>> encoding = bpecore.Encoding.from_file(
            ...     "qwen.tiktoken", pattern="qwen3", special_tokens="qwen3"
            ... )  # doctest: +SKIP
        """
        made: Self = load_file(cls, path, name, pattern, special_tokens)  # noqa: F821 (set later)
        return made

    def show(
        self,
        text: str,
        *,
        compare_with: Iterable[Encoding] = (),
        allowed_special: Allowed = frozenset(),
    ) -> ShownTokens:
        """Shows a text's tokens: in a notebook as a page, elsewhere as text.

        The page is that of `bpecore view --html`; see `docs/view.md`.

        Args:
            text: any text.
            compare_with: other encodings, whose tokens are shown beside these.
            allowed_special: the special tokens that are encoded as such, or "all"; the names of
                others are ordinary text.

        Returns:
            An object that notebooks display, and whose `str` is what `bpecore view` prints.

        Raises:
            TypeError: `compare_with` is no iterable of encodings.

        Example:
            >>> import bpecore
            >>> bpecore.get_encoding("o200k_base").show("hello world")
            hello│ world
            o200k_base: 2 tokens, 11 characters, 11 bytes, 5.50 characters per token
        """
        return show(text, self, compare_with, allowed_special)  # noqa: F821 (set later)
