"""Random chats as users of three APIs send them, with much that is wrong or odd."""

from __future__ import annotations

import re
from typing import Any

from harmony_reference import Conversations

from bpecore.chat import num_tokens_from_messages

MODELS = (
    *("gpt-oss-120b", "gpt-4o", "gpt-3.5-turbo", "gpt-4", "gpt-5-mini", "o3", "gpt-4.1-mini"),
    *("gpt-4o-mini", "openai/gpt-5.4"),
)
PLACE = re.compile(
    r"(messages|tools|functions|tool_choice|function_call|response_format|reasoning_effort)\b.*: ",
    re.DOTALL,
)
GIF = "R0lGODlhAgABAAAAADs="
IMAGE = f"data:image/gif;base64,{GIF}"


def counted_or_refused(messages: Any, model: str, request: dict[str, Any]) -> int | None:
    """Returns the count, or None if the chat is refused; raises errors that name no place."""
    try:
        return num_tokens_from_messages(messages, model, **request)
    except (KeyError, TypeError, ValueError) as error:
        if PLACE.match(str(error.args[0])):
            return None
        raise


class HostileChats(Conversations):
    """Random chats, reproducible by a seed."""

    def pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def chat(self) -> tuple[list[Any], str, dict[str, Any]]:
        """Returns messages, a model, and what else a request has."""
        messages = [self.any_message() for _ in range(self.pick(0, 1, 2, 4, 8))]
        request: dict[str, Any] = {}
        if self.chance(0.4):
            request["tools"] = [self.any_tool() for _ in range(self.pick(0, 1, 2))]
        if self.chance(0.5):
            request["costs"] = {"*": 7}
        for name, make in (
            ("functions", lambda: [{"name": "f", "parameters": self.schema()}]),
            ("reasoning_effort", lambda: self.pick("low", "high")),
            ("response_format", self.response_format),
            ("tool_choice", lambda: self.pick("auto", "none", {"type": "tool", "name": "f"})),
        ):
            if self.chance(0.1):
                request[name] = make() if self.chance(0.8) else self.junk()
        return messages, self.pick(*MODELS), request

    def junk(self) -> Any:
        """What does not belong where it is."""
        return self.pick(
            *(None, True, False, 0, -1, 3.5, float("nan"), 10**30, "", "x", b"b", ("t",)),
            *([], {}, [None], {"type": None}, {"a": [1]}, object()),
        )

    def response_format(self) -> dict[str, Any]:
        schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": self.schema()}}
        return self.pick(schema, {"type": "text"})

    def any_message(self) -> Any:
        if self.chance(0.15):
            return self.item()
        role = self.pick("system", "developer", "user", "user", "assistant", "tool", "function")
        message: dict[str, Any] = {"role": role, "content": self.content()}
        if role == "assistant" and self.chance(0.6):
            message["tool_calls"] = [self.call() for _ in range(self.pick(0, 1, 1, 3))]
        if role == "tool":
            message["tool_call_id"] = self.call_id()
        for name, chance in (("name", 0.1), ("reasoning_content", 0.1), ("refusal", 0.05)):
            if self.chance(chance):
                message[name] = self.text()
        if self.chance(0.05):
            message["function_call"] = {"name": "f", "arguments": self.text()}
        if self.chance(0.03):
            message["audio"] = {"id": "a"}
        return self.damaged(message)

    def damaged(self, fields: dict[str, Any]) -> Any:
        """Returns fields of which one may be wrong or missing."""
        if self.chance(0.03):
            fields[self.pick(*fields)] = self.junk()
        if self.chance(0.02):
            del fields[self.pick(*fields)]
        return self.junk() if self.chance(0.01) else fields

    def content(self) -> Any:
        if self.chance(0.7):
            return self.pick(self.text(), self.text(), self.text(), None)
        return [self.part() for _ in range(self.pick(0, 1, 2, 3))]

    def part(self) -> Any:
        detail = self.pick("low", "high", "auto", None)
        source = {"type": "base64", "media_type": "image/gif", "data": GIF}
        found = self.pick(self.text(), [{"type": "text", "text": self.text()}], None)
        part = self.pick(
            {"type": "text", "text": self.text(), "cache_control": {"type": "ephemeral"}},
            {"type": "input_text", "text": self.text()},
            {"type": "output_text", "text": self.text(), "annotations": []},
            {"type": "refusal", "refusal": self.text()},
            {"type": "image_url", "image_url": {"url": IMAGE, "detail": detail}},
            {"type": "input_image", "image_url": IMAGE},
            {"type": "image", "source": source},
            {"type": "thinking", "thinking": self.text(), "signature": "x" * 100},
            {"type": "tool_use", "id": self.call_id(), "name": "f", "input": self.value()},
            {"type": "tool_result", "tool_use_id": self.call_id(), "content": found},
            {"type": "document", "source": {"type": "text", "data": self.text()}, "title": "t"},
            {"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}},
            {"type": "file", "file": {"file_id": "f"}},
        )
        return self.text() if self.chance(0.05) else self.damaged(part)

    def call_id(self) -> str:
        return self.pick("c0", "c1", "c2")

    def call(self) -> Any:
        arguments = self.pick(self.text(), "{}", '{"a":1}', self.value(), None)
        function = {"name": self.pick("f", "g", self.text()), "arguments": arguments}
        custom = {"name": "f", "input": self.text()}
        return self.damaged(
            self.pick(
                {"id": self.call_id(), "type": "function", "function": function},
                {"id": self.call_id(), "type": "function", "function": function},
                {"id": self.call_id(), "type": "custom", "custom": custom},
            )
        )

    def item(self) -> Any:
        """An item of the Responses API."""
        call = {"call_id": self.call_id(), "name": self.pick("f", "g"), "id": "i"}
        result = {"call_id": self.call_id()}
        said = [{"type": "input_text", "text": self.text()}]
        return self.damaged(
            self.pick(
                {"type": "message", "role": "user", "content": said},
                {"type": "function_call", "arguments": self.text(), **call},
                {"type": "function_call_output", "output": self.pick(self.text(), said), **result},
                {"type": "custom_tool_call", "input": self.text(), **call},
                {"type": "custom_tool_call_output", "output": self.text(), **result},
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": self.text()}]},
                {
                    "type": "reasoning",
                    "summary": [],
                    "content": [{"type": "reasoning_text", "text": self.text()}],
                },
                {"type": "web_search_call", "id": "w", "status": "completed"},
            )
        )

    def any_tool(self) -> Any:
        schema = self.schema()
        if self.chance(0.3):
            reference = {"$ref": self.pick("#", "#/$defs/a", "#/$defs/a", "#/nope", 3)}
            properties = {"x": {"$ref": "#/$defs/a"}, "y": reference}
            definitions = {"a": {"type": "object", "properties": {"z": reference}}}
            schema = {"type": "object", "properties": properties, "$defs": definitions}
        function = {"name": "f", "description": self.text(), "parameters": schema}
        grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": self.text()}}
        return self.damaged(
            self.pick(
                {"type": "function", "function": function},
                {"type": "function", "strict": True, **function},
                {"name": "f", "input_schema": schema},
                {"type": "custom", "custom": {"name": "f", "format": grammar}},
                {"type": "web_search"},
            )
        )
