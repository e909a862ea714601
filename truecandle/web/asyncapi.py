"""`/asyncapi.json` and `/docs/events`: every way to listen, described (AsyncAPI 3.0).

Never here: which events and messages there are (`event_description`, `stream_description`), their
payloads (`event_schemas`, `stream_schemas`).
Invariant: it is made of the declarations that those who tell go by, at the moment of asking.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, render_template

from truecandle.candles.interval import INTERVALS
from truecandle.exact_json import dumps
from truecandle.web.api_description import JSON
from truecandle.web.api_schemas import PARTS
from truecandle.web.event_description import (
    SOCKETIO,
    EventRoom,
    HeardMessage,
    Questions,
    ToldEvent,
    Transport,
)
from truecandle.web.event_schemas import EVENT_PARTS
from truecandle.web.json_schema import Schema
from truecandle.web.openapi import VERSION, Document, marked
from truecandle.web.services import services
from truecandle.web.stream_description import SENT_EVENTS, STREAMS
from truecandle.web.stream_schemas import STREAM_PARTS

bp = Blueprint("asyncapi", __name__)

TRANSPORTS: Final = (SOCKETIO, STREAMS, SENT_EVENTS)
_PARTS: Final = PARTS | EVENT_PARTS | STREAM_PARTS
_REF: Final = "#/components/schemas/"
#: What stands in an address.
_PARAMETERS: Final[dict[str, Document]] = {
    "symbol": {"description": "A followed market.", "examples": ["BTCUSDT"]},
    "interval": {"description": "One that is followed.", "enum": list(INTERVALS)},
    "streams": {"description": "Streams, joined by `/`.", "examples": ["btcusdt@kline_1m"]},
}
_SECURITY: Final[dict[str, Document]] = {
    "session": {"type": "httpApiKey", "in": "cookie", "name": "session"},
    "token": {
        "type": "apiKey",
        "in": "user",
        "description": "A token, as `auth: {token}` of the CONNECT packet.",
    },
    "bearer": {"type": "http", "scheme": "bearer"},
    "key": {"type": "httpApiKey", "in": "header", "name": "X-MBX-APIKEY"},
}


@dataclass(frozen=True, slots=True)
class PayloadField:
    """A field of a payload, as the page shows it."""

    name: str
    kind: str
    about: str


@bp.get("/asyncapi.json")
def asyncapi() -> Response:
    """What is told as it happens, described for programs (AsyncAPI 3.0)."""
    response = Response(dumps(document(services().settings.base_path)), mimetype=JSON)
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/docs/events")
def readable() -> str:
    """What is told as it happens, described for people."""
    return render_template(
        "docs_events.html", transports=TRANSPORTS, members=members, marked=marked
    )


def document(base: str) -> Document:
    """The whole document."""
    found: Document = {
        "asyncapi": "3.0.0",
        "info": {
            "title": "TrueCandle",
            "version": VERSION,
            "description": "Live candles, prices and trades, and which official candles changed.",
        },
        "defaultContentType": JSON,
        "servers": {one.key: _server(one, base) for one in TRANSPORTS},
        "channels": {},
        "operations": {},
        "components": {
            "schemas": {**_PARTS},
            "messages": {},
            "securitySchemes": _SECURITY,
        },
    }
    messages = found["components"]["messages"]
    for way in TRANSPORTS:
        for room in way.rooms:
            found["channels"][room.key] = _room(way, room)
            for told in room.told:
                messages[way.name_of(told.name)] = _event(told)
                found["operations"][f"tell_{way.name_of(told.name)}"] = _telling(way, room, told)
        if (asked := way.questions) is not None:
            found["channels"][asked.key] = _questions(way, asked)
            messages |= {way.name_of(one.name): _message(one) for one in asked.messages}
            messages |= {name: _answer(name) for name in _answers(asked)}
            for one in asked.messages:
                found["operations"][f"hear_{way.name_of(one.name)}"] = _hearing(way, asked, one)
    return found


def members(name: str) -> Iterator[PayloadField]:
    """The fields of a part, in words."""
    for member, schema in _PARTS[name]["properties"].items():
        yield PayloadField(member, kind(schema), schema.get("description", ""))


def kind(schema: Schema) -> str:
    """What a value is, in words."""
    if "$ref" in schema:
        return _short(schema["$ref"].removeprefix(_REF))
    if "anyOf" in schema:
        return " or ".join(kind(one) for one in schema["anyOf"])
    if "const" in schema:
        const = schema["const"]
        return str(const).lower() if isinstance(const, bool) else str(const)
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "prefixItems" in schema:
        return f"[{', '.join(one.get('title', kind(one)) for one in schema['prefixItems'])}]"
    if "type" not in schema:
        return "anything"
    if schema["type"] == "array":
        most = f", at most {schema['maxItems']}" if "maxItems" in schema else ""
        return f"array of {kind(schema['items'])}{most}"
    if isinstance(value := schema.get("additionalProperties"), dict):
        return f"object of {kind(value)}"
    return str(schema["type"])


def _short(name: str) -> str:
    """A part that is named inside another: objects by their fields, the rest by what it is."""
    schema = _PARTS[name]
    return f"{{{', '.join(schema['properties'])}}}" if "properties" in schema else kind(schema)


def _server(way: Transport, base: str) -> Document:
    plain = way.protocol.removesuffix("s")
    return {
        "host": "{host}",
        "pathname": f"{base}{way.path}" or "/",
        "protocol": way.protocol,
        **({"protocolVersion": "13"} if way.protocol == "wss" else {}),
        "title": way.title,
        "description": f"{way.about} `{plain}` where the page itself is not found by TLS.",
        "variables": {
            "host": {"default": "127.0.0.1:5000", "description": "Where the page is found."}
        },
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in way.security],
    }


def _room(way: Transport, room: EventRoom) -> Document:
    names = re.findall(r"{(\w+)}", room.address or "")
    described: Document = {
        "address": room.address,
        "description": room.about,
        "servers": [{"$ref": f"#/servers/{way.key}"}],
        "messages": _referred(way.name_of(one.name) for one in room.told),
    }
    parameters = {name: _PARAMETERS[name] for name in names}
    return described | ({"parameters": parameters} if parameters else {})


def _questions(way: Transport, asked: Questions) -> Document:
    names = [way.name_of(one.name) for one in asked.messages]
    return {
        "address": asked.address,
        "description": asked.about,
        "servers": [{"$ref": f"#/servers/{way.key}"}],
        "messages": _referred([*names, *_answers(asked)]),
    }


def _telling(way: Transport, room: EventRoom, one: ToldEvent) -> Document:
    channel = f"#/channels/{room.key}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "summary": one.about,
        "messages": [{"$ref": f"{channel}/messages/{way.name_of(one.name)}"}],
    }


def _hearing(way: Transport, asked: Questions, one: HeardMessage) -> Document:
    channel = f"#/channels/{asked.key}"
    return {
        "action": "receive",
        "channel": {"$ref": channel},
        "summary": one.about,
        "messages": [{"$ref": f"{channel}/messages/{way.name_of(one.name)}"}],
        "reply": {
            "channel": {"$ref": channel},
            "messages": [
                {"$ref": f"{channel}/messages/{name}"} for name in (one.granted, asked.refused)
            ],
        },
    }


def _event(one: ToldEvent) -> Document:
    about = f"{one.about} {one.when}"
    return {"name": one.name, "summary": one.about, "description": about, "payload": one.schema}


def _message(one: HeardMessage) -> Document:
    payload = {"$ref": f"{_REF}{one.payload}"}
    return {"name": one.name, "summary": one.about, "payload": payload}


def _answer(name: str) -> Document:
    return {"name": name, "title": "Acknowledgement", "payload": {"$ref": f"{_REF}{name}"}}


def _answers(asked: Questions) -> list[str]:
    """The parts that answer any message, each once."""
    return [*dict.fromkeys(one.granted for one in asked.messages), asked.refused]


def _referred(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}
