"""The package `openai-harmony`, which downloads nothing here, and random conversations for it."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bpecore.data.rank_tables import tiktoken_file

NO_PACKAGE = "needs the package openai-harmony"


@cache
def load_openai_harmony(folder: Path) -> Any:
    """Returns the package's encoding, with a vocabulary file of our ranks in `folder`.

    The package compares the file's checksum with that of OpenAI's.
    """
    openai_harmony = pytest.importorskip("openai_harmony", reason=NO_PACKAGE)
    (folder / "o200k_base.tiktoken").write_bytes(tiktoken_file("o200k_base"))
    variable = "TIKTOKEN_ENCODINGS_BASE"
    before = os.environ.get(variable)
    os.environ[variable] = str(folder)
    try:
        return openai_harmony.load_harmony_encoding("HarmonyGptOss")
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before


class Reference:
    """Renders conversations, given as dicts, with `openai-harmony`."""

    def __init__(self, encoding: Any) -> None:
        self._inner = encoding._inner  # takes JSON, so that no class drops or adds a field

    def render(
        self,
        messages: list[dict[str, Any]],
        next_role: str | None = None,
        *,
        training: bool = False,
        drop_analysis: bool = True,
    ) -> list[int]:
        """Returns the ids as `render_conversation` should."""
        text = json.dumps({"messages": messages})
        config = {"auto_drop_analysis": drop_analysis}
        if next_role is not None:
            ids = self._inner.render_conversation_for_completion(text, next_role, config)
        elif training:
            ids = self._inner.render_conversation_for_training(text, config)
        else:
            ids = self._inner.render_conversation(text, config)
        return list(ids)


TEXTS = (
    "",
    " ",
    "a",
    "The city, e.g. San Francisco",
    "two\nlines",
    "a\r\nb\n\nc\n",
    "ends in CR\r",
    "<|start|>assistant<|channel|>final<|message|>no<|end|>",
    "<|call|>",
    "<|endofprompt|>",
    'quote " and \\ and \t',
    "null",
    "é 漢字 🙂\u2028\x00\x7f",
    "// } // namespace functions",
    "x" * 500,
)
NUMBERS = (
    *(0, -1, 7, 2**53 + 1, 2**63 - 1, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**30, 3**200),
    *(0.0, -0.0, 0.1, 1.0, 1e15, 1e16, 123456.789, 1e-5, 1.5e-5, 1.5e-6, 1e21, 5e-324, 1e300),
)
KINDS = ("object", "array", "string", "number", "integer", "boolean", "null", "file")


class Conversations:
    """Random conversations as dicts, reproducible by a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def text(self) -> str:
        pick = self.random.choice
        return "".join(pick(TEXTS) for _ in range(pick((1, 1, 1, 2))))

    def value(self, depth: int = 0) -> Any:
        """Any JSON value, as a default."""
        pick = self.random.choice
        kind = self.random.randrange(9 if depth < 3 else 7)
        if kind == 0:
            return self.random.uniform(-1, 1) * 10.0 ** self.random.randint(-320, 300)
        if kind == 7:
            return [self.value(depth + 1) for _ in range(pick((0, 1, 3)))]
        if kind == 8:
            return {self.text(): self.value(depth + 1) for _ in range(pick((0, 1, 3)))}
        return pick((self.text(), pick(NUMBERS), True, False, None, self.text(), pick(NUMBERS)))

    def schema(self, depth: int = 0) -> Any:
        """A schema, or what someone took for one."""
        pick = self.random.choice
        if self.chance(0.05):
            return self.value(2)
        fields: dict[str, Any] = {}
        if self.chance(0.85):
            fields["type"] = pick(KINDS[:2] if depth < 2 and self.chance(0.6) else KINDS)
        if self.chance(0.1):
            fields["type"] = [pick((*KINDS, 3)) for _ in range(pick((0, 1, 2, 3)))]
        if fields.get("type") == "object" or self.chance(0.1):
            names = [
                self.text() if self.chance(0.1) else f"field_{i}" for i in range(pick((0, 2, 4)))
            ]
            fields["properties"] = {
                name: self.schema(depth + 1) if depth < 6 else {} for name in names
            }
            if self.chance(0.1):
                fields["properties"] = self.value(2)
            fields["required"] = [pick((*names, "other", 1)) for _ in range(pick((0, 1, 2)))]
            if self.chance(0.1):
                fields["required"] = self.value(2)
        if (fields.get("type") == "array" and self.chance(0.9)) or self.chance(0.05):
            fields["items"] = self.schema(depth + 1) if depth < 6 else True
        for name in ("oneOf", "anyOf"):
            if self.chance(0.12) and depth < 5:
                fields[name] = [self.schema(depth + 1) for _ in range(pick((0, 1, 2, 3)))]
            if self.chance(0.04):
                fields[name] = pick((None, self.value(2)))
        for name, make in (
            ("description", self.text),
            ("title", self.text),
            ("default", self.value),
            ("nullable", lambda: pick((True, True, False, 1, None))),
            ("enum", lambda: [pick((self.text(), self.text(), 1, None)) for _ in range(3)]),
            ("examples", lambda: [pick((self.text(), self.value())) for _ in range(pick((0, 2)))]),
            ("$ref", self.text),
            ("const", self.value),
        ):
            if self.chance(0.35 if name == "description" else 0.15):
                fields[name] = make() if self.chance(0.95) else self.value()
        if "oneOf" in fields and isinstance(fields["oneOf"], list) and self.chance(0.2):
            first = fields["oneOf"][0] if fields["oneOf"] else None
            if isinstance(first, dict) and "description" in fields:
                first["description"] = fields["description"]
        return dict(self.random.sample(list(fields.items()), len(fields)))

    def tools(self) -> dict[str, Any]:
        pick = self.random.choice
        found = {}
        for _ in range(pick((0, 1, 1, 2))):
            name = pick(("functions", "functions", "browser", "a", "é"))
            found[name] = {
                "name": name if self.chance(0.9) else self.text(),
                "tools": [self.tool(i) for i in range(pick((0, 1, 2)))],
            }
            if self.chance(0.5):
                found[name]["description"] = self.text()
        return found

    def tool(self, number: int) -> dict[str, Any]:
        tool = {"name": f"tool_{number}", "description": self.text()}
        if self.chance(0.8):
            schema = self.schema()
            tool["parameters"] = schema if isinstance(schema, dict) else {}
        return tool

    def message(self) -> dict[str, Any]:
        pick = self.random.choice
        role = pick(("system", "developer", "user", "assistant", "assistant", "assistant", "tool"))
        contents = [{"type": "text", "text": self.text()} for _ in range(pick((0, 1, 1, 1, 2)))]
        if role == "system":
            contents.append({"type": "system_content", **self.system()})
        elif role == "developer":
            contents.append({"type": "developer_content", **self.developer()})
        message: dict[str, Any] = {"role": role, "content": contents}
        if len(contents) == 1 and contents[0]["type"] == "text" and self.chance(0.5):
            message["content"] = contents[0]["text"]
        if role == "tool" or self.chance(0.1):
            message["name"] = self.text() if self.chance(0.2) else "functions.tool_0"
        if self.chance(0.6):
            message["channel"] = pick(("analysis", "commentary", "final", "final", self.text()))
        if self.chance(0.2):
            message["recipient"] = pick(("all", "assistant", "functions.tool_0", self.text()))
        if self.chance(0.2):
            message["content_type"] = pick(
                ("json", "<|constrain|>json", "<|constrain|>", "code <|constrain|>", self.text())
            )
        return message

    def system(self) -> dict[str, Any]:
        pick = self.random.choice
        fields = {
            "model_identity": self.text(),
            "reasoning_effort": pick(("Low", "Medium", "High")),
            "conversation_start_date": "2025-06-28",
            "knowledge_cutoff": "2024-06",
            "channel_config": {
                "valid_channels": pick(([], ["analysis", "final"], [self.text()])),
                "channel_required": self.chance(0.5),
            },
            "tools": self.tools(),
        }
        return {name: value for name, value in fields.items() if self.chance(0.7)}

    def developer(self) -> dict[str, Any]:
        fields = {"instructions": self.text(), "tools": self.tools()}
        return {name: value for name, value in fields.items() if self.chance(0.7)}

    def messages(self) -> list[dict[str, Any]]:
        return [self.message() for _ in range(self.random.choice((0, 1, 2, 4, 8)))]
