"""Where the tokens of a chat go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Part(NamedTuple):
    """A part of a chat and what it costs.

    Attributes:
        place: where it is, as `messages[3].content[1]`, or what it is.
        kind: "message", "tool", "image", the type of something else in a message, or "frame" for
            what belongs to no message and no tool.
        tokens: what it costs, without the parts inside it.
    """

    place: str
    kind: str
    tokens: int


@dataclass(frozen=True)
class Explanation:
    """Tokens of a chat, part by part; as a string, a table.

    Attributes:
        total: all tokens; what `num_tokens_from_messages` returns without `explain`.
        parts: what they are for; their tokens add up to the total.
        messages: tokens of each message, with the images and other things in it.
        tools: tokens of each tool.
        images: tokens of each image, in order.
        model: the model's name.
        source: where the rules for the model come from.
        date: when they were measured or published.

    Example:
        >>> from bpecore.chat import num_tokens_from_messages
        >>> messages = [{"role": "user", "content": "hello world"}]
        >>> explanation = num_tokens_from_messages(messages, "gpt-4o", explain=True)
        >>> for part in explanation.parts:
        ...     print(part.tokens, part.place)
        6 messages[0]
        3 start of the reply
        >>> int(explanation)
        9
    """

    total: int
    parts: tuple[Part, ...]
    messages: tuple[int, ...]
    tools: tuple[int, ...]
    images: tuple[int, ...]
    model: str
    source: str
    date: str

    def __int__(self) -> int:
        return self.total

    def __str__(self) -> str:
        width = max([len(part.place) for part in self.parts], default=0)
        lines = [f"{part.tokens:>8}  {part.place:<{width}}  {part.kind}" for part in self.parts]
        lines.append(f"{self.total:>8}  in total, by the rules for {self.model} ({self.date})")
        return "\n".join([*lines, f"{'':>8}  {self.source}"])
