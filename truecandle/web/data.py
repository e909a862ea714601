"""`/data`: official candles, and on wish the live ones of the same instant, as exact text.

Never here: which parameters are allowed (`query`), who may ask (`auth`), wording of errors.
Invariant: official and live come from one transaction; no number is parsed on the way out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import Blueprint, Response, request
from flask_login import current_user
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
from truecandle.store.columns import Columns, columns
from truecandle.store.live import Live
from truecandle.store.pages import Page, Query
from truecandle.store.versions import Versions
from truecandle.web import column_answers, data_answers
from truecandle.web.auth import require_read
from truecandle.web.column_answers import ColumnRequest, columns_json, link
from truecandle.web.column_blocks import texts_of
from truecandle.web.data_door import VERSIONS
from truecandle.web.data_request import DATA, is_other, parse_data_request
from truecandle.web.json_response import private
from truecandle.web.parameters import single
from truecandle.web.query import DataQuery, parse_data_query
from truecandle.web.services import services

bp = Blueprint("data", __name__)


class Snapshot(NamedTuple):
    """One instant of a series: the official page, its columns once cut, the live candles, what is
    proven missing among both, as it stands in answers, and the marks, if they were asked for.
    """

    page: Page
    columns: Columns
    live: list[bytes]
    missing: list[list[int]]
    marks: Marks | None = None


@bp.get(column_answers.PATH)
@require_read
def candles() -> Response:
    """Official candles, ascending, in columns or another format. With `live=1` also the live ones
    of the same instant.
    """
    values = single(request.args, DATA)
    if is_other(values):
        return data_answers.answer(parse_data_request(services().markets, values))
    asked = ColumnRequest(parse_data_query(services().markets, values), values)
    return _plain(asked) if asked.query.is_plain else _of_now(asked)


def _plain(asked: ColumnRequest) -> Response:
    """What `data_door` would have answered, had it known who asks: from now on it does."""
    versions: Versions | None = request.environ.get(VERSIONS)
    if versions is None:
        versions = services().versions.read(asked.query.series)
    elif versions.credentials is None:
        services().credentials.begin_version()
    else:
        known, user = None, None
        if current_user.is_authenticated:
            known, user = current_user.credential.digest, current_user.name
        services().checked_readers.remember(request.environ, versions.credentials, known, user)
    answers, environ = services().column_answers, request.environ
    given = answers.ready(asked, versions.series, environ)
    given = given or answers.make(asked, versions.series, environ)
    return Response(given.body, given.status, given.headers)


def _of_now(asked: ColumnRequest) -> Response:
    """What changes without the version: live candles, what is missing, marks."""
    wanted = asked.query
    snapshot = read(services().redis, wanted, services().clock.now_ms())
    tag = etag(wanted, snapshot)
    if request.if_none_match.contains(tag):
        response = Response(status=304)
    else:
        response = Response(body(wanted, snapshot), mimetype="application/json")
        times = snapshot.columns.time
        if snapshot.page.has_more and times:
            edge = times[-1 if wanted.query.is_forward else 0]
            told = (wanted.query, asked.parameters, int(edge), request.script_root)
            response.headers["Link"] = link(*told)
    response.set_etag(tag)
    return private(response)


def read(redis: Redis, wanted: DataQuery, now_ms: int) -> Snapshot:
    """What was asked for, all of one instant; live candles and marks only if they were."""
    series = official.learned(redis, wanted.series)
    batch = Batch(redis)
    asked_page = pages.queue(batch, series, wanted.query)
    asked_meta = pages.queue_meta(batch, series)
    asked_live = live.queue(batch, series, now_ms) if wanted.is_live else None
    asked_missing = gaps.queue(batch, series) if wanted.is_live else None
    asked_marks = marks.queue(batch, series) if wanted.is_marked else None
    batch.run()
    page, newest_ms = asked_page.value, asked_meta.value.latest
    cut = columns(page.members)
    of_page = _marks(series, newest_ms, cut, asked_marks.value) if asked_marks else None
    if asked_live is None or asked_missing is None:
        return Snapshot(page, cut, [], [], of_page)
    missing = asked_missing.value
    beside = _beside(wanted.query, series, newest_ms, cut, asked_live.value, missing, now_ms)
    shown = [item.candle.to_json(item.state).encode() for item in beside]
    return Snapshot(page, cut, shown, spans(missing), of_page)


def etag(wanted: DataQuery, snapshot: Snapshot) -> str:
    """Changes with the version, the request and the live candles. Without a version: the rows."""
    page = snapshot.page
    known = [b"%d" % page.version] if page.version else list(page.members)
    missing = str(snapshot.missing).encode()
    beside = (missing, *snapshot.live, dumps(_marks_fields(snapshot.marks)))
    return column_answers.etag(wanted, b"%d" % page.has_more, *known, *beside)


def body(wanted: DataQuery, snapshot: Snapshot) -> bytes:
    """The answer as JSON."""
    page = snapshot.page
    beside: dict[str, Any] = _marks_fields(snapshot.marks)
    if wanted.is_live:
        live_now = Exact(b"[%b]" % b",".join(snapshot.live))
        beside = {"live": live_now, "missing": snapshot.missing} | beside
    texts = texts_of(snapshot.columns, is_iso=wanted.is_iso)
    return columns_json(wanted, page.version, texts, has_more=page.has_more, beside=beside)


def _marks(series: Series, newest_ms: int | None, cut: Columns, known: marks.Known) -> Marks:
    opens = [int(time) for time in cut.time]
    is_newest = bool(opens) and newest_ms == opens[-1]
    return marks_of(series.interval, opens, known.corrected, known.gaps, is_newest=is_newest)


def _marks_fields(found: Marks | None) -> dict[str, Any]:
    if found is None:
        return {}
    missing = [[gap.start_ms, gap.end_ms, gap.reason] for gap in found.gaps]
    return {"corrected": found.corrected, "gaps": missing}


def _beside(
    query: Query,
    series: Series,
    newest_ms: int | None,
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
    ends = [ms for ms in (query.end_ms, query.before_ms) if ms is not None]

    def belongs(candle: LiveCandle) -> bool:
        if candle.open_ms < (query.start_ms or 0) or any(candle.open_ms >= end for end in ends):
            return False
        is_seen = bool(opens) and opens[0] <= candle.open_ms <= opens[-1]
        return is_seen or newest_ms is None or candle.open_ms > newest_ms

    pending = [candle for candle in found.pending if belongs(candle)]
    forming = found.forming if found.forming and belongs(found.forming) else None
    return tail(series.interval, opens, pending, forming, now_ms, missing)
