"""The content of a message: a string, or parts as the APIs of OpenAI and Anthropic write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bpecore.chat.fields import fields_of, shown, text_field, wrong_type
from bpecore.chat.json_text import arguments_text
from bpecore.chat.reader import Reader
from bpecore.chat.seen import Call, Seen
from bpecore.chat.strings import listed

# In which field each type of part has its text.
TEXT_FIELDS = {
    "text": "text",
    "input_text": "text",
    "output_text": "text",
    "summary_text": "text",
    "reasoning_text": "text",
    "refusal": "refusal",
    "thinking": "thinking",
}
IMAGES = ("image_url", "input_image", "image")


def read_content(reader: Reader, seen: Seen, content: Any, place: str) -> list[Seen]:
    """Adds a content to a message.

    Args:
        reader: prices what is not text.
        seen: the message.
        content: a string, None, or a list of parts.
        place: where it is.

    Returns:
        Results of tools that the content has, as Anthropic writes them, which the model sees as
        messages of their own.

    Raises:
        ValueError: a part has an unknown type, or lacks something.
        TypeError: something has a wrong type.
    """
    if isinstance(content, str):
        seen.texts.append(content)
        return []
    if content is None:
        return []
    results: list[Seen] = []
    for number, part in enumerate(listed(content, place, "str, None or a list of parts")):
        _read_part(reader, seen, results, part, f"{place}[{number}]")
    return results


def _read_part(reader: Reader, seen: Seen, results: list[Seen], part: Any, place: str) -> None:
    if isinstance(part, str):
        seen.texts.append(part)
        return
    fields = fields_of(part, place)
    kind = fields.get("type")
    name = TEXT_FIELDS.get(kind) if isinstance(kind, str) else None
    if name is not None:
        texts = seen.reasoning if kind == "thinking" else seen.texts
        texts.append(text_field(fields, name, place))
    elif kind in IMAGES:
        reader.add_image(seen, fields, place)
    elif kind == "tool_use":
        arguments = arguments_text(fields.get("input"), f"{place}.input")
        seen.calls.append(Call(fields.get("id"), text_field(fields, "name", place), arguments))
    elif kind == "tool_result":
        result = Seen.result(seen.position, fields.get("tool_use_id"))
        # A result has no results, whatever is in it.
        nested = read_content(reader, result, _without_results(fields, place), f"{place}.content")
        results.extend((result, *nested))
    elif kind == "document":
        _read_document(reader, seen, fields, place)
    elif isinstance(kind, str):
        reader.add_cost(seen, kind, part, place)
    else:
        raise ValueError(f"{place}: has no type that says what it is: {shown(part)}")


def _without_results(fields: Mapping[str, Any], place: str) -> Any:
    """Returns the content of a tool's result; refuses results and calls in it."""
    content = fields.get("content")
    if content is not None and not isinstance(content, str):
        content = listed(content, f"{place}.content", "str, None or a list of parts")
        for number, part in enumerate(content):
            if not isinstance(part, str):
                inner = f"{place}.content[{number}]"
                kind = fields_of(part, inner).get("type")
                if kind in ("tool_result", "tool_use"):
                    raise ValueError(f"{inner}: there is no {kind} in a tool_result")
    return content


def _read_document(reader: Reader, seen: Seen, fields: Mapping[str, Any], place: str) -> None:
    """Adds a document: its title, context and text; other documents cost what the caller says."""
    for name in ("title", "context"):
        text = fields.get(name)
        if text is not None:
            if not isinstance(text, str):
                raise wrong_type(f"{place}.{name}", "str", text)
            seen.texts.append(text)
    source = fields_of(fields.get("source"), f"{place}.source")
    kind = source.get("type")
    if kind == "text":
        seen.texts.append(text_field(source, "data", f"{place}.source"))
    elif kind == "content":
        content = _without_documents(source.get("content"), f"{place}.source.content")
        read_content(reader, seen, content, f"{place}.source.content")
    else:
        reader.add_cost(seen, "document", fields, place)


def _without_documents(content: Any, place: str) -> Any:
    """Returns the content of a document; refuses anything in it but texts and images."""
    if content is None or isinstance(content, str):
        return content
    content = listed(content, place, "str or a list of parts")
    for number, part in enumerate(content):
        inner = f"{place}[{number}]"
        if not isinstance(part, str) and fields_of(part, inner).get("type") not in (
            "text",
            *IMAGES,
        ):
            raise ValueError(f"{inner}: a document has only texts and images: {shown(part)}")
    return content
