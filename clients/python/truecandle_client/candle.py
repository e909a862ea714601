"""A candle, official or live, with the exchange's exact numbers; and times as people give them.

Never here: requests, events.
Invariant: an official candle has all its fields; a live one has None where nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from truecandle_client.errors import Malformed

#: `official`: the exchange's own word. `pending`: its interval has ended, the official one is on
#: its way. `forming`: its interval goes on.
State = Literal["official", "pending", "forming"]
#: A moment: `datetime` with a time zone, ms since 1970 (UTC), or text as `/data` takes it.
Moment = datetime | int | str


@dataclass(frozen=True, slots=True)
class Candle:
    """Times in ms since 1970 (UTC). `is_exact`: it holds every trade of its interval so far, and no
    other; an official one is the exchange's own.
    """

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    trades: int
    state: State = "official"
    is_exact: bool = True
    close_ms: int | None = None
    quote_volume: Decimal | None = None
    taker_volume: Decimal | None = None
    taker_quote_volume: Decimal | None = None

    @property
    def time(self) -> datetime:
        """When it opens (UTC)."""
        return datetime.fromtimestamp(self.open_ms / 1000, UTC)


def official_from_row(row: Sequence[Any]) -> Candle:
    """From a row of `/data` with all fields, or the exchange's twelve, whose last is unused;
    `Malformed` for what is neither.
    """
    try:
        open_ms, o, h, l, c, volume, close_ms, quote, trades, taker, taker_quote = row[:11]  # noqa: E741
        return Candle(
            open_ms=int(open_ms),
            open=Decimal(o),
            high=Decimal(h),
            low=Decimal(l),
            close=Decimal(c),
            volume=Decimal(volume),
            trades=int(trades),
            close_ms=int(close_ms),
            quote_volume=Decimal(quote),
            taker_volume=Decimal(taker),
            taker_quote_volume=Decimal(taker_quote),
        )
    except (TypeError, ValueError, InvalidOperation):
        raise Malformed(f"not a candle: {row!r:.200}") from None


def live_from_fields(fields: Mapping[str, Any]) -> Candle:
    """From the object of an event or acknowledgement; `Malformed` for what is none."""
    try:
        return Candle(
            open_ms=int(fields["time"]),
            open=Decimal(fields["open"]),
            high=Decimal(fields["high"]),
            low=Decimal(fields["low"]),
            close=Decimal(fields["close"]),
            volume=Decimal(fields["volume"]),
            trades=int(fields["trades"]),
            state=fields["state"],
            is_exact=bool(fields["exact"]),
            quote_volume=_known(fields["quote_volume"]),
            taker_volume=_known(fields["taker_volume"]),
            taker_quote_volume=_known(fields["taker_quote_volume"]),
        )
    except (TypeError, ValueError, KeyError, InvalidOperation):
        raise Malformed(f"not a live candle: {fields!r:.200}") from None


def moment_text(name: str, moment: Moment) -> str:
    """A moment as `/data` takes it; `ValueError` for a `datetime` of no time zone."""
    return moment if isinstance(moment, str) else str(moment_ms(name, moment))


def moment_ms(name: str, moment: datetime | int) -> int:
    """A moment in ms since 1970 (UTC); `ValueError` for a `datetime` of no time zone."""
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise ValueError(f"{name} is {moment}, which has no time zone; allowed: one that has")
    return round(moment.timestamp() * 1000)


def _known(value: Any) -> Decimal | None:
    return None if value is None else Decimal(value)
