"""The candles: official (Binance's 12 fields) and live (formed from trades), and their text.

Never here: floats; which candle wins (`merge`); how a candle is formed (`builder`).
Invariant: a candle that exists keeps low <= open, close <= high, and the exchange's decimal text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from truecandle.candles.decimals import NO_ID, canonical, count, moment, trade_id
from truecandle.candles.interval import Interval
from truecandle.errors import CandleError
from truecandle.exact_json import loads

CandleSource = Literal["live", "client"]
CandleState = Literal["final", "pending", "forming"]

#: Fields of a Binance kline, in Binance's order. Source: GET /api/v3/klines.
FIELDS = (
    "open time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close time",
    "quote volume",
    "trades",
    "taker buy volume",
    "taker buy quote volume",
    "unused",
)
_DECIMAL_FIELDS = (1, 2, 3, 4, 5, 7, 9, 10, 11)


@dataclass(frozen=True, slots=True)
class OfficialCandle:
    """A candle as the exchange published it. Decimals are canonical text, times are ms (UTC).

    `close_ms` is data: Binance cuts it short after an outage. Whether the candle is closed follows
    from its interval's end alone.
    """

    open_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    close_ms: int
    quote_volume: str
    trades: int
    taker_volume: str
    taker_quote_volume: str
    unused: str = "0"

    def member(self) -> str:
        """The compact JSON array that the store keeps: 12 fields, number literals, no floats."""
        return (
            f"[{self.open_ms},{self.open},{self.high},{self.low},{self.close},{self.volume},"
            f"{self.close_ms},{self.quote_volume},{self.trades},{self.taker_volume},"
            f"{self.taker_quote_volume},{self.unused}]"
        )


@dataclass(frozen=True, slots=True)
class LiveCandle:
    """A candle formed from trades. Decimals are canonical text, times are ms (UTC).

    `updated_at` is the exchange's time of the last change: when the last trade happened, or when
    the kline was sent that changed it. `is_complete` says that its interval has ended; its
    official version may still differ. `is_exact` (`exact` in JSON) says that it holds exactly
    the trades `first_id`..`last_id`, none missing, from the first one of its interval; once the
    interval has ended, all of them. Ids are -1 without trades or where nobody knows them, the
    volumes after `volume` are None there.
    """

    open_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int
    source: CandleSource
    is_complete: bool
    updated_at: int
    quote_volume: str | None = None
    taker_volume: str | None = None
    taker_quote_volume: str | None = None
    first_id: int = NO_ID
    last_id: int = NO_ID
    is_exact: bool = False

    def to_json(self, state: CandleState | None = None) -> str:
        """The JSON object of key, event and answer; with `state` where the reader needs it."""
        tail = f',"state":"{state}"' if state else ""
        return (
            f'{{"time":{self.open_ms},"open":{self.open},"high":{self.high},"low":{self.low},'
            f'"close":{self.close},"volume":{self.volume},'
            f'"quote_volume":{self.quote_volume or "null"},'
            f'"taker_volume":{self.taker_volume or "null"},'
            f'"taker_quote_volume":{self.taker_quote_volume or "null"},'
            f'"trades":{self.trades},"first_id":{self.first_id},"last_id":{self.last_id},'
            f'"source":"{self.source}","is_complete":{str(self.is_complete).lower()},'
            f'"exact":{str(self.is_exact).lower()},"updated_at":{self.updated_at}{tail}}}'
        )


def official_from_row(row: Sequence[object]) -> OfficialCandle:
    """A candle from 12 fields in Binance's order, decimals as text or as JSON number text.

    Raises `CandleError` for a missing field, a number that is not plain decimal text, times out of
    range (microseconds among them) and prices that contradict each other.
    """
    if not isinstance(row, (list, tuple)) or len(row) != len(FIELDS):
        size = len(row) if isinstance(row, (list, tuple)) else row
        raise CandleError("row", size, "an array of 12 fields")
    decimals = {i: canonical(row[i], FIELDS[i]) for i in _DECIMAL_FIELDS}
    candle = OfficialCandle(
        open_ms=moment(row[0], "open time"),
        open=decimals[1],
        high=decimals[2],
        low=decimals[3],
        close=decimals[4],
        volume=decimals[5],
        close_ms=moment(row[6], "close time"),
        quote_volume=decimals[7],
        trades=count(row[8], "trades"),
        taker_volume=decimals[9],
        taker_quote_volume=decimals[10],
        unused=decimals[11],
    )
    _check_prices(candle.open, candle.high, candle.low, candle.close)
    return candle


def official_from_member(member: bytes | str) -> OfficialCandle:
    """A stored member back as a candle; `CandleError` if it is not one."""
    try:
        row = loads(member)
    except (ValueError, RecursionError) as error:
        raise CandleError("member", member, "a JSON array of 12 fields") from error
    return official_from_row(row)


def live_from_json(text: bytes | str) -> LiveCandle:
    """A stored live candle back; `CandleError` if it is not one."""
    try:
        fields = loads(text)
    except (ValueError, RecursionError) as error:
        raise CandleError("live candle", text, "a JSON object") from error
    if not isinstance(fields, dict):
        raise CandleError("live candle", fields, "a JSON object")
    return live_from_fields(fields)


def live_from_fields(fields: Mapping[str, Any]) -> LiveCandle:
    """A live candle from a mapping with DESIGN's field names; numbers as text, int or Decimal."""
    source = fields.get("source", "live")
    if source not in ("live", "client"):
        raise CandleError("source", source, "live or client")
    candle = LiveCandle(
        open_ms=moment(fields.get("time"), "time"),
        open=canonical(fields.get("open"), "open"),
        high=canonical(fields.get("high"), "high"),
        low=canonical(fields.get("low"), "low"),
        close=canonical(fields.get("close"), "close"),
        volume=canonical(fields.get("volume", "0"), "volume"),
        trades=count(fields.get("trades", 0), "trades"),
        source=source,
        is_complete=fields.get("is_complete") is True,
        updated_at=moment(fields.get("updated_at"), "updated_at"),
        quote_volume=_known(fields, "quote_volume"),
        taker_volume=_known(fields, "taker_volume"),
        taker_quote_volume=_known(fields, "taker_quote_volume"),
        first_id=trade_id(fields.get("first_id", NO_ID), "first_id"),
        last_id=trade_id(fields.get("last_id", NO_ID), "last_id"),
        is_exact=fields.get("exact") is True,
    )
    _check_prices(candle.open, candle.high, candle.low, candle.close)
    return candle


def live_from_official(candle: OfficialCandle, updated_at: int) -> LiveCandle:
    """The exchange's own view of a candle still forming, as a live candle."""
    return LiveCandle(
        open_ms=candle.open_ms,
        open=candle.open,
        high=candle.high,
        low=candle.low,
        close=candle.close,
        volume=candle.volume,
        trades=candle.trades,
        source="live",
        is_complete=False,
        updated_at=updated_at,
        quote_volume=candle.quote_volume,
        taker_volume=candle.taker_volume,
        taker_quote_volume=candle.taker_quote_volume,
    )


def is_closed(interval: Interval, open_ms: int, now_ms: int, settle_ms: int = 0) -> bool:
    """Whether the candle's interval ended, and `settle_ms` passed since, at exchange time now."""
    return interval.next_open_ms(open_ms) + settle_ms <= now_ms


def _known(fields: Mapping[str, Any], name: str) -> str | None:
    """The volume; None where nobody knows it."""
    return None if fields.get(name) is None else canonical(fields[name], name)


def _check_prices(open_: str, high: str, low: str, close: str) -> None:
    top, bottom = Decimal(high), Decimal(low)
    if bottom <= 0:
        raise CandleError("low", low, "more than 0")
    if not bottom <= Decimal(open_) <= top:
        raise CandleError("open", open_, f"{low} (low) to {high} (high)")
    if not bottom <= Decimal(close) <= top:
        raise CandleError("close", close, f"{low} (low) to {high} (high)")
