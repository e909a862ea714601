"""The page's types of what the server says, made from the descriptions that it serves.

    python -m tools.protocol_types    writes static/src/net/protocol.ts and socketProtocol.ts anew

Never here: what answers and events look like (`truecandle/web/api_schemas`, `event_schemas`).
Invariant: one type for each named part of a description; a test fails where the files are stale.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from truecandle.web import problem_forms
from truecandle.web.api_description import OPERATIONS
from truecandle.web.api_schemas import PARTS
from truecandle.web.event_schemas import EVENT_PARTS

ROOT: Final = Path(__file__).resolve().parent.parent
NET: Final = ROOT / "static" / "src" / "net"
_REF: Final = "#/components/schemas/"
_SIMPLE: Final = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
    "object": "{ readonly [name: string]: unknown }",
}
_ANSWERS: Final = "The shapes of what the server answers to REST, as its /openapi.json has them."
_EVENTS: Final = (
    "The shapes of what is said over Socket.IO, as the server's /asyncapi.json has them."
)
_HEAD: Final = """\
// {what}
// Never here: anything written by hand: `python -m tools.protocol_types` makes it of {source}.
// Invariant: a real {kind} of each kind is of its type (tests/e2e/test_protocol.py). Times are ms
// since 1970 (UTC); prices and volumes are JSON numbers, read as floats here only.
"""


def files() -> dict[Path, str]:
    """Each file and what has to stand in it."""
    shared = sorted(set(_named(EVENT_PARTS)) & set(PARTS))
    answers = _reached([*_used_by_the_page(), *shared], PARTS)
    return {
        NET / "protocol.ts": "\n".join(
            [
                _HEAD.format(what=_ANSWERS, source="truecandle/web/api_schemas.py", kind="answer"),
                *(declaration(name, PARTS[name]) for name in answers),
            ]
        ),
        NET / "socketProtocol.ts": "\n".join(
            [
                _HEAD.format(what=_EVENTS, source="truecandle/web/event_schemas.py", kind="event"),
                f'import type {{ {", ".join(shared)} }} from "./protocol.ts";\n',
                *(declaration(name, schema) for name, schema in EVENT_PARTS.items()),
            ]
        ),
    }


def declaration(name: str, schema: Mapping[str, Any]) -> str:
    """A named part as an exported type: an interface where it is an object with members."""
    about = _comment(schema.get("description"), "")
    if "properties" in schema:
        return f"{about}export interface {name} {{\n{_members(schema, '  ')}}}\n"
    return f"{about}export type {name} = {typed(schema)};\n"


def typed(schema: Mapping[str, Any]) -> str:
    """A schema as a type."""
    if "$ref" in schema:
        return str(schema["$ref"]).removeprefix(_REF)
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(typed(one) for one in schema["anyOf"]))
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return " | ".join(json.dumps(one) for one in schema["enum"])
    if "prefixItems" in schema:
        return f"readonly [{', '.join(map(_item, schema['prefixItems']))}]"
    if schema.get("type") == "array":
        return f"readonly {_bracketed(typed(schema['items']))}[]"
    if "properties" in schema:
        return f"{{ {' '.join(_member(*one) for one in _listed(schema))} }}"
    if isinstance(values := schema.get("additionalProperties"), dict):
        return f"{{ readonly [name: string]: {typed(values)} }}"
    return _SIMPLE[schema["type"]] if "type" in schema else "unknown"


def _used_by_the_page() -> Iterator[str]:
    """The parts that answers name, but for those in the shapes of others' APIs."""
    for operation_name, operation in OPERATIONS.items():
        if problem_forms.form_of(operation_name.split()[1]) is None:
            yield from _named(operation.answers)
    yield "Problem"


def _reached(names: Iterable[str], parts: Mapping[str, Any]) -> list[str]:
    """These parts and all that they name, in the order of the description."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _named(parts[name])
    return [name for name in parts if name in found]


def _named(described: object) -> list[str]:
    """The parts that are named anywhere in it."""
    if isinstance(described, Mapping):
        own = [described["$ref"].removeprefix(_REF)] if "$ref" in described else []
        return own + [name for value in described.values() for name in _named(value)]
    if isinstance(described, list | tuple):
        return [name for value in described for name in _named(value)]
    return []


def _listed(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    for name, member in schema["properties"].items():
        yield name, member, name in schema["required"]


def _members(schema: Mapping[str, Any], indent: str) -> str:
    return "".join(
        f"{_comment(member.get('description'), indent)}{indent}{_member(name, member, is_there)}\n"
        for name, member, is_there in _listed(schema)
    )


def _member(name: str, schema: Mapping[str, Any], is_there: bool) -> str:
    return f"readonly {name}{'' if is_there else '?'}: {typed(schema)};"


def _item(schema: Mapping[str, Any]) -> str:
    """An item of a row, by its name if it has one."""
    return f"{schema['title']}: {typed(schema)}" if "title" in schema else typed(schema)


def _bracketed(type_text: str) -> str:
    return f"({type_text})" if re.search(r" \| |^readonly ", type_text) else type_text


def _comment(about: str | None, indent: str) -> str:
    """A description as a comment; what every time says of itself is left out."""
    return f"{indent}/** {about} */\n" if about and not about.startswith("ms since") else ""


def main() -> int:
    for path, text in files().items():
        path.write_text(text, encoding="utf-8")
        print(f"types: {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
