"""What the web role adds to the log: a line for each answer, and which request a line belongs to.

Never here: query strings, cookies, tokens, socket ids, anything from a request's body; the form of
lines (`log_lines`).
Invariant: a market is named only if it is followed: what a stranger sends is no word of the log.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from flask import Flask, Response, g, has_request_context, request

from truecandle import log_lines, metrics
from truecandle.log_lines import FIELDS, Fields
from truecandle.web.request_ids import REQUEST_ID
from truecandle.web.services import services

PATH_CHARS_MAX: Final = 200
#: Where a list stands in a request's environment for whoever wants to know its route afterwards.
ROUTES: Final = "truecandle.routes"

_access = logging.getLogger("truecandle.web.access")


class Answered(NamedTuple):
    """A request and what became of it. `began_s` is of `time.perf_counter`."""

    route: str
    method: str
    path: str
    status: int
    began_s: float


class Asker(NamedTuple):
    """Who sent a request, where that is known, and about which market."""

    address: object
    request_id: str
    user: str | None
    symbol: str | None = None
    interval: str | None = None


def set_up(log_format: str) -> None:
    """The log of this role."""
    log_lines.set_up(log_format, "web", _context)


def init_app(app: Flask) -> None:
    """An access log and the request metrics."""
    app.before_request(_begin)
    app.after_request(_end)


def note(answered: Answered, asker: Asker) -> None:
    """Counts an answer that is ready, and writes its line."""
    route, method, path, status, began_s = answered
    took_s = time.perf_counter() - began_s
    metrics.REQUESTS.labels(route, str(status)).inc()
    metrics.SECONDS.labels(route).observe(took_s)
    level = logging.DEBUG if route.startswith("/static") else logging.INFO
    if not _access.isEnabledFor(level):
        return
    path, took_ms = path[:PATH_CHARS_MAX], took_s * 1000
    fields = {
        "method": method,
        "path": path,
        "route": route,
        "status": status,
        "took_ms": round(took_ms, 1),
        **asker._asdict(),
        "address": str(asker.address),
    }
    told = (method, path, status, took_ms, asker.address, asker.request_id, asker.user or "-")
    _access.log(level, "%s %s %s %.1f ms from %s id=%s user=%s", *told, extra={FIELDS: fields})


def tell_route(environ: Mapping[str, Any], route: str) -> None:
    """A request was answered by that route; middleware may have copied its environment."""
    if (wanted := environ.get(ROUTES)) is not None:
        wanted.append(route)


def request_id(environ: Mapping[str, Any]) -> str:
    """The id of a request; "" where it came past the middleware."""
    return str(environ.get(REQUEST_ID, ""))


def _begin() -> None:
    g.began_s = time.perf_counter()


def _end(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "none"
    tell_route(request.environ, route)
    began_s = g.get("began_s", time.perf_counter())
    answered = Answered(route, request.method, request.path, response.status_code, began_s)
    asker = Asker(request.remote_addr, request_id(request.environ), _user(), *_market())
    note(answered, asker)
    return response


def _context() -> Fields:
    if not has_request_context():
        return {}
    return {"request_id": request_id(request.environ), "user": _user()}


def _user() -> str | None:
    """The user's name, if it was asked for who that is."""
    user = g.get("_login_user")
    return str(user.name) if user is not None and user.is_authenticated else None


def _market() -> tuple[str | None, str | None]:
    symbol, interval = request.args.get("symbol", ""), request.args.get("interval", "")
    markets = services().markets
    if not markets.was_followed(symbol):
        return None, None
    return symbol, interval if interval in markets.intervals else None
