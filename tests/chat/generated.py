"""Makes chats of every kind, right and wrong, from a source of chance."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any

URL = "data:image/gif;base64,R0lGODlhAgABAAAAADs="
TEXTS = ("", "hello", "How much is it?", "Ünïcödé 漢字 🌊", "a <|endoftext|> b", "\ud800", "x" * 50)
ODD: tuple[Any, ...] = (
    None,
    5,
    -1.5,
    float("nan"),
    True,
    b"x",
    "x",
    [],
    {},
    [[]],
    {1: 2},
    {3},
    ...,
)
KINDS = ("string", "integer", "number", "boolean", "null", "array", "object", "strange")


def text(chance: Random) -> str:
    return chance.choice(TEXTS) * chance.choice((1, 1, 1, 3, 400))


def odd(chance: Random) -> Any:
    thing = chance.choice(ODD)
    for _ in range(chance.choice((0, 0, 0, 0, 3, 150, 5000))):
        thing = chance.choice(([thing], {"x": thing}))
    return thing


def schema(chance: Random, depth: int = 0) -> Any:
    """Returns a schema, with up to a dozen values per level, or something odd in its place."""
    roll = chance.random()
    if roll < 0.02:
        return odd(chance)
    if roll < 0.06:
        return chance.choice((True, False, {}))
    if roll < 0.14:
        return {"$ref": chance.choice(("#", "#/$defs/a", "#/$defs/b", "#/$defs/none", "x.json"))}
    if roll < 0.22:
        word = chance.choice(("anyOf", "oneOf", "allOf"))
        return {word: [schema(chance, depth + 1) for _ in range(chance.randrange(4))]}
    if roll < 0.3:
        return {"enum": [chance.choice(("a", 1, None, 2.5, [1], {})) for _ in range(3)]}
    kind = chance.choice(KINDS) if depth < 5 else "string"
    made: dict[str, Any] = {"type": kind}
    if chance.random() < 0.05:
        made["type"] = chance.choice((["string", "null"], odd(chance)))
    if chance.random() < 0.4:
        made["description"] = text(chance)
    if kind == "array" and chance.random() < 0.9:
        made["items"] = schema(chance, depth + 1)
    if kind == "object":
        names = [f"{chance.choice('abc')}{number}" for number in range(chance.randrange(5))]
        made["properties"] = {name: schema(chance, depth + 1) for name in names}
        if chance.random() < 0.5:
            made["required"] = names[:2]
    return made


def parameters(chance: Random) -> Any:
    if chance.random() < 0.05:
        return odd(chance)
    made = {"type": "object", "properties": {"x": schema(chance), "y": schema(chance)}}
    if chance.random() < 0.5:
        made["$defs"] = {"a": schema(chance), "b": {"properties": {"c": {"$ref": "#/$defs/b"}}}}
    return made


def tool(chance: Random) -> Any:
    made: dict[str, Any] = {"name": f"tool_{chance.randrange(9)}", "description": text(chance)}
    roll = chance.random()
    if roll < 0.6:
        made["parameters"] = parameters(chance)
        return {"type": "function", "function": made}
    if roll < 0.7:
        return {"type": "function", **made, "parameters": parameters(chance)}
    if roll < 0.8:
        return {**made, "input_schema": parameters(chance)}
    if roll < 0.9:
        return {"type": "custom", "custom": made}
    return chance.choice(({"type": "web_search"}, {"type": "unknown"}, made, odd(chance)))


def part(chance: Random) -> Any:
    return chance.choice(
        (
            {"type": "text", "text": text(chance)},
            {"type": "input_text", "text": text(chance)},
            {"type": "image_url", "image_url": {"url": URL}},
            {"type": "image_url", "image_url": {"url": "https://example.com/x", "detail": "low"}},
            {"type": "input_audio", "input_audio": {"data": "AAAA"}},
            {"type": "thinking", "thinking": text(chance), "signature": "x"},
            {"type": "document", "source": {"type": "text", "data": text(chance)}},
            text(chance),
            {"type": "text"},
            odd(chance),
        )
    )


def content(chance: Random) -> Any:
    roll = chance.random()
    if roll < 0.7:
        return text(chance)
    if roll < 0.97:
        return [part(chance) for _ in range(chance.randrange(4))]
    return odd(chance)


def arguments(chance: Random) -> Any:
    known = ('{"x": 1}', "{}", "no JSON", "[" * 5000, {"x": [1, 2]}, None, '{"città": "Łódź"}')
    return chance.choice((*known, odd(chance)) if chance.random() < 0.1 else known)


def turn(chance: Random) -> list[Any]:
    """Returns a message, or calls with their results, mostly right."""
    number = chance.randrange(10**6)
    names = [f"call_{number}_{each}" for each in range(chance.choice((1, 1, 1, 2, 3)))]
    roll = chance.random()
    if roll < 0.55:
        role = chance.choice(("user", "assistant", "user", "assistant", "system", "developer"))
        message = {"role": role, "content": content(chance)}
        if chance.random() < 0.1:
            message["name"] = chance.choice(("anna", "", odd(chance)))
        return [SimpleNamespace(**message) if chance.random() < 0.1 else message]
    if roll < 0.58:  # as LangChain writes it
        call = [{"name": "f", "args": {"x": 1}, "id": name, "type": "tool_call"} for name in names]
        return [
            {"type": "ai", "content": content(chance) or "", "tool_calls": call},
            *({"type": "tool", "tool_call_id": name, "content": text(chance)} for name in names),
        ]
    if roll < 0.75:
        calls = [
            {
                "id": name,
                "type": "function",
                "function": {"name": "tool_1", "arguments": arguments(chance)},
            }
            for name in names
        ]
        results = [
            {"role": "tool", "tool_call_id": name, "content": content(chance)} for name in names
        ]
        return [{"role": "assistant", "content": None, "tool_calls": calls}, *results]
    if roll < 0.85:
        return [
            *(
                {"type": "function_call", "call_id": name, "name": "f", "arguments": "{}"}
                for name in names
            ),
            *(
                {"type": "function_call_output", "call_id": name, "output": text(chance)}
                for name in names
            ),
        ]
    if roll < 0.93:
        uses = [
            {"type": "tool_use", "id": name, "name": "f", "input": {"x": text(chance)}}
            for name in names
        ]
        results = [
            {"type": "tool_result", "tool_use_id": name, "content": text(chance)} for name in names
        ]
        return [{"role": "assistant", "content": uses}, {"role": "user", "content": results}]
    if roll < 0.97:
        return [{"role": "tool", "tool_call_id": "nobody", "content": text(chance)}]
    wrong = (
        {"role": "user"},
        {"content": "x"},
        {"role": "user", "parts": odd(chance)},
        {"type": "mystery"},
        {"role": odd(chance)},
    )
    return [chance.choice((*wrong, odd(chance)))]


def chat(chance: Random) -> tuple[list[Any], dict[str, Any]]:
    """Returns messages, and the options that go with them."""
    turns = chance.choice((0, 1, 2, 3, 5, 8))
    messages = [message for _ in range(turns) for message in turn(chance)]
    options: dict[str, Any] = {"costs": {"*": 10}} if chance.random() < 0.7 else {}
    if chance.random() < 0.4:
        options["tools"] = [tool(chance) for _ in range(chance.randrange(4))]
    if chance.random() < 0.1:
        options["tool_choice"] = chance.choice(("auto", "none", {"name": "f"}, odd(chance)))
    if chance.random() < 0.1:
        named = {"name": "n", "schema": schema(chance)}
        options["response_format"] = {"type": "json_schema", "json_schema": named}
    return messages, options
