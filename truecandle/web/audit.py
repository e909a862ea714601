"""`/audit`: what the live chart had shown of closed candles, against what became official.

Never here: comparing, figures (`candles/audit`), which parameters are allowed (`query`).
Invariant: the summary is over all that is kept, whatever part of it is listed, or is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from truecandle.candles.audit import (
    FIELDS,
    AuditEntry,
    AuditSummary,
    FieldDifference,
    known_steps,
    summary,
)
from truecandle.candles.instrument import Instrument
from truecandle.store import audit, marks
from truecandle.web.query import ListQuery


def body(asked: ListQuery, texts: Sequence[bytes], listing: Instrument | None) -> str:
    """The answer as JSON, from the kept texts; the newest entries of what is asked for are listed.

    With the summary it takes about 100 ms at worst, all of it computing: not on the hub.
    """
    between = marks.between(texts, asked.start_ms, asked.end_ms)
    entries = audit.decode(texts if asked.has_summary else between)
    listed = [entry for entry in entries if asked.is_about(entry.open_ms)][: asked.limit]
    return _object(
        {
            "symbol": f'"{asked.series.symbol}"',
            "interval": f'"{asked.series.interval.name}"',
            "since": _number(min(filter(None, map(marks.time_of, texts)), default=None)),
            **(_figures(entries, listing) if asked.has_summary else {}),
            "count": str(len(listed)),
            "candles": f"[{','.join(map(_entry, listed))}]",
        }
    )


def _figures(entries: Sequence[AuditEntry], listing: Instrument | None) -> dict[str, str]:
    steps = known_steps(listing, entries)
    return {
        "tick": _number(steps.tick),
        "tick_source": f'"{steps.tick_source}"',
        "step": _number(steps.step),
        "step_source": f'"{steps.step_source}"',
        "summary": _summary(summary(entries, steps)),
    }


def _summary(found: AuditSummary) -> str:
    fields = {name: _difference(off) for name, off in found.fields.items()}
    return _object(
        {
            "shown": str(found.shown),
            "exact": str(found.exact),
            "exact_share": _number(found.exact_share),
            "never_shown": str(found.unseen),
            "median_ms": _number(found.median_ms),
            "worst_ms": _number(found.worst_ms),
            "fields": _object(fields),
        }
    )


def _difference(off: FieldDifference) -> str:
    return _object(
        {
            "differing": str(off.differing),
            "largest_ticks": _number(off.largest_ticks),
            "median_ticks": _number(off.median_ticks),
            "largest_bp": _number(off.largest_bp),
            "median_bp": _number(off.median_bp),
        }
    )


def _entry(entry: AuditEntry) -> str:
    official = {name: str(getattr(entry.official, name)) for name in FIELDS}
    differing = ",".join(f'"{name}"' for name in entry.differing)
    return _object(
        {
            "time": str(entry.open_ms),
            "at": str(entry.at_ms),
            "late_ms": str(entry.late_ms),
            "exact": str(entry.is_exact).lower() if entry.shown else "null",
            "differing": f"[{differing}]",
            "shown": entry.shown.to_json() if entry.shown else "null",
            "official": _object(official),
        }
    )


def _number(value: Decimal | int | None) -> str:
    """Plain decimal text without trailing zeros."""
    if value is None:
        return "null"
    text = f"{Decimal(value):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _object(fields: Mapping[str, str]) -> str:
    return "{" + ",".join(f'"{name}":{text}' for name, text in fields.items()) + "}"
