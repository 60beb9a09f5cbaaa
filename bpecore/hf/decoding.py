"""From ids to text, at once or id by id."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from bpecore._models.byte_letters import bytes_of_letters
from bpecore._models.errors import refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bpecore.hf.columns import Engine
    from bpecore.hf.tokenizer import Tokenizer

_REPLACEMENT = "\ufffd"


class Decoder:
    """Turns ids into text as the member `decoder` of a tokenizer.json says.

    Args:
        engine: what has the tokens.
        written: the member.
        source: the file, for errors.

    Raises:
        ValueError: it is neither ByteLevel nor none.
    """

    def __init__(self, engine: Engine, written: Any, source: str) -> None:
        kind = written.get("type") if isinstance(written, dict) else None
        while kind == "Sequence" and len(written["decoders"]) == 1:
            written = written["decoders"][0]
            kind = written.get("type")
        if written is not None and kind != "ByteLevel":
            raise refusal(source, f"decoder is {kind}, and only ByteLevel is known")
        self._engine = engine
        self._joins_bytes = written is not None
        # ByteLevel takes an added token for bytes if all of its characters are letters of bytes.
        contents = {token.id: token.content for token in engine.encoding._parts.tokens}
        self._odd = {}
        for number, token in zip(engine.added, bytes_of_letters(engine.added.values())):
            spelled = engine.added[number].encode()
            if (token or spelled) != contents[number].encode():
                self._odd[number] = token or spelled
        # A special token that normalizers change is not known as special.
        special = engine.encoding.special_tokens_set
        self._special = {number for number, spelled in engine.added.items() if spelled in special}
        # The engine takes ids that the model has too for the model's.
        self._skips_itself = self._special != engine.encoding._special_token_values or any(
            engine.names.name(number) is not None for number in self._special
        )

    def decode(self, ids: Sequence[int], skip_special_tokens: bool) -> str:
        """Returns the text of some ids; unknown ones are left out."""
        encoding = self._engine.encoding
        if skip_special_tokens and self._skips_itself:
            ids = self._kept(ids)
            skip_special_tokens = False
        if self._joins_bytes and not (self._odd and not self._odd.keys().isdisjoint(ids)):
            return encoding.decode(ids, skip_special=skip_special_tokens, unknown="skip")
        if not self._joins_bytes:
            return " ".join(self.names(ids, skip_special_tokens))
        parts = (
            self._odd[number]
            if number in self._odd
            else encoding.decode_bytes([number], unknown="skip")
            for number in (self._kept(ids) if skip_special_tokens else ids)
        )
        return b"".join(parts).decode("utf-8", "replace")

    def names(self, ids: Sequence[int], skip_special_tokens: bool) -> list[str]:
        """Returns how tokens are spelled; unknown ones are left out."""
        _, names, added = self._engine
        kept = self._kept(ids) if skip_special_tokens else ids
        named = (added.get(number) or names.name(number) for number in kept)
        return [name for name in named if name is not None]

    def _kept(self, ids: Sequence[int]) -> list[int]:
        return [number for number in ids if number not in self._special]


class DecodeStream:
    """Decodes ids as they arrive: `tokenizers.decoders.DecodeStream`.

    Args:
        ids: what came before, whose text is known.
        skip_special_tokens: leave special tokens out.

    Example:
        >>> from bpecore.hf import DecodeStream, Tokenizer
        >>> tokenizer = Tokenizer.from_file("tokenizer.json")  # doctest: +SKIP
        >>> stream = DecodeStream()
        >>> "".join(filter(None, (stream.step(tokenizer, id) for id in ids)))  # doctest: +SKIP
    """

    def __init__(self, ids: Sequence[int] | None = None, skip_special_tokens: bool = False) -> None:
        self._skip = skip_special_tokens
        self._ids = [] if ids is None else list(ids)
        self._prefix = ""
        self._prefix_ids = 0

    def __copy__(self) -> DecodeStream:
        made = type(self).__new__(type(self))
        vars(made).update(vars(self), _ids=list(self._ids))
        return made

    def step(self, tokenizer: Tokenizer, id: int | Sequence[int]) -> str | None:
        """Takes one id or several.

        Args:
            tokenizer: what decodes them; always the same.
            id: the next id, or the next ids.

        Returns:
            The text that they complete; None if a character is not complete.

        Raises:
            ValueError: the text of the ids before has changed.
            TypeError: it is no id, and no ids.
        """

        def decode() -> str:
            return tokenizer.decode(self._ids, skip_special_tokens=self._skip)

        if not self._prefix and self._ids:
            prefix = decode()
            if not prefix.endswith(_REPLACEMENT):
                self._prefix, self._prefix_ids = prefix, len(self._ids)
        try:
            self._ids += array("I", [id] if isinstance(id, int) else iter(id))
        except (TypeError, OverflowError):
            message = "StreamInput must be either an integer or a list of integers"
            raise TypeError(message) from None
        text = decode()
        if len(text.encode()) <= len(self._prefix.encode()) or text.endswith(_REPLACEMENT):
            return None
        if not text.startswith(self._prefix):
            raise ValueError("Invalid prefix encountered while decoding stream")
        new = text[len(self._prefix) :]
        count = len(self._ids) - self._prefix_ids
        del self._ids[: self._prefix_ids]
        self._prefix, self._prefix_ids = decode(), count
        return new
