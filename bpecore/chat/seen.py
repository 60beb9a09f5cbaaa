"""Messages as a model sees them, whatever API they are written for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Call(NamedTuple):
    """A call of a tool.

    Attributes:
        id: what its result names, or None.
        name: the tool's name.
        arguments: JSON, or the free text of a custom tool.
    """

    id: Any
    name: str
    arguments: str


class Cost(NamedTuple):
    """Something in a message that is not text.

    Attributes:
        place: where it is.
        kind: its type, as "image" or "input_audio".
        tokens: what it costs.
    """

    place: str
    kind: str
    tokens: int


@dataclass
class Seen:
    """A message as a model sees it, or a part of one that is a message of its own to the model.

    Attributes:
        position: the number of the caller's message.
        role: who speaks.
        name: the speaker's name, or for a result that of the tool.
        texts: the content's strings.
        reasoning: what the model thought first.
        costs: images and what else is not text.
        calls: calls of tools.
        is_result: whether it is a tool's result.
        call_id: the id of the call that a result answers, or None.
        leads: whether the next message must not be without it, as calls without their reasoning.
    """

    position: int
    role: str
    name: str | None = None
    texts: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    is_result: bool = False
    call_id: Any = None
    leads: bool = False
