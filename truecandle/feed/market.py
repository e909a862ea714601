"""One symbol: its candles at every interval, its prices, and when each may be told again.

Never here: a clock (seconds that only grow come in), Redis, sockets.
Invariant: what is taken as a candle holds no trade that was not taken as a price before or with it.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from truecandle.candles.builder import CandleBuilder
from truecandle.candles.candle import LiveCandle
from truecandle.candles.decimals import NO_ID
from truecandle.candles.epoch import Epoch
from truecandle.candles.freshness import LIVE_MS
from truecandle.candles.instrument import Instrument
from truecandle.candles.series import Series
from truecandle.candles.trades import QUANTITY_DECIMALS_MAX, Kline, Trade, decimal_places
from truecandle.feed.prices import Prices, Summary

#: At most 10 `live_price` a second: 8 in turn, and room for those that go before a candle that
#: opens or closes.
PRICE_PAUSE_S = 0.125
PRICES_PER_S = 10

#: At most 2 `live_candle` a second, besides those that open or close.
CANDLE_PAUSE_S = 0.5

#: How long a candle joined midway waits for its kline; then what is known of it must do.
PATIENCE_S = 3.0


log = logging.getLogger(__name__)


class Taken(NamedTuple):
    """What is to be told of one symbol: the prices first, then the candles."""

    prices: Sequence[Summary] = ()
    candles: Sequence[tuple[Series, LiveCandle]] = ()


class Market:
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
        self._lines = {one.interval.name: _Line(one) for one in series}
        self._prices = Prices()
        self._told_s: deque[float] = deque(maxlen=PRICES_PER_S)
        #: When the next price may be told; and when to look again whether a candle is due, so that
        #: a candle that waits never holds up a price.
        self._price_s = self._look_s = 0.0

    def add(self, event: Trade | Kline) -> None:
        self.event_ms = max(self.event_ms, event.event_ms)
        if isinstance(event, Kline):
            line = self._lines.get(event.interval)
            if line is not None:
                known = NO_ID if event.event_ms < self.epoch.begun_ms else event.last_id
                known = max(known, self.kline_ids[event.interval])
                self.kline_ids[event.interval] = known
                line.builder.add_kline(event)
            return
        if self.epoch.is_former(event):
            return
        if self.epoch.is_over(event):
            self.begin_epoch(event)
        self.epoch.reach(event.last_id, event.time_ms)
        self._note(event)
        trade = event.with_steps(self.quantity_decimals)
        self._prices.add(trade)
        for line in self._lines.values():
            line.builder.add_trade(trade)

    def begin_epoch(self, trade: Trade) -> None:
        """Trade ids have begun anew, as this trade shows: no id known before says anything more."""
        log.warning("feed: trade ids of %s have begun anew, by %d", self.symbol, trade.last_id)
        former_ms = self.epoch.last_ms
        self.epoch.begin(trade.time_ms, trade.last_id)
        self.trade_id = NO_ID
        self.kline_ids = dict.fromkeys(self.kline_ids, NO_ID)
        self._prices.begin_epoch()
        self._look_s = self._price_s = 0.0
        for line in self._lines.values():
            line.begin_epoch(trade, former_ms)

    def learn(self, listing: Instrument) -> None:
        """What the exchange lists of it. Trades that have shown smaller steps are believed more:
        orders from before a change of the steps trade on."""
        listed = decimal_places(listing.step_size) if listing.step_size else QUANTITY_DECIMALS_MAX
        self.quantity_decimals = max(listed, self._seen_decimals)

    def doubt(self) -> None:
        """The stream of trades broke: the newest trades of every candle may be lost. That is told
        at once."""
        self._look_s = self._price_s = 0.0
        for line in self._lines.values():
            line.doubt()

    def settle(self, last_id: int) -> None:
        """The exchange has said that nothing traded after the trade `last_id`."""
        for line in self._lines.values():
            line.builder.settle(last_id)

    def end(self, last_id: int, until_ms: int) -> None:
        """The same, up to `until_ms`: what was over by then has ended."""
        for line in self._lines.values():
            line.builder.end(last_id, until_ms)

    def seed(self, interval: str, candle: LiveCandle) -> None:
        """Goes on from a candle that an earlier feed stored."""
        self._lines[interval].builder.seed(candle)

    def lacking(self, now_ms: int) -> list[str]:
        """The intervals of which there is no exact candle at exchange time `now_ms`."""
        return [name for name, line in self._lines.items() if not line.builder.covers(now_ms)]

    def is_unproven(self, at_ms: int) -> bool:
        """Whether the end of a candle that was over at exchange time `at_ms` is not proven yet."""
        return any(line.builder.is_unproven(at_ms) for line in self._lines.values())

    @property
    def contradictions(self) -> int:
        """How often a kline showed that a candle called exact was not."""
        return sum(line.builder.contradictions for line in self._lines.values())

    @property
    def series(self) -> list[Series]:
        return [line.series for line in self._lines.values()]

    def take(self, now_s: float, *, with_prices: bool = True) -> Taken:
        """What is due now; nothing while it is too early. Prices not taken are gathered on."""
        due_s = self._price_s if self._prices and with_prices else self._look_s
        if now_s < due_s and not self._has_rolled():
            return Taken()
        if with_prices and not self._may_tell(now_s):
            return Taken()
        prices = self._prices.take()[-PRICES_PER_S:] if with_prices else []
        self._told_s.extend(now_s for _ in prices)
        self._look_s = now_s + PRICE_PAUSE_S
        if prices:
            self._price_s = self._look_s
        candles = []
        for line in self._lines.values():
            candles += [(line.series, candle) for candle in line.take(now_s)]
        return Taken(prices, candles)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing waits to be told."""
        return not self._prices and not any(
            line.builder.is_changed for line in self._lines.values()
        )

    def _has_rolled(self) -> bool:
        return any(line.builder.has_rolled for line in self._lines.values())

    def _note(self, trade: Trade) -> None:
        self.trade_id = max(self.trade_id, trade.last_id)
        if self.trade_ms is None or trade.time_ms - self.trade_ms >= LIVE_MS:
            self.flowing_ms = trade.time_ms
        self.trade_ms = max(self.trade_ms or 0, trade.time_ms)
        self._seen_decimals = max(self._seen_decimals, decimal_places(trade.quantity))
        self.quantity_decimals = max(self.quantity_decimals, self._seen_decimals)

    def _may_tell(self, now_s: float) -> bool:
        """Whether the prices that wait fit into what a second may hold."""
        while self._told_s and now_s - self._told_s[0] >= 1.0:
            self._told_s.popleft()
        return min(len(self._prices), PRICES_PER_S) + len(self._told_s) <= PRICES_PER_S


class _Line:
    """One series: its builder, and when it may be told again."""

    def __init__(self, series: Series) -> None:
        self.builder = CandleBuilder(series.interval)
        self._symbol = series.symbol
        self._next_s = 0.0
        self._waiting_since_s: float | None = None

    @property
    def series(self) -> Series:
        return Series(self._symbol, self.builder.interval)

    def doubt(self) -> None:
        self.builder.doubt()
        self._next_s = 0.0

    def begin_epoch(self, trade: Trade, former_ms: int) -> None:
        self.builder.begin_epoch(trade.time_ms, trade.last_id, former_ms=former_ms)
        self._next_s = 0.0

    def take(self, now_s: float) -> list[LiveCandle]:
        if now_s < self._next_s and not self.builder.has_rolled:
            return []
        candles = self.builder.take(partial=self._is_out_of_patience(now_s))
        if candles:
            self._next_s = now_s + CANDLE_PAUSE_S
        return candles

    def _is_out_of_patience(self, now_s: float) -> bool:
        if not self.builder.is_waiting:
            self._waiting_since_s = None
            return False
        if self._waiting_since_s is None:
            self._waiting_since_s = now_s
        return now_s - self._waiting_since_s >= PATIENCE_S
