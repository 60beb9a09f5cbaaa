"""JSON Schemas as types: references followed, and what a model sees taken out.

A schema is read into types, which `bpecore.chat.typescript` writes. Depth and number of the types
are limited, because references can make a small schema infinitely deep, or exponentially large.
Linear in the number of types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from bpecore.chat.fields import shown, wrong_type
from bpecore.chat.json_text import MAX_DEPTH, json_text
from bpecore.chat.strings import listed

MAX_TYPES = 100_000
"""Types of all tools of a request, once their references are followed."""


@dataclass
class Type:
    """A type as a model sees it.

    Attributes:
        names: the alternatives' names or literals, joined by " | ", unless it is an object, array
            or union.
        properties: an object's properties.
        items: the type of an array's items.
        union: the alternatives of a union.
        joint: what stands between the alternatives, " | " or " & ".
    """

    names: str = ""
    properties: list[Property] | None = None
    items: Type | None = None
    union: list[Type] | None = None
    joint: str = " | "


@dataclass
class Property:
    """A property of an object."""

    name: str
    type: Type
    description: str | None
    is_required: bool


ANY, NEVER, OBJECT, ANY_ARRAY = Type("any"), Type("never"), Type("object"), Type("any[]")
SIMPLE = {
    "string": Type("string"),
    "boolean": Type("boolean"),
    "null": Type("null"),
    "number": Type("number"),
    "integer": Type("number"),
}


ORDINARY = frozenset(
    (
        "type",
        "description",
        "title",
        "default",
        "properties",
        "required",
        "items",
        "additionalProperties",
    )
)
"""Keywords beside which `type` says what a schema is."""


@dataclass
class SchemaReader:
    """Reads the schemas of a request, one after the other.

    Attributes:
        root: the schema that is read, in which references are looked up.
        types: how many types have been read, of all schemas.
    """

    root: Any = None
    types: int = 0
    _open: set[str] = field(default_factory=set)  # references that are being followed

    def properties(self, schema: Any, place: str) -> list[Property]:
        """Returns the properties of a function's parameters.

        Args:
            schema: a schema of an object; None or True if there are no parameters.
            place: where it is.

        Raises:
            ValueError: it is nested too deep, too large, or has a reference to nothing.
            TypeError: something in it has a wrong type.
        """
        self.root = schema
        self._open = set()
        if schema is None or schema is True or schema is False:
            return []
        return self._read(schema, place, 1).properties or []

    def _read(self, schema: Any, place: str, depth: int) -> Type:
        self.types += 1
        if depth > MAX_DEPTH:
            raise ValueError(f"{place:.200}: is nested deeper than {MAX_DEPTH} levels")
        if self.types > MAX_TYPES:
            raise ValueError(f"{place:.200}: the schemas have more than {MAX_TYPES:,} types")
        if type(schema) is dict and schema.keys() <= ORDINARY:  # most schemas
            kind = schema.get("type")
            if type(kind) is str:
                return self._of_kind(schema, kind, place, depth)
        if schema is True:
            return ANY
        if schema is False:
            return NEVER
        if not isinstance(schema, Mapping):
            raise wrong_type(place, "a schema, a dict or a boolean", schema)
        reference = schema.get("$ref")
        if reference is not None:
            return self._follow(reference, place, depth)
        for keyword in ("anyOf", "oneOf", "allOf"):
            if schema.get(keyword) is not None:
                return self._union(schema, keyword, place, depth)
        if schema.get("enum") is not None:
            return self._enum(schema["enum"], f"{place}.enum")
        if "const" in schema and schema.get("type") is None:
            return Type(json_text(schema["const"], f"{place}.const"))
        kind = schema.get("type")
        if isinstance(kind, (list, tuple)):
            types = [self._of_kind(schema, each, place, depth) for each in kind]
            return _joined(types, " | ")
        return self._of_kind(schema, kind, place, depth)

    def _of_kind(self, schema: Mapping[str, Any], kind: Any, place: str, depth: int) -> Type:
        simple = SIMPLE.get(kind) if type(kind) is str else None
        if simple is not None:
            return simple
        if kind is None:
            kind = "object" if schema.get("properties") else "array" if "items" in schema else "any"
        if not isinstance(kind, str):
            raise wrong_type(f"{place}.type", "str or a list of str", kind)
        if kind == "object":
            return self._object(schema, place, depth)
        if kind == "array":
            items = schema.get("items")
            if items is None:
                return ANY_ARRAY
            return Type(items=self._read(items, f"{place}.items", depth + 1))
        return ANY

    def _object(self, schema: Mapping[str, Any], place: str, depth: int) -> Type:
        properties = schema.get("properties")
        if properties is None or properties == {}:
            return OBJECT
        if not isinstance(properties, Mapping):
            raise wrong_type(f"{place}.properties", "a dict", properties)
        required = schema.get("required")
        names = set()
        if required is not None and not isinstance(required, bool):
            given = listed(required, f"{place}.required")
            names = {name for name in given if isinstance(name, str)}
        read = []
        for name, value in properties.items():
            if not isinstance(name, str):
                raise wrong_type(f"{place}.properties: the name of a property", "str", name)
            inner = f"{place}.properties.{name:.80}"
            description = value.get("description") if isinstance(value, Mapping) else None
            if description is not None and not isinstance(description, str):
                raise wrong_type(f"{inner}.description", "str", description)
            type_ = self._read(value, inner, depth + 1)
            read.append(Property(name, type_, description or None, name in names))
        return Type(properties=read)

    def _union(self, schema: Mapping[str, Any], keyword: str, place: str, depth: int) -> Type:
        given = listed(schema[keyword], f"{place}.{keyword}")
        types = [
            self._read(each, f"{place}.{keyword}[{number}]", depth + 1)
            for number, each in enumerate(given)
        ]
        if schema.get("properties"):
            types.insert(0, self._object(schema, place, depth))
        return _joined(types, " & " if keyword == "allOf" else " | ")

    def _enum(self, values: Any, place: str) -> Type:
        return Type(
            " | ".join(_literal(value, place) for value in listed(values, place)) or "never"
        )

    def _follow(self, reference: Any, place: str, depth: int) -> Type:
        """Reads what a reference points to; one inside what it points to is any type."""
        if not isinstance(reference, str):
            raise wrong_type(f"{place}.$ref", "str", reference)
        if reference in self._open:
            return ANY
        target = self._target(reference, place)
        self._open.add(reference)
        read = self._read(target, place, depth + 1)
        self._open.discard(reference)
        return read

    def _target(self, reference: str, place: str) -> Any:
        path = reference.partition("#")
        target = self.root
        if path[0] or not path[1]:
            raise ValueError(
                f"{place}.$ref: only references to the same schema can be followed, "
                f"not {shown(reference)}"
            )
        for part in path[2].split("/")[1:]:
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(target, Mapping) and name in target:
                target = target[name]
            elif isinstance(target, (list, tuple)) and name.isdecimal() and int(name) < len(target):
                target = target[int(name)]
            else:
                raise ValueError(f"{place}.$ref: there is no {shown(reference)}")
        return target


def _joined(types: list[Type], joint: str) -> Type:
    if not types:
        return ANY
    return types[0] if len(types) == 1 else Type(union=types, joint=joint)


def _literal(value: Any, place: str) -> str:
    """Returns a value of an enum; strings in quotes, unescaped, as models see them."""
    if isinstance(value, str):
        return f'"{value}"'
    return json_text(value, place)
