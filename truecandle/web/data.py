"""`/data`: official candles, and on wish the live ones of the same instant, as exact text.

Never here: which parameters are allowed (`query`), who may ask (`auth`), wording of errors.
Invariant: official and live come from one transaction; no number is parsed on the way out.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

from flask import Blueprint, Response, request
from redis import Redis

from truecandle.candles.candle import LiveCandle
from truecandle.candles.gap import Missing
from truecandle.candles.marks import Marks, marks_of
from truecandle.candles.merge import Tail, tail
from truecandle.candles.series import Series
from truecandle.events import spans
from truecandle.exact_json import Exact, dumps
from truecandle.store import gaps, live, marks, official, pages
from truecandle.store.batch import Batch
from truecandle.store.columns import Columns, columns, iso
from truecandle.store.live import Live
from truecandle.store.pages import Page, Query
from truecandle.web import data_answers
from truecandle.web.auth import require_read
from truecandle.web.data_answers import page_link
from truecandle.web.data_request import DATA, is_other, parse_data_request
from truecandle.web.json_response import private
from truecandle.web.parameters import single
from truecandle.web.query import DataQuery, parse_data_query
from truecandle.web.services import services

bp = Blueprint("data", __name__)

#: Part of every ETag: another shape of the answer is another answer.
_SHAPE = b"2"


class Snapshot(NamedTuple):
    """One instant of a series: the official page, its columns once cut, the live candles, what is
    proven missing among both, as it stands in answers, and the marks, if they were asked for.
    """

    page: Page
    columns: Columns | None
    live: list[bytes]
    missing: list[list[int]]
    marks: Marks | None = None


@bp.get("/data")
@require_read
def candles() -> Response:
    """Official candles, ascending, in columns or another format. With `live=1` also the live ones
    of the same instant.
    """
    values = single(request.args, DATA)
    if is_other(values):
        return data_answers.answer(parse_data_request(services().markets, values))
    asked = parse_data_query(services().markets, values)
    snapshot = read(services().redis, asked, services().clock.now_ms())
    tag = etag(asked, snapshot)
    if request.if_none_match.contains(tag):
        response = Response(status=304)
    else:
        text, cut = body(asked, snapshot)
        response = Response(text, mimetype="application/json")
        if snapshot.page.has_more and cut.time:
            response.headers["Link"] = page_link(asked.query, int(cut.time[0]), int(cut.time[-1]))
    response.set_etag(tag)
    return private(response)


def read(redis: Redis, wanted: DataQuery, now_ms: int) -> Snapshot:
    """What was asked for, all of one instant; live candles and marks only if they were."""
    if not (wanted.is_live or wanted.is_marked):
        return Snapshot(pages.read(redis, wanted.series, wanted.query), None, [], [])
    series = official.learned(redis, wanted.series)
    batch = Batch(redis)
    asked_page = pages.queue(batch, series, wanted.query)
    asked_live = live.queue(batch, series, now_ms) if wanted.is_live else None
    asked_missing = gaps.queue(batch, series) if wanted.is_live else None
    asked_marks = marks.queue(batch, series) if wanted.is_marked else None
    batch.run()
    page = asked_page.value
    cut = columns(page.members)
    of_page = _marks(series, page, cut, asked_marks.value) if asked_marks else None
    if asked_live is None or asked_missing is None:
        return Snapshot(page, cut, [], [], of_page)
    missing = asked_missing.value
    beside = _beside(wanted.query, series, page, cut, asked_live.value, missing, now_ms)
    shown = [item.candle.to_json(item.state).encode() for item in beside]
    return Snapshot(page, cut, shown, spans(missing), of_page)


def etag(wanted: DataQuery, snapshot: Snapshot) -> str:
    """Changes with the version, the request and the live candles. Without a version: the rows."""
    page = snapshot.page
    known = [b"%d" % page.version] if page.version else list(page.members)
    missing = str(snapshot.missing).encode()
    beside = (missing, *snapshot.live, dumps(_marks_fields(snapshot.marks)))
    parts = (_SHAPE, wanted.key.encode(), b"%d" % page.has_more, *known, *beside)
    return hashlib.blake2b(b"\n".join(parts), digest_size=16).hexdigest()


def body(wanted: DataQuery, snapshot: Snapshot) -> tuple[bytes, Columns]:
    """The answer as JSON, and its columns."""
    page = snapshot.page
    cut = snapshot.columns or columns(page.members)
    fields: dict[str, Any] = {
        "symbol": wanted.series.symbol,
        "interval": wanted.series.interval.name,
        "version": page.version,
        "count": len(cut.time),
        "time": _column(iso(cut.time) if wanted.is_iso else cut.time),
        "open": _column(cut.open),
        "high": _column(cut.high),
        "low": _column(cut.low),
        "close": _column(cut.close),
        "volume": _column(cut.volume),
        "has_more": page.has_more,
    }
    if wanted.is_live:
        fields |= {"live": _column(snapshot.live), "missing": snapshot.missing}
    return dumps(fields | _marks_fields(snapshot.marks)), cut


def _marks(series: Series, page: Page, cut: Columns, known: marks.Known) -> Marks:
    opens = [int(time) for time in cut.time]
    is_newest = bool(opens) and page.latest == opens[-1]
    return marks_of(series.interval, opens, known.corrected, known.gaps, is_newest=is_newest)


def _marks_fields(found: Marks | None) -> dict[str, Any]:
    if found is None:
        return {}
    missing = [[gap.start_ms, gap.end_ms, gap.reason] for gap in found.gaps]
    return {"corrected": found.corrected, "gaps": missing}


def _column(values: list[bytes]) -> Exact:
    return Exact(b"[%b]" % b",".join(values))


def _beside(
    query: Query,
    series: Series,
    page: Page,
    cut: Columns,
    found: Live,
    missing: list[Missing],
    now_ms: int,
) -> list[Tail]:
    """The live candles in the range asked for that no official one, on the page or not, stands for.

    A page that does not reach the newest official candle knows nothing of those beyond it, so live
    candles there are left out unless they are newer than all.
    """
    opens = [int(time) for time in cut.time]
    newest_ms = -1 if page.latest is None else page.latest
    ends = [ms for ms in (query.end_ms, query.before_ms) if ms is not None]

    def belongs(candle: LiveCandle) -> bool:
        if candle.open_ms < (query.start_ms or 0) or any(candle.open_ms >= end for end in ends):
            return False
        is_seen = bool(opens) and opens[0] <= candle.open_ms <= opens[-1]
        return is_seen or candle.open_ms > newest_ms

    pending = [candle for candle in found.pending if belongs(candle)]
    forming = found.forming if found.forming and belongs(found.forming) else None
    return tail(series.interval, opens, pending, forming, now_ms, missing)
