"""`/corrections`: what the exchange changed of candles after their close, and what is held back.

Never here: noticing changes (the store's script does), judging them (`ingest/plausibility`).
Invariant: numbers of candles are the exchange's decimal text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask import Blueprint, Response, request

from truecandle.candles.candle import OfficialCandle
from truecandle.candles.series import Series
from truecandle.exact_json import Exact, dumps
from truecandle.store import marks, official, quarantine
from truecandle.store.official import CORRECTIONS_KEPT, Correction
from truecandle.store.quarantine import Quarantined
from truecandle.web.auth import require_read
from truecandle.web.json_response import json_response
from truecandle.web.query import parse_list_query
from truecandle.web.services import services

bp = Blueprint("corrections", __name__)

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


@bp.get("/corrections")
@require_read
def corrected() -> Response:
    """What the exchange changed after the close, newest first; and what was not believed."""
    asked = parse_list_query(services().markets, request.args)
    kept = official.correction_texts(services().redis, asked.series, CORRECTIONS_KEPT)
    texts = marks.between(kept, asked.start_ms, asked.end_ms)[: asked.limit]
    unbelieved = quarantine.read(services().redis, asked.series)
    text = services().server.run_blocking(_body, asked.series, texts, unbelieved)
    return json_response(Exact(text))


def _body(series: Series, texts: Sequence[bytes], unbelieved: Sequence[Quarantined]) -> bytes:
    """The answer as JSON: up to 100 ms of computing, not on the hub."""
    found = [_correction(one) for one in official.decode_corrections(texts)]
    return dumps(
        {
            "symbol": series.symbol,
            "interval": series.interval.name,
            "count": len(found),
            "corrections": found,
            "held": [Exact(one.to_json()) for one in unbelieved],
        }
    )


def _correction(one: Correction) -> dict[str, Any]:
    return {
        "time": one.time,
        "at": one.at,
        "by": one.by,
        "differing": [
            name for name, own in _FIELDS.items() if getattr(one.old, own) != getattr(one.new, own)
        ],
        "old": _candle(one.old),
        "new": _candle(one.new),
    }


def _candle(candle: OfficialCandle) -> dict[str, Any]:
    return {name: Exact(str(getattr(candle, own))) for name, own in _FIELDS.items()}
