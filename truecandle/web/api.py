"""The REST paths for market data: `/data`, `/live-candle`, `/audit`, `/markets`,
`/save-live-candle`.

Never here: checks of parameters (`query`) and bodies (`post`), wording of errors (`errors`).
Invariant: numbers in answers are the store's exact decimal text.
"""

from __future__ import annotations

import json
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from flask_login import current_user

from truecandle import metrics
from truecandle.candles.series import parse_symbol
from truecandle.store import audit as audits
from truecandle.store import live, markets, official
from truecandle.store.columns import Columns
from truecandle.store.markets import MARKETS_MAX
from truecandle.web import audit, client_candles, data, freshness, json_body
from truecandle.web.auth import require_read, require_write
from truecandle.web.query import (
    DataQuery,
    parse_data_query,
    parse_list_query,
    reject_parameters,
    series_of,
)
from truecandle.web.rate_limit import FOLLOWS, POSTS
from truecandle.web.services import services

bp = Blueprint("api", __name__)

_MARKET_FIELDS = frozenset({"symbol"})


@bp.get("/data")
@require_read
def candles() -> Response:
    """Columns of official candles, ascending; with `live=1` also what is live, of one instant."""
    asked = parse_data_query(services().markets, request.args)
    snapshot = data.read(services().redis, asked, services().clock.now_ms())
    etag = data.etag(asked, snapshot)
    if request.if_none_match.contains(etag):
        response = Response(status=304)
    else:
        text, columns = data.body(asked, snapshot)
        response = Response(text, mimetype="application/json")
        if snapshot.page.has_more and columns.time:
            response.headers["Link"] = _link(asked, columns)
    response.set_etag(etag)
    return _private(response)


@bp.get("/live-candle")
@require_read
def live_candle() -> Response:
    """The forming candle (or null), the closed ones that wait for their official version, and how
    fresh all this is.
    """
    series = official.learned(services().redis, series_of(services().markets, request.args))
    found = live.read_live(services().redis, series, services().clock.now_ms())
    forming = found.forming.to_json("forming") if found.forming else "null"
    pending = ",".join(candle.to_json("pending") for candle in found.pending)
    fresh = json.dumps(freshness.of(services(), series.symbol).fields())
    text = f'{{"candle":{forming},"pending":[{pending}],"freshness":{fresh}}}'
    return _private(Response(text, mimetype="application/json"))


@bp.get("/audit")
@require_read
def shown_live() -> Response:
    """What the chart had shown of closed candles against what became official, in figures."""
    asked = parse_list_query(services().markets, request.args, audits.KEPT, "summary")
    texts = audits.texts(services().redis, asked.series)
    listing = markets.listing(services().redis, asked.series.symbol)
    text = services().server.run_blocking(audit.body, asked, texts, listing)
    return _private(Response(text, mimetype="application/json"))


@bp.get("/markets")
@require_read
def followed_markets() -> Response:
    """What is followed, with the exchange's word on each, and how many there may be."""
    reject_parameters(request.args)
    rows = ",".join(market.to_json() for market in services().markets.all())
    text = f'{{"markets":[{rows}],"max":{MARKETS_MAX}}}'
    return _private(Response(text, mimetype="application/json"))


@bp.post("/markets")
@require_write
def follow_market() -> Response:
    """Follows one more: 201 with it, or 200 if it is followed already."""
    symbol = parse_symbol(json_body.read(request, _MARKET_FIELDS)["symbol"])
    known = services().markets.find(symbol)
    if known is None:
        services().rate_limiter.hit(FOLLOWS, "At most 20 new markets a minute.", current_user.name)
        known, status = services().markets.follow(symbol, services().clock.now_ms()), 201
    else:
        status = 200
    return _private(Response(known.to_json(), status, mimetype="application/json"))


@bp.delete("/markets/<symbol>")
@require_write
def unfollow_market(symbol: str) -> Response:
    """Follows one less; its candles stay, and are there again if it is followed again."""
    reject_parameters(request.args)
    services().markets.unfollow(parse_symbol(symbol))
    return _private(Response(status=204))


@bp.post("/save-live-candle")
@require_write
def save_live_candle() -> Response:
    """A browser's forming candle: low trust, and never in the way of anything better."""
    offered = client_candles.read(services().markets, request)
    services().rate_limiter.hit(
        POSTS, "At most 2 candles a second.", current_user.name, offered.series.name
    )
    saved = client_candles.save(services(), offered)
    metrics.POSTS.labels(saved.reason).inc()
    answer = {"status": "saved"} if saved.saved else {"status": "ignored", "reason": saved.reason}
    return _private(Response(json.dumps(answer), mimetype="application/json"))


def _link(asked: DataQuery, columns: Columns) -> str:
    """Where the neighbouring page is: the newer one when reading from a start, else the older."""
    args = request.args.to_dict()
    if asked.query.is_forward:
        relation, args["start"] = "next", str(int(columns.time[-1]) + 1)
    else:
        relation, args["before"] = "prev", str(int(columns.time[0]))
    return f'<{request.path}?{urlencode(args)}>; rel="{relation}"'


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-cache"
    response.vary.update(("Cookie", "Authorization"))
    return response
