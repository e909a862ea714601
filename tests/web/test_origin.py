"""Which origins are our own, for posts and WebSockets alike.

Never here: the middleware of proxies (`test_forwarded`).
Invariant: whatever else is said, one rule decides.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.web_app import PASSWORD, Browser, build, said
from truecandle.web.origin import is_own

PUBLIC = "https://charts.example/candles"


@pytest.mark.parametrize(
    ("origin", "scheme", "host", "expected"),
    [
        ("https://charts.example", "http", "10.0.0.1:5000", True),
        ("https://charts.example:443", "http", "10.0.0.1:5000", True),
        ("https://Charts.example", "http", "charts.example", True),
        ("http://127.0.0.1:5000", "http", "127.0.0.1:5000", True),
        ("http://localhost", "http", "localhost:80", True),
        ("http://charts.example:5000", "http", "charts.example", False),
        ("https://charts.example:8443", "http", "charts.example", False),
        ("https://evil.example", "http", "charts.example", False),
        ("https://charts.example.evil.example", "https", "charts.example", False),
        ("https://charts.example@evil.example", "https", "charts.example", False),
        ("https://user@charts.example", "https", "charts.example", False),
        ("null", "http", "charts.example", False),
        ("", "http", "", False),
        ("://", "", "", False),
        ("http://[bad", "http", "[bad", False),
        ("https://charts.example:x", "http", "charts.example", False),
    ],
)
def test_an_origin_is_own_by_public_url_or_by_where_it_was_sent(
    origin: str, scheme: str, host: str, expected: bool
) -> None:
    environ = {"wsgi.url_scheme": scheme, "HTTP_HOST": host}
    assert is_own(origin, environ, PUBLIC) is expected


def test_without_public_url_only_the_host_that_was_asked_is_own() -> None:
    environ = {"wsgi.url_scheme": "http", "HTTP_HOST": "127.0.0.1:5000"}
    assert is_own("http://127.0.0.1:5000", environ, "")
    assert not is_own("https://charts.example", environ, "") and not is_own("", environ, "")


def test_behind_a_proxy_that_hides_the_name_the_refusal_says_what_to_set(
    settings: Any, browser: Browser
) -> None:
    """`browser` has put the user `ann` there. A proxy without `Host` asks for its own target."""
    named = {"Host": "127.0.0.1:5000", "Origin": "https://charts.example"}
    hidden = Browser(build(settings))
    form = {"username": "ann", "password": PASSWORD, "csrf_token": hidden.csrf()}
    refused = hidden.client.post("/login", data=form, headers=named)
    assert refused.status_code == 403
    assert "set PUBLIC_URL to where browsers find it" in refused.text
    socket = "/socket.io/?EIO=4&transport=websocket"
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    opened = hidden.client.get(socket, headers={**named, **upgrade})
    assert opened.status_code in (400, 403)
    known = Browser(build(settings, public_url="https://charts.example"))
    entered = known.client.post("/login", data=form, headers=named)
    assert entered.status_code == 403 and "browsers keep ours only at PUBLIC_URL" in entered.text


def test_below_a_path_the_description_and_its_page_say_where_the_paths_are(settings: Any) -> None:
    client = build(settings, public_url="http://charts.example/candles").test_client()
    named = {"Host": "charts.example"}
    described = client.get("/candles/openapi.json", headers=named)
    assert said(described)["servers"] == [{"url": "/candles"}]
    page = client.get("/candles/docs", headers=named)
    assert page.status_code == 200 and 'href="/candles/static/' in page.text
