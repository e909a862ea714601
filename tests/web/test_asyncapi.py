"""`/asyncapi.json` and `/docs/events` describe what is said over Socket.IO, and nothing else.

Never here: whether what is said is of its described form (`tests/e2e/test_protocol.py`).
Invariant: the description and the role have the same events and messages.
"""

from __future__ import annotations

import re
from typing import Any

from flask import Flask

from tests.support.web_app import Browser, said
from truecandle.events import FRESHNESS, PUBLISHED, RESYNC
from truecandle.web.event_description import BOUNDS, CONNECT_REFUSALS, MESSAGES, ROOMS
from truecandle.web.event_schemas import REFUSALS

TOLD = [one.name for room in ROOMS for one in room.told]


def test_every_event_and_every_message_is_described_and_nothing_else(app: Flask) -> None:
    assert sorted(TOLD) == sorted(PUBLISHED | {FRESHNESS, RESYNC})
    heard = set(app.extensions["socketio"].server.handlers["/"])
    assert {one.name for one in MESSAGES} == heard - {"connect", "disconnect", "*"}


def test_the_document_is_whole(browser: Browser) -> None:
    answer = browser.get("/asyncapi.json")
    found = said(answer)
    assert found["asyncapi"] == "3.0.0"
    for reference in set(re.findall(r'"\$ref":"#/([^"]+)"', answer.text)):
        place: Any = found
        for name in reference.split("/"):
            place = place[name]
    operations = found["operations"]
    assert set(operations) == {f"tell_{name}" for name in TOLD} | {
        f"hear_{one.name}" for one in MESSAGES
    }
    for one in operations.values():
        # A message of an operation is one of its channel's.
        assert one["messages"][0]["$ref"].startswith(f"{one['channel']['$ref']}/messages/")
        assert one["action"] == "send" or len(one["reply"]["messages"]) == 2
    parameters = found["channels"]["series"]["parameters"]
    assert set(parameters) == set(re.findall(r"{(\w+)}", found["channels"]["series"]["address"]))


def test_the_page_shows_all_of_it_and_needs_no_script(browser: Browser) -> None:
    answer = browser.get("/docs/events")
    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "style=" not in answer.text and "<style" not in answer.text
    for name in (*TOLD, *(one.name for one in MESSAGES), *REFUSALS, *CONNECT_REFUSALS):
        assert f"<code>{name}</code>" in answer.text
    assert answer.text.count("<li>") >= len(BOUNDS)
    assert "array of {time, open, high, low, close" in answer.text
    assert "`" not in answer.text
    assert 'href="/docs/events"' in browser.get("/docs").text
