"""`/data`: official candles, and on wish the live ones of the same instant, as exact text.

Never here: which parameters are allowed (`query`), who may ask (`auth`).
Invariant: official and live come from one transaction; no number is parsed on the way out.
"""

from __future__ import annotations

import hashlib
import json
from typing import NamedTuple

from redis import Redis

from truecandle.candles.candle import LiveCandle
from truecandle.candles.gap import Missing
from truecandle.candles.marks import Marks, marks_of
from truecandle.candles.merge import Tail, tail
from truecandle.candles.series import Series
from truecandle.events import spans
from truecandle.store import gaps, live, map_redis_errors, marks, official, pages
from truecandle.store.columns import Columns, columns, iso
from truecandle.store.live import Live
from truecandle.store.pages import Page, Query
from truecandle.web.query import DataQuery

#: Part of every ETag: another shape of the answer is another answer.
_SHAPE = b"2"


class Snapshot(NamedTuple):
    """One instant of a series: the official page, its columns once cut, the live candles, what is
    proven missing among both, and the marks of the page's candles, if they were asked for.
    """

    page: Page
    columns: Columns | None
    live: list[bytes]
    missing: list[Missing]
    marks: Marks | None = None


@map_redis_errors()
def read(redis: Redis, wanted: DataQuery, now_ms: int) -> Snapshot:
    """What was asked for, all of one instant; live candles and marks only if they were."""
    if not (wanted.is_live or wanted.is_marked):
        return Snapshot(pages.read(redis, wanted.series, wanted.query), None, [], [])
    series = official.learned(redis, wanted.series)
    with redis.pipeline(transaction=True) as pipe:
        pages.queue(pipe, series, wanted.query)
        if wanted.is_live:
            live.queue(pipe, series)
            gaps.queue(pipe, series)
        if wanted.is_marked:
            marks.queue(pipe, series)
        results = pipe.execute()
    page = pages.decode(wanted.query, results)
    cut = columns(page.members)
    shown: list[bytes] = []
    missing: list[Missing] = []
    if wanted.is_live:
        found = live.decode(series, results[pages.RESULTS :], now_ms)
        missing = gaps.decode(results[pages.RESULTS + live.RESULTS :])
        beside = _beside(wanted.query, series, page, cut, found, missing, now_ms)
        shown = [item.candle.to_json(item.state).encode() for item in beside]
    of_page = None
    if wanted.is_marked:
        of_page = _marks(series, page, cut, marks.decode(results[-marks.RESULTS :]))
    return Snapshot(page, cut, shown, missing, of_page)


def etag(wanted: DataQuery, snapshot: Snapshot) -> str:
    """Changes with the version, the request and the live candles. Without a version: the rows."""
    page = snapshot.page
    known = [b"%d" % page.version] if page.version else list(page.members)
    missing = json.dumps(spans(snapshot.missing)).encode()
    beside = (missing, *snapshot.live, _marks_text(snapshot.marks))
    services = (_SHAPE, wanted.key.encode(), b"%d" % page.has_more, *known, *beside)
    return hashlib.blake2b(b"\n".join(services), digest_size=16).hexdigest()


def body(wanted: DataQuery, snapshot: Snapshot) -> tuple[bytes, Columns]:
    """The answer as JSON, and its columns."""
    page = snapshot.page
    cut = snapshot.columns or columns(page.members)
    fields = (
        ("time", iso(cut.time) if wanted.is_iso else cut.time),
        ("open", cut.open),
        ("high", cut.high),
        ("low", cut.low),
        ("close", cut.close),
        ("volume", cut.volume),
    )
    pieces = [
        f'{{"symbol":"{wanted.series.symbol}","interval":"{wanted.series.interval.name}",'
        f'"version":{page.version},"count":{len(cut.time)}'.encode()
    ]
    pieces += [b',"%b":[%b]' % (name.encode(), b",".join(values)) for name, values in fields]
    pieces.append(b',"has_more":' + (b"true" if page.has_more else b"false"))
    if wanted.is_live:
        pieces.append(b',"live":[%b]' % b",".join(snapshot.live))
        pieces.append(b',"missing":%b' % json.dumps(spans(snapshot.missing)).encode())
    pieces += [_marks_text(snapshot.marks), b"}"]
    return b"".join(pieces), cut


def _marks(series: Series, page: Page, cut: Columns, known: marks.Known) -> Marks:
    opens = [int(time) for time in cut.time]
    is_newest = bool(opens) and page.latest == opens[-1]
    return marks_of(series.interval, opens, known.corrected, known.gaps, is_newest=is_newest)


def _marks_text(found: Marks | None) -> bytes:
    if found is None:
        return b""
    missing = [(gap.start_ms, gap.end_ms, gap.reason) for gap in found.gaps]
    texts = [json.dumps(one, separators=(",", ":")) for one in (found.corrected, missing)]
    return f',"corrected":{texts[0]},"gaps":{texts[1]}'.encode()


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
