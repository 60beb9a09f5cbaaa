"""The texts of system and developer messages in the harmony format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bpecore.chat.harmony.schema import check_schema, type_of

EFFORTS = ("low", "medium", "high")

CALLS_LINE = "Calls to these tools must go to the commentary channel: 'functions'."


def system_text(content: Mapping[str, Any], with_functions: bool) -> str:
    """Returns the text of a system message.

    Args:
        content: what is shown, each only if it is given: `model_identity`, `knowledge_cutoff` and
            `conversation_start_date` (strings), `reasoning_effort` (one of `EFFORTS`), `tools`
            (as `tools_section` takes them) and `channel_config`, a dict of `valid_channels` and
            `channel_required`.
        with_functions: whether a developer message of the conversation has functions.
    """
    lines = (
        ("", content.get("model_identity")),
        ("Knowledge cutoff: ", content.get("knowledge_cutoff")),
        ("Current date: ", content.get("conversation_start_date")),
    )
    about = [f"{label}{value}" for label, value in lines if value is not None]
    sections = ["\n".join(about)] if about else []
    effort = content.get("reasoning_effort")
    if effort is not None:
        sections.append(f"Reasoning: {effort_name(effort)}")
    if content.get("tools"):
        sections.append(tools_section(content["tools"]))
    channels = content.get("channel_config") or {}
    if channels.get("valid_channels"):
        line = f"# Valid channels: {', '.join(channels['valid_channels'])}."
        if channels.get("channel_required"):
            line += " Channel must be included for every message."
        sections.append(f"{line}\n{CALLS_LINE}" if with_functions else line)
    return "\n\n".join(sections)


def effort_name(effort: Any) -> str:
    """Returns how much a model reasons, in lower case.

    Raises:
        ValueError: it is none of `EFFORTS`.
    """
    name = effort.lower() if isinstance(effort, str) else effort
    if name not in EFFORTS:
        raise ValueError(f"the reasoning_effort of gpt-oss is one of {EFFORTS}, not {effort!r:.80}")
    return str(name)


def developer_text(content: Mapping[str, Any]) -> str:
    """Returns the text of a developer message.

    Args:
        content: what is shown, each only if it is given: `instructions` (a string), `tools` (as
            `tools_section` takes them) and `response_format` (a dict of `name`, `description` and
            `schema`, whose values are strings).
    """
    sections = []
    if content.get("instructions") is not None:
        sections.append(instructions_text(content["instructions"]))
    if content.get("tools"):
        sections.append(tools_section(content["tools"]))
    answer = content.get("response_format")
    if answer is not None:
        about = "".join(f"// {line}\n" for line in lines_of(answer.get("description") or ""))
        sections.append(f"# Response Formats\n\n## {answer['name']}\n\n{about}{answer['schema']}")
    return "\n\n".join(sections)


def instructions_text(instructions: str) -> str:
    """Returns instructions with their heading."""
    return f"# Instructions\n\n{instructions}"


def tools_section(namespaces: Mapping[str, Mapping[str, Any]]) -> str:
    """Returns the section of tools.

    Args:
        namespaces: dicts of `name`, `description` (a string, or None) and `tools` (as `tool_text`
            takes them); they are shown in the order of their keys.
    """
    shown = [namespace_text(namespaces[key]) for key in sorted(namespaces)]
    return "\n\n".join(["# Tools", *shown])


def namespace_text(namespace: Mapping[str, Any]) -> str:
    """Returns a namespace with its heading."""
    name, tools = namespace["name"], namespace.get("tools") or ()
    about = lines_of(namespace.get("description") or "")
    heading = f"## {name}\n"
    if not tools:
        return "\n".join([heading, *about])
    comments = "".join(f"// {line}\n" for line in about)
    body = "".join(map(tool_text, tools))
    return f"{heading}\n{comments}namespace {name} {{\n\n{body}}} // namespace {name}"


def tool_text(tool: Mapping[str, Any]) -> str:
    """Returns a tool's description and type.

    Args:
        tool: a dict of `name`, `description` (strings) and `parameters` (a schema, or None).

    Raises:
        ValueError: the schema is too deep or too large.

    Example:
        >>> tool_text({"name": "now", "description": "The time.", "parameters": None})
        '// The time.\\ntype now = () => any;\\n\\n'
    """
    name, schema = tool["name"], tool.get("parameters")
    comments = "".join(f"// {line}\n" for line in lines_of(tool.get("description") or ""))
    if schema is None:
        return f"{comments}type {name} = () => any;\n\n"
    check_schema(schema, f"the schema of the tool {name!r:.80}")
    return f"{comments}type {name} = (_: {type_of(schema)}) => any;\n\n"


def lines_of(text: str) -> Iterable[str]:
    """Returns the lines of a text without their ends, LF or CR LF; an empty last one is none."""
    *lines, last = text.split("\n")
    lines = [line[:-1] if line.endswith("\r") else line for line in lines]
    return [*lines, last] if last else lines
