"""The engine under the name and with the constructor that tiktoken's extension module gives it."""

from __future__ import annotations

from bpecore import _core
from bpecore._build.assemble import make_parts
from bpecore._build.special_tokens import build_trie

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from typing import Any, NoReturn, final

    from bpecore._core import Vocabulary
else:

    def final(cls: type) -> type:
        return cls


__all__ = ["CoreBPE"]


class _Immutable(type):
    """The type of a class that is not changed, as a class of an extension module is not."""

    def __setattr__(cls, name: str, value: object) -> NoReturn:
        raise TypeError(f"cannot set {name!r} attribute of immutable type {cls.__name__!r}")


@final
class CoreBPE(_core.CoreBPE, metaclass=_Immutable):
    """An encoding's engine: its vocabulary, special tokens and split pattern.

    Immutable, and safe from any number of threads.

    Args:
        encoder: the rank of each token's bytes, or a `Vocabulary`.
        special_tokens_encoder: the id of each special token.
        pattern: the split pattern, a regular expression.

    Raises:
        TypeError: a token is not bytes, a special token not str, or an id not an int.
        ValueError: the ranks, the special tokens or the pattern are not acceptable.
        OverflowError: a rank or id is negative or above 2**32 - 1.
    """

    __slots__ = ()

    def __new__(
        cls,
        encoder: dict[bytes, int] | Vocabulary,
        special_tokens_encoder: dict[str, int],
        pattern: str,
    ) -> CoreBPE:
        return super().__new__(cls, *make_parts(encoder, special_tokens_encoder, pattern))

    def without_special_tokens(self) -> CoreBPE:
        """Returns an engine that finds no special tokens in texts, and still decodes their ids."""
        added = self.special_tokens.added
        trie = build_trie(list(added))
        special_tokens = _core.SpecialTokens({}, trie, self.special_tokens, added)
        return CoreBPE.of_parts(self.vocabulary, special_tokens, self.splitter, self.pattern)

    @classmethod
    def of_parts(cls, *parts: Any) -> CoreBPE:
        """Returns an engine made of what `make_parts` returns."""
        return _core.CoreBPE.__new__(cls, *parts)

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("type 'CoreBPE' is not an acceptable base type")
