"""What is put around texts, as the member `post_processor` of a tokenizer.json says.

Reference: `processors/` of tokenizers 0.23, whose oddities are kept: what overflows keeps the types
that it had, and blanks are taken from offsets each time that a processor does so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bpecore._models.errors import refusal
from bpecore._models.json_files import member
from bpecore.hf.columns import FixedColumns
from bpecore.hf.encoding import Encoding, Run

if TYPE_CHECKING:
    Encodings = list[Encoding]

SOURCE = "post_processor"


class Processor:
    """Puts nothing around texts."""

    def added_tokens(self, is_pair: bool) -> int:
        """Returns how many tokens are put around one text or two."""
        return 0

    def apply(self, encodings: Encodings, add_special_tokens: bool) -> Encodings:
        """Returns the parts of the result.

        Args:
            encodings: those of one text or two; they are changed.
            add_special_tokens: whether tokens are put around them.
        """
        return encodings


class _ByteLevel(Processor):
    def __init__(self, trims: bool, puts_blank: bool) -> None:
        self._trims = trims
        self._puts_blank = puts_blank

    def apply(self, encodings: Encodings, add_special_tokens: bool) -> Encodings:
        if self._trims:
            _trim(encodings, self._puts_blank)
        for number, encoding in enumerate(encodings):
            encoding.set_sequence_id(number)
        return encodings


class _Frame(Processor):
    """Puts tokens before and after each text, as RoBERTa and BERT have them.

    Args:
        ends: the token before the first text, and the one after each.
        is_roberta: whether a second text has the last one before it too, and types are all 0.
        trimming: whether blanks are taken from offsets, and whether the model puts one before a
            text.
    """

    def __init__(
        self,
        ends: tuple[tuple[str, int], tuple[str, int]],
        is_roberta: bool,
        trimming: tuple[bool, bool],
    ) -> None:
        self._first, self._last = (FixedColumns([number], [name], 1) for name, number in ends)
        self._is_roberta = is_roberta
        self._trims, self._puts_blank = trimming

    def added_tokens(self, is_pair: bool) -> int:
        return (2 + self._is_roberta if is_pair else 1) + 1

    def apply(self, encodings: Encodings, add_special_tokens: bool) -> Encodings:
        if self._trims:
            _trim(encodings, self._puts_blank)
        if self._is_roberta:
            for encoding in encodings:
                encoding.set_type_id(0)
        if not add_special_tokens:
            return encodings
        return [self._framed(encoding, number) for number, encoding in enumerate(encodings)]

    def _framed(self, encoding: Encoding, number: int) -> Encoding:
        type_id = 0 if self._is_roberta else int(number > 0)
        before = [Run(self._first, 0, 1)]
        if number:
            before = [Run(self._last, 0, 1)] if self._is_roberta else []
        after = Run(self._last, 0, 1, type_id)
        made = []
        for part in encoding._and_parts():
            if self._is_roberta:
                part.set_type_id(0)
            inside = [_not_special(run) for run in part.loaded()._runs]
            # Whatever follows the first text counts as the second one.
            ranges = {int(number > 0): (len(before), len(before) + len(part))}
            runs = [*before, *inside, after]
            made.append(Encoding.of_runs(runs, ranges))
        made[0]._overflowing = made[1:]
        return made[0]


def _not_special(run: Run) -> Run:
    """Returns a run whose tokens count as a text's, also if a template has put them there."""
    columns = run.origin
    if not isinstance(columns, FixedColumns) or not columns.special:
        return run
    places = columns.offsets, columns.words
    return run._replace(origin=FixedColumns(columns.ids, columns.tokens, 0, places=places))


class _Template(Processor):
    """Puts tokens around texts as a template says.

    Args:
        single: the template of one text.
        pair: that of two.
    """

    def __init__(
        self,
        single: list[tuple[FixedColumns | int, int]],
        pair: list[tuple[FixedColumns | int, int]],
    ) -> None:
        self._templates = single, pair

    def added_tokens(self, is_pair: bool) -> int:
        template = self._templates[is_pair]
        return sum(len(item.ids) for item, _ in template if isinstance(item, FixedColumns))

    def apply(self, encodings: Encodings, add_special_tokens: bool) -> Encodings:
        made = []
        for item, type_id in self._templates[len(encodings) == 2]:
            if isinstance(item, FixedColumns):
                if add_special_tokens:
                    made.append(Encoding.of_runs([Run(item, 0, len(item.ids), type_id)]))
                continue
            encoding = encodings[item]
            encoding.set_type_id(type_id)
            encoding.set_sequence_id(item)
            made.append(encoding.copy())
        return made


class _Sequence(Processor):
    def __init__(self, processors: list[Processor]) -> None:
        self._processors = processors

    def added_tokens(self, is_pair: bool) -> int:
        return sum(processor.added_tokens(is_pair) for processor in self._processors)

    def apply(self, encodings: Encodings, add_special_tokens: bool) -> Encodings:
        for processor in self._processors:
            encodings = processor.apply(encodings, add_special_tokens)
        return encodings


def process(
    processor: Processor | None, encodings: Encodings, add_special_tokens: bool
) -> Encoding:
    """Returns the encoding of one text or two with what is put around them.

    Args:
        processor: what does it; None: the texts only follow each other.
        encodings: of each text; they are changed.
        add_special_tokens: whether tokens are put around them.
    """
    if processor is None:
        if len(encodings) == 1:
            return encodings[0]
        for number, encoding in enumerate(encodings):
            encoding.set_sequence_id(number)
        return Encoding.merge(encodings, False)
    for number, encoding in enumerate(encodings):
        for part in encoding._and_parts():
            part.set_sequence_id(number)
        encoding.set_type_id(number)
    return Encoding.merge(processor.apply(encodings, add_special_tokens), False)


def _trim(encodings: Encodings, puts_blank: bool) -> None:
    for encoding in encodings:
        for part in encoding._and_parts():
            part.trim_offsets(puts_blank)


def read_processor(value: Any, path: str = SOURCE, source: str = "tokenizer.json") -> Any:
    """Returns the processor of a file; None if there is none.

    Args:
        value: the member.
        path: where it is in the file.
        source: the file, for errors.

    Raises:
        ValueError: it is invalid or unknown.
    """
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError(f"{source}: {path} must be a JSON object, found {value!r:.60}")
    kind = member(value, f"{path}.type", str, source)
    if kind == "Sequence":
        items = member(value, f"{path}.processors", list, source)
        places = [f"{path}.processors[{number}]" for number in range(len(items))]
        return _Sequence([read_processor(*item, source) for item in zip(items, places)])
    if kind == "ByteLevel":
        return _ByteLevel(*_trimming(value, path, source))
    if kind == "TemplateProcessing":
        return _Template(*(_template(value, side, path, source) for side in ("single", "pair")))
    if kind not in ("RobertaProcessing", "BertProcessing"):
        raise refusal(source, f"{path} is {kind}, which is not known")
    ends = []
    for name in ("cls", "sep"):
        pair = member(value, f"{path}.{name}", list, source)
        if [*map(type, pair)] != [str, int]:
            raise ValueError(
                f"{source}: {path}.{name} must be a token and its id, found {pair!r:.60}"
            )
        ends.append((pair[0], pair[1]))
    is_roberta = kind == "RobertaProcessing"
    trimming = _trimming(value, path, source) if is_roberta else (False, False)
    return _Frame((ends[0], ends[1]), is_roberta, trimming)


def _trimming(value: dict[str, Any], path: str, source: str) -> tuple[bool, bool]:
    return (
        member(value, f"{path}.trim_offsets", bool, source, default=True),
        member(value, f"{path}.add_prefix_space", bool, source, default=True),
    )


def _template(
    value: dict[str, Any], side: str, path: str, source: str
) -> list[tuple[FixedColumns | int, int]]:
    tokens = member(value, f"{path}.special_tokens", dict, source)
    template: list[tuple[FixedColumns | int, int]] = []
    for number, item in enumerate(member(value, f"{path}.{side}", list, source)):
        place = f"{path}.{side}[{number}]"
        if not isinstance(item, dict) or [*item] not in (["Sequence"], ["SpecialToken"]):
            raise ValueError(f"{source}: {place} is no part of a template: {item!r:.60}")
        [(kind, part)] = item.items()
        if not isinstance(part, dict):
            raise ValueError(f"{source}: {place}.{kind} must be a JSON object, found {part!r:.60}")
        name = member(part, f"{place}.{kind}.id", str, source)
        type_id = member(part, f"{place}.{kind}.type_id", int, source)
        if kind == "Sequence":
            if name not in ("A", "B") or (name == "B" and side == "single"):
                raise ValueError(f"{source}: {place}.Sequence.id is {name!r:.60}, not a text")
            template.append((int(name == "B"), type_id))
            continue
        known = tokens.get(name)
        if not isinstance(known, dict):
            raise ValueError(f"{source}: {path}.special_tokens lacks {name!r:.60}")
        ids = member(known, f"{path}.special_tokens.{name}.ids", list, source)
        spelled = member(known, f"{path}.special_tokens.{name}.tokens", list, source)
        if len(ids) != len(spelled) or {*map(type, ids)} - {int} or {*map(type, spelled)} - {str}:
            raise ValueError(f"{source}: {path}.special_tokens has no ids of {name!r:.60}")
        template.append((FixedColumns(ids, spelled, 1), type_id))
    return template
