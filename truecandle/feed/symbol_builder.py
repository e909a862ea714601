"""The builder of one symbol: its candles at every interval, its price updates, when each is due.

Never here: a clock (seconds that only grow come in), Redis, sockets.
Invariant: what is drained as a candle holds no trade that was not drained as a price before or with
it; a trade is in one price update, by its id, and never in that of another second.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from truecandle.binance.streams.messages import kline_stream, trade_stream
from truecandle.candles.builder import CandleBuilder
from truecandle.candles.candle import LiveCandle
from truecandle.candles.decimals import EXACT, NO_ID, canonical
from truecandle.candles.epoch import Epoch
from truecandle.candles.freshness import LIVE_MS
from truecandle.candles.instrument import Instrument
from truecandle.candles.interval import SECOND_MS
from truecandle.candles.series import Series
from truecandle.candles.trade_id_ranges import TradeIdRanges
from truecandle.candles.trades import QUANTITY_DECIMALS_MAX, Kline, Trade, decimal_places

#: At most 10 `live_price` a second: 8 in turn, and room for those that go before a candle that
#: opens or closes.
PRICE_PAUSE_S = 0.125
PRICES_PER_S = 10

#: At most 2 `live_candle` a second, besides those that open or close.
CANDLE_PAUSE_S = 0.5

#: How long a candle joined midway waits for its kline; then what is known of it must do.
PATIENCE_S = 3.0


log = logging.getLogger(__name__)


def stream_names(symbol: str, intervals: Iterable[str]) -> list[str]:
    """The streams that its builder lives on: trades, and klines at every followed interval."""
    return [trade_stream(symbol), *(kline_stream(symbol, interval) for interval in intervals)]


class DueUpdates(NamedTuple):
    """What is to be published of one symbol: the prices first, then the candles."""

    prices: Sequence[PriceUpdate] = ()
    candles: Sequence[tuple[Series, LiveCandle]] = ()


class SymbolBuilder:
    """The followed series of one symbol. Times of events are the exchange's, None before any.

    `trade_ms` is when it last traded, `flowing_ms` the first trade without a pause of `LIVE_MS`
    up to it; `trade_id` is the newest trade that came. All ids are those of the present `epoch`.
    """

    def __init__(self, symbol: str, series: Sequence[Series]) -> None:
        self.symbol = symbol
        self.event_ms = 0
        self.trade_ms: int | None = None
        self.flowing_ms: int | None = None
        self.epoch = Epoch()
        self.trade_id = -1
        #: How many decimals the quantity of a single trade can have, as far as is known.
        self.quantity_decimals = QUANTITY_DECIMALS_MAX
        self._seen_decimals = 0
        #: Interval -> the newest trade that its klines have shown.
        self.kline_ids = {one.interval.name: -1 for one in series}
        self._series = {one.interval.name: _SeriesState(one) for one in series}
        self._prices = PriceAggregator()
        self._published_s: deque[float] = deque(maxlen=PRICES_PER_S)
        #: When the next price may be published, and when the next candles, all that have changed.
        self._price_s = self._candles_s = 0.0
        #: When to look again whether a candle need not wait for its kline any more.
        self._look_s = 0.0

    def add(self, event: Trade | Kline) -> None:
        self.event_ms = max(self.event_ms, event.event_ms)
        if isinstance(event, Kline):
            state = self._series.get(event.interval)
            if state is not None:
                known = NO_ID if event.event_ms < self.epoch.begun_ms else event.last_id
                known = max(known, self.kline_ids[event.interval])
                self.kline_ids[event.interval] = known
                state.builder.add_kline(event)
            return
        which = self.epoch.take(event)
        if which == "former":
            return
        if which == "next":
            self.begin_epoch(event)
            self.epoch.reach(event.last_id, event.time_ms)
        self._record(event)
        trade = event.with_steps(self.quantity_decimals)
        self._prices.add(trade)
        for state in self._series.values():
            state.builder.add_trade(trade)

    def begin_epoch(self, trade: Trade) -> None:
        """Trade ids have begun anew, as this trade shows: no id known before says anything more."""
        log.warning("feed: trade ids of %s have begun anew, by %d", self.symbol, trade.last_id)
        former_ms = self.epoch.last_ms
        self.epoch.begin(trade.time_ms, trade.last_id)
        self.trade_id = NO_ID
        self.kline_ids = dict.fromkeys(self.kline_ids, NO_ID)
        self._prices.begin_epoch()
        self._publish_soon()
        for state in self._series.values():
            state.builder.begin_epoch(trade.time_ms, trade.last_id, former_ms=former_ms)

    def set_instrument(self, instrument: Instrument) -> None:
        """What the exchange lists of it. Trades that have shown smaller steps are believed more:
        orders from before a change of the steps trade on."""
        listed = (
            decimal_places(instrument.step_size) if instrument.step_size else QUANTITY_DECIMALS_MAX
        )
        self.quantity_decimals = max(listed, self._seen_decimals)

    def on_stream_break(self) -> None:
        """The stream of trades broke: the newest trades of every candle may be lost. That is
        published at once."""
        self._publish_soon()
        for state in self._series.values():
            state.builder.on_stream_break()

    def confirm_newest(self, last_id: int) -> None:
        """The exchange has said that nothing traded after the trade `last_id`."""
        for state in self._series.values():
            state.builder.confirm_newest(last_id)

    def confirm_ended(self, last_id: int, until_ms: int) -> None:
        """The same, up to `until_ms`: what was over by then has ended."""
        for state in self._series.values():
            state.builder.confirm_ended(last_id, until_ms)

    def resume_from(self, interval: str, candle: LiveCandle) -> None:
        """Goes on from a candle that an earlier feed stored."""
        self._series[interval].builder.resume_from(candle)

    def intervals_without_exact_candle(self, now_ms: int) -> list[str]:
        """The intervals of which there is no exact candle at exchange time `now_ms`."""
        return [name for name, state in self._series.items() if not state.builder.covers(now_ms)]

    def is_unproven(self, at_ms: int) -> bool:
        """Whether the end of a candle that was over at exchange time `at_ms` is not proven yet."""
        return any(state.builder.is_unproven(at_ms) for state in self._series.values())

    @property
    def contradictions(self) -> int:
        """How often a kline showed that a candle called exact was not."""
        return sum(state.builder.contradictions for state in self._series.values())

    @property
    def series(self) -> list[Series]:
        return [state.series for state in self._series.values()]

    @property
    def stream_names(self) -> list[str]:
        return stream_names(self.symbol, self._series)

    def drain(self, now_s: float, *, with_prices: bool = True) -> DueUpdates:
        """What is due now; nothing while it is too early. Prices not taken are gathered on."""
        if now_s < self.due_s(with_prices=with_prices):
            return DueUpdates()
        if with_prices and not self._may_publish(now_s):
            return DueUpdates()
        prices = self._prices.drain()[-PRICES_PER_S:] if with_prices else []
        self._published_s.extend(now_s for _ in prices)
        self._look_s = now_s + PRICE_PAUSE_S
        if prices:
            self._price_s = self._look_s
        return DueUpdates(prices, self._drain_candles(now_s))

    def _drain_candles(self, now_s: float) -> list[tuple[Series, LiveCandle]]:
        """Those that have changed, all in one turn, so that they are stored in one round trip; out
        of turn only those of a series that has rolled on."""
        is_turn = now_s >= self._candles_s
        candles = [
            (state.series, candle)
            for state in self._series.values()
            if is_turn or state.builder.has_rolled
            for candle in state.drain(now_s)
        ]
        if candles and is_turn:
            self._candles_s = now_s + CANDLE_PAUSE_S
        return candles

    def due_s(self, *, with_prices: bool = True) -> float:
        """When something of it may be due next, while it is not drained: at once where a candle has
        rolled on."""
        states = self._series.values()
        if any(state.builder.has_rolled for state in states):
            return 0.0
        if self._prices and with_prices:
            return self._price_s
        is_waiting = any(state.is_waiting for state in states)
        return max(self._candles_s, self._look_s) if is_waiting else self._candles_s

    @property
    def is_drained(self) -> bool:
        """Whether nothing waits to be published."""
        return not self._prices and not any(
            state.builder.is_changed for state in self._series.values()
        )

    def _record(self, trade: Trade) -> None:
        self.trade_id = max(self.trade_id, trade.last_id)
        if self.trade_ms is None or trade.time_ms - self.trade_ms >= LIVE_MS:
            self.flowing_ms = trade.time_ms
        self.trade_ms = max(self.trade_ms or 0, trade.time_ms)
        self._seen_decimals = max(self._seen_decimals, decimal_places(trade.quantity))
        self.quantity_decimals = max(self.quantity_decimals, self._seen_decimals)

    def _publish_soon(self) -> None:
        """What is published from now on may be another than what was."""
        self._price_s = self._candles_s = self._look_s = 0.0

    def _may_publish(self, now_s: float) -> bool:
        """Whether the prices that wait fit into what a second may hold."""
        while self._published_s and now_s - self._published_s[0] >= 1.0:
            self._published_s.popleft()
        return min(len(self._prices), PRICES_PER_S) + len(self._published_s) <= PRICES_PER_S


class _SeriesState:
    """One series: its builder, and since when a candle of it has been waiting for its kline."""

    def __init__(self, series: Series) -> None:
        self.builder = CandleBuilder(series.interval)
        self._symbol = series.symbol
        self._waiting_since_s: float | None = None

    @property
    def series(self) -> Series:
        return Series(self._symbol, self.builder.interval)

    @property
    def is_waiting(self) -> bool:
        """Whether one was waiting when it was looked at last."""
        return self._waiting_since_s is not None

    def drain(self, now_s: float) -> list[LiveCandle]:
        return self.builder.drain(partial=self._is_out_of_patience(now_s))

    def _is_out_of_patience(self, now_s: float) -> bool:
        if not self.builder.is_waiting:
            self._waiting_since_s = None
            return False
        if self._waiting_since_s is None:
            self._waiting_since_s = now_s
        return now_s - self._waiting_since_s >= PATIENCE_S


_add = EXACT.add

#: Updates kept while nobody takes them; the oldest go first.
UPDATES_MAX = 100


@dataclass(slots=True)
class PriceUpdate:
    """The trades of a part of one UTC second: the last price and its time (ms), the extremes.

    `first_id` and `last_id` are the outermost: with a hole between, `trades` is less than their
    span.
    """

    price: str
    timestamp: int
    high: Decimal
    low: Decimal
    volume: Decimal
    trades: int
    first_id: int
    last_id: int

    @property
    def values(self) -> dict[str, str | int]:
        """The fields of a `live_price` event."""
        return {
            "price": self.price,
            "timestamp": self.timestamp,
            "high": canonical(self.high),
            "low": canonical(self.low),
            "volume": canonical(self.volume),
            "trades": self.trades,
            "first_id": self.first_id,
            "last_id": self.last_id,
        }


class PriceAggregator:
    """What traded in one symbol since it was drained: one update for each UTC second, in order."""

    def __init__(self) -> None:
        self._seen = TradeIdRanges()
        self._waiting: deque[PriceUpdate] = deque(maxlen=UPDATES_MAX)
        self._second = self._newest_id = -1
        #: The next one does not belong into an update with those before.
        self._is_apart = False

    def add(self, trade: Trade) -> None:
        """Counts a trade once. One of a second already left behind is for the candles alone."""
        second = trade.time_ms // SECOND_MS
        if second < self._second:
            return
        if trade.first_id > self._newest_id:
            self._newest_id = trade.last_id
        elif self._seen.overlap(trade.first_id, trade.last_id):
            return
        self._seen.add(trade.first_id, trade.last_id)
        if second > self._second or self._is_apart or not self._waiting:
            self._second, self._is_apart = second, False
            self._waiting.append(_update(trade))
        else:
            _include(self._waiting[-1], trade)

    def begin_epoch(self) -> None:
        """Trade ids have begun anew: what comes next is not drained yet, whatever its id."""
        self._seen, self._newest_id, self._is_apart = TradeIdRanges(), -1, True

    def drain(self) -> list[PriceUpdate]:
        """All that was not drained yet, oldest first."""
        drained = list(self._waiting)
        self._waiting.clear()
        return drained

    def __len__(self) -> int:
        return len(self._waiting)


def _update(trade: Trade) -> PriceUpdate:
    price, quantity = trade.amounts[:2]
    ids = trade.first_id, trade.last_id
    return PriceUpdate(trade.price, trade.time_ms, price, price, quantity, trade.count, *ids)


def _include(update: PriceUpdate, trade: Trade) -> None:
    price, quantity = trade.amounts[:2]
    if price > update.high:
        update.high = price
    elif price < update.low:
        update.low = price
    update.volume = _add(update.volume, quantity)
    update.trades += trade.last_id - trade.first_id + 1
    if trade.time_ms > update.timestamp:
        update.timestamp = trade.time_ms
    if trade.first_id < update.first_id:
        update.first_id = trade.first_id
    if trade.last_id > update.last_id:
        update.price, update.last_id = trade.price, trade.last_id
