"""What a `Tokenizer` is made of, and how it is changed."""

from __future__ import annotations

import copy
import importlib
import json
import os
from typing import TYPE_CHECKING, Any

from bpecore._build.special_tokens import build_trie
from bpecore._models.added_tokens import are_found_at_once
from bpecore._models.encoding import ModelEncoding
from bpecore._models.parts import in_order
from bpecore.hf.added_vocabulary import AddedVocabulary, added_token
from bpecore.hf.columns import Engine
from bpecore.hf.components import BPE, HandedOut, added_token_object, written_component
from bpecore.hf.decoding import Decoder
from bpecore.hf.limits import (
    Padding,
    Truncation,
    given_padding,
    given_truncation,
    read_padding,
    read_truncation,
    warn_of,
)
from bpecore.hf.names import ModelNames
from bpecore.hf.parts import SOURCE, Parts
from bpecore.hf.serialization import model_options, written_tokenizer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn

    from typing_extensions import Self

_MADE_AGAIN = (
    *("_names", "_built", "_built_decoder", "_processor", "_frames", "_handed_out"),
    "_size",
)
_DOWNLOAD_OPTIONS = {"cache_dir", "force_download", "local_files_only", "subfolder"}


class Changes(Parts):
    """What `Tokenizer` inherits.

    Args:
        encoding: the encoding of a tokenizer.json, as `bpecore.Encoding.from_file` makes it.

    Raises:
        TypeError: it is another encoding.
    """

    encode_special_tokens: bool = False
    """Whether special tokens in a text are ordinary text."""

    def __init__(self, encoding: ModelEncoding) -> None:
        if not isinstance(encoding, ModelEncoding):
            raise TypeError(
                "expected the encoding of a tokenizer.json, which Tokenizer.from_file reads, got "
                f"{type(encoding).__name__}"
            )
        self._base = encoding
        parts = encoding._parts
        self._file: dict[str, Any] = dict(parts.file)
        self._names = ModelNames(encoding)
        self._added = AddedVocabulary(self._names, parts.tokens)
        self._truncation = read_truncation(parts.file.get("truncation"), encoding.name)
        self._padding = read_padding(parts.file.get("padding"), encoding.name)
        self._normalizer = parts.normalizer
        self._added.normalize(self._normalizer)
        self._pre_tokenization = parts.pattern, parts.prefix_space
        self._handed_out = HandedOut()
        self._set_processor(parts.file.get("post_processor"))
        Decoder(Engine(encoding, self._names, {}), parts.file.get("decoder"), encoding.name)
        self._forget()

    # ---- made from files ----------------------------------------------------------------------

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Reads a tokenizer.json.

        Args:
            path: the file, or a folder that has it.

        Raises:
            ValueError: it is invalid, or its ids could not be reproduced exactly; the message says
                why.
            OSError: it cannot be read.
        """
        from bpecore._models.loading import load_tokenizer_json

        return cls(load_tokenizer_json(path))

    @classmethod
    def from_str(cls, json: str) -> Self:
        """Reads the text of a tokenizer.json; raises as `from_file`, or TypeError."""
        if not isinstance(json, str):
            raise TypeError(f"json must be str, not {type(json).__name__}")
        return cls.from_buffer(json.encode())

    @classmethod
    def from_buffer(cls, buffer: bytes) -> Self:
        """Reads the bytes of a tokenizer.json; raises as `from_file`."""
        from bpecore._models.loading import tokenizer_json_of

        return cls(tokenizer_json_of(buffer))

    @classmethod
    def from_pretrained(
        cls,
        identifier: str,
        revision: str = "main",
        token: str | bool | None = None,
        **options: Any,
    ) -> Self:
        """Reads the tokenizer.json of a model.

        Args:
            identifier: the model's folder, or its name on the Hugging Face Hub; for that, the
                package huggingface_hub must be installed.
            revision: a branch or commit there.
            token: what authorises the download.
            options: `cache_dir`, `force_download`, `local_files_only` and `subfolder`, which go to
                `huggingface_hub.hf_hub_download`, as in `tokenizers` 1.0.

        Raises:
            ImportError: huggingface_hub is needed and missing.
            ValueError, OSError: as `from_file`.
        """
        unknown = options.keys() - _DOWNLOAD_OPTIONS
        if unknown:
            raise TypeError(f"from_pretrained has no argument {min(unknown)!r}")
        if os.path.isdir(identifier):
            return cls.from_file(os.path.join(identifier, options.get("subfolder") or ""))
        try:
            hub = importlib.import_module("huggingface_hub")
        except ImportError as error:
            raise ImportError(
                f"{identifier!r} is no folder, and to download it takes huggingface_hub: "
                "`pip install huggingface_hub`",
                name="huggingface_hub",
            ) from error
        options.update(revision=revision, token=token)
        return cls.from_file(hub.hf_hub_download(identifier, "tokenizer.json", **options))

    # ---- written ------------------------------------------------------------------------------

    def to_str(self, pretty: bool = False) -> str:
        """Returns the tokenizer as the text of a tokenizer.json.

        Args:
            pretty: whether it is indented.
        """
        self._take_changes()
        members = {
            **self._file,
            "truncation": self._truncation and self._truncation.written(),
            "padding": self._padding and self._padding.written(),
            "added_tokens": self._added.entries(),
        }
        return written_tokenizer(self._base._parts, members, self._names.vocab(), pretty)

    def save(self, path: str | os.PathLike[str], pretty: bool = True) -> None:
        """Writes the tokenizer to a file.

        Args:
            path: the file.
            pretty: whether it is indented.

        Raises:
            OSError: it cannot be written; missing folders are not made.
        """
        from bpecore._build.atomic_files import write_atomically

        file = os.path.realpath(os.fsdecode(path))
        os.stat(os.path.dirname(file))
        write_atomically(file, self.to_str(pretty).encode())

    def _has_model_of(self, model: dict[str, Any]) -> bool:
        """Returns whether a model merges as this one does, whatever its tokens.

        Args:
            model: the member of a tokenizer.json.
        """
        return model_options(model) == model_options(self._base._parts.file["model"])

    def _without_added_tokens(self) -> Self:
        """Returns a tokenizer with the same model that no token was added to."""
        made = copy.copy(self)
        made._added = AddedVocabulary(self._names)
        made._file = dict(self._file)
        made._truncation = made._padding = None
        made._forget()
        return made

    def __repr__(self) -> str:
        return f"<bpecore.hf.Tokenizer {self._base.name!r}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        made = copy.copy(self)
        made._added = copy.copy(self._added)
        made._file = copy.deepcopy(self._file)
        made._forget()
        return made

    def __getstate__(self) -> dict[str, Any]:
        self._take_changes()
        return {name: value for name, value in vars(self).items() if name not in _MADE_AGAIN}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._names = self._added.names = ModelNames(self._base)
        self._handed_out = HandedOut()
        self._set_processor(self._file.get("post_processor"))
        self._forget()

    # ---- what encodes and decodes -------------------------------------------------------------

    def _forget(self) -> None:
        """Forgets what is made of the tokens; it is made again when it is needed."""
        self._built: Engine | None = None
        self._built_decoder: Decoder | None = None
        self._size: int | None = None

    @property
    def _engine(self) -> Engine:
        if self._handed_out:
            self._take_changes()
        if self._built is None:
            parts = self._base._parts
            tokens = self._added.searched()
            pattern, prefix_space = self._pre_tokenization
            contents = {token.content.encode() for token in tokens}
            changed = parts._replace(
                pattern=pattern,
                prefix_space=prefix_space,
                normalizer=self._normalizer,
                tokens=tokens,
                only_decoded={
                    token: number
                    for token, number in parts.only_decoded.items()
                    if token not in contents
                },
            )
            encoding = self._base
            if changed != parts:
                changed = changed._replace(
                    at_once=are_found_at_once(tokens),
                    trie=build_trie([token.content for token in in_order(tokens)]),
                )
                encoding = type(self._base).of_parts(
                    self._base.name, self._base._core_bpe.vocabulary, changed, self._base.source
                )
            self._built = Engine(encoding, self._names, self._added.spelled())
        return self._built

    @property
    def _decoder(self) -> Decoder:
        if self._handed_out:
            self._take_changes()
        if self._built_decoder is None:
            self._built_decoder = Decoder(self._engine, self._file.get("decoder"), SOURCE)
        return self._built_decoder

    # ---- tokens -------------------------------------------------------------------------------

    def token_to_id(self, token: str) -> int | None:
        """Returns the id of a token as the model spells it; None if there is no such token."""
        found = self._added.ids.get(token)
        return self._names.id(token) if found is None else found

    def id_to_token(self, id: int) -> str | None:
        """Returns how a token is spelled; None if there is no such id.

        An added token that is looked for in normalized text is spelled as it is there.
        """
        found = self._engine.added.get(id)
        return self._names.name(id) if found is None else found

    def get_vocab(self, with_added_tokens: bool = True) -> dict[str, int]:
        """Returns the id of each token.

        Args:
            with_added_tokens: whether added tokens are among them.
        """
        vocab = self._names.vocab()
        return {**vocab, **self._added.ids} if with_added_tokens else vocab

    def get_vocab_size(self, with_added_tokens: bool = True) -> int:
        """Returns how many tokens there are.

        Args:
            with_added_tokens: whether added tokens that the model lacks count.
        """
        if not with_added_tokens:
            return len(self._names)
        if self._size is None:
            new = sum(self._names.id(content) is None for content in self._added.ids)
            self._size = len(self._names) + new
        return self._size

    def get_added_tokens_decoder(self) -> dict[int, Any]:
        """Returns the added tokens by id, as `tokenizers.AddedToken` if that is installed."""
        return {
            number: added_token_object(token) for number, token in sorted(self._added.by_id.items())
        }

    def add_tokens(self, tokens: Iterable[Any]) -> int:
        """Adds tokens, which are found in every text from then on.

        Args:
            tokens: strings, or objects like `tokenizers.AddedToken`.

        Returns:
            How many were not there before.

        Raises:
            TypeError: one is neither, or `tokens` is one token, or has no order.
            ValueError: a new token would have the id of another, as the model's ids have gaps.
        """
        return self._add(tokens, False)

    def add_special_tokens(self, tokens: Iterable[Any]) -> int:
        """Adds special tokens, as `add_tokens`."""
        return self._add(tokens, True)

    def _add(self, tokens: Iterable[Any], special: bool) -> int:
        if isinstance(tokens, (str, bytes, dict, set, frozenset)):
            raise TypeError(f"expected a list of tokens, got {type(tokens).__name__}")
        added = self._added.add([added_token(token, special) for token in tokens])
        self._added.normalize(self._normalizer)
        self._forget()
        return added

    # ---- truncation and padding ---------------------------------------------------------------

    def enable_truncation(
        self,
        max_length: int,
        stride: int = 0,
        strategy: str = "longest_first",
        direction: str = "right",
        **unknown: Any,
    ) -> None:
        """Makes encodings no longer than a number of tokens.

        Args:
            max_length: that number.
            stride: how many tokens the parts that overflow share.
            strategy: which of two texts is cut: "longest_first", "only_first" or "only_second".
            direction: the end that is cut, "right" or "left".
            unknown: other arguments, which a warning names.

        Raises:
            ValueError: an argument is invalid, or too little remains beside special tokens.
            TypeError, OverflowError: a number is none, or negative, or too large.
        """
        warn_of(unknown)
        given = Truncation(max_length, strategy, direction, stride=stride)
        added = self.num_special_tokens_to_add(False)
        if 0 <= given.max_length - added < stride:
            raise ValueError(
                f"tokenizer stride set to {stride}, which is greater than or equal to its "
                f"effective max length of {max_length - added} (= {max_length} original max "
                f"length - {added} added special tokens), "
            )
        self._truncation = given

    def no_truncation(self) -> None:
        """Ends truncation."""
        self._truncation = None

    @property
    def truncation(self) -> dict[str, Any] | None:
        """The arguments of `enable_truncation`; None without truncation.

        It can be set to a `Truncation` or None, as in `tokenizers` 1.0.
        """
        return None if self._truncation is None else self._truncation.shown()

    @truncation.setter
    def truncation(self, truncation: Truncation | None) -> None:
        self._truncation = given_truncation(truncation, None)

    def enable_padding(
        self,
        direction: str = "right",
        pad_id: int = 0,
        pad_type_id: int = 0,
        pad_token: str = "[PAD]",
        length: int | None = None,
        pad_to_multiple_of: int | None = None,
        **unknown: Any,
    ) -> None:
        """Fills encodings up to one length.

        Args:
            direction: the end that is filled, "right" or "left".
            pad_id: the id of padding.
            pad_type_id: its type.
            pad_token: how it is spelled.
            length: the length; None: that of the longest of a batch.
            pad_to_multiple_of: what the length must be a multiple of.
            unknown: other arguments, which a warning names.

        Raises:
            ValueError: `direction` is neither.
            TypeError, OverflowError: a number is none, or negative, or too large.
        """
        warn_of(unknown)
        self._padding = Padding(
            direction, pad_id, pad_type_id, pad_token, length, pad_to_multiple_of
        )

    def no_padding(self) -> None:
        """Ends padding."""
        self._padding = None

    @property
    def padding(self) -> dict[str, Any] | None:
        """The arguments of `enable_padding`; None without padding.

        It can be set to a `Padding` or None, as in `tokenizers` 1.0.
        """
        return None if self._padding is None else self._padding.shown()

    @padding.setter
    def padding(self, padding: Padding | None) -> None:
        self._padding = given_padding(padding, None)

    @property
    def model(self) -> Any:
        """What stands for the model of the package `tokenizers`, which is made if it is used."""
        return BPE(self)

    @model.setter
    def model(self, model: Any) -> None:
        written = {**json.loads(self.to_str()), "model": written_component(model)}
        made = type(self).from_str(json.dumps(written))
        made.encode_special_tokens = self.encode_special_tokens
        vars(self).update({**vars(made), "_handed_out": self._handed_out})

    def train(self, *arguments: Any, **options: Any) -> NoReturn:
        """Raises NotImplementedError: this package does not train."""
        raise NotImplementedError("bpecore does not train tokenizers; the package tokenizers does")

    train_from_iterator = train
