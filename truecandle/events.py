"""What the browser is told: event names, payloads and rooms, and how roles publish them.

Never here: Flask; deciding when something is worth telling.
Invariant: events are hints. Whoever misses one finds the truth by asking for the version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

import orjson
import socketio

from truecandle.candles.candle import LiveCandle, OfficialCandle, State
from truecandle.candles.freshness import Freshness
from truecandle.candles.series import Series

#: Redis pub/sub channel that carries the events from fetcher and feed to the web role.
CHANNEL = "truecandle"

DATA_UPDATED = "data_updated"
LIVE_CANDLE = "live_candle"
LIVE_PRICE = "live_price"
#: A market's freshness changed. Every web process judges that itself, and tells its own browsers.
FRESHNESS = "freshness"
#: Events may have been lost on the way: compare versions. Carries nothing.
RESYNC = "resync"
#: What browsers send; each is acknowledged.
SUBSCRIBE = "subscribe"
UNSUBSCRIBE = "unsubscribe"

Reason = Literal["new", "backfill", "correction", "repair"]

#: A bigger change is announced by its range alone; the browser asks for it.
CANDLES_IN_EVENT_MAX = 10


class Codec:
    """A json module for Socket.IO that keeps the decimal text of numbers on the whole way."""

    @staticmethod
    def dumps(value: object, **_: object) -> str:
        return orjson.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: object) -> Any:
        return json.loads(text, parse_float=_fragment)


class Publisher:
    """Tells every browser, through the web role, what has changed.

    Publishing never raises: while Redis is away events are lost, and the browsers find out by
    version. Times are ms, prices and volumes are the exchange's own decimal text.
    """

    def __init__(self, redis_url: str) -> None:
        self._manager = socketio.RedisManager(
            redis_url,
            channel=CHANNEL,
            write_only=True,
            json=Codec,
            redis_options={"socket_timeout": 1.0, "socket_connect_timeout": 1.0},
        )

    def data_updated(
        self,
        series: Series,
        *,
        timestamp: int,
        version: int,
        previous: int,
        reason: Reason,
        candles: Sequence[OfficialCandle],
    ) -> None:
        """Official candles changed: `candles` are the added or corrected ones, oldest first."""
        payload = {
            "symbol": series.symbol,
            "interval": series.interval.name,
            "timestamp": timestamp,
            "version": version,
            "previous": previous,
            "reason": reason,
            "candles": (
                [orjson.Fragment(candle.member()) for candle in candles]
                if len(candles) <= CANDLES_IN_EVENT_MAX
                else []
            ),
            "from": candles[0].open_ms if candles else None,
            "to": candles[-1].open_ms if candles else None,
        }
        self._manager.emit(DATA_UPDATED, payload, room=series.name)

    def live_candle(self, series: Series, candle: LiveCandle, state: State) -> None:
        """The forming candle of a series changed, or it closed (`state` pending)."""
        payload = {
            "symbol": series.symbol,
            "interval": series.interval.name,
            "candle": orjson.Fragment(candle.to_json(state)),
        }
        self._manager.emit(LIVE_CANDLE, payload, room=series.name)

    def live_price(
        self,
        symbol: str,
        *,
        price: str,
        timestamp: int,
        high: str,
        low: str,
        volume: str,
        trades: int,
        first_id: int,
        last_id: int,
    ) -> None:
        """What traded since the last such event; never across a UTC second.

        It holds the trades `first_id`..`last_id` without a hole if they are `trades` many.
        """
        payload = {
            "symbol": symbol,
            "price": _fragment(price),
            "timestamp": timestamp,
            "high": _fragment(high),
            "low": _fragment(low),
            "volume": _fragment(volume),
            "trades": trades,
            "first_id": first_id,
            "last_id": last_id,
        }
        self._manager.emit(LIVE_PRICE, payload, room=symbol)


def freshness_payload(symbol: str, found: Freshness) -> dict[str, Any]:
    """What a market's browsers are told when its freshness has changed."""
    return {"symbol": symbol, **found.fields()}


def _fragment(text: str) -> orjson.Fragment:
    return orjson.Fragment(text)
