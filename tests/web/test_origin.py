"""Which origins are our own, for posts and WebSockets alike.

Never here: CSRF tokens, cookies.
Invariant: whatever else is said, one rule decides.
"""

from __future__ import annotations

import pytest

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
