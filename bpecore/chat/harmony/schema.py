"""JSON Schemas as the TypeScript-like types that the harmony format shows.

The format reads `type`, `properties`, `required`, `items`, `enum` (of strings), `oneOf`,
`nullable`, `default`, `title`, `description` and `examples`, and nothing else: whatever they do not
describe, as `anyOf`, `$ref` and boolean schemas, is the type `any`. It does not escape anything.

Time and size are linear in the size of a schema, times its depth, which is limited.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bpecore.chat.harmony.json_text import json_text, key_text

MAX_DEPTH = 118
"""Lists and dicts inside one another in a schema, the schema included; the format has no more."""

MAX_PARTS = 1_000_000
"""Values of a schema. More only come from an object that is used in many places of a schema."""

SCALARS = (str, int, float, type(None))

PLAIN_TYPES = {
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
    "string": "string",
}


def check_schema(schema: Any, place: str) -> None:
    """Refuses a schema that the format cannot show.

    Args:
        schema: the parameters of a tool, or a part of them.
        place: where it is, for errors.

    Raises:
        ValueError: it is nested too deep, as one that contains itself, or too large.
    """
    level: list[Any] = [schema]
    parts = 0
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            below += _inside(value)
            if parts + len(below) > MAX_PARTS:
                raise ValueError(f"{place}: has more than {MAX_PARTS:,} values")
        if not below:
            return
        parts += len(below)
        level = below
    if not all(isinstance(value, SCALARS) for value in level):
        raise ValueError(
            f"{place}: is nested deeper than {MAX_DEPTH} levels, the most the harmony format allows"
        )


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, SCALARS):
        return ()
    if isinstance(value, (dict, Mapping)):
        return value.values()
    return value if isinstance(value, (list, tuple)) else ()


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
    return _type(_fields(schema), indent)


def _fields(schema: Any) -> Mapping[str, Any]:
    return schema if isinstance(schema, (dict, Mapping)) else {}


def _type(schema: Mapping[str, Any], indent: str) -> str:
    variants = schema.get("oneOf")
    if isinstance(variants, (list, tuple)):
        lines = []
        for variant in map(_fields, variants):
            comment = _comment(_text(variant, "description"), variant, quote_enum=True)
            lines.append(f"\n{indent} | {_nullable(variant, f'{indent}   ')}{comment}")
        return "".join(lines)
    kind = schema.get("type")
    if isinstance(kind, (list, tuple)):
        names = ["number" if name == "integer" else name for name in kind if isinstance(name, str)]
        if names:
            return " | ".join(names)
    if not isinstance(kind, str):
        return "any"
    if kind == "object":
        return _object(schema, indent)
    if kind == "array":
        return f"{type_of(schema['items'], indent)}[]" if "items" in schema else "Array<any>"
    values = schema.get("enum")
    if kind == "string" and isinstance(values, (list, tuple)):
        literals = [f'"{value}"' for value in values if isinstance(value, str)]
        return " | ".join(literals) or "string"
    return PLAIN_TYPES.get(kind, "any")


def _object(schema: Mapping[str, Any], indent: str) -> str:
    description = _text(schema, "description")
    lines = ["{\n" if description is None else f"{indent}// {description}\n{{\n"]
    required = schema.get("required")
    names = required if isinstance(required, (list, tuple)) else ()
    needed = {name for name in names if isinstance(name, str)}
    for key, value in _fields(schema.get("properties")).items():
        name = key_text(key)
        lines += _property(name if name in needed else f"{name}?", _fields(value), indent)
    lines.append(f"{indent}}}")
    return "".join(lines)


def _property(name: str, schema: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yields the lines of a property; its name ends in a question mark if it can be left out."""
    title, description = _text(schema, "title"), _text(schema, "description")
    if title is not None:
        yield f"{indent}// {title}\n{indent}//\n"
    if description is not None and "oneOf" not in schema:
        yield f"{indent}// {description}\n"
    examples = schema.get("examples")
    if isinstance(examples, (list, tuple)) and examples:
        yield f"{indent}// Examples:\n"
        for example in examples:
            if isinstance(example, str):
                yield f'{indent}// - "{example}"\n'
    if isinstance(schema.get("oneOf"), (list, tuple)):
        yield from _property_of_variants(name, schema, indent)
        return
    default = "" if "oneOf" in schema else _comment(None, schema)
    yield f"{indent}{name}: {_nullable(schema, f'{indent}    ')},{default}\n"


def _property_of_variants(name: str, schema: Mapping[str, Any], indent: str) -> Iterator[str]:
    """Yields the lines of a property with `oneOf`: a line per variant, with its description."""
    description, variants = _text(schema, "description"), list(map(_fields, schema["oneOf"]))
    shared = bool(variants) and description == _text(variants[0], "description")
    shown = description is not None and not shared
    if shown:
        yield f"{indent}// {description}\n"
    if "default" in schema:
        yield f"{indent}// {_default(schema)}\n"
    yield f"{indent}{name}:\n"
    for position, variant in enumerate(variants):
        own = _text(variant, "description")
        if own == description or (position == 0 and shown):
            own = None
        yield f"{indent} | {_nullable(variant, f'{indent}   ')}{_comment(own, variant)}\n"
    yield f"{indent},\n"


def _nullable(schema: Mapping[str, Any], indent: str) -> str:
    """Returns a schema as a type, joined with null if it is nullable and does not mention null."""
    text = _type(schema, indent)
    return f"{text} | null" if schema.get("nullable") is True and "null" not in text else text


def _comment(
    description: str | None, schema: Mapping[str, Any], *, quote_enum: bool = False
) -> str:
    """Returns a description and the default value of a schema, as a comment after its type."""
    words = [] if description is None else [description]
    if "default" in schema:
        words.append(_default(schema, quote_enum=quote_enum))
    return f" // {' '.join(words)}" if words else ""


def _default(schema: Mapping[str, Any], *, quote_enum: bool = False) -> str:
    """Returns the default value: strings in quotes, those of an enum only if `quote_enum`."""
    value, values = schema["default"], schema.get("enum")
    if not isinstance(value, str):
        return f"default: {json_text(value)}"
    if not (isinstance(values, (list, tuple)) and values):
        return f'default: "{value}"'
    return f"default: {json_text(value) if quote_enum else value}"


def _text(schema: Mapping[str, Any], name: str) -> str | None:
    """Returns a field of a schema if it is a string."""
    value = schema.get(name)
    return value if isinstance(value, str) else None
