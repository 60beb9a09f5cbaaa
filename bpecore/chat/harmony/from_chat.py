"""Messages and tools of other APIs as messages of the harmony format.

The mapping is that of vLLM, whose prompts the published format describes:

- A system message of the format comes first: the model's identity, dates, how much it reasons,
  built-in tools, channels.
- A first message of the role system or developer becomes the instructions of a developer message,
  which also has the functions. Later ones become developer messages of their own.
- A reply is a message of the channel `final`, its reasoning one of `analysis` before it, each call
  one of `commentary` with the content type `json`. What is said beside calls is `commentary`.
- A result comes from the function that its call names.
- Reasoning in front of the last final message is left out: models do not see it again.

Names of users, ids and `tool_choice` are not shown to the model.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import Any

from bpecore.chat.harmony.builtin_tools import TEXT_OF_NAME
from bpecore.chat.harmony.message import HarmonyMessage
from bpecore.chat.harmony.sections import developer_text, namespace_text, system_text
from bpecore.chat.harmony.tools import Tools
from bpecore.chat.seen import Seen

IDENTITY = "You are ChatGPT, a large language model trained by OpenAI."
KNOWLEDGE_CUTOFF = "2024-06"
CHANNELS = ("analysis", "commentary", "final")

INSTRUCTING_ROLES = ("system", "developer")


def instructions_of(seen: Sequence[Seen]) -> str | None:
    """Returns the instructions that a chat begins with, or None."""
    if seen and seen[0].role in INSTRUCTING_ROLES and seen[0].texts:
        return "".join(seen[0].texts)
    return None


def system_message(tools: Tools, effort: str | None, date: str | None) -> HarmonyMessage:
    """Returns the first message.

    Args:
        tools: the tools.
        effort: "low", "medium" or "high"; None means "medium".
        date: the current date; None means today's.
    """
    content = {
        "model_identity": IDENTITY,
        "knowledge_cutoff": KNOWLEDGE_CUTOFF,
        "conversation_start_date": datetime.date.today().isoformat() if date is None else date,
        "reasoning_effort": "medium" if effort is None else effort,
        "channel_config": {"valid_channels": CHANNELS, "channel_required": True},
    }
    builtin = {name: TEXT_OF_NAME[name] for name in tools.builtin.values()}
    return HarmonyMessage("system", [system_text(content, builtin, bool(tools.functions))])


def developer_message(
    tools: Tools, instructions: str | None, response_format: str
) -> HarmonyMessage | None:
    """Returns the second message, or None if there is nothing to say in it.

    Args:
        tools: the tools.
        instructions: what a chat begins with.
        response_format: the text of the section about the reply's format.
    """
    if not (instructions or tools.functions or response_format):
        return None
    functions = namespace_text("functions", None, tools.functions.values())
    shown = {"functions": functions} if tools.functions else {}
    return HarmonyMessage("developer", [developer_text(instructions, shown, response_format)])


def turns_of(seen: Sequence[Seen]) -> list[tuple[int, HarmonyMessage]]:
    """Returns messages of the format, each with the number of the caller's message.

    Args:
        seen: a whole chat; the instructions that it begins with are left out.

    Raises:
        ValueError: a message has a role that the format lacks.
    """
    names = {call.id: call.name for each in seen for call in each.calls if _is_id(call.id)}
    start = 1 if seen and seen[0].role in INSTRUCTING_ROLES else 0
    turns = [
        (message.position, turn) for message in seen[start:] for turn in _turns_of(message, names)
    ]
    last = next((i for i in range(len(turns) - 1, -1, -1) if turns[i][1].channel == "final"), -1)
    return [turn for i, turn in enumerate(turns) if i > last or turn[1].channel != "analysis"]


def _is_id(call_id: Any) -> bool:
    return isinstance(call_id, (str, int))


def _turns_of(message: Seen, names: dict[Any, str]) -> Iterator[HarmonyMessage]:
    if message.is_result:
        named = names.get(message.call_id) if _is_id(message.call_id) else None
        yield HarmonyMessage(
            "tool",
            ["".join(message.texts)],
            name=f"functions.{named or message.name or ''}",
            channel="commentary",
            recipient="assistant",
        )
    elif message.role == "user":
        yield HarmonyMessage("user", message.texts)
    elif message.role == "assistant":
        yield from _reply(message)
    elif message.role in INSTRUCTING_ROLES:
        if message.texts:
            yield HarmonyMessage("developer", [developer_text("".join(message.texts), {})])
    else:
        raise ValueError(
            f"messages[{message.position}].role: gpt-oss does not know it: {message.role!r:.80}"
        )


def _reply(message: Seen) -> Iterator[HarmonyMessage]:
    said, reasoning = any(message.texts), "".join(message.reasoning)
    if message.calls and said:
        yield HarmonyMessage("assistant", ["".join(message.texts)], channel="commentary")
    if reasoning:
        yield HarmonyMessage("assistant", [reasoning], channel="analysis")
    for call in message.calls:
        yield HarmonyMessage(
            "assistant",
            [call.arguments],
            channel="commentary",
            recipient=f"functions.{call.name}",
            content_type="json",
        )
    if said and not message.calls:
        yield HarmonyMessage("assistant", message.texts, channel="final")
