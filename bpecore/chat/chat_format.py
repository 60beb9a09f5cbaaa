"""What messages cost in the format of OpenAI's servers.

A message is a header with its role, a content, and an end: three tokens besides its strings. A call
is a message of the assistant whose header also says whom it is for, ` to=functions.get_weather`,
and its result a message whose role is the tool's name.

Several calls at once are one call of a tool `multi_tool_use.parallel` with all of them in its
arguments, and their results are one message of it with a list of all results in JSON, in which
characters above ASCII are escapes.

Sources: OpenAI's cookbook for messages; counts that users of the API published for calls (one, two
and three calls: 40, 89 and 114 tokens), which this format gives exactly. It is not documented.
"""

from __future__ import annotations

import json

from bpecore.chat.rules import Rules
from bpecore.chat.seen import Call, Seen
from bpecore.chat.tally import Tally

TOKENS_PER_REPLY = 3
"""Tokens that start every reply."""

PARALLEL = "multi_tool_use.parallel"
INSTRUCTING_ROLES = ("system", "developer")


def tally_messages(
    tally: Tally, messages: list[Seen], rules: Rules, *, with_tools: bool = False
) -> bool:
    """Adds messages to a tally.

    Args:
        tally: where to add them.
        messages: the messages.
        rules: the model's rules.
        with_tools: whether the chat has tools, which are written after the first system message,
            or after that of the developer.

    Returns:
        Whether there is a message after which tools are written.
    """
    number, has_instructions = 0, False
    while number < len(messages):
        message = messages[number]
        number += 1
        if message.calls:
            end = number
            while end < len(messages) and messages[end].is_result:
                end += 1
            _tally_calls(tally, message, messages[number:end], rules)
            number = end
        elif with_tools and not has_instructions and message.role in INSTRUCTING_ROLES:
            has_instructions = True
            _tally_message(tally, message, rules, end="\n")
        else:
            _tally_message(tally, message, rules)
    return has_instructions


def _tally_message(tally: Tally, message: Seen, rules: Rules, end: str = "") -> None:
    if message.is_result:
        # The name of a result's tool stands in place of the role.
        header, fixed = [message.name or message.role], rules.per_message
    elif message.name is None:
        header, fixed = [message.role], rules.per_message
    else:
        header, fixed = [message.role, message.name], rules.per_message + rules.per_name
    texts = message.reasoning + message.texts
    if end:
        texts = [*texts[:-1], texts[-1] + end] if texts else [end]
    tally.add("message", message.position, fixed, header + texts)
    _tally_costs(tally, message)


def _tally_costs(tally: Tally, message: Seen) -> None:
    for place, kind, tokens in message.costs:
        tally.add(kind, place, tokens)


def _tally_calls(tally: Tally, message: Seen, results: list[Seen], rules: Rules) -> None:
    """Adds a message with calls, and the results that follow it."""
    fixed = rules.per_message + (rules.per_name if message.name else 0)
    header = [message.role] if message.name is None else [message.role, message.name]
    texts = header + message.reasoning + message.texts
    calls = message.calls
    names = {call.id: call.name for call in calls if isinstance(call.id, str)}
    if len(calls) == 1:
        texts += [f" to=functions.{calls[0].name}", calls[0].arguments]
        together: list[Seen] = []
    else:
        texts += [f" to={PARALLEL}", parallel_text(calls)]
        together = [each for each in results if _is_of(each, names)]
    tally.add("message", message.position, fixed, texts)
    _tally_costs(tally, message)
    if together:
        contents = json.dumps(["".join(each.texts) for each in together])
        tally.add("message", together[0].position, rules.per_message, (PARALLEL, contents))
    for each in results:
        if len(calls) > 1 and _is_of(each, names):
            _tally_costs(tally, each)
            continue
        if each.name is None and each.role == "tool":
            each.name = calls[0].name if len(calls) == 1 else names.get(each.call_id)
        _tally_message(tally, each, rules)


def _is_of(result: Seen, names: dict[str, str]) -> bool:
    """Returns whether a result answers a call with one of the ids, or names no call."""
    return result.call_id is None or not isinstance(result.call_id, str) or result.call_id in names


def parallel_text(calls: list[Call]) -> str:
    """Returns the arguments of a call that makes several calls.

    Example:
        >>> parallel_text([Call("a", "f", '{"x":1}'), Call("b", "g", "no JSON")])
        '{"tool_uses": [{"recipient_name": "f", "parameters": {"x": 1}}, \
{"recipient_name": "g", "parameters": "no JSON"}]}'
    """
    uses = [{"recipient_name": call.name, "parameters": call.arguments} for call in calls]
    try:
        return json.dumps({"tool_uses": [{**use, **_parsed(use)} for use in uses]})
    except RecursionError:
        return json.dumps({"tool_uses": uses})


def _parsed(use: dict[str, str]) -> dict[str, object]:
    """Returns parameters as a value, or nothing if they are not JSON."""
    try:
        return {"parameters": json.loads(use["parameters"])}
    except ValueError:
        return {}
