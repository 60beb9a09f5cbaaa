"""Tools as models see them, in a namespace of TypeScript-like types.

There are two styles. Until autumn 2023, and with `functions`, objects were indented by two spaces
per level and descriptions shown at the first level only:

    // Finds a train
    type find = (_: {
    // Where from
    from: string,
    price?: {
      limit?: number,
    },
    }) => any;

Since then objects without descriptions are on one line, nothing is indented, and descriptions are
shown at the first two levels:

    price?: { limit?: number },

Both give the counts that users of the API published; neither is documented. Linear.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bpecore.chat.schemas import Property, Type


class Style(NamedTuple):
    """How tools are written.

    Attributes:
        indent: spaces per level.
        one_line: whether objects without descriptions are on one line.
        described: how many levels have descriptions.
        per_choice: tokens of the choice of one tool, besides its name.
    """

    indent: int
    one_line: bool
    described: int
    per_choice: int


STYLES = {
    "indented": Style(indent=2, one_line=False, described=1, per_choice=4),
    "compact": Style(indent=0, one_line=True, described=2, per_choice=7),
}


class Function(NamedTuple):
    """A tool that a model can call.

    Attributes:
        name: its name.
        description: what it does, or None.
        properties: its parameters; None if it takes free text.
        grammar: what free text it takes, or None.
    """

    name: str
    description: str | None
    properties: list[Property] | None
    grammar: str | None = None


def namespace_text(functions: Iterable[Function], style: Style) -> str:
    """Returns the namespace of some tools.

    Example:
        >>> print(namespace_text([Function("now", "The time", [])], STYLES["compact"]))
        namespace functions {
        <BLANKLINE>
        // The time
        type now = () => any;
        <BLANKLINE>
        } // namespace functions
    """
    texts = [f"{function_text(function, style)}\n\n" for function in functions]
    return "namespace functions {\n\n" + "".join(texts) + "} // namespace functions"


def function_text(function: Function, style: Style) -> str:
    """Returns one tool as it is in the namespace."""
    lines = [f"// {text}\n" for text in (function.description, function.grammar) if text]
    if function.properties is None:
        taken = "FREEFORM"
    elif function.properties:
        taken = f"_: {_object(function.properties, style, 0)}"
    else:
        taken = ""
    return f"{''.join(lines)}type {function.name} = ({taken}) => any;"


def _object(properties: list[Property], style: Style, level: int) -> str:
    """Returns an object with its braces; `level` is 0 for the parameters of a tool."""
    shows = level < style.described
    types = [_type(each.type, style, level) for each in properties]
    fields = [
        f"{each.name}{'' if each.is_required else '?'}: {text}"
        for each, text in zip(properties, types)
    ]
    has_descriptions = shows and any(each.description for each in properties)
    if style.one_line and not has_descriptions and not any("\n" in text for text in types):
        return "{ " + ", ".join(fields) + " }"
    space = " " * (style.indent * level)
    lines = []
    for each, text in zip(properties, fields):
        if shows and each.description:
            lines.append(f"{space}// {each.description}\n")
        lines.append(f"{space}{text},\n")
    return "{\n" + "".join(lines) + "}"


def _type(type_: Type, style: Style, level: int) -> str:
    if type_.properties is not None:
        return _object(type_.properties, style, level + 1)
    if type_.items is not None:
        return f"{_type(type_.items, style, level)}[]"
    if type_.union is not None:
        return type_.joint.join(_type(each, style, level) for each in type_.union)
    return type_.names
