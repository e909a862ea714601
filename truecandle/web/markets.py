"""`/markets`: which markets are followed, and following more or fewer of them.

Never here: looking symbols up (`followed_markets` has the fetcher do it), wording of errors.
Invariant: steps in answers are the exchange's decimal text.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, Response, request
from flask_login import current_user

from truecandle.candles.series import parse_symbol
from truecandle.store.markets import MARKETS_MAX, FollowedMarket, Follower
from truecandle.web import json_body
from truecandle.web.auth import require_read, require_write
from truecandle.web.json_response import json_response, private
from truecandle.web.query import reject_parameters
from truecandle.web.rate_limit import FOLLOWS
from truecandle.web.services import services

bp = Blueprint("markets", __name__)

_FIELDS: Final = frozenset({"symbol"})


@bp.get("/markets")
@require_read
def followed_markets() -> Response:
    """What is followed, with the exchange's word on each, and how many there may be."""
    reject_parameters(request.args)
    mine = removable()
    rows = [told(market, mine) for market in services().markets.all()]
    return json_response({"markets": rows, "max": MARKETS_MAX})


@bp.post("/markets")
@require_write("trader")
def follow_market() -> Response:
    """Follows one more: 201 with it, or 200 if it is followed already."""
    symbol = parse_symbol(json_body.read(request, _FIELDS)["symbol"])
    known = services().markets.find(symbol)
    if known is None:
        services().rate_limiter.hit(FOLLOWS, "At most 20 new markets a minute.", current_user.name)
        known = services().markets.follow(symbol, services().clock.now_ms(), _follower())
        status = 201
    else:
        status = 200
    return json_response(told(known, removable()), status)


@bp.delete("/markets/<symbol>")
@require_write("trader")
def unfollow_market(symbol: str) -> Response:
    """Follows one less; its candles stay, and are there again if it is followed again."""
    reject_parameters(request.args)
    services().markets.unfollow(parse_symbol(symbol), _follower())
    return private(Response(status=204))


def told(market: FollowedMarket, removable: frozenset[str]) -> dict[str, Any]:
    """A market as the one who asks is told of it."""
    return {**market.fields, "may_unfollow": market.symbol in removable}


def removable() -> frozenset[str]:
    """The symbols that the one who asks may unfollow."""
    if not current_user.is_authenticated or current_user.scope != "write":
        return frozenset()
    return services().markets.removable(current_user.name, current_user.role)


def _follower() -> Follower:
    return services().markets.follower(current_user.name, current_user.role)
