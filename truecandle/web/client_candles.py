"""`/save-live-candle`: what a browser offers, read strictly and judged before it is stored.

Never here: who may post how often (`auth`, `rate_limiter`), which candle wins (`store/live`).
Invariant: what is stored was built here from checked values; `source` is always `client`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from flask import Request
from redis import Redis

from truecandle.candles.candle import LiveCandle, live_from_fields
from truecandle.candles.freshness import FreshnessState
from truecandle.candles.series import Series
from truecandle.errors import CandleError
from truecandle.store import live, official, pages
from truecandle.store.live import Saved
from truecandle.web import freshness, json_body
from truecandle.web.errors import Problem
from truecandle.web.followed_markets import Markets
from truecandle.web.query import followed
from truecandle.web.services import Services

#: Official members looked at for a last price: more junk than this is not skipped.
NEWEST_LOOKED_AT: Final = 5
#: How far a price may be from the last one that the server knows.
BAND: Final = Decimal("0.10")
PRICES: Final = ("open", "high", "low", "close")
#: While a market is fed, nobody needs a browser's word, however long ago the last trade was.
FED: Final[tuple[FreshnessState, ...]] = ("live", "quiet")

_BODY_FIELDS: Final = frozenset({"symbol", "interval", "candle"})
_NEEDED: Final = frozenset({"time", *PRICES})
#: Taken note of or left aside: `source` and completeness are always decided here.
_IGNORED: Final = frozenset({"isIncomplete", "isComplete", "is_complete", "source", "trades"})
_CANDLE_FIELDS: Final = _NEEDED | _IGNORED | {"volume"}


@dataclass(frozen=True, slots=True)
class Offered:
    """A candle that is sound in itself; whether it fits the moment is not known yet."""

    series: Series
    candle: LiveCandle


def read(markets: Markets, request: Request) -> Offered:
    """The candle in a request; `Problem` or `CandleError` names what is wrong with it."""
    given = json_body.read(request, _BODY_FIELDS)
    series = followed(markets, given["symbol"], given["interval"])
    fields = given["candle"]
    if not isinstance(fields, dict):
        raise CandleError("candle", fields, "a JSON object")
    json_body.only(fields, "candle", _CANDLE_FIELDS, _NEEDED)
    numbers = {name: _number(name, fields[name]) for name in (*PRICES, "volume") if name in fields}
    candle = live_from_fields(
        {**numbers, "time": fields["time"], "source": "client", "updated_at": 0}
    )
    return Offered(series, candle)


def save(services: Services, offered: Offered) -> Saved:
    """Stores the candle if it is the one that forms now, its prices can be true, and no feed is
    there that knows better."""
    redis, now_ms = services.redis, services.clock.now_ms()
    series = official.learned(redis, offered.series)
    if not series.interval.has_grid:
        raise Problem(409, "no-grid", "No official candle has shown yet where candles open here.")
    _check_time(series, offered.candle.open_ms, now_ms)
    _check_band(offered.candle, _last_price(redis, series, now_ms))
    if freshness.of(services, series.symbol).state in FED:
        return Saved(False, "outranked")
    return live.save_live(redis, series, replace(offered.candle, updated_at=now_ms), now_ms=now_ms)


def _check_time(series: Series, open_ms: int, now_ms: int) -> None:
    current_ms = series.interval.open_ms(now_ms)
    if not series.interval.is_aligned(open_ms):
        raise CandleError("time", open_ms, f"{current_ms}, the open time of the forming candle")
    if open_ms > current_ms:
        raise CandleError("time", open_ms, f"{current_ms}; the candle has not opened yet")
    if open_ms < current_ms:
        raise Problem(409, "closed", f"The candle of {open_ms} has closed; {current_ms} forms now.")


def _check_band(candle: LiveCandle, last: str | None) -> None:
    if last is None:
        detail = "No price is known here yet that this candle could be compared with."
        raise Problem(409, "no-price", detail)
    known = Decimal(last)
    for name in PRICES:
        price = Decimal(getattr(candle, name))
        if abs(price - known) > known * BAND:
            detail = f"{name} is {price}; allowed: within {BAND:.0%} of {last}, the last price"
            raise Problem(422, "implausible", detail)


def _last_price(redis: Redis, series: Series, now_ms: int) -> str | None:
    """The last price that the exchange itself gave: our feed's, else of an official candle.

    A browser's earlier word does not count: else the price could be walked away in steps.
    """
    found = live.read_live(redis, series, now_ms)
    known = (*found.pending, found.forming, live.read_feed_candle(redis, series))
    ours = [c for c in known if c is not None and c.source == "live"]
    if ours:
        return max(ours, key=lambda candle: candle.open_ms).close
    candles = pages.candles(pages.latest(redis, series, NEWEST_LOOKED_AT))
    return candles[-1].close if candles else None


def _number(name: str, value: object) -> Decimal | int:
    """A JSON number. Exponents are fine (`1e-7` is how browsers write it), huge ones are not."""
    if isinstance(value, Decimal) and value.is_finite() and -30 < value.adjusted() < 30:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise CandleError(name, str(value) if isinstance(value, Decimal) else value, "a JSON number")
