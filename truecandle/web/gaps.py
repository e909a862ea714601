"""`/gaps`: which candles of a series are missing, and why.

Never here: finding gaps (the fetcher does), which parameters are allowed (`query`).
Invariant: a gap whose candles have come since is not told of.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from truecandle.exact_json import Exact
from truecandle.store import gaps, official
from truecandle.web.auth import require_read
from truecandle.web.json_response import json_response
from truecandle.web.query import parse_list_query
from truecandle.web.services import services

bp = Blueprint("gaps", __name__)


@bp.get("/gaps")
@require_read
def missing() -> Response:
    """The holes of a series, newest first, each with its reason, evidence and times."""
    asked = parse_list_query(services().markets, request.args)
    series = asked.series
    meta = official.meta(services().redis, series)
    standing = sorted(
        gaps.standing(services().redis, series), key=lambda gap: gap.start_ms, reverse=True
    )
    listed = [gap for gap in standing if asked.is_about(gap.start_ms, gap.end_ms)][: asked.limit]
    return json_response(
        {
            "symbol": series.symbol,
            "interval": series.interval.name,
            "earliest": meta.earliest,
            "latest": meta.latest,
            "missing": sum(gap.candles for gap in standing),
            "count": len(listed),
            "gaps": [Exact(gap.to_json()) for gap in listed],
        }
    )
