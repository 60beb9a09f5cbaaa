"""Makes `transformers` use this package's engine in the tokenizers that it loads."""

from __future__ import annotations

import importlib
import sys
import warnings
from typing import Any

from bpecore.hf.decoding import DecodeStream
from bpecore.hf.tokenizer import Tokenizer

_PLACES = (
    ("transformers.tokenization_utils_tokenizers", "TokenizersBackend"),
    ("transformers.tokenization_utils_fast", "PreTrainedTokenizerFast"),
)
_MARK = "\u0338"
_undo: list[Any] = []


def patch_transformers() -> None:
    """Makes `AutoTokenizer.from_pretrained` and its kin use this package.

    What they return is the same object as before, of the same class, but its `backend_tokenizer` is
    a `bpecore.hf.Tokenizer`. Where that cannot be exact, the tokenizer stays as it is, and a
    warning says why. Tokenizers that are loaded already stay as they are.

    `tokenizers.decoders.DecodeStream` is replaced by one that takes tokenizers of both packages.

    Raises:
        ImportError: `transformers` is not installed.
    """
    if _undo:
        return
    backend = _backend_class()

    def from_pretrained(cls: Any, *arguments: Any, **options: Any) -> Any:
        made = super(backend, cls).from_pretrained(*arguments, **options)
        use_in(made)
        return made

    _replace(backend, "from_pretrained", classmethod(from_pretrained))
    decoders = importlib.import_module("tokenizers.decoders")
    theirs = decoders.DecodeStream
    ours = _stream_class(theirs)
    for module in [*sys.modules.values()]:
        if module is not None and vars(module).get("DecodeStream") is theirs:
            _replace(module, "DecodeStream", ours)


def unpatch_transformers() -> None:
    """Undoes `patch_transformers`; tokenizers that were loaded meanwhile stay as they are."""
    while _undo:
        _undo.pop()()


def use_in(tokenizer: Any) -> bool:
    """Makes one tokenizer of `transformers` use this package, if that is exact.

    Args:
        tokenizer: a tokenizer whose `backend_tokenizer` is a `tokenizers.Tokenizer`.

    Returns:
        Whether it does; if not, a warning says why.
    """
    theirs: Any = getattr(tokenizer, "_tokenizer", None)
    if not isinstance(theirs, importlib.import_module("tokenizers").Tokenizer):
        return False
    try:
        ours = Tokenizer.from_str(theirs.to_str())
        ours.encode_special_tokens = theirs.encode_special_tokens
        _require_same(ours, theirs)
    except ValueError as error:
        name = getattr(tokenizer, "name_or_path", "") or type(tokenizer).__name__
        warnings.warn(f"{name} stays with the package tokenizers: {error}", stacklevel=3)
        return False
    tokenizer._tokenizer = ours
    return True


def _require_same(ours: Tokenizer, theirs: Any) -> None:
    """Refuses a tokenizer whose added tokens are found otherwise than its file says.

    A token that was added twice can be in another search than the one it is written with.
    """
    contents = [token.content for token in theirs.get_added_tokens_decoder().values()]
    texts = [f"a{content}{_MARK} {content} b" for content in contents]
    texts += ["".join(contents), "e\u0301 a\u030a \u00c5"]
    found = [encoding.ids for encoding in ours.encode_batch(texts, add_special_tokens=False)]
    expected = [encoding.ids for encoding in theirs.encode_batch(texts, add_special_tokens=False)]
    for text, mine, right in zip(texts, found, expected):
        if mine != right:
            raise ValueError(f"{text!r:.60} is encoded otherwise")


def _backend_class() -> Any:
    for module, name in _PLACES:
        try:
            return getattr(importlib.import_module(module), name)
        except ImportError:
            continue
    raise ImportError("transformers is not installed: `pip install transformers`")


def _stream_class(theirs: Any) -> type:
    class EitherStream(DecodeStream):
        """Decodes ids as they arrive, with a tokenizer of either package."""

        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._theirs = theirs(*arguments, **options)

        def step(self, tokenizer: Any, id: Any) -> str | None:
            if isinstance(tokenizer, Tokenizer):
                return super().step(tokenizer, id)
            found: str | None = self._theirs.step(tokenizer, id)
            return found

    EitherStream.__name__ = EitherStream.__qualname__ = "DecodeStream"
    return EitherStream


def _replace(owner: Any, name: str, value: Any) -> None:
    had = vars(owner).get(name)

    def undo() -> None:
        if had is None:
            delattr(owner, name)
        else:
            setattr(owner, name, had)

    setattr(owner, name, value)
    _undo.append(undo)
