"""`/gaps` and `/corrections`: what is missing and why, what the exchange changed, what is held.

Never here: finding any of it (the fetcher does), which parameters are allowed (`query`).
Invariant: numbers of candles are the exchange's decimal text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Final

from flask import Blueprint, Response, request

from truecandle.candles.candle import OfficialCandle
from truecandle.candles.gap_registry import GAPS_MAX
from truecandle.candles.series import Series
from truecandle.store import gaps, marks, official, quarantine
from truecandle.store.official import CORRECTIONS_KEPT, Correction
from truecandle.store.quarantine import Quarantined
from truecandle.web.auth import require_read
from truecandle.web.query import parse_list_query
from truecandle.web.services import services

bp = Blueprint("record", __name__)

_FIELDS: Final = {
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "volume": "volume",
    "close_time": "close_ms",
    "quote_volume": "quote_volume",
    "trades": "trades",
    "taker_volume": "taker_volume",
    "taker_quote_volume": "taker_quote_volume",
}


@bp.get("/gaps")
@require_read
def missing() -> Response:
    """The holes of a series, newest first, each with its reason, evidence and times."""
    asked = parse_list_query(services().markets, request.args, GAPS_MAX)
    series = asked.series
    meta = official.meta(services().redis, series)
    standing = sorted(
        gaps.standing(services().redis, series), key=lambda gap: gap.start_ms, reverse=True
    )
    listed = [gap for gap in standing if asked.is_about(gap.start_ms, gap.end_ms)][: asked.limit]
    fields = {
        "earliest": json.dumps(meta.earliest),
        "latest": json.dumps(meta.latest),
        "missing": str(sum(gap.candles for gap in standing)),
        "count": str(len(listed)),
        "gaps": _list([gap.to_json() for gap in listed]),
    }
    return _answer(_of(series, fields))


@bp.get("/corrections")
@require_read
def corrected() -> Response:
    """What the exchange changed after the close, newest first; and what was not believed."""
    asked = parse_list_query(services().markets, request.args, CORRECTIONS_KEPT)
    series = asked.series
    kept = official.correction_texts(services().redis, series, CORRECTIONS_KEPT)
    texts = marks.between(kept, asked.start_ms, asked.end_ms)[: asked.limit]
    unbelieved = quarantine.read(services().redis, series)
    return _answer(services().server.run_blocking(_corrections, series, texts, unbelieved))


def _corrections(series: Series, texts: Sequence[bytes], unbelieved: Sequence[Quarantined]) -> str:
    found = [_correction(one) for one in official.decode_corrections(texts)]
    fields = {
        "count": str(len(found)),
        "corrections": _list(found),
        "held": _list([one.to_json() for one in unbelieved]),
    }
    return _of(series, fields)


def _correction(one: Correction) -> str:
    differing = [
        name for name, own in _FIELDS.items() if getattr(one.old, own) != getattr(one.new, own)
    ]
    fields = {
        "time": str(one.time),
        "at": str(one.at),
        "by": json.dumps(one.by),
        "differing": json.dumps(differing),
        "old": _candle(one.old),
        "new": _candle(one.new),
    }
    return _object(fields)


def _candle(candle: OfficialCandle) -> str:
    return _object({name: str(getattr(candle, own)) for name, own in _FIELDS.items()})


def _of(series: Series, fields: Mapping[str, str]) -> str:
    names = {"symbol": f'"{series.symbol}"', "interval": f'"{series.interval.name}"'}
    return _object({**names, **fields})


def _object(fields: Mapping[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{text}' for name, text in fields.items()) + "}"


def _list(texts: Sequence[str]) -> str:
    return f"[{','.join(texts)}]"


def _answer(body: str) -> Response:
    response = Response(body, mimetype="application/json")
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.update(("Cookie", "Authorization"))
    return response
