"""What a chat costs in tokens: a string, messages, tools, images; and messages cut to a budget.

A server turns messages and tools into one text in a format that is not published. What is
published are constants that account for it. So all counts here but `num_tokens_from_string` are
estimates of what a server bills; for plain messages of the GPT-3.5, GPT-4 and GPT-4o models they
are known to be right. Counting reads no network.

Source of the constants: OpenAI's cookbook, "How to count tokens with tiktoken", and its guide to
images as inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bpecore.chat.fields import fields_of, with_content
from bpecore.chat.images import num_tokens_from_image_url
from bpecore.core import Encoding
from bpecore.model import encoding_name_for_model
from bpecore.registry import get_encoding

# What every reply is primed with.
TOKENS_PER_REPLY = 3

KEPT_ROLES = ("system", "developer")


class MessageConstants(NamedTuple):
    """What a message costs beside its strings, in tokens."""

    per_message: int
    per_name: int


class ToolConstants(NamedTuple):
    """What a list of tools costs beside its strings, in tokens."""

    function_start: int
    properties_start: int = 3
    property_key: int = 3
    enum_start: int = -3
    enum_item: int = 3
    functions_end: int = 12


# For the models after GPT-4o nothing else is published.
MESSAGE_CONSTANTS = MessageConstants(per_message=3, per_name=1)
# The first GPT-3.5 writes a name in the place of the role.
MESSAGE_CONSTANTS_OF_MODEL = {"gpt-3.5-turbo-0301": MessageConstants(per_message=4, per_name=-1)}

TOOL_CONSTANTS = ToolConstants(function_start=7)
TOOL_CONSTANTS_OF_ENCODING = {"cl100k_base": ToolConstants(function_start=10)}


def num_tokens_from_string(text: str, model: str, *, default: str | None = None) -> int:
    """Counts the tokens of a text for a model.

    Args:
        text: any text. A special token spelt out in it is counted as the ordinary text that it is
            to a server.
        model: the model's name, as for `bpecore.encoding_for_model`.
        default: the name of the encoding for models that are not known.

    Returns:
        The number of tokens; exact.

    Raises:
        KeyError: the model is not known, and there is no `default`.
        ValueError: no encoding has the name `default`.
        TypeError: `text` is no string.

    Example:
        >>> num_tokens_from_string("hello world", "gpt-4o")
        2
        >>> num_tokens_from_string("hello world", "someone-elses", default="cl100k_base")
        2
    """
    return _count(_encoding_of(model, default), text)


def num_tokens_from_messages(
    messages: Iterable[Any],
    model: str,
    *,
    tools: Iterable[Any] | None = None,
    default: str | None = None,
) -> int:
    """Estimates the tokens that messages cost as a prompt.

    Every string of a message is counted, its role included; of a call of a tool the function's
    name and arguments; of an image what `num_tokens_from_image` says, and if its size cannot be
    read, what the largest one costs. Fields of other types are not counted.

    Args:
        messages: the messages, as dicts or as objects with the same fields: `role`, `content` (a
            string, a list of parts, or None), `name`, `tool_calls` …
        model: the model's name, as for `bpecore.encoding_for_model`.
        tools: the tools that the model may call, as dicts or objects: `{"type": "function",
            "function": {"name": …, "description": …, "parameters": …}}`, or without the inner
            level.
        default: the name of the encoding for models that are not known.

    Returns:
        The estimated number of tokens, those that prime the reply included. Known to be right for
        text messages of the GPT-3.5, GPT-4 and GPT-4o models; for later ones no constants are
        published. Text messages of GPT-3.5 and later cost 3 tokens each and 1 for a name.

    Raises:
        KeyError: the model is not known, and there is no `default`.
        ValueError: no encoding has the name `default`, a message has no role, or a part of a
            content is of an unknown type or an image without a URL.
        TypeError: a message, tool or field is of a type that it cannot have.

    Example:
        >>> num_tokens_from_messages([{"role": "user", "content": "hello world"}], "gpt-4o")
        9
    """
    encoding = _encoding_of(model, default)
    constants = MESSAGE_CONSTANTS_OF_MODEL.get(model, MESSAGE_CONSTANTS)
    total = TOKENS_PER_REPLY + _count_tools(encoding, tools)
    for position, message in enumerate(_listed(messages, "messages")):
        total += _count_message(encoding, constants, message, f"message {position}")
    return total


def truncate_tokens_from_messages(
    messages: Iterable[Any],
    model: str,
    max_tokens: int,
    *,
    tools: Iterable[Any] | None = None,
    default: str | None = None,
) -> list[Any]:
    """Drops and cuts messages, the oldest first, until they fit a budget.

    The first message is kept whole if it is the system's or developer's. Of the others the newest
    are kept, and of the oldest of those the end of its content if all of it does not fit. The
    answer of a tool is dropped where the call that it answers is: servers refuse it alone.

    Args:
        messages: as for `num_tokens_from_messages`; none of them is changed.
        model: as for `num_tokens_from_messages`.
        max_tokens: the budget for the messages and tools, in tokens as
            `num_tokens_from_messages` estimates them.
        tools: as for `num_tokens_from_messages`; they are counted, and never dropped.
        default: as for `num_tokens_from_messages`.

    Returns:
        The messages that are kept, in order. They are the objects given, but for one that was cut,
        which is a copy. `num_tokens_from_messages` of them is at most `max_tokens`.

    Raises:
        ValueError: `max_tokens` is negative, or too small for the system message and something of
            the newest one, with the call that it answers if it is a tool's; or as for
            `num_tokens_from_messages`.
        KeyError: as for `num_tokens_from_messages`.
        TypeError: `max_tokens` is no int; or as for `num_tokens_from_messages`.

    Example:
        >>> messages = [
        ...     {"role": "system", "content": "Be brief."},
        ...     {"role": "user", "content": "Tell me about all the rivers of Europe."},
        ...     {"role": "assistant", "content": "There are many."},
        ...     {"role": "user", "content": "Name one."},
        ... ]
        >>> kept = truncate_tokens_from_messages(messages, "gpt-4o", 32)
        >>> [message["content"] for message in kept]
        ['Be brief.', ' of Europe.', 'There are many.', 'Name one.']
    """
    if isinstance(max_tokens, bool) or not isinstance(max_tokens, int):
        raise TypeError(f"max_tokens must be an int, not {type(max_tokens).__name__}")
    if max_tokens < 0:
        raise ValueError(f"max_tokens must not be negative: {max_tokens}")
    encoding = _encoding_of(model, default)
    constants = MESSAGE_CONSTANTS_OF_MODEL.get(model, MESSAGE_CONSTANTS)
    given = _listed(messages, "messages")
    roles = [_role_of(message, f"message {i}") for i, message in enumerate(given)]
    oldest = 1 if roles and roles[0] in KEPT_ROLES else 0
    budget = max_tokens - TOKENS_PER_REPLY - _count_tools(encoding, tools)
    for position in range(oldest):
        budget -= _count_message(encoding, constants, given[position], f"message {position}")
    if budget < 0:
        raise ValueError(
            f"max_tokens={max_tokens} is too small by {-budget} for the system message, the tools "
            "and the start of a reply"
        )
    kept: list[Any] = []
    first = len(given)
    while first > oldest:
        position = first - 1
        cost = _count_message(encoding, constants, given[position], f"message {position}")
        if cost > budget:
            cut = _cut_message(encoding, given[position], cost - budget)
            if cut is not None:
                kept.append(cut)
                first = position
            break
        kept.append(given[position])
        budget -= cost
        first = position
    kept.reverse()
    if first > oldest:
        while kept and roles[len(given) - len(kept)] in ("tool", "function"):
            del kept[0]
    if not kept and len(given) > oldest:
        raise ValueError(
            f"max_tokens={max_tokens} is too small: of the newest message nothing fits, or not "
            "the call that it answers"
        )
    return given[:oldest] + kept


def _encoding_of(model: str, default: str | None) -> Encoding:
    if not isinstance(model, str):
        raise TypeError(f"model must be str, not {type(model).__name__}: {model!r:.80}")
    try:
        return get_encoding(encoding_name_for_model(model))
    except KeyError:
        if default is None:
            raise KeyError(
                f"The model {model!r} is not known. Name the encoding to count with: "
                'default="o200k_base", for one.'
            ) from None
        return get_encoding(default)


def _count(encoding: Encoding, text: str) -> int:
    return encoding.count(text, disallowed_special=())


def _listed(things: Iterable[Any], what: str, wanted: str = "a list") -> list[Any]:
    """Refuses what iterates over something else: a single message, a string."""
    if isinstance(things, (str, bytes, Mapping)) or not isinstance(things, Iterable):
        raise TypeError(f"{what} must be {wanted}, not {type(things).__name__}: {things!r:.80}")
    return list(things)


# ---- messages -----------------------------------------------------------------------------------


def _role_of(message: Any, what: str) -> str:
    role = fields_of(message, what).get("role")
    if role is None:
        raise ValueError(f"{what} has no role: {message!r:.80}")
    if not isinstance(role, str):
        raise TypeError(f"the role of {what} must be str, not {type(role).__name__}")
    return role


def _count_message(encoding: Encoding, constants: MessageConstants, message: Any, what: str) -> int:
    _role_of(message, what)
    total = constants.per_message
    for name, value in fields_of(message, what).items():
        if name == "content":
            total += _count_content(encoding, value, what)
        elif name == "tool_calls":
            for call in _listed(value or (), f"tool_calls of {what}"):
                total += _count_call(encoding, fields_of(call, what).get("function"), what)
        elif name == "function_call":
            total += _count_call(encoding, value, what)
        elif isinstance(value, str):
            total += _count(encoding, value)
            if name == "name":
                total += constants.per_name
        elif name == "name" and value is not None:
            raise TypeError(f"the name of {what} must be str, not {type(value).__name__}")
    return total


def _count_content(encoding: Encoding, content: Any, what: str) -> int:
    if content is None:
        return 0
    if isinstance(content, str):
        return _count(encoding, content)
    parts = _listed(content, f"the content of {what}", "str, None or a list of parts")
    return sum(_count_part(encoding, part, what) for part in parts)


def _count_part(encoding: Encoding, part: Any, what: str) -> int:
    if isinstance(part, str):
        return _count(encoding, part)
    text = _text_of_part(part, what)
    if text is not None:
        return _count(encoding, text)
    fields = fields_of(part, f"a part of {what}")
    image = fields.get("image_url")
    if fields.get("type") not in ("image_url", "input_image"):
        raise ValueError(
            f"{what} has a part of type {fields.get('type')!r}; text, refusal, image_url, "
            "input_text, output_text and input_image can be counted"
        )
    detail = fields.get("detail")
    if image is not None and not isinstance(image, str):
        image_fields = fields_of(image, f"the image_url of {what}")
        image, detail = image_fields.get("url"), image_fields.get("detail", detail)
    if not isinstance(image, str):
        raise ValueError(f"{what} has an image without a URL: {part!r:.80}")
    return num_tokens_from_image_url(image, detail or "auto")


def _text_of_part(part: Any, what: str) -> str | None:
    """Returns the text of a part of a content, or None if it is no text."""
    fields = fields_of(part, f"a part of {what}")
    kind = fields.get("type")
    if kind not in ("text", "input_text", "output_text", "refusal"):
        return None
    text = fields.get("refusal" if kind == "refusal" else "text")
    if not isinstance(text, str):
        raise TypeError(f"a part of {what} has type {kind!r} and no string as its text")
    return text


def _count_call(encoding: Encoding, function: Any, what: str) -> int:
    if function is None:
        return 0
    fields = fields_of(function, f"a function call of {what}")
    texts = (fields.get("name"), fields.get("arguments"))
    return sum(_count(encoding, text) for text in texts if isinstance(text, str))


# ---- cutting ------------------------------------------------------------------------------------


def _cut_message(encoding: Encoding, message: Any, excess: int) -> Any | None:
    """Returns a copy that costs at least `excess` tokens less, or None if nothing would be left."""
    content = fields_of(message, "a message").get("content")
    if isinstance(content, str):
        left = _cut_text(encoding, content, excess)
        return with_content(message, left) if left else None
    parts: list[Any] = list(content or ())
    while parts and excess > 0:
        cost = _count_part(encoding, parts[0], "a message")
        text = parts[0] if isinstance(parts[0], str) else _text_of_part(parts[0], "a message")
        left = _cut_text(encoding, text, excess) if text is not None and cost > excess else ""
        if not left:
            del parts[0]
            excess -= cost
            continue
        if isinstance(parts[0], str):
            parts[0] = left
        else:
            name = "refusal" if fields_of(parts[0], "a part").get("type") == "refusal" else "text"
            parts[0] = with_content(parts[0], left, name)
        excess = 0
    return with_content(message, parts) if parts and excess <= 0 else None


def _cut_text(encoding: Encoding, text: str, excess: int) -> str:
    """Returns the end of a text that has at least `excess` tokens less."""
    room = _count(encoding, text) - excess
    return encoding.truncate(text, room, side="start", disallowed_special=()) if room > 0 else ""


# ---- tools --------------------------------------------------------------------------------------


def _count_tools(encoding: Encoding, tools: Iterable[Any] | None) -> int:
    if tools is None:
        return 0
    constants = TOOL_CONSTANTS_OF_ENCODING.get(encoding.name, TOOL_CONSTANTS)
    total = 0
    listed = _listed(tools, "tools")
    for position, tool in enumerate(listed):
        what = f"tool {position}"
        fields = fields_of(tool, what)
        if fields.get("function") is not None:
            fields = fields_of(fields["function"], what)
        if not isinstance(fields.get("name"), str):
            raise ValueError(f"{what} has no name: {tool!r:.80}")
        total += constants.function_start + _count_line(
            encoding, fields["name"], fields.get("description")
        )
        total += _count_properties(encoding, constants, fields.get("parameters"), what)
    return total + constants.functions_end if listed else 0


def _count_properties(
    encoding: Encoding, constants: ToolConstants, parameters: Any, what: str
) -> int:
    schema = fields_of(parameters, f"the parameters of {what}") if parameters else {}
    properties = schema.get("properties") or {}
    if not isinstance(properties, Mapping):
        raise TypeError(f"the properties of {what} must be a dict, not {type(properties).__name__}")
    total = constants.properties_start if properties else 0
    for name, value in properties.items():
        fields = fields_of(value, f"property {name!r} of {what}")
        total += constants.property_key
        if "enum" in fields:
            items = _listed(fields["enum"], f"the enum of {name!r} of {what}")
            total += constants.enum_start + constants.enum_item * len(items)
            total += sum(_count(encoding, str(item)) for item in items)
        kind = fields.get("type", "")
        if isinstance(kind, Sequence) and not isinstance(kind, str):
            kind = "|".join(map(str, kind))
        total += _count_line(encoding, f"{name}:{kind}", fields.get("description"))
    return total


def _count_line(encoding: Encoding, start: str, description: Any) -> int:
    """Counts `start:description`, as a server is thought to write it: without a last period."""
    text = "" if description is None else str(description)
    if text.endswith("."):
        text = text[:-1]
    return _count(encoding, f"{start}:{text}")
