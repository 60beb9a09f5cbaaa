"""Chats that are large, deep or hostile: linear time, and no limit of recursion."""

from __future__ import annotations

import gc
import sys
import time
from typing import Any, Callable

import pytest

from bpecore.chat import num_tokens_from_messages, truncate_tokens_from_messages

MODEL = "gpt-4o"


def messages(number: int) -> Any:
    return [{"role": "user", "content": "hello"} for _ in range(number)], {}


def calls_at_once(number: int) -> Any:
    names = [f"c{each}" for each in range(number)]
    calls = [{"id": name, "function": {"name": "f", "arguments": "{}"}} for name in names]
    results = [{"role": "tool", "tool_call_id": name, "content": "é"} for name in names]
    return [{"role": "assistant", "tool_calls": calls}, *results], {}


def items(number: int) -> Any:
    call = {"type": "function_call", "name": "f", "arguments": "{}"}
    return [{**call, "call_id": f"c{each}"} for each in range(number)], {}


def parts(number: int) -> Any:
    return [{"role": "user", "content": [{"type": "text", "text": "x"}] * number}], {}


def tools(number: int) -> Any:
    schema = {"type": "object", "properties": {"x": {"$ref": "#/$defs/x"}}, "$defs": {"x": True}}
    return [], {"tools": [{"name": f"f{each}", "parameters": schema} for each in range(number)]}


def properties(number: int) -> Any:
    names = {f"p{each}": {"type": "string", "enum": ["a"]} for each in range(number)}
    schema = {"type": "object", "properties": names, "required": list(names)}
    return [], {"tools": [{"name": "f", "parameters": schema}]}


def long_names(number: int) -> Any:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(50):
        schema = {"type": "object", "properties": {"x" * number: schema}}
    return [], {"tools": [{"name": "f", "parameters": schema}]}


def nested_text(number: int) -> Any:
    return [
        {
            "role": "assistant",
            "tool_calls": [
                {"function": {"name": name, "arguments": "[" * number}} for name in "fg"
            ],
        }
    ], {}


MAKERS = [messages, calls_at_once, items, parts, tools, properties, long_names, nested_text]


def seconds(call: Callable[..., Any], chat: Any, *arguments: Any) -> float:
    """Returns the thread's processor time, without that of collecting the test run's objects."""
    given, options = chat
    gc.disable()
    start = time.thread_time()
    try:
        call(given, MODEL, *arguments, **options)
        return time.thread_time() - start
    finally:
        gc.enable()


def grows_linearly(call: Callable[..., Any], make: Any, *arguments: Any) -> bool:
    """Returns whether twenty times as much takes at most a hundred times as long, once in five."""
    few, many = make(1_000), make(20_000)
    return any(
        seconds(call, many, *arguments) < 100 * max(0.001, seconds(call, few, *arguments))
        for _ in range(5)
    )


@pytest.mark.parametrize("make", MAKERS)
def test_time_is_linear(make: Any) -> None:
    assert grows_linearly(num_tokens_from_messages, make)


def test_cutting_is_linear() -> None:
    assert grows_linearly(truncate_tokens_from_messages, messages, 1_000)


def deep(levels: int, wrap: Callable[[Any], Any]) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = wrap(value)
    return value


WRAPS = [lambda value: [value], lambda value: {"x": value}, lambda value: {"items": value}]


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("levels", [90, 150, 100_000])
def test_depth(wrap: Any, levels: int) -> None:
    """A count, or an error that says where; also with little of the stack left."""
    value = deep(levels, wrap)
    schema = deep(levels, lambda inner: {"anyOf": [inner]} if inner != "x" else {})
    call = {"function": {"name": "f", "arguments": value}}
    use = {"type": "tool_use", "name": "f", "input": value}
    for chat, options in (
        ([{"role": "user", "content": value}], {}),
        ([{"role": value}], {}),
        ([value], {}),
        ([{"role": "assistant", "tool_calls": [call]}], {}),
        ([{"role": "assistant", "content": [use]}], {}),
        ([], {"tools": [{"name": "f", "parameters": value}]}),
        ([], {"tools": [{"name": "f", "parameters": {"properties": {"y": value}}}]}),
        ([], {"tools": [{"name": "f", "parameters": {"properties": {"y": schema}}}]}),
        ([], {"tools": value}),
        ([], {"response_format": {"type": "json_schema", "name": "n", "schema": value}}),
    ):
        for model in (MODEL, "gpt-oss-120b"):
            try:
                assert num_tokens_from_messages(chat, model, **options) > 0
            except (TypeError, ValueError) as error:
                assert str(error).startswith(("messages", "tools", "response_format"))  # noqa: PT017


def test_little_of_the_stack_left() -> None:
    schema = deep(95, lambda inner: {"properties": {"x": inner}} if inner != "x" else True)
    tools = [{"name": "f", "parameters": schema}]
    expected = num_tokens_from_messages([], MODEL, tools=tools)

    def descend(levels: int) -> int:
        if levels:
            return descend(levels - 1)
        return num_tokens_from_messages([], MODEL, tools=tools)

    assert descend(sys.getrecursionlimit() // 3) == expected


def test_numbers_with_many_digits() -> None:
    number = 10**5000
    for chat, options in (
        ([{"role": number}], {}),
        ([{"role": "user", "content": number}], {}),
        ([], {"tools": [{"name": "f", "parameters": {"properties": {"x": {"enum": [number]}}}}]}),
    ):
        with pytest.raises((TypeError, ValueError), match=r"^(messages|tools)\["):
            num_tokens_from_messages(chat, MODEL, **options)
