"""`/live-candle` and `/save-live-candle`: what is live, and what a browser offers of it.

Never here: judging what is offered (`client_candles`), who outranks whom (`store/live`).
Invariant: numbers in answers are the store's exact decimal text.
"""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask_login import current_user

from truecandle import metrics
from truecandle.exact_json import Exact
from truecandle.store import live, official
from truecandle.web import client_candles, freshness
from truecandle.web.auth import require_read, require_write
from truecandle.web.json_response import json_response
from truecandle.web.query import series_of
from truecandle.web.rate_limit import POSTS
from truecandle.web.services import services

bp = Blueprint("live_candle", __name__)


@bp.get("/live-candle")
@require_read
def live_candle() -> Response:
    """The forming candle (or null), the closed ones that wait for their official version, and how
    fresh all this is.
    """
    series = official.learned(services().redis, series_of(services().markets, request.args))
    found = live.read_live(services().redis, series, services().clock.now_ms())
    forming = found.forming
    return json_response(
        {
            "candle": Exact(forming.to_json("forming")) if forming else None,
            "pending": [Exact(candle.to_json("pending")) for candle in found.pending],
            "freshness": freshness.of(services(), series.symbol).fields(),
        }
    )


@bp.post("/save-live-candle")
@require_write("trader")
def save_live_candle() -> Response:
    """A browser's forming candle: low trust, and never in the way of anything better."""
    offered = client_candles.read(services().markets, request)
    services().rate_limiter.hit(
        POSTS, "At most 2 candles a second.", current_user.name, offered.series.name
    )
    saved = client_candles.save(services(), offered)
    metrics.POSTS.labels(saved.reason).inc()
    if saved.saved:
        return json_response({"status": "saved"})
    return json_response({"status": "ignored", "reason": saved.reason})
