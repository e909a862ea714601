"""`/asyncapi.json` and `/docs/events`: Socket.IO described (AsyncAPI 3.0), for programs and people.

Never here: which events and messages there are (`event_description`), their payloads
(`event_schemas`).
Invariant: it is made of the declarations that `sockets` goes by, at the moment of asking.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, render_template

from truecandle.candles.interval import INTERVALS
from truecandle.exact_json import dumps
from truecandle.web.api_description import JSON
from truecandle.web.api_schemas import PARTS
from truecandle.web.event_description import (
    BOUNDS,
    CONNECT_REFUSALS,
    MESSAGES,
    ROOMS,
    EventRoom,
    HeardMessage,
    ToldEvent,
)
from truecandle.web.event_schemas import EVENT_PARTS, REFUSALS
from truecandle.web.json_schema import Schema
from truecandle.web.openapi import VERSION, Document, marked
from truecandle.web.services import services

bp = Blueprint("asyncapi", __name__)

#: The channel on which clients send, and are answered.
QUESTIONS: Final = "questions"
_REFUSED: Final = "RefusedAck"
_REF: Final = "#/components/schemas/"


@dataclass(frozen=True, slots=True)
class PayloadField:
    """A field of a payload, as the page shows it."""

    name: str
    kind: str
    about: str


@bp.get("/asyncapi.json")
def asyncapi() -> Response:
    """What is said over Socket.IO, described for programs (AsyncAPI 3.0)."""
    response = Response(dumps(document(services().settings.base_path)), mimetype=JSON)
    response.headers["Cache-Control"] = "no-cache"
    return response


@bp.get("/docs/events")
def readable() -> str:
    """What is said over Socket.IO, described for people."""
    return render_template(
        "docs_events.html",
        rooms=ROOMS,
        messages=MESSAGES,
        bounds=BOUNDS,
        refusals=REFUSALS,
        connect_refusals=CONNECT_REFUSALS,
        members=members,
        marked=marked,
    )


def document(base: str) -> Document:
    """The whole document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "TrueCandle",
            "version": VERSION,
            "description": (
                "Live candles and prices, and which official ones changed. Events are hints: who "
                f"misses one finds the truth in `/data`, by the version. {' '.join(BOUNDS)}"
            ),
        },
        "defaultContentType": JSON,
        "servers": {"socketio": _server(base)},
        "channels": {**{room.key: _room(room) for room in ROOMS}, QUESTIONS: _questions()},
        "operations": {
            **{f"tell_{one.name}": _telling(room, one) for room in ROOMS for one in room.told},
            **{f"hear_{one.name}": _hearing(one) for one in MESSAGES},
        },
        "components": {
            "schemas": {**PARTS, **EVENT_PARTS},
            "messages": {
                **{one.name: _event(one) for room in ROOMS for one in room.told},
                **{one.name: _message(one) for one in MESSAGES},
                **{name: _answer(name) for name in (*_granted(), _REFUSED)},
            },
            "securitySchemes": {
                "session": {"type": "httpApiKey", "in": "cookie", "name": "session"},
                "token": {
                    "type": "apiKey",
                    "in": "user",
                    "description": "A token, as `auth: {token}` of the CONNECT packet.",
                },
            },
        },
    }


def members(name: str) -> Iterator[PayloadField]:
    """The fields of a part, in words."""
    for member, schema in (PARTS | EVENT_PARTS)[name]["properties"].items():
        yield PayloadField(member, kind(schema), schema.get("description", ""))


def kind(schema: Schema) -> str:
    """What a value is, in words."""
    if "$ref" in schema:
        return _short(schema["$ref"].removeprefix(_REF))
    if "anyOf" in schema:
        return " or ".join(kind(one) for one in schema["anyOf"])
    if "const" in schema:
        return str(schema["const"]).lower()
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "prefixItems" in schema:
        return f"[{', '.join(one.get('title', kind(one)) for one in schema['prefixItems'])}]"
    if schema["type"] == "array":
        most = f", at most {schema['maxItems']}" if "maxItems" in schema else ""
        return f"array of {kind(schema['items'])}{most}"
    if isinstance(value := schema.get("additionalProperties"), dict):
        return f"object of {kind(value)}"
    return str(schema["type"])


def _short(name: str) -> str:
    """A part that is named inside another: objects by their fields, the rest by what it is."""
    schema = (PARTS | EVENT_PARTS)[name]
    return f"{{{', '.join(schema['properties'])}}}" if "properties" in schema else kind(schema)


def _server(base: str) -> Document:
    return {
        "host": "{host}",
        "pathname": f"{base}/socket.io/",
        "protocol": "wss",
        "protocolVersion": "13",
        "title": "Socket.IO 5 over Engine.IO 4",
        "description": "WebSocket alone; `ws` where the page itself is not found by TLS.",
        "variables": {
            "host": {"default": "127.0.0.1:5000", "description": "Where the page is found."}
        },
        "security": [
            {"$ref": f"#/components/securitySchemes/{name}"} for name in ("session", "token")
        ],
    }


def _room(room: EventRoom) -> Document:
    parameters: Document = {}
    if room.address is not None and "{symbol}" in room.address:
        parameters["symbol"] = {"description": "A followed market.", "examples": ["BTCUSDT"]}
    if room.address is not None and "{interval}" in room.address:
        parameters["interval"] = {"description": "One that is followed.", "enum": list(INTERVALS)}
    described: Document = {
        "address": room.address,
        "description": room.about,
        "messages": _referred(one.name for one in room.told),
    }
    return described | ({"parameters": parameters} if parameters else {})


def _questions() -> Document:
    names = [one.name for one in MESSAGES]
    return {
        "address": "/",
        "description": "What a client sends; each message is acknowledged.",
        "messages": _referred([*names, *_granted(), _REFUSED]),
    }


def _telling(room: EventRoom, one: ToldEvent) -> Document:
    channel = f"#/channels/{room.key}"
    return {
        "action": "send",
        "channel": {"$ref": channel},
        "summary": one.about,
        "messages": [{"$ref": f"{channel}/messages/{one.name}"}],
    }


def _hearing(one: HeardMessage) -> Document:
    channel = f"#/channels/{QUESTIONS}"
    return {
        "action": "receive",
        "channel": {"$ref": channel},
        "summary": one.about,
        "messages": [{"$ref": f"{channel}/messages/{one.name}"}],
        "reply": {
            "channel": {"$ref": channel},
            "messages": [
                {"$ref": f"{channel}/messages/{name}"} for name in (one.granted, _REFUSED)
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


def _granted() -> list[str]:
    return list(dict.fromkeys(one.granted for one in MESSAGES))


def _referred(names: Any) -> Document:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}
