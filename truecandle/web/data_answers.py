"""`/data` in its other forms as an answer: a page with a strong ETag, a stream with a weak one.

Never here: how a format is written (`data_formats`, `data_tables`), the usual columns (`data`).
Invariant: a stream holds a page or two in memory, however long its range is; one that cannot be
finished is cut off, and never ends as if it were whole.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
from collections.abc import Iterable, Iterator
from typing import Final

from flask import Response, request
from redis import Redis

from truecandle.candles.interval import LAST_MS
from truecandle.candles.series import Series
from truecandle.errors import StoreDamaged
from truecandle.store import keys, pages
from truecandle.store.columns import own_time
from truecandle.store.pages import Page, Query
from truecandle.web import compression, data_formats, data_tables
from truecandle.web.column_answers import link
from truecandle.web.data_formats import MIMETYPES, SeriesPages
from truecandle.web.data_request import TABLES, DataRequest
from truecandle.web.json_response import private
from truecandle.web.services import services

#: Candles that a stream reads at a time.
STREAM_CANDLES: Final = 2_000
#: The version of the one series, for who asks again what is newer.
VERSION: Final = "TrueCandle-Version"
#: Part of every ETag: another shape of the answer is another answer.
_SHAPE: Final = b"forms 1"

_log = logging.getLogger("truecandle.web.data")


def answer(asked: DataRequest) -> Response:
    """The answer to a request."""
    if asked.format in TABLES:
        # Loading it takes a second at first, in which everybody else is still answered.
        services().server.run_blocking(data_tables.pyarrow)
    return _page(asked) if asked.is_page else _stream(asked)


def _page(asked: DataRequest) -> Response:
    series = asked.series[0]
    page = pages.read(services().redis, series, asked.query)
    known = [b"%d" % page.version] if page.version else list(page.members)
    tag = _tag(asked, [b"%d" % page.has_more, *known])
    if request.if_none_match.contains(tag):
        response = Response(status=304)
    else:
        found = [SeriesPages(series, [page])]
        response = Response(b"".join(_pieces(asked, found)), mimetype=MIMETYPES[asked.format])
        opens = [ms for ms in map(own_time, page.members) if ms is not None]
        if page.has_more and opens:
            edge_ms = max(opens) if asked.query.is_forward else min(opens)
            told = (asked.query, request.args.to_dict(), edge_ms, request.script_root)
            response.headers["Link"] = link(*told)
    response.set_etag(tag)
    response.headers[VERSION] = str(page.version)
    return private(response)


def _stream(asked: DataRequest) -> Response:
    """Official candles change rarely, and then by corrections: the ETag says that this is what was
    there when the stream began, and it is weak, since a page may be younger than that.
    """
    redis = services().redis
    metas = [pages.meta(redis, one) for one in asked.series]
    tag = _tag(asked, [b"%d" % one.version for one in metas])
    is_known = all(one.version for one in metas)
    if is_known and request.if_none_match.contains_weak(tag):
        response = Response(status=304)
        response.set_etag(tag, weak=True)
        return private(response)
    each: list[Iterator[Page]] = [
        _pages(redis, one, asked, meta.latest)
        for one, meta in zip(asked.series, metas, strict=True)
    ]
    first = next(each[0], None)  # while it can still be refused
    each[0] = itertools.chain([] if first is None else [first], each[0])
    found = map(SeriesPages, asked.series, each)
    coding = "" if asked.format in TABLES else compression.liked()
    chunks = compression.stream(_pieces(asked, found), coding)
    response = Response(_guarded(chunks), mimetype=MIMETYPES[asked.format])
    response.vary.add("Accept-Encoding")
    if len(metas) == 1:
        response.headers[VERSION] = str(metas[0].version)
    if coding:
        response.content_encoding = coding
    if is_known:
        response.set_etag(f"{tag}:{coding}" if coding else tag, weak=True)
    return private(response)


def _pieces(asked: DataRequest, found: Iterable[SeriesPages]) -> Iterator[bytes]:
    """The document."""
    if asked.format in TABLES:
        return data_tables.pieces(asked, found, services().server.run_blocking)
    return data_formats.pieces(asked, found)


def _pages(redis: Redis, series: Series, asked: DataRequest, latest: int | None) -> Iterator[Page]:
    """The page of a series; or all of them, up to the candle that was the newest at first."""
    if not asked.is_all:
        yield pages.read(redis, series, asked.query)
        return
    ends = (asked.query.end_ms, None if latest is None else latest + 1)
    end_ms = min([LAST_MS, *(ms for ms in ends if ms is not None)])
    start_ms = asked.query.start_ms or 0
    while start_ms < end_ms:
        page = pages.read(redis, series, Query(STREAM_CANDLES, start_ms, end_ms))
        yield page
        if not page.has_more:
            return
        opens = [ms for ms in map(own_time, page.members) if ms is not None]
        following_ms = max(opens, default=-1) + 1
        if following_ms <= start_ms:
            raise StoreDamaged(f"{keys.klines(series)} holds a page of what is not ours")
        start_ms = following_ms


def _tag(asked: DataRequest, known: Iterable[bytes]) -> str:
    parts = (_SHAPE, asked.key.encode(), *known)
    return hashlib.blake2b(b"\n".join(parts), digest_size=16).hexdigest()


def _guarded(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What goes wrong on the way ends the connection: the reader sees that something is missing."""
    try:
        yield from chunks
    except Exception as error:
        _log.warning("an answer of /data was cut off: %s", error)
        raise ConnectionAbortedError("the answer could not be finished") from error
