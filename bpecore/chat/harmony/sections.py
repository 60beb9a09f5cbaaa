"""The texts of system and developer messages in the harmony format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bpecore.chat.harmony.schema import check_schema, type_of

EFFORTS = ("low", "medium", "high")

CALLS_LINE = "Calls to these tools must go to the commentary channel: 'functions'."


def system_text(content: Mapping[str, Any], tools: Mapping[str, str], with_functions: bool) -> str:
    """Returns the text of a system message.

    Args:
        content: what is shown, each only if it is given: `model_identity`, `knowledge_cutoff` and
            `conversation_start_date` (strings), `reasoning_effort` (one of `EFFORTS`) and
            `channel_config`, a dict of `valid_channels` and `channel_required`.
        tools: as for `tools_section`.
        with_functions: whether a developer message of the conversation has functions.

    Raises:
        ValueError: the `reasoning_effort` is unknown.
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
        name = effort.lower() if isinstance(effort, str) else effort
        if name not in EFFORTS:
            known = ", ".join(EFFORTS)
            raise ValueError(f"reasoning_effort: must be one of {known}, not {effort!r:.80}")
        sections.append(f"Reasoning: {name}")
    if tools:
        sections.append(tools_section(tools))
    channels = content.get("channel_config") or {}
    if channels.get("valid_channels"):
        line = f"# Valid channels: {', '.join(channels['valid_channels'])}."
        if channels.get("channel_required"):
            line += " Channel must be included for every message."
        sections.append(f"{line}\n{CALLS_LINE}" if with_functions else line)
    return "\n\n".join(sections)


def developer_text(
    instructions: str | None, tools: Mapping[str, str], response_format: str = ""
) -> str:
    """Returns the text of a developer message.

    Args:
        instructions: what is called the system prompt elsewhere.
        tools: as for `tools_section`.
        response_format: the section about the format of the reply.
    """
    sections = [] if instructions is None else [instructions_text(instructions)]
    if tools:
        sections.append(tools_section(tools))
    if response_format:
        sections.append(response_format)
    return "\n\n".join(sections)


def instructions_text(instructions: str) -> str:
    """Returns instructions with their heading."""
    return f"# Instructions\n\n{instructions}"


def tools_section(namespaces: Mapping[str, str]) -> str:
    """Returns the section of tools: the texts of namespaces in the order of their keys."""
    return "\n\n".join(["# Tools", *(namespaces[key] for key in sorted(namespaces))])


def namespace_text(name: str, description: str | None, tools: Iterable[str]) -> str:
    """Returns a namespace with its heading; `tools` are texts as of `tool_text`."""
    about, body = lines_of(description or ""), "".join(tools)
    heading = f"## {name}\n"
    if not body:
        return "\n".join([heading, *about])
    comments = "".join(f"// {line}\n" for line in about)
    return f"{heading}\n{comments}namespace {name} {{\n\n{body}}} // namespace {name}"


def tool_text(name: str, description: str | None, schema: Any, place: str) -> str:
    """Returns a tool's description and type.

    Args:
        name: the tool's name.
        description: what it does.
        schema: its parameters, or None.
        place: where the schema is, for errors.

    Raises:
        ValueError: the schema is too deep or too large, or has a number that JSON lacks.
        TypeError: the schema has a default value that JSON lacks.

    Example:
        >>> tool_text("now", "The time.", None, "tools[0].parameters")
        '// The time.\\ntype now = () => any;\\n\\n'
    """
    comments = "".join(f"// {line}\n" for line in lines_of(description or ""))
    if schema is None:
        return f"{comments}type {name} = () => any;\n\n"
    check_schema(schema, place)
    try:
        return f"{comments}type {name} = (_: {type_of(schema)}) => any;\n\n"
    except (TypeError, ValueError) as error:
        raise type(error)(f"{place}: {error}") from None


def lines_of(text: str) -> list[str]:
    """Returns the lines of a text without their ends, LF or CR LF; an empty last one is none."""
    *lines, last = text.split("\n")
    lines = [line[:-1] if line.endswith("\r") else line for line in lines]
    return [*lines, last] if last else lines
