"""`/audit`: what the live chart had shown of closed candles, against what became official.

Never here: comparing, figures (`candles/audit`), which parameters are allowed (`query`).
Invariant: the summary is over all that is kept, whatever part of it is told of, or is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request

from truecandle.candles.audit import (
    FIELDS,
    AuditEntry,
    AuditSummary,
    FieldDifference,
    known_steps,
    summary,
)
from truecandle.candles.instrument import Instrument
from truecandle.exact_json import Exact, dumps
from truecandle.store import audit, markets, marks
from truecandle.web.auth import require_read
from truecandle.web.json_response import json_response
from truecandle.web.query import SUMMARY, ListQuery, parse_list_query
from truecandle.web.services import services

bp = Blueprint("audit", __name__)


@bp.get("/audit")
@require_read
def shown_live() -> Response:
    """What the chart had shown of closed candles against what became official, in figures."""
    asked = parse_list_query(services().markets, request.args, SUMMARY)
    texts = audit.texts(services().redis, asked.series)
    instrument = markets.instrument(services().redis, asked.series.symbol)
    text = services().server.run_blocking(_body, asked, texts, instrument)
    return json_response(Exact(text))


def _body(asked: ListQuery, texts: Sequence[bytes], instrument: Instrument | None) -> bytes:
    """The answer as JSON, from the kept texts, with the newest entries of what is asked for.

    With the summary it takes about 100 ms at worst, all of it computing: not on the hub.
    """
    between = marks.between(texts, asked.start_ms, asked.end_ms)
    entries = audit.decode(texts if asked.has_summary else between)
    told = [entry for entry in entries if asked.is_about(entry.open_ms)][: asked.limit]
    return dumps(
        {
            "symbol": asked.series.symbol,
            "interval": asked.series.interval.name,
            "since": min(filter(None, map(marks.time_of, texts)), default=None),
            **(_figures(entries, instrument) if asked.has_summary else {}),
            "count": len(told),
            "candles": [_entry(entry) for entry in told],
        }
    )


def _figures(entries: Sequence[AuditEntry], instrument: Instrument | None) -> dict[str, Any]:
    steps = known_steps(instrument, entries)
    return {
        "tick": _number(steps.tick),
        "tick_source": steps.tick_source,
        "step": _number(steps.step),
        "step_source": steps.step_source,
        "summary": _summary(summary(entries, steps)),
    }


def _summary(found: AuditSummary) -> dict[str, Any]:
    return {
        "shown": found.shown,
        "exact": found.exact,
        "exact_share": _number(found.exact_share),
        "never_shown": found.unseen,
        "median_ms": _number(found.median_ms),
        "worst_ms": _number(found.worst_ms),
        "fields": {name: _difference(off) for name, off in found.fields.items()},
    }


def _difference(off: FieldDifference) -> dict[str, Any]:
    return {
        "differing": off.differing,
        "largest_ticks": _number(off.largest_ticks),
        "median_ticks": _number(off.median_ticks),
        "largest_bp": _number(off.largest_bp),
        "median_bp": _number(off.median_bp),
    }


def _entry(entry: AuditEntry) -> dict[str, Any]:
    return {
        "time": entry.open_ms,
        "at": entry.at_ms,
        "late_ms": entry.late_ms,
        "exact": entry.is_exact if entry.shown else None,
        "differing": entry.differing,
        "shown": Exact(entry.shown.to_json()) if entry.shown else None,
        "official": {name: Exact(str(getattr(entry.official, name))) for name in FIELDS},
    }


def _number(value: Decimal | int | None) -> Exact | None:
    """Plain decimal text without trailing zeros."""
    if value is None:
        return None
    text = f"{Decimal(value):f}"
    return Exact(text.rstrip("0").rstrip(".") if "." in text else text)
