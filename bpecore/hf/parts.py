"""The parts of a `Tokenizer`, which can be read, replaced and changed in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bpecore._models.normalizers import read_normalizers
from bpecore._models.pre_tokenizers import read_pre_tokenizers
from bpecore.hf.components import HandedOut, component, written_component
from bpecore.hf.decoding import Decoder
from bpecore.hf.post_processing import read_processor

if TYPE_CHECKING:
    from bpecore.hf.added_vocabulary import AddedVocabulary
    from bpecore.hf.columns import Engine
    from bpecore.hf.post_processing import Processor

SOURCE = "the tokenizer"
"""What errors name as the source of a part that was set."""


class Parts:
    """What `Tokenizer` inherits of its parts.

    What `normalizer`, `pre_tokenizer`, `post_processor` and `decoder` return are objects of the
    package `tokenizers`. What is changed in one is taken over by the next call.
    """

    encode_special_tokens: bool
    _added: AddedVocabulary
    _built_decoder: Decoder | None
    _file: dict[str, Any]
    _handed_out: HandedOut
    _normalizer: dict[str, Any] | None
    _pre_tokenization: tuple[str, bool]
    _processor: Processor | None

    def _forget(self) -> None:
        raise NotImplementedError

    @property
    def _engine(self) -> Engine:
        raise NotImplementedError

    def _take_changes(self) -> None:
        """Takes over what a program has changed in the parts that it has."""
        self._handed_out.take(self._set_part)

    def _take_back_parts(self) -> None:
        """Takes over what has been changed, and stops to watch parts: nobody has one any more."""
        self._take_changes()
        self._handed_out = HandedOut()

    def _part(self, name: str) -> Any:
        part = self._handed_out.get(name)
        if part is None:
            self._take_changes()
            part = component(name, self._file.get(name))
            self._handed_out.hold(name, part)
        return part

    def _replace_part(self, name: str, part: Any) -> None:
        self._set_part(name, written_component(part))
        self._handed_out.hold(name, part)

    def _set_part(self, name: str, written: Any) -> None:
        """Sets a part.

        Args:
            name: its name in a tokenizer.json.
            written: that member.

        Raises:
            ValueError: it is invalid, or could not be reproduced exactly.
        """
        if name == "post_processor":
            self._set_processor(written)
        elif name == "decoder":
            self._built_decoder = Decoder(self._engine, written, SOURCE)
        else:
            if name == "normalizer":
                steps = read_normalizers(written, SOURCE)
                self._normalizer = written if steps else None
                self._added.normalize(self._normalizer)
            else:
                found = read_pre_tokenizers(written, SOURCE)
                self._pre_tokenization = found.pattern, found.prefix_space
            self._forget()
        self._file[name] = written

    def num_special_tokens_to_add(self, is_pair: bool) -> int:
        """Returns how many tokens the post-processor puts around one text, or two."""
        self._take_changes()
        return 0 if self._processor is None else self._processor.added_tokens(is_pair)

    def _set_processor(self, written: Any) -> None:
        self._processor = read_processor(written, source=SOURCE)
        self._frames: dict[bool, tuple[list[int], list[int]] | None] = {}

    @property
    def post_processor(self) -> Any:
        """What puts tokens around texts, of the package `tokenizers`."""
        return self._part("post_processor")

    @post_processor.setter
    def post_processor(self, part: Any) -> None:
        self._replace_part("post_processor", part)

    @property
    def normalizer(self) -> Any:
        """What normalizes texts, of the package `tokenizers`."""
        return self._part("normalizer")

    @normalizer.setter
    def normalizer(self, part: Any) -> None:
        self._replace_part("normalizer", part)

    @property
    def pre_tokenizer(self) -> Any:
        """What splits texts, of the package `tokenizers`."""
        return self._part("pre_tokenizer")

    @pre_tokenizer.setter
    def pre_tokenizer(self, part: Any) -> None:
        self._replace_part("pre_tokenizer", part)

    @property
    def decoder(self) -> Any:
        """What makes text of tokens, of the package `tokenizers`."""
        return self._part("decoder")

    @decoder.setter
    def decoder(self, part: Any) -> None:
        self._replace_part("decoder", part)
