"""`ModelEncoding`: an `Encoding` with what a tokenizer.json can say and tiktoken cannot."""

from __future__ import annotations

import contextlib
import functools

from bpecore._build.assemble import compile_split_pattern
from bpecore._build.checks import cache_memory
from bpecore._build.special_tokens import make_special_tokens
from bpecore._build.threads import LONG_TEXT
from bpecore._build.vocabularies import intern_vocabulary
from bpecore._core import Vocabulary, encode_changed, has_surrogate, without_surrogates
from bpecore._engine_calls import NONE, do_at_index
from bpecore._models.parts import AddedToken, ModelParts
from bpecore._models.source import ModelSource
from bpecore._models.text_rules import TextRules
from bpecore._tiktoken import CoreBPE
from bpecore.core import Encoding

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from typing import Any

    import numpy as np
    import numpy.typing as npt
    from typing_extensions import Self

    from bpecore._limits.rules import Rules
    from bpecore._limits.splitting import Spans
    from bpecore._models.normalizers import Change, Step
    from bpecore.types import Allowed, Disallowed


def _steps(normalizer: Any, source: str) -> list[Step]:
    if normalizer is None:
        return []
    from bpecore._models.normalizers import read_normalizers

    return read_normalizers(normalizer, source, all_kinds=True)


class ModelEncoding(Encoding):
    """The encoding of a tokenizer.json; `Encoding.from_file` makes it.

    Besides special tokens it has *added* ones: they are found in every text, whatever a call
    allows. A text is normalized between them where the file says so. With normalizers, an encoding
    cannot be used for texts in chunks, and methods that return places refuse a text that they
    change.
    """

    _parts: ModelParts
    _rules: TextRules | None
    _text_rules: TextRules

    @classmethod
    def of_parts(
        cls, name: str, vocabulary: Vocabulary, parts: ModelParts, source: ModelSource | None
    ) -> Self:
        """Makes an encoding.

        Args:
            name: its name.
            vocabulary: its tokens.
            parts: what else it is made of.
            source: what it was made from.
        """
        special = {token.content: token.id for token in parts.tokens if token.special}
        added = {token.content: token.id for token in parts.tokens if not token.special}
        tokens = make_special_tokens(special, added, parts.only_decoded, parts.trie)
        core = CoreBPE.of_parts(
            vocabulary, tokens, compile_split_pattern(parts.pattern), parts.pattern
        )
        rules = TextRules(
            parts.tokens, _steps(parts.normalizer, name), parts.prefix_space, parts.at_once
        )
        made = object.__new__(cls)
        made.name = name
        made.source = source
        made._pat_str = parts.pattern
        made._mergeable_ranks = vocabulary
        made._special_tokens = special
        made._special_token_values = set(special.values())
        others = [*special.values(), *added.values(), *parts.only_decoded.values()]
        made.max_token_value = max([vocabulary.highest_id, *others])
        made._core_bpe = core
        made._parts = parts
        made._made_of_parts(rules)
        return made

    def _made_of_parts(self, rules: TextRules) -> None:
        self._rules = rules if rules.are_needed else None
        self._text_rules = rules

    # ---- text to ids --------------------------------------------------------------------------

    def encode(
        self,
        text: str,
        *,
        allowed_special: Allowed = NONE,
        disallowed_special: Disallowed = "all",
        add_special_tokens: bool = False,
    ) -> list[int]:
        """Encodes text; as `Encoding.encode`.

        Args:
            text: any text.
            allowed_special: see `Encoding`.
            disallowed_special: see `Encoding`.
            add_special_tokens: put the ids around the text's that the file's post-processor names.
        """
        if self._rules is None or self._is_plain(text):
            try:
                ids = self._core_bpe.encode_checked(
                    text, allowed_special, disallowed_special, self.special_tokens_set
                )
            except UnicodeEncodeError:
                ids = super().encode(
                    text, allowed_special=allowed_special, disallowed_special=disallowed_special
                )
        else:
            ids = self._encode_by_rules(text, allowed_special, disallowed_special)
        if not add_special_tokens:
            return ids
        return [*self._parts.before, *ids, *self._parts.after]

    def encode_ordinary(self, text: str) -> list[int]:
        """Encodes text as if there were no special tokens; added ones count."""
        if self._rules is None or self._is_plain(text):
            return super().encode_ordinary(text)
        return self._encode_by_rules(text, set(), ())

    def encode_to_numpy(self, text: str, **arguments: Any) -> npt.NDArray[Any]:
        """Encodes text into an array; as `Encoding.encode_to_numpy`."""
        if self._rules is None:
            return super().encode_to_numpy(text, **arguments)
        if isinstance(text, str) and len(text) < LONG_TEXT:
            changes = self._rules.local_changes(text, self._core_bpe)
            if changes == []:
                return self._engine_alone.encode_to_numpy(text, **arguments)
            found = self._changed_to_numpy(text, changes, arguments) if changes else None
            if found is not None:
                return found
        forms = self._engine_forms([text], arguments.get("disallowed_special", "all"))
        if forms is not None and not forms[1]:
            return self._engine_alone.encode_to_numpy(forms[0][0], **arguments)
        if forms is None and self._is_plain(text):
            return super().encode_to_numpy(text, **arguments)
        import numpy as np

        from bpecore._arrays import ArrayForm

        given = [arguments.pop(name, None) for name in ("dtype", "append", "out")]
        form = ArrayForm(self.max_token_value, *given)
        arguments.pop("num_threads", None)
        cache_memory(arguments.pop("memory", None))
        ids = self.encode(text, **arguments)
        if form.append is not None:
            ids.append(form.append)
        return form.place(np.array(ids, dtype=np.uint32))

    def _changed_to_numpy(
        self, text: str, changes: list[Change], arguments: dict[str, Any]
    ) -> npt.NDArray[np.uint32] | None:
        """Encodes a text whose changed parts are given, without copying the rest; or None."""
        disallowed = arguments.get("disallowed_special", "all")
        is_simple = isinstance(disallowed, str) or not disallowed
        if not is_simple or arguments.keys() - {"allowed_special", "disallowed_special"}:
            return None
        import numpy as np

        special = arguments.get("allowed_special", NONE), disallowed, self.special_tokens_set
        try:
            return np.asarray(encode_changed(self._core_bpe, text, changes, *special), np.uint32)
        except UnicodeEncodeError:
            return None

    def count(self, text: str, **arguments: Any) -> int:
        """Counts tokens; as `Encoding.count`."""
        if self._rules is None or self._is_plain(text):
            return super().count(text, **arguments)
        return len(self.encode(text, **arguments))

    def encode_with_unstable(
        self, text: str, **arguments: Any
    ) -> tuple[list[int], list[list[int]]]:
        """As `Encoding.encode_with_unstable`; ValueError if normalizers would change the text."""
        self._require_plain(text, "encode_with_unstable")
        return super().encode_with_unstable(text, **arguments)

    # ---- batches ------------------------------------------------------------------------------

    def encode_ordinary_batch(self, text: Iterable[str], **arguments: Any) -> list[list[int]]:
        """Encodes many texts; as `Encoding.encode_ordinary_batch`."""
        ids: list[list[int]] = self._batch("encode_ordinary_batch", text, arguments)
        return ids

    def encode_batch(
        self, text: Iterable[str], *, add_special_tokens: bool = False, **arguments: Any
    ) -> list[list[int]]:
        """Encodes many texts; as `Encoding.encode_batch`, and `encode`."""
        found: list[list[int]] = self._batch("encode_batch", text, arguments)
        if not add_special_tokens:
            return found
        return [[*self._parts.before, *ids, *self._parts.after] for ids in found]

    def count_batch(self, texts: Iterable[str], **arguments: Any) -> list[int]:
        """Counts the tokens of many texts; as `Encoding.count_batch`."""
        found: list[int] = self._batch("count_batch", texts, arguments)
        return found

    def _batch(self, method: str, texts: Iterable[str], arguments: dict[str, Any]) -> Any:
        texts = texts if isinstance(texts, str) else list(texts)
        of_class = getattr(Encoding, method)
        forms = None
        if not isinstance(texts, str):
            forms = self._engine_forms(texts, arguments.get("disallowed_special", "all"))
        if forms is None:
            return of_class(self, texts, **arguments)
        found = of_class(self._engine_alone, forms[0], **arguments)
        for of_batches in ("num_threads", "memory"):
            arguments.pop(of_batches, None)
        one = getattr(self, method.replace("_batch", ""))
        for index in forms[1]:
            found[index] = do_at_index(index, one, texts[index], **arguments)
        return found

    def _rows(
        self,
        texts: list[str],
        threads: int,
        allowed_special: Allowed,
        disallowed: Disallowed,
        append: int | None,
        memory: int | None,
    ) -> tuple[Any, Any]:
        rest = threads, allowed_special, disallowed, append, memory
        forms = self._engine_forms(texts, disallowed)
        if forms is None:
            return super()._rows(texts, *rest)
        found = self._engine_alone._rows(forms[0], *rest)
        if not forms[1]:
            return found
        import numpy as np

        ids = np.asarray(found[0], dtype=np.uint32)
        ends = np.frombuffer(found[1], np.int64)[1:]
        rows, lengths, copied = [], np.diff(ends, prepend=0), 0
        special: Any = {"allowed_special": allowed_special, "disallowed_special": disallowed}
        end = [] if append is None else [append]
        for index in forms[1]:
            own = [*do_at_index(index, self.encode, texts[index], **special), *end]
            rows += [ids[copied : ends[index] - len(end)], np.array(own, dtype=np.uint32)]
            copied, lengths[index] = ends[index], len(own)
        rows.append(ids[copied:])
        return np.concatenate(rows), np.cumsum([0, *lengths], dtype=np.int64)

    def _engine_forms(
        self, texts: list[str], disallowed: Disallowed
    ) -> tuple[list[str], list[int]] | None:
        """Returns the texts' `engine_forms`; None if each text has to be encoded by itself."""
        rules = self._rules
        if rules is None or not (isinstance(disallowed, str) or not disallowed):
            return None
        return rules.engine_forms(texts)

    @property
    def _engine_alone(self) -> Encoding:
        """An encoding on the same engine that knows no rules."""
        if "_alone" not in self.__dict__:
            alone = object.__new__(Encoding)
            alone.__dict__.update(vars(self))
            del alone.__dict__["_rules"]
            self.__dict__["_alone"] = alone
        alone = self.__dict__["_alone"]
        return alone  # type: ignore[no-any-return]

    # ---- places in a text ---------------------------------------------------------------------

    def count_up_to(self, text: str, limit: int, **arguments: Any) -> int | None:
        """As `Encoding.count_up_to`."""
        if self._rules is None or self._is_plain(text):
            return Encoding.count_up_to(self._alone_or_self, text, limit, **arguments)
        found = self.count(text, **arguments)
        return found if found <= limit else None

    def truncate(self, text: str, max_tokens: int, **arguments: Any) -> str:
        """As `Encoding.truncate`; ValueError if normalizers would change the text."""
        self._require_plain(text, "truncate")
        return Encoding.truncate(self._alone_or_self, text, max_tokens, **arguments)

    def split(self, text: str, max_tokens: int, **arguments: Any) -> list[str]:
        """As `Encoding.split`; ValueError if normalizers would change the text."""
        self._require_plain(text, "split")
        return Encoding.split(self._alone_or_self, text, max_tokens, **arguments)

    def split_batch(
        self, texts: Iterable[str], max_tokens: int, **arguments: Any
    ) -> list[list[str]]:
        """As `Encoding.split_batch`; ValueError if normalizers would change a text."""
        texts = texts if isinstance(texts, str) else list(texts)
        for text in texts:
            self._require_plain(text, "split_batch")
        return Encoding.split_batch(self._alone_or_self, texts, max_tokens, **arguments)

    def _split_spans(
        self, text: str, rules: Rules, allowed_special: Allowed, disallowed_special: Disallowed
    ) -> Spans:
        """As `Encoding._split_spans`; ValueError if normalizers would change the text."""
        self._require_plain(text, "split_spans")
        special = allowed_special, disallowed_special
        return Encoding._split_spans(self._alone_or_self, text, rules, *special)

    def token_offsets(self, text: str, **arguments: Any) -> npt.NDArray[np.int64]:
        """As `Encoding.token_offsets`; ValueError if normalizers would change the text."""
        self._require_plain(text, "token_offsets")
        return super().token_offsets(text, **arguments)

    @functools.cached_property
    def _has_places(self) -> bool:
        """Whether the lengths of tokens say where those of a plain text are.

        They do not where a split leaves characters out, or where an added token has the id of a
        token that the model spells in letters.
        """
        bytes_of = self._engine_without_tokens.decode_single_token_bytes
        for token in self._parts.tokens:
            with contextlib.suppress(KeyError):
                if bytes_of(token.id) != token.content.encode():
                    return False
        return self._core_bpe.longest_token > 0

    @property
    def _alone_or_self(self) -> Encoding:
        return self if self._rules is None else self._engine_alone

    def _require_plain(self, text: str, method: str) -> None:
        if self._rules is not None and not self._is_plain(text):
            raise ValueError(
                f"{method} needs a text that {self.name!r} encodes as it is: this one is changed "
                "by the encoding's normalizers, or has an added token that takes blanks with it"
            )

    # ---- rules --------------------------------------------------------------------------------

    def _is_plain(self, text: str) -> bool:
        assert self._rules is not None
        # What is no text is left to the engine to refuse.
        return not isinstance(text, str) or self._rules.is_plain(text)

    def _encode_by_rules(
        self, text: str, allowed_special: Allowed, disallowed_special: Disallowed
    ) -> list[int]:
        assert self._rules is not None
        forms = self._engine_forms([text], disallowed_special)
        if forms is not None and not forms[1]:
            special = allowed_special, disallowed_special, self.special_tokens_set
            return self._core_bpe.encode_checked(forms[0][0], *special)
        allowed = self._allowed_set(text, allowed_special, disallowed_special)
        if has_surrogate(text):
            text = without_surrogates(text)
        skipped = self._special_tokens.keys() - (allowed & self.special_tokens_set)
        ids: list[int] = []
        for part in self._rules.parts(text, skipped):
            if isinstance(part, AddedToken):
                ids.append(part.id)
            else:
                ids += self._encode_stretch(part)
        return ids

    def _encode_stretch(self, text: str) -> list[int]:
        return self._engine_without_tokens.encode_ordinary(text)

    @property
    def _engine_without_tokens(self) -> CoreBPE:
        if "_tokenless" not in self.__dict__:
            core = self._core_bpe
            tokens = make_special_tokens({})
            made = CoreBPE.of_parts(core.vocabulary, tokens, core.splitter, core.pattern)
            self.__dict__["_tokenless"] = made
        found: CoreBPE = self.__dict__["_tokenless"]
        return found

    def _growing(self, counts: bool, allowed: Collection[str]) -> Any:
        """Returns what counts or encodes a text in chunks; the extension calls this.

        Args:
            counts: whether tokens are only counted.
            allowed: the special tokens that count.

        Raises:
            ValueError: a later chunk may change an earlier one without bound.
        """
        from bpecore._models.growing_text import ChangedCounter, ChangedEncoder, ChangedText

        assert self._rules is not None
        if not self._rules.take_chunks:
            raise ValueError(
                f"a text in chunks cannot be encoded by {self.name!r}: its normalizers change a "
                "text as a whole, or its added tokens take blanks with them"
            )
        tokenless = object.__new__(Encoding)
        hidden = ("_rules", "special_tokens_set", "_alone", "_tokenless")
        vars(tokenless).update({k: v for k, v in vars(self).items() if k not in hidden})
        tokenless._core_bpe = self._engine_without_tokens
        tokenless._special_tokens = {}
        text = ChangedText(self._rules, self._special_tokens.keys() - set(allowed))
        return (ChangedCounter if counts else ChangedEncoder)(tokenless, text)

    def _is_own(self, method: str) -> bool:
        return self._rules is None and super()._is_own(method)

    # ---- pickling -----------------------------------------------------------------------------

    def __getstate__(self) -> object:
        """What the encoding is made of."""
        return {
            "name": self.name,
            "ranks": self._mergeable_ranks,
            "order": self._core_bpe.vocabulary.merge_order,
            "parts": self._parts._replace(merges=bytes(self._parts.merges)).plain(),
            "source": self.source,
            "ordinary": self._is_ordinary,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        parts = ModelParts.of_plain(state["parts"])
        vocabulary = intern_vocabulary(state["ranks"], *state["order"])
        made = self.of_parts(state["name"], vocabulary, parts, state["source"])
        self.__dict__ = (made.ordinary if state["ordinary"] else made).__dict__
