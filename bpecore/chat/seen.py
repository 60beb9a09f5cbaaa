"""Messages as a model sees them, whatever API they are written for."""

from __future__ import annotations

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

    __slots__ = (
        "call_id",
        "calls",
        "costs",
        "is_result",
        "leads",
        "name",
        "position",
        "reasoning",
        "role",
        "texts",
    )

    def __init__(self, position: int, role: str, name: str | None = None) -> None:
        self.position = position
        self.role = role
        self.name = name
        self.texts: list[str] = []
        self.reasoning: list[str] = []
        self.costs: list[Cost] = []
        self.calls: list[Call] = []
        self.is_result = False
        self.call_id: Any = None
        self.leads = False

    @classmethod
    def result(cls, position: int, call_id: Any) -> Seen:
        """Returns an empty result of a tool."""
        seen = cls(position, "tool")
        seen.is_result, seen.call_id = True, call_id
        return seen
