"""JSON Schemas as the TypeScript-like types that the harmony format shows.

The format reads `type`, `properties`, `required`, `items`, `enum` (of strings), `oneOf`,
`nullable`, `default`, `title`, `description` and `examples`, and nothing else: whatever they do not
describe, as `anyOf`, `$ref` and boolean schemas, is the type `any`. It does not escape anything.

Time and size are linear in the size of a schema, times its depth, which is limited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bpecore.chat.harmony.json_text import json_text, key_text

MAX_DEPTH = 118
"""Lists and dicts inside one another in a schema, the schema included; the format has no more."""

MAX_PARTS = 1_000_000
"""Values of a schema. More only come from an object that is used in many places of a schema."""

PLAIN_TYPES = {
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "string": "string",
}


def check_schema(schema: Any, what: str) -> None:
    """Refuses a schema that the format cannot show.

    Args:
        schema: the parameters of a tool, or a part of them.
        what: its name in errors.

    Raises:
        ValueError: it is nested too deep, as one that contains itself, or too large.
    """
    level: list[Any] = [schema]
    parts = 0
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            if isinstance(value, Mapping):
                below.extend(value.values())
            elif isinstance(value, (list, tuple)):
                below.extend(value)
            if parts + len(below) > MAX_PARTS:
                raise ValueError(f"{what} has more than {MAX_PARTS:,} values")
        if not below:
            return
        parts += len(below)
        level = below
    if any(isinstance(value, (Mapping, list, tuple)) for value in level):
        raise ValueError(
            f"{what} is nested deeper than {MAX_DEPTH} levels, the most that the harmony format has"
        )


def type_of(schema: Any, indent: str = "") -> str:
    """Returns a schema as a type; the schema has passed `check_schema`.

    Args:
        schema: a JSON Schema. What is no dict is the type `any`.
        indent: white space in front of its properties and variants.

    Example:
        >>> print(type_of({"type": "object", "properties": {"n": {"type": "integer"}}}))
        {
        n?: number,
        }
        >>> type_of({"type": "array", "items": {"type": "string"}})
        'string[]'
    """
    fields = schema if isinstance(schema, Mapping) else {}
    variants = fields.get("oneOf")
    if isinstance(variants, (list, tuple)):
        lines = [
            f"{_variant(variant, indent)}{_comment(_text(variant, 'description'), variant, True)}"
            for variant in variants
        ]
        return "\n" + "\n".join(lines) if lines else ""
    kind = fields.get("type")
    if isinstance(kind, (list, tuple)):
        names = ["number" if name == "integer" else name for name in kind if isinstance(name, str)]
        if names:
            return " | ".join(names)
    if not isinstance(kind, str):
        return "any"
    if kind == "object":
        return _object(fields, indent)
    if kind == "array":
        return f"{type_of(fields['items'], indent)}[]" if "items" in fields else "Array<any>"
    values = fields.get("enum")
    if kind == "string" and isinstance(values, (list, tuple)):
        literals = [f'"{value}"' for value in values if isinstance(value, str)]
        return " | ".join(literals) or "string"
    return PLAIN_TYPES.get(kind, "any")


def _object(fields: Mapping[str, Any], indent: str) -> str:
    description = _text(fields, "description")
    opening = "{\n" if description is None else f"{indent}// {description}\n{{\n"
    properties = fields.get("properties")
    if not isinstance(properties, Mapping):
        return f"{opening}{indent}}}"
    required = fields.get("required")
    names = required if isinstance(required, (list, tuple)) else ()
    needed = {name for name in names if isinstance(name, str)}
    lines = [
        _property(key_text(name), value, indent, "" if key_text(name) in needed else "?")
        for name, value in properties.items()
    ]
    return f"{opening}{''.join(lines)}{indent}}}"


def _property(name: str, schema: Any, indent: str, mark: str) -> str:
    """Returns the lines of a property; `mark` is a question mark if it can be left out."""
    above = f"{indent}// "
    description = _text(schema, "description")
    variants = schema.get("oneOf") if isinstance(schema, Mapping) else None
    lines = []
    title = _text(schema, "title")
    if title is not None:
        lines.append(f"{above}{title}\n{indent}//\n")
    if description is not None and variants is None:
        lines.append(f"{above}{description}\n")
    examples = schema.get("examples") if isinstance(schema, Mapping) else None
    if isinstance(examples, (list, tuple)) and examples:
        lines.append(f"{above}Examples:\n")
        lines += [f'{above}- "{text}"\n' for text in examples if isinstance(text, str)]
    if isinstance(variants, (list, tuple)):
        lines += _variants_of_property(f"{name}{mark}", schema, variants, indent)
    else:
        default = "" if variants is not None else _comment(None, schema)
        lines.append(f"{indent}{name}{mark}: {_nullable(schema, indent + '    ')},{default}\n")
    return "".join(lines)


def _variants_of_property(
    name: str, schema: Mapping[str, Any], variants: Sequence[Any], indent: str
) -> list[str]:
    """Returns the lines of a property with `oneOf`: a line per variant, with its description."""
    description = _text(schema, "description")
    shared = bool(variants) and description == _text(variants[0], "description")
    shown = description is not None and not shared
    lines = [f"{indent}// {description}\n"] if shown else []
    if "default" in schema:
        lines.append(f"{indent}// {_default(schema)}\n")
    lines.append(f"{indent}{name}:\n")
    for position, variant in enumerate(variants):
        own = _text(variant, "description")
        if own == description or (position == 0 and shown):
            own = None
        lines.append(f"{_variant(variant, indent)}{_comment(own, variant)}\n")
    lines.append(f"{indent},\n")
    return lines


def _variant(schema: Any, indent: str) -> str:
    return f"{indent} | {_nullable(schema, indent + '   ')}"


def _nullable(schema: Any, indent: str) -> str:
    """Returns a schema as a type, joined with null if it is nullable and does not mention null."""
    text = type_of(schema, indent)
    nullable = isinstance(schema, Mapping) and schema.get("nullable") is True
    return f"{text} | null" if nullable and "null" not in text else text


def _comment(description: str | None, schema: Any, quote_enum: bool = False) -> str:
    """Returns a description and the default value of a schema, as a comment after its type."""
    words = [] if description is None else [description]
    if isinstance(schema, Mapping) and "default" in schema:
        words.append(_default(schema, quote_enum))
    return f" // {' '.join(words)}" if words else ""


def _default(schema: Mapping[str, Any], quote_enum: bool = False) -> str:
    """Returns the default value: strings in quotes, those of an enum only if `quote_enum`."""
    value, values = schema["default"], schema.get("enum")
    if not isinstance(value, str):
        return f"default: {json_text(value)}"
    if not (isinstance(values, (list, tuple)) and values):
        return f'default: "{value}"'
    return f"default: {json_text(value) if quote_enum else value}"


def _text(schema: Any, name: str) -> str | None:
    """Returns a field of a schema if it is a string."""
    value = schema.get(name) if isinstance(schema, Mapping) else None
    return value if isinstance(value, str) else None
