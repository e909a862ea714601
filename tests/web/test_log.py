"""The log: one line per event, nothing secret, nothing that steers a terminal.

Never here: what is logged where.
Invariant: a line is looked at as it would be printed.
"""

from __future__ import annotations

import io
import logging
import sys

from redis import Redis

from tests.support.web_app import PASSWORD, Browser
from truecandle.log_lines import LINE_CHARS_MAX, TRACEBACK_LINES_MAX, TextLines


def test_the_access_log_holds_no_query_no_cookie_and_no_password(
    browser: Browser, redis: Redis, printed: io.StringIO
) -> None:
    browser.sign_in("ann", PASSWORD)
    browser.get("/data?symbol=BTCUSDT&interval=1h&limit=77&token=verysecret")
    browser.get("/data?symbol=BTCUSDT&interval=1h", Authorization="Bearer alsosecret")
    said = printed.getvalue()
    assert "GET /data 400" in said and "POST /login 303" in said
    cookie = browser.client.get_cookie(browser.client.application.config["SESSION_COOKIE_NAME"])
    assert cookie
    for secret in (PASSWORD, "verysecret", "alsosecret", "limit=77", cookie.value):
        assert secret not in said


def test_nobody_writes_a_line_of_their_own(browser: Browser, printed: io.StringIO) -> None:
    browser.get("/%0aFAKE%20line%0d%1b[31mred")
    browser.sign_in("x\nFAKE user\u2028\x1b[2J", "wrong")
    lines = printed.getvalue().split("\n")
    assert not any(line.startswith("FAKE") for line in lines)
    assert "\x1b" not in printed.getvalue() and "\r" not in printed.getvalue()
    assert any("\\n" in line for line in lines)


def test_a_tracebacks_own_lines_are_marked() -> None:
    try:
        raise ValueError("first\nFAKE second")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "failed", None, sys.exc_info())
    text = TextLines("%(message)s").format(record)
    assert all(line.startswith("  | ") for line in text.split("\n")[1:])


def test_a_line_and_a_traceback_have_a_longest_length() -> None:
    def deep(left: int) -> None:
        if not left:
            raise ValueError("x" * 1_000_000)
        (deep if left % 2 else lambda n: deep(n))(left - 1)

    try:
        deep(200)
    except ValueError:
        info = sys.exc_info()
    record = logging.LogRecord("x", logging.ERROR, "", 0, "\x1b" * 1_000_000, None, info)
    first, *rest = TextLines("%(message)s").format(record).split("\n")
    assert len(first) <= LINE_CHARS_MAX
    assert len(rest) <= TRACEBACK_LINES_MAX
    assert all(len(line) <= LINE_CHARS_MAX + 10 for line in rest)
    assert "ValueError" in rest[-1]
