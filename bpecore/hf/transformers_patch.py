"""Makes `transformers` use this package's engine in the tokenizers that it loads."""

from __future__ import annotations

import importlib
import json
import sys
import threading
import warnings
from functools import partial
from typing import TYPE_CHECKING, Any

from bpecore._models.reading import without_collections
from bpecore.hf.decoding import DecodeStream
from bpecore.hf.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable

_PLACES = (
    ("transformers.tokenization_utils_tokenizers", "TokenizersBackend"),
    ("transformers.tokenization_utils_fast", "PreTrainedTokenizerFast"),
)
_PARTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
_MARK = "\u0338"
_undo: list[Any] = []


class _Attempt:
    """A `from_pretrained` that tries to do without the package `tokenizers`.

    Attributes:
        withheld: what a class of `transformers` is made without: the tokenizer of a file, its
            tokens and its pairs.
        has_withheld: whether there was such a class.
        reason: why the tokenizer of a file cannot be ours.
    """

    def __init__(self) -> None:
        self.withheld: tuple[Tokenizer, dict[str, int], list[Any]] | None = None
        self.has_withheld = False
        self.reason: Exception | None = None

    def read(self, file: str) -> Tokenizer | None:
        """Returns the tokenizer of a file; None if it cannot be exact."""
        try:
            return Tokenizer.from_file(file)
        except (ValueError, OSError) as error:
            self.reason = error
            return None

    def withhold(self, arguments: dict[str, Any], file: str) -> None:
        """Empties the model among a class's arguments if ours can take its place."""
        ours = self.read(file)
        self.reason = None  # the class may make another tokenizer of it
        if ours is not None:
            self.withheld = ours, arguments["vocab"], arguments["merges"]
            self.has_withheld = True
            arguments["vocab"], arguments["merges"] = {}, []

    def give_back(self, tokenizer: Any) -> None:
        """Gives a tokenizer what was withheld; the other parts of its class stay.

        Raises:
            _NotWithoutModelError: the class's model is of another kind, or has tokens already.
        """
        if self.withheld is None:
            return
        (file, vocab, merges), self.withheld = self.withheld, None
        theirs = tokenizer._tokenizer
        if not isinstance(theirs, importlib.import_module("tokenizers").Tokenizer):
            raise _NotWithoutModelError
        written = json.loads(theirs.to_str())
        model = written["model"]
        if written["added_tokens"] or model.get("vocab") != {} or not file._has_model_of(model):
            raise _NotWithoutModelError
        made = file._without_added_tokens()
        for name in _PARTS:
            setattr(made, name, written[name])
        del model["vocab"], model["merges"]
        made._file["model"] = model
        tokenizer._tokenizer = made
        for name, value in (("_vocab", vocab), ("_merges", merges)):
            if name in vars(tokenizer):
                setattr(tokenizer, name, value)


class _NotWithoutModelError(Exception):
    """A class of `transformers` makes more of its model than can be done without it."""


class _Thread(threading.local):
    attempt: _Attempt | None = None


_thread = _Thread()


@without_collections()
def _loaded(load: Callable[[], Any]) -> Any:
    """Returns the tokenizer that a function of `transformers` loads, on our engine if possible."""
    before, _thread.attempt = _thread.attempt, _Attempt()
    attempt = _thread.attempt
    try:
        made = load()
    except Exception:
        if not attempt.has_withheld:
            raise
        made = None
    finally:
        _thread.attempt = before
    if made is None:
        made = load()  # as if there was no patch; it also raises what is really wrong
    if attempt.reason is None:
        if use_in(made):
            made._tokenizer._take_back_parts()
    else:
        _warn(made, attempt.reason)
    return made


def patch_transformers() -> None:
    """Makes `AutoTokenizer.from_pretrained` and its kin use this package.

    What they return is the same object as before, of the same class, but its `backend_tokenizer` is
    a `bpecore.hf.Tokenizer`, and the package `tokenizers` does not load the model. Where that
    cannot be exact, the tokenizer stays as it is, and a warning says why. Tokenizers that were
    loaded before stay as they are.

    `tokenizers.decoders.DecodeStream` is replaced by one that takes tokenizers of both packages.

    Raises:
        ImportError: `transformers` is not installed.
    """
    if _undo:
        return
    backend = _backend_class()
    construct = backend.__init__
    convert = getattr(backend, "convert_to_native_format", None)

    def from_pretrained(cls: Any, *arguments: Any, **options: Any) -> Any:
        load = partial(super(backend, cls).from_pretrained, *arguments, **options)
        if not options.get("fix_mistral_regex"):
            return _loaded(load)
        made = load()  # it changes parts in place, and ours are copies
        use_in(made)
        return made

    def convert_to_native_format(cls: Any, *arguments: Any, **options: Any) -> Any:
        assert convert is not None
        found = convert.__func__(cls, *arguments, **options)
        file = options.get("tokenizer_file")
        has_model = isinstance(found.get("vocab"), dict) and isinstance(found.get("merges"), list)
        if _thread.attempt is not None and file and has_model:
            _thread.attempt.withhold(found, file)
        return found

    def __init__(self: Any, *arguments: Any, **options: Any) -> None:  # noqa: N807
        attempt = _thread.attempt
        if attempt is not None:
            attempt.give_back(self)
            if options.get("tokenizer_file") and options.get("tokenizer_object") is None:
                options["tokenizer_object"] = attempt.read(options["tokenizer_file"])
        construct(self, *arguments, **options)

    _replace(backend, "from_pretrained", classmethod(from_pretrained))
    _replace(backend, "__init__", __init__)
    if convert is not None:
        _replace(backend, "convert_to_native_format", classmethod(convert_to_native_format))
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
    if isinstance(theirs, Tokenizer):
        return True
    if not isinstance(theirs, importlib.import_module("tokenizers").Tokenizer):
        return False
    try:
        ours = Tokenizer.from_str(theirs.to_str())
        ours.encode_special_tokens = theirs.encode_special_tokens
        _require_same(ours, theirs)
    except ValueError as error:
        _warn(tokenizer, error)
        return False
    tokenizer._tokenizer = ours
    return True


def _warn(tokenizer: Any, reason: Exception) -> None:
    name = getattr(tokenizer, "name_or_path", "") or type(tokenizer).__name__
    warnings.warn(f"{name} stays with the package tokenizers: {reason}", stacklevel=5)


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
    message = "transformers is not installed: `pip install transformers`"
    raise ImportError(message, name="transformers")


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
