"""Resume points: where candles can go on from, by what a feed before has stored or klines show.

Never here: asking for what came since (`market_recovery`), how a candle takes it in.
Invariant: only what our own feed said, and called exact, is gone on from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from redis import Redis

from truecandle.candles.candle import LiveCandle
from truecandle.candles.series import Series
from truecandle.errors import CandleError
from truecandle.feed.symbol_builder import SymbolBuilder
from truecandle.store import live
from truecandle.store.batch import Batch

#: Trades are asked for from this much before the last change that was stored, as what was sent
#: together need not have happened together; then from earlier still.
MARGINS_MS = (5_000, 60_000)

#: Intervals of one market whose candles are further apart do not go on together.
TRADES_APART_MAX = 1_000

#: Stored candles of a series that are looked at for the last one that traded.
CANDLES_MAX = 60


@dataclass(slots=True)
class ResumePoint:
    """Every trade up to `last_id` is in `candles`, by interval; they last changed at `since_ms`."""

    candles: Mapping[str, LiveCandle]
    last_id: int
    since_ms: int
    tries: int = 0

    @property
    def start_ms(self) -> int:
        return max(0, self.since_ms - MARGINS_MS[self.tries])

    @property
    def has_earlier(self) -> bool:
        """Whether it is worth asking from earlier on."""
        return self.tries + 1 < len(MARGINS_MS)


def load_resume_points(
    redis: Redis, symbols: Mapping[str, Sequence[Series]], now_ms: int
) -> dict[str, ResumePoint]:
    """By symbol, where anything exact is stored. May raise `StoreError`."""
    series = [one for some in symbols.values() for one in some]
    batch = Batch(redis, is_one_instant=False)
    asked = [(one, live.queue(batch, one, now_ms, 1)) for one in series]
    batch.run()
    held: dict[str, LiveCandle] = {}
    for one, queued in asked:
        found = queued.value
        forming = found.forming
        if forming is not None and forming.source == "client":
            forming = live.read_feed_candle(redis, one)
        traded = _last_traded([*found.pending, *([forming] if forming else [])])
        if forming is not None and traded is not None and _is_worth(one, traded):
            held[one.name] = traded
    joined = {symbol: _joined(some, held) for symbol, some in symbols.items()}
    return {symbol: point for symbol, point in joined.items() if point is not None}


def resume_point_from_klines(market: SymbolBuilder, next_id: int | None) -> ResumePoint | None:
    """Where no trade has come yet: what klines have shown, to ask on from by time."""
    last_id = max(market.kline_ids.values(), default=-1)
    if next_id is not None or last_id < 0:
        return None
    return ResumePoint({}, last_id, market.event_ms)


def _last_traded(candles: Sequence[LiveCandle]) -> LiveCandle | None:
    """From it on, ids show what came; seconds without a trade before the end have none."""
    newest = reversed(candles[-CANDLES_MAX:])
    return next((candle for candle in newest if candle.trades > 0), None)


def _is_worth(series: Series, candle: LiveCandle) -> bool:
    try:
        is_aligned = series.interval.with_phase(candle.open_ms).is_aligned(candle.open_ms)
    except CandleError:
        return False
    return is_aligned and candle.source == "live" and candle.is_exact


def _joined(series: Sequence[Series], held: Mapping[str, LiveCandle]) -> ResumePoint | None:
    """Those that have come about as far; one left behind would ask for too much."""
    candles = {one.interval.name: held[one.name] for one in series if one.name in held}
    if not candles:
        return None
    newest_id = max(candle.last_id for candle in candles.values())
    candles = {
        name: candle
        for name, candle in candles.items()
        if candle.last_id >= newest_id - TRADES_APART_MAX
    }
    last_id = min(candle.last_id for candle in candles.values())
    return ResumePoint(candles, last_id, min(candle.updated_at for candle in candles.values()))
