"""Headers on every answer, and requests that go no further than the door.

Never here: answers of single routes.
Invariant: no answer, of whatever kind, leaves without the security headers.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.support.web_app import Browser, build, said
from truecandle.config import Settings
from truecandle.web.security import HEADERS, HEALTH_PATHS, OTHER_POLICY, PAGE_POLICY

EVERY_KIND = [
    ("GET", "/"), ("GET", "/login"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/nothing"),
    ("GET", "/data"), ("POST", "/login"), ("POST", "/data"), ("OPTIONS", "/data"),
    ("TRACE", "/data"), ("GET", "/static/base.css"), ("GET", "/static/dist/manifest.json"),
    ("GET", "/socket.io/?EIO=4&transport=polling"), ("POST", "/socket.io/?EIO=4&sid=x"),
    ("GET", "/socket.io/?EIO=4&transport=websocket&sid=abc"), ("HEAD", "/"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), EVERY_KIND, ids=lambda value: value)
def test_every_answer_carries_the_security_headers(app: Flask, method: str, path: str) -> None:
    with app.test_client().open(path, method=method) as answer:
        headers = answer.headers
    for name, value in HEADERS:
        assert headers.getlist(name) == [value]
    is_page = headers["Content-Type"].startswith("text/html")
    policy = PAGE_POLICY if is_page else OTHER_POLICY
    assert headers.getlist("Content-Security-Policy") == [policy]
    assert "Strict-Transport-Security" not in headers
    assert "Server" not in headers or "Werkzeug" not in headers["Server"]


@pytest.mark.parametrize(
    ("url", "subdomains", "expected"),
    [
        ("https://charts.example", False, "max-age=31536000"),
        ("https://charts.example", True, "max-age=31536000; includeSubDomains"),
        ("http://charts.example", True, None),
    ],
)
def test_browsers_are_told_to_stay_with_tls_and_on_wish_for_all_subdomains(
    settings: Settings, url: str, subdomains: bool, expected: str | None
) -> None:
    client = build(settings, public_url=url, hsts_subdomains=subdomains).test_client()
    for path in ("/healthz", "/nothing", "/socket.io/"):
        headers = client.get(path, headers={"Host": "charts.example"}).headers
        assert headers.get("Strict-Transport-Security") == expected


def test_the_policy_allows_only_our_own_files_and_the_logos_style(app: Flask) -> None:
    policy = app.test_client().get("/login").headers["Content-Security-Policy"]
    assert policy == (
        "default-src 'none'; script-src 'self'; style-src 'self' "
        "'sha256-3pRED1tOXas1FXFoPb9TGCjmYe9XQsmO9OV23khV2nY='; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )


def test_what_is_no_page_may_load_nothing_and_be_framed_by_nobody(app: Flask) -> None:
    for path in ("/healthz", "/nothing", "/static/dist/manifest.json"):
        with app.test_client().get(path, headers={"Accept": "application/json"}) as answer:
            policy = answer.headers["Content-Security-Policy"]
            assert policy == "default-src 'none'; frame-ancestors 'none'"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "10.1.2.3", "web:5000"]
)
def test_addresses_and_bare_names_are_ours(app: Flask, host: str) -> None:
    assert app.test_client().get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:5000", "localhost.evil.example", "candles.example.evil", "a b",
     "localhost:x", "localhost/evil", "user@localhost", "[::1", "127.0.0.1.evil.example", ""],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/markets", "/socket.io/?EIO=4&transport=websocket"])
def test_any_other_host_name_is_refused(settings: Any, host: str, path: str) -> None:
    client = build(settings, public_url="http://candles.example").test_client()
    assert client.get("/healthz", headers={"Host": "candles.example"}).status_code == 200
    answer = client.get(path, headers={"Host": host})
    assert (answer.status_code, said(answer)["code"]) == (400, "host")


@pytest.mark.parametrize(
    "path",
    ["../app.py", "..%2fapp.py", "%2e%2e/app.py", "....//app.py", "..%5capp.py", "js/../../app.py",
     "manifest.json", "dist/manifest.json", "src/chartPage.ts", "chart.js",
     "/etc/passwd", "%00", "js/%00", ".%2e/.%2e/etc/passwd", "css/..%252f..%252fapp.py", "js"],
)  # fmt: skip
def test_static_files_are_only_those(app: Flask, path: str) -> None:
    answer = app.test_client().get(f"/static/{path}", follow_redirects=True)
    assert answer.status_code == 404
    assert "monkey_patch" not in answer.text


def test_an_unknown_path_is_a_page_for_people_and_a_problem_for_scripts(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/nothing", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (page.status_code, page.mimetype) == (404, "text/html")
    script = client.get("/nothing", headers={"Accept": "*/*"})
    assert (script.status_code, said(script)["code"]) == (404, "not-found")
    data = client.get("/data", headers={"Accept": "text/html"})
    assert data.mimetype == "application/problem+json"


def test_an_error_nobody_thought_of_says_nothing_about_the_inside(
    app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("secret detail in /work/path")

    monkeypatch.setitem(app.view_functions, "health.alive", broken)
    answer = browser.get("/healthz")
    assert (answer.status_code, said(answer)["code"]) == (500, "error")
    assert "secret" not in answer.text and "path" not in answer.text
    monkeypatch.setitem(app.view_functions, "pages.login", broken)
    page = browser.get("/login")
    assert (page.status_code, page.mimetype) == (500, "text/html")
    assert "secret" not in page.text


def test_health_is_told_by_whatever_name_the_asker_has_for_us_and_nothing_else_is(
    settings: Any,
) -> None:
    for base in ("", "/candles"):
        app = build(settings, public_url=f"https://charts.example{base}")
        client, named = app.test_client(), {"Host": "truecandle-web.monitoring.svc:5000"}
        for prefix in {"", base}:
            answers = [client.get(f"{prefix}{path}", headers=named) for path in HEALTH_PATHS]
            assert [one.status_code for one in answers] == [200, 503, 401]
            assert answers[1].json == {"ready": False}
        assert client.get("/markets", headers=named).json["code"] == "host"  # type: ignore[index]
