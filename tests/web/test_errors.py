"""Every bad request is refused with the right status, by name, and changes nothing.

Never here: the requests themselves (`bad_requests`).
Invariant: `docs/errors.md` says what the server says.
"""

from __future__ import annotations

import pytest
from flask import Flask
from redis import Redis
from werkzeug.test import TestResponse

from tests.support.bad_requests import ENDPOINTS, Bad
from tests.support.project_files import ROOT
from tests.support.web_app import Browser, issue, said, snapshot, store_hours
from truecandle.web.problem_forms import form_of

PAGE = ROOT / "docs" / "errors.md"
INTRODUCTION = """# What is refused, and how

Paths for scripts answer with `application/problem+json` (RFC 9457):
`{"type", "title", "status", "detail", "code", "request_id"}`; `code` is for scripts, `detail` for
people, `request_id` is in `X-Request-ID` and in the log too. Pages (`/`, `/login`, `/logout`,
`/account`, `/docs`, `/docs/events`) answer with a page, unless host or method are refused at the
door. Below `/api/v3/` and `/ws/`, and at `/ws` and `/stream`, refusals have Binance's form and
codes (`{"code":-1121,"msg":"Invalid symbol."}`), below `/udf/` that of the Universal Data Feed
(`{"s":"error","errmsg":"…"}`).
429 and 503 carry `Retry-After`. A request that is refused has changed nothing.

This page is compared with the server's own answers by `tests/web/test_errors.py`.
"""


def send(bad: Bad, app: Flask, ann: Browser, redis: Redis) -> TestResponse:
    headers = dict(bad.sent.get("headers", {}))
    client = app.test_client()
    if bad.who == "reader":
        headers |= issue(redis)
    elif bad.who.startswith("ann"):
        client = ann.client
        headers |= {} if "without" in bad.who else {"X-CSRFToken": ann.csrf()}
    elif bad.who == "visitor":
        visitor = Browser(app)
        client = visitor.client
        headers |= {"X-CSRFToken": visitor.csrf()}
    sent = {name: value for name, value in bad.sent.items() if name != "headers"}
    return client.open(bad.path, method=bad.method, headers=headers, **sent)


def forget_tries(redis: Redis) -> None:
    """Each request is somebody's first."""
    redis.delete("nothing", *redis.scan_iter("*sign-in*"), *redis.scan_iter("*posts/*"))


@pytest.fixture
def world(ann: Browser, redis: Redis) -> bytes:
    """Some candles, so that there is something to damage; the state of all keys."""
    store_hours(redis, 3)
    return snapshot(redis)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_a_bad_request_is_refused_and_changes_nothing(
    endpoint: str, app: Flask, ann: Browser, world: bytes, redis: Redis
) -> None:
    for bad in ENDPOINTS[endpoint]:
        answer = send(bad, app, ann, redis)
        assert answer.status_code == bad.status, (bad.shown, answer.text)
        if bad.code == "page":
            assert answer.mimetype == "text/html", bad.shown
        else:
            assert answer.mimetype == "application/problem+json", bad.shown
            told = said(answer)
            assert told.keys() == {"type", "title", "status", "detail", "code", "request_id"}
            assert told["request_id"] == answer.headers["X-Request-ID"], bad.shown
            assert (told["status"], told["code"]) == (bad.status, bad.code), bad.shown
        assert "Content-Security-Policy" in answer.headers, bad.shown
        assert "Traceback" not in answer.text and "/truecandle/" not in answer.text, bad.shown
        assert snapshot(redis) == world, bad.shown
        forget_tries(redis)


def test_every_endpoint_has_ten_bad_requests_or_more(app: Flask) -> None:
    assert all(len(cases) >= 10 for cases in ENDPOINTS.values())
    known = {name.split()[1] for name in ENDPOINTS} | {"/login"}
    routes = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint != "assets.file"}
    # Those that speak other conventions have their bad requests in their own tests.
    assert {rule for rule in routes if not form_of(rule)} == known


def test_the_page_about_errors_says_what_the_server_says(
    app: Flask, ann: Browser, world: bytes, redis: Redis
) -> None:
    told = INTRODUCTION
    for endpoint, cases in ENDPOINTS.items():
        told += f"\n## {endpoint}\n| request | status | code | detail |\n|---|---|---|---|\n"
        for bad in cases:
            answer = send(bad, app, ann, redis)
            detail = "(a page)" if bad.code == "page" else said(answer)["detail"]
            cells = (bad.shown, str(bad.status), bad.code if bad.code != "page" else "", detail)
            told += "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
            forget_tries(redis)
    if not PAGE.exists():
        PAGE.write_text(told, encoding="utf-8")
    assert told == PAGE.read_text(encoding="utf-8"), f"remove {PAGE} and run this test again"
