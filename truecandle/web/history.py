"""`/history`: how far back a series is stored, and wishes for older candles.

Never here: asking the exchange (the fetcher does, while somebody waits), candles (`data`).
Invariant: whoever may only look keeps no job alive without an account, and begins none.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from flask import Blueprint, Response, request
from flask_login import current_user

from truecandle.candles.interval import LAST_MS
from truecandle.candles.series import Series
from truecandle.errors import CandleError
from truecandle.exact_json import Exact
from truecandle.store import history
from truecandle.store.history import HistoryJob, HistoryWish, StoredHistory
from truecandle.web import json_body
from truecandle.web.auth import require_read, require_write
from truecandle.web.errors import Problem
from truecandle.web.json_response import json_response
from truecandle.web.query import followed, series_of
from truecandle.web.services import services

bp = Blueprint("history", __name__)

RETRY_AFTER_S: Final = 5
_FIELDS: Final = frozenset({"symbol", "interval", "from"})


@bp.get("/history")
@require_read
def stored_history() -> Response:
    """How far back a series is stored, and how far its job is; who waits for one keeps it alive."""
    series = series_of(services().markets, request.args)
    if current_user.is_authenticated:
        history.renew(services().redis, series)
    return _answer(*_state(series), 200)


@bp.post("/history")
@require_write("viewer")
def wish_for_history() -> Response:
    """Wishes for the candles of a series from a moment on; nothing is begun if they are there."""
    body = json_body.read(request, _FIELDS)
    series = followed(services().markets, body["symbol"], body["interval"])
    from_ms = _moment(body["from"])
    stored, _ = _state(series)
    is_done = stored.is_done(from_ms, services().settings.history_stored_max)
    if not is_done and not history.wish(services().redis, HistoryWish(series, from_ms)):
        detail = (
            f"Older candles of {history.WISHES_MAX} other series are waited for. Nothing began."
        )
        raise Problem(503, "busy", detail, {"Retry-After": str(RETRY_AFTER_S)})
    return _answer(*_state(series), 202)


def _moment(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LAST_MS:
        return value
    shown = str(value) if isinstance(value, Decimal) else value
    raise CandleError("from", shown, f"a whole number from 0 to {LAST_MS} (ms since 1970)")


def _state(series: Series) -> tuple[StoredHistory, HistoryJob | None]:
    """What is stored, and the job; read in this order, a job is never gone before its candles are
    there.
    """
    job = history.standing(services().redis, series)
    stored = history.stored(services().redis, series)
    most = services().settings.history_stored_max
    if job is None or stored.is_done(job.from_ms, most):
        return stored, None
    if not job.expected and stored.first_ms is not None:
        job = replace(job, expected=stored.left(job.from_ms, most))
    return stored, job


def _answer(stored: StoredHistory, job: HistoryJob | None, status: int) -> Response:
    most = services().settings.history_stored_max
    limit = {"max": most, "stored": stored.count, "is_reached": stored.count >= most}
    fields = {
        "symbol": stored.series.symbol,
        "interval": stored.series.interval.name,
        "stored_from": stored.earliest_ms,
        "first": stored.first_ms,
        "is_whole": stored.is_whole,
        "limit": limit,
        "job": Exact(job.to_json()) if job else None,
    }
    return json_response(fields, status)
