"""JSON Schemas of answers, bodies and events: their simplest kinds, and how they are put together.

Never here: what any answer or event looks like (`api_schemas`, `user_schemas`, `event_schemas`).
Invariant: an object lists all its members, and what may be null says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer"}
NUMBER: Final[Schema] = {"type": "number"}
BOOLEAN: Final[Schema] = {"type": "boolean"}
MS: Final[Schema] = {"type": "integer", "minimum": 0, "description": "ms since 1970 (UTC)"}
ANY_OBJECT: Final[Schema] = {"type": "object"}


def listed(item: Schema, **bounds: int) -> Schema:
    """An array of such items."""
    return {"type": "array", "items": item, **bounds}


def row(*items: Schema) -> Schema:
    """An array of exactly these, in this order."""
    return {
        "type": "array",
        "prefixItems": list(items),
        "minItems": len(items),
        "maxItems": len(items),
    }


def titled(schema: Schema, title: str) -> Schema:
    """The same under a name: what an item of a `row` is called."""
    return {**schema, "title": title}


def told(schema: Schema, about: str) -> Schema:
    """The same with a sentence about it."""
    return {**schema, "description": about}


def either(words: Iterable[str]) -> Schema:
    """One of these words."""
    return {"type": "string", "enum": list(words)}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def structure(members: dict[str, Schema], *optional: str) -> Schema:
    """An object of these members, all of which are there but for the optional ones."""
    required = [name for name in members if name not in optional]
    return {"type": "object", "properties": members, "required": required}


def partial(members: dict[str, Schema]) -> Schema:
    """An object of any of these members."""
    return structure(members, *members)


def dictionary(value: Schema) -> Schema:
    """An object with such a value under each of its names."""
    return {"type": "object", "additionalProperties": value}


def body(members: dict[str, Schema]) -> Schema:
    """An object that is sent here: these members and no others."""
    return {**structure(members), "additionalProperties": False}


def part(name: str) -> Schema:
    """One of the named parts of a document."""
    return {"$ref": f"#/components/schemas/{name}"}
