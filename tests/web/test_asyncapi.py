"""`/asyncapi.json` and `/docs/events` describe what is told as it happens, and nothing else.

Never here: whether what is said is of its described form (`tests/e2e/test_protocol.py`,
`test_connections`).
Invariant: the description and the role have the same events and messages.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Flask

from tests.support.web_app import Browser, said
from truecandle.events import FRESHNESS, PUBLISHED, RESYNC
from truecandle.web.asyncapi import TRANSPORTS
from truecandle.web.event_description import MESSAGES, ROOMS
from truecandle.web.stream_description import SENT_EVENTS, STREAMS
from truecandle.web.stream_messages import METHODS
from truecandle.web.stream_names import names_offered

TOLD = [one.name for room in ROOMS for one in room.told]
QUESTIONS = [way.questions for way in TRANSPORTS if way.questions]


def test_every_event_and_every_message_is_described_and_nothing_else(app: Flask) -> None:
    assert sorted(TOLD) == sorted(PUBLISHED | {FRESHNESS, RESYNC})
    heard = set(app.extensions["socketio"].server.handlers["/"])
    assert {one.name for one in MESSAGES} == heard - {"connect", "disconnect", "*"}
    assert STREAMS.questions
    assert [one.name for one in STREAMS.questions.messages] == list(METHODS)
    addresses = [str(room.address) for room in STREAMS.rooms]
    assert addresses[:2] == [
        "/ws/" + re.sub("<(.*?)>", r"{\1}", name) for name in names_offered(has_trades=True)
    ]
    assert {one.name for room in SENT_EVENTS.rooms for one in room.told} <= {*TOLD, "official"}


def test_the_document_is_whole(browser: Browser) -> None:
    answer = browser.get("/asyncapi.json")
    found = said(answer)
    assert found["asyncapi"] == "3.0.0"
    for reference in set(re.findall(r'"\$ref":"#/([^"]+)"', answer.text)):
        place: Any = found
        for name in reference.split("/"):
            place = place[name]
    operations = found["operations"]
    told = [way.name_of(one.name) for way in TRANSPORTS for room in way.rooms for one in room.told]
    heard = [
        way.name_of(one.name)
        for way in TRANSPORTS
        if way.questions
        for one in way.questions.messages
    ]
    assert len({*told, *heard}) == len([*told, *heard]), "each has a name of its own"
    assert set(operations) == {
        *(f"tell_{name}" for name in told),
        *(f"hear_{name}" for name in heard),
    }
    for one in operations.values():
        # A message of an operation is one of its channel's.
        assert one["messages"][0]["$ref"].startswith(f"{one['channel']['$ref']}/messages/")
        assert one["action"] == "send" or len(one["reply"]["messages"]) == 2
    for channel in found["channels"].values():
        named = set(re.findall(r"{(\w+)}", channel["address"] or ""))
        assert set(channel.get("parameters", ())) == named


def test_the_page_shows_all_of_it_and_needs_no_script(browser: Browser) -> None:
    answer = browser.get("/docs/events")
    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "style=" not in answer.text and "<style" not in answer.text
    reasons = [
        *(one for way in TRANSPORTS for one in way.refused),
        *(asked.reasons for asked in QUESTIONS),
    ]
    names = [
        *(one.name for way in TRANSPORTS for room in way.rooms for one in room.told),
        *(one.name for asked in QUESTIONS for one in asked.messages),
        *(name for one in reasons for name in one.rows),
    ]
    for name in names:
        assert f"<code>{name}</code>" in answer.text
    assert answer.text.count("<li>") >= sum(len(way.bounds) for way in TRANSPORTS)
    ids = re.findall(r' id="([^"]+)"', answer.text)
    assert len(ids) == len(set(ids))
    assert "array of {time, open, high, low, close" in answer.text
    assert "`" not in answer.text
    assert 'href="/docs/events"' in browser.get("/docs").text
