"""The ids that a tokenizer.json puts around those of a text, such as `<|begin_of_text|>`."""

from __future__ import annotations

from typing import Any

from bpecore._models.errors import refusal
from bpecore._models.json_files import member

Ids = tuple[list[int], list[int]]


def read_post_processors(value: Any, source: str, path: str = "post_processor") -> Ids:
    """Returns the ids before and after a text's.

    Args:
        value: the member `post_processor`.
        source: the file, for errors.
        path: where it is in the file.

    Raises:
        ValueError: it is invalid or unknown.
    """
    if value is None:
        return [], []
    if not isinstance(value, dict):
        raise ValueError(f"{source}: {path} must be a JSON object, found {value!r:.60}")
    kind = member(value, f"{path}.type", str, source)
    if kind == "ByteLevel":
        return [], []  # it changes offsets only
    if kind == "Sequence":
        before: list[int] = []
        after: list[int] = []
        for number, item in enumerate(member(value, f"{path}.processors", list, source)):
            outer = read_post_processors(item, source, f"{path}.processors[{number}]")
            before, after = [*outer[0], *before], [*after, *outer[1]]
        return before, after
    if kind in ("RobertaProcessing", "BertProcessing"):
        return [_pair_id(value, f"{path}.cls", source)], [_pair_id(value, f"{path}.sep", source)]
    if kind == "TemplateProcessing":
        return _template(value, source, path)
    raise refusal(source, f"{path} is {kind}, which is not known")


def _pair_id(value: dict[str, Any], path: str, source: str) -> int:
    pair = member(value, path, list, source)
    if len(pair) != 2 or type(pair[1]) is not int:
        raise ValueError(f"{source}: {path} must be a token and its id, found {pair!r:.60}")
    return pair[1]


def _template(value: dict[str, Any], source: str, path: str) -> Ids:
    tokens = member(value, f"{path}.special_tokens", dict, source)
    parts: Ids = ([], [])
    texts = 0
    for number, item in enumerate(member(value, f"{path}.single", list, source)):
        place = f"{path}.single[{number}]"
        if isinstance(item, dict) and "Sequence" in item:
            texts += 1
            continue
        if not isinstance(item, dict) or "SpecialToken" not in item:
            raise ValueError(f"{source}: {place} is no part of a template: {item!r:.60}")
        token = member(item, f"{place}.SpecialToken", dict, source)
        name = member(token, f"{place}.SpecialToken.id", str, source)
        known = tokens.get(name)
        ids = known.get("ids") if isinstance(known, dict) else None
        if not isinstance(ids, list) or any(type(number) is not int for number in ids):
            raise ValueError(f"{source}: {path}.special_tokens has no ids of {name!r:.60}")
        parts[texts > 0].extend(ids)
    if texts != 1:
        raise refusal(source, f"{path}.single has the text {texts} times")
    return parts
