"""The log: one line per event, and an access log that holds no secrets.

Never here: query strings, cookies, tokens, socket ids, anything from a request's body.
Invariant: whatever somebody sends, it cannot begin a new line, colour a terminal, or make a line
longer than `LINE_CHARS_MAX`.
"""

from __future__ import annotations

import logging
import re
import time
from typing import Final

from flask import Flask, Response, g, request

from truecandle import metrics

PATH_CHARS_MAX: Final = 200
#: One line, and the lines of one traceback (its last ones, which name the error).
LINE_CHARS_MAX: Final = 2_000
TRACEBACK_LINES_MAX: Final = 100

#: What moves the cursor, colours, begins a line, or turns the direction of writing.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_access = logging.getLogger("truecandle.web.access")


class OneLine(logging.Formatter):
    """Escapes control characters in messages; a traceback keeps its own lines, indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = bounded(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:
        lines = super().formatException(ei).splitlines()  # type: ignore[arg-type]
        return "\n".join(f"  | {bounded(line)}" for line in lines[-TRACEBACK_LINES_MAX:])


def set_up() -> None:
    """Everything to stderr, one line per event."""
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for chatty in ("engineio", "socketio", "flask-limiter", "limits"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def bounded(text: str) -> str:
    """One line: escaped, and cut where it grows too long."""
    line = escaped(text[: LINE_CHARS_MAX + 1])
    return line if len(line) <= LINE_CHARS_MAX else line[: LINE_CHARS_MAX - 1] + "…"


def escaped(text: str) -> str:
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def init_app(app: Flask) -> None:
    """An access log and the request metrics."""
    app.before_request(_begin)
    app.after_request(_end)


def note(route: str, method: str, path: str, status: int, began_s: float, address: object) -> None:
    """Counts an answer that is ready, and writes its line. `began_s` is of `time.perf_counter`."""
    took_s = time.perf_counter() - began_s
    metrics.REQUESTS.labels(route, str(status)).inc()
    metrics.SECONDS.labels(route).observe(took_s)
    level = logging.DEBUG if route.startswith("/static") else logging.INFO
    told = (method, path[:PATH_CHARS_MAX], status, took_s * 1000, address)
    _access.log(level, "%s %s %s %.1f ms from %s", *told)


def _begin() -> None:
    g.began_s = time.perf_counter()


def _end(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "none"
    began_s = g.get("began_s", time.perf_counter())
    asked = (route, request.method, request.path)
    note(*asked, response.status_code, began_s, request.remote_addr)
    return response
