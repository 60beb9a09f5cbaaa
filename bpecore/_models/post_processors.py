"""The ids that a tokenizer.json puts around those of a text, such as `<|begin_of_text|>`.

Reference: `processors/` of tokenizers 0.23. A processor gets several parts and returns several: a
template makes one of each of its items, and what follows it in a sequence sees these. It tells two
processors apart by their members and not by their type: with `trim_offsets` and `add_prefix_space`,
`BertProcessing` is read as `RobertaProcessing`, and the other way round without them.
"""

from __future__ import annotations

from typing import Any

from bpecore._models.errors import refusal
from bpecore._models.json_files import member

Ids = tuple[list[int], list[int]]

_TEXT = -1
"""Stands for the ids of the text."""
_Parts = list[list[int]]


def read_post_processors(value: Any, source: str) -> Ids:
    """Returns the ids before and after a text's.

    Args:
        value: the member `post_processor`.
        source: the file, for errors.

    Raises:
        ValueError: it is invalid or unknown.
    """
    if value is None:
        return [], []
    ids = [number for part in _processed([[_TEXT]], value, source) for number in part]
    times = ids.count(_TEXT)
    if times != 1:
        raise refusal(source, f"post_processor has the text {times} times")
    place = ids.index(_TEXT)
    return ids[:place], ids[place + 1 :]


def _processed(parts: _Parts, value: Any, source: str, path: str = "post_processor") -> _Parts:
    """Returns what a processor makes of some parts."""
    if not isinstance(value, dict):
        raise ValueError(f"{source}: {path} must be a JSON object, found {value!r:.60}")
    kind = member(value, f"{path}.type", str, source)
    if kind in ("ByteLevel", "RobertaProcessing"):
        for option in ("trim_offsets", "add_prefix_space"):
            member(value, f"{path}.{option}", bool, source)
    if kind == "ByteLevel":
        return parts  # it changes offsets only
    if kind == "Sequence":
        for number, item in enumerate(member(value, f"{path}.processors", list, source)):
            parts = _processed(parts, item, source, f"{path}.processors[{number}]")
        return parts
    if kind == "BertProcessing" and {"trim_offsets", "add_prefix_space"} <= value.keys():
        raise refusal(source, f"{path} has the options of RobertaProcessing, which is read instead")
    if kind in ("RobertaProcessing", "BertProcessing"):
        first, last = ([_pair_id(value, f"{path}.{end}", source)] for end in ("cls", "sep"))
        later = last if kind == "RobertaProcessing" else []
        return [[*(later if number else first), *part, *last] for number, part in enumerate(parts)]
    if kind == "TemplateProcessing":
        return _from_template(parts, value, source, path)
    raise refusal(source, f"{path} is {kind}, which is not known")


def _pair_id(value: dict[str, Any], path: str, source: str) -> int:
    pair = member(value, path, list, source)
    if len(pair) != 2 or not _is_id(pair[1]):
        raise ValueError(f"{source}: {path} must be a token and its id, found {pair!r:.60}")
    number: int = pair[1]
    return number


def _is_id(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 32


def _from_template(parts: _Parts, value: dict[str, Any], source: str, path: str) -> _Parts:
    if len(parts) > 2:
        raise refusal(source, f"{path} follows a template of {len(parts)} parts")
    side = "single" if len(parts) == 1 else "pair"
    tokens = member(value, f"{path}.special_tokens", dict, source)
    made: _Parts = []
    for number, item in enumerate(member(value, f"{path}.{side}", list, source)):
        place = f"{path}.{side}[{number}]"
        if isinstance(item, dict) and [*item] == ["Sequence"]:
            text = member(item, f"{place}.Sequence", dict, source)
            name = member(text, f"{place}.Sequence.id", str, source)
            if name not in ("A", "B")[: len(parts)]:
                raise ValueError(f"{source}: {place}.Sequence.id is {name!r:.60}, not a text")
            made.append(parts[name == "B"])
            continue
        if not isinstance(item, dict) or [*item] != ["SpecialToken"]:
            raise ValueError(f"{source}: {place} is no part of a template: {item!r:.60}")
        token = member(item, f"{place}.SpecialToken", dict, source)
        name = member(token, f"{place}.SpecialToken.id", str, source)
        known = tokens.get(name)
        ids = known.get("ids") if isinstance(known, dict) else None
        if not isinstance(ids, list) or not all(map(_is_id, ids)):
            raise ValueError(f"{source}: {path}.special_tokens has no ids of {name!r:.60}")
        made.append(ids)
    return made
