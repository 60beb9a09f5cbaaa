"""Estimates the tokens that messages cost as a prompt.

A server turns messages and tools into one text, in a format that is not published. Only constants
that account for it are, so all counts of a chat except those of strings are estimates of what a
server bills. For text messages of the GPT-3.5, GPT-4 and GPT-4o models they are known to be right.
Counting needs no network.

Source of the constants: OpenAI's cookbook, "How to count tokens with tiktoken", and its guide to
images as inputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from bpecore.chat.fields import fields_of
from bpecore.chat.images import num_tokens_from_image_url
from bpecore.chat.strings import count, encoding_of, listed
from bpecore.chat.tools import count_tools
from bpecore.core import Encoding

TOKENS_PER_REPLY = 3
"""Tokens that start every reply."""


class MessageConstants(NamedTuple):
    """Tokens of a message besides those of its strings."""

    per_message: int
    per_name: int


# Nothing is published for the models after GPT-4o.
MESSAGE_CONSTANTS = MessageConstants(per_message=3, per_name=1)
# The first GPT-3.5 has the name in place of the role.
MESSAGE_CONSTANTS_OF_MODEL = {"gpt-3.5-turbo-0301": MessageConstants(per_message=4, per_name=-1)}


def num_tokens_from_messages(
    messages: Iterable[Any],
    model: str,
    *,
    tools: Iterable[Any] | None = None,
    default: str | None = None,
) -> int:
    """Estimates the tokens that messages cost as a prompt.

    This counts every string of a message, including its role; the name and arguments of a tool
    call; and for an image the result of `num_tokens_from_image`, or the largest one if its size
    cannot be read. Fields of other types are not counted.

    Args:
        messages: the messages, as dicts or as objects with the same fields: `role`, `content` (a
            string, a list of parts, or None), `name`, `tool_calls` …
        model: the model's name, as for `bpecore.encoding_for_model`.
        tools: the tools that the model can call, as dicts or objects: `{"type": "function",
            "function": {"name": …, "description": …, "parameters": …}}`, or without the inner
            level.
        default: the name of the encoding for unknown models.

    Returns:
        The estimated number of tokens, including those that start the reply. A text message of
        GPT-3.5 and later costs 3 tokens besides its strings, and 1 more if it has a name.

    Raises:
        KeyError: the model is unknown, and there is no `default`.
        ValueError: no encoding has the name `default`, a message has no role, or a part of a
            content has an unknown type or is an image without a URL.
        TypeError: a message, tool or field has a wrong type.

    Example:
        >>> num_tokens_from_messages([{"role": "user", "content": "hello world"}], "gpt-4o")
        9
    """
    encoding = encoding_of(model, default)
    total = TOKENS_PER_REPLY + count_tools(encoding, tools)
    for position, message in enumerate(listed(messages, "messages")):
        total += count_message(encoding, model, message, f"message {position}")
    return total


def role_of(message: Any, what: str) -> str:
    """Returns the role of a message, called `what` in errors."""
    role = fields_of(message, what).get("role")
    if role is None:
        raise ValueError(f"{what} has no role: {message!r:.80}")
    if not isinstance(role, str):
        raise TypeError(f"the role of {what} must be str, not {type(role).__name__}")
    return role


def count_message(encoding: Encoding, model: str, message: Any, what: str) -> int:
    """Returns the estimated tokens of one message, called `what` in errors."""
    constants = MESSAGE_CONSTANTS_OF_MODEL.get(model, MESSAGE_CONSTANTS)
    role_of(message, what)
    total = constants.per_message
    for name, value in fields_of(message, what).items():
        if name == "content":
            total += _count_content(encoding, value, what)
        elif name == "tool_calls":
            for call in listed(value or (), f"tool_calls of {what}"):
                total += _count_call(encoding, fields_of(call, what).get("function"), what)
        elif name == "function_call":
            total += _count_call(encoding, value, what)
        elif isinstance(value, str):
            total += count(encoding, value)
            if name == "name":
                total += constants.per_name
        elif name == "name" and value is not None:
            raise TypeError(f"the name of {what} must be str, not {type(value).__name__}")
    return total


def _count_content(encoding: Encoding, content: Any, what: str) -> int:
    if content is None:
        return 0
    if isinstance(content, str):
        return count(encoding, content)
    parts = listed(content, f"the content of {what}", "str, None or a list of parts")
    return sum(count_part(encoding, part, what) for part in parts)


def count_part(encoding: Encoding, part: Any, what: str) -> int:
    """Returns the estimated tokens of a part of a message's content."""
    if isinstance(part, str):
        return count(encoding, part)
    text = text_of_part(part, what)
    if text is not None:
        return count(encoding, text)
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


def text_of_part(part: Any, what: str) -> str | None:
    """Returns the text of a part of a message's content, or None if it is not text."""
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
    return sum(count(encoding, text) for text in texts if isinstance(text, str))
