"""The forming candle, from the exchange's own forming kline and the trades after it.

Never here: a clock, a socket, a store. Events come in, changed candles go out (`take`).
Invariant: a trade counts once, by its id, in the candle of its trade time, whatever the order.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Context, Decimal

from truecandle.candles.candle import LiveCandle, canonical
from truecandle.candles.interval import Interval
from truecandle.candles.ranges import Ranges

#: Sums are exact: no volume on Binance has 60 digits.
_EXACT = Context(prec=60)

#: Candles kept for late news: closing klines come up to 2.4 s late, late trades rarely later.
CANDLES_KEPT = 5

#: Trades kept since the last kline, to put them on top of one that arrives late.
TRADES_KEPT = 20_000

#: Empty candles made between two trades whose ids prove that nothing traded; a longer silence
#: stays a hole until the official candles arrive.
EMPTY_CANDLES_MAX = 120


@dataclass(frozen=True, slots=True)
class Trade:
    """One trade, or an aggregate of trades `first_id`..`last_id` at one price. Times in ms."""

    symbol: str
    first_id: int
    last_id: int
    price: str
    quantity: str
    time_ms: int
    event_ms: int

    @property
    def count(self) -> int:
        return self.last_id - self.first_id + 1


@dataclass(frozen=True, slots=True)
class Kline:
    """The exchange's own view of a candle. `first_id` and `last_id` are -1 without any trade."""

    symbol: str
    interval: str
    open_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int
    first_id: int
    last_id: int
    is_closed: bool
    event_ms: int


@dataclass(slots=True)
class _Forming:
    """A candle under construction. `ids` are the trades it holds."""

    open_ms: int
    next_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    updated_at: int
    volume: Decimal = Decimal(0)
    trades: int = 0
    open_id: int = -1
    close_id: int = -1
    #: The id that the interval's first trade has or will have, once a kline or the last trade of
    #: the candle before has shown it.
    first_id: int | None = None
    #: The last trade of the newest kline, None before the first one.
    kline_id: int | None = None
    ids: Ranges = field(default_factory=Ranges)
    is_closed: bool = False
    is_changed: bool = True
    since_kline: deque[Trade] = field(default_factory=lambda: deque(maxlen=TRADES_KEPT))


class CandleBuilder:
    """Builds one series' forming candle and keeps those just before it open for late news.

    `add_trade` and `add_kline` take events in any order; `take` gives back what has changed since,
    oldest first. `has_rolled` says that a candle closed or opened since the last `take`;
    `is_waiting` that one has changed whose beginning nobody has shown yet.
    """

    def __init__(self, interval: Interval) -> None:
        self.interval = interval
        self.has_rolled = False
        self._candles: list[_Forming] = []

    def add_trade(self, trade: Trade) -> None:
        """Counts a trade, once, in the candle of its trade time; too old ones are left out."""
        if not self.interval.has_grid:
            return
        candle = self._find(trade.time_ms) or self._open_by_trade(trade)
        if candle is not None:
            candle.since_kline.append(trade)
            _count(candle, trade)
            self._link(candle)

    def add_kline(self, kline: Kline) -> None:
        """Takes the exchange's view as the base, with the later trades known on top of it."""
        if not self.interval.has_grid:
            self.interval = self.interval.with_phase(kline.open_ms)
        if not self.interval.is_aligned(kline.open_ms):
            return
        candle = self._find(kline.open_ms)
        if candle is None:
            candle = self._open(kline.open_ms, Decimal(kline.open), kline.event_ms)
        if candle is not None:
            _rebase(candle, kline)
            self._link(candle)
            if kline.is_closed and not candle.is_closed:
                candle.is_closed = candle.is_changed = self.has_rolled = True
                candle.updated_at = max(candle.updated_at, kline.event_ms)

    def take(self, *, partial: bool = False) -> list[LiveCandle]:
        """The candles that changed since the last call, oldest first; all but the last closed.

        A candle that was joined midway waits for its first kline, unless `partial` ones will do.
        """
        taken = [
            candle
            for candle in self._candles
            if candle.is_changed and (partial or _has_start(candle))
        ]
        for candle in taken:
            candle.is_changed = False
        self._candles = self._candles[-CANDLES_KEPT:]
        self.has_rolled = False
        return [_live(candle) for candle in taken]

    @property
    def is_waiting(self) -> bool:
        return any(candle.is_changed and not _has_start(candle) for candle in self._candles)

    def is_exact(self) -> bool:
        """Whether the newest candle holds every trade from the first of its interval, unbroken."""
        return bool(self._candles) and _is_exact(self._candles[-1])

    def _find(self, time_ms: int) -> _Forming | None:
        for candle in reversed(self._candles):
            if candle.open_ms <= time_ms < candle.next_ms:
                return candle
        return None

    def _open_by_trade(self, trade: Trade) -> _Forming | None:
        open_ms = self.interval.open_ms(trade.time_ms)
        before = self._candles[-1] if self._candles else None
        if before is not None and trade.first_id == _next_id(before):
            self._open_empty(before, open_ms, trade)
        return self._open(open_ms, Decimal(trade.price), trade.time_ms)

    def _open_empty(self, before: _Forming, open_ms: int, trade: Trade) -> None:
        """Candles without a trade, proven by ids that follow on: flat at the close before."""
        if self.interval.count(before.next_ms, open_ms) > EMPTY_CANDLES_MAX:
            return
        for empty_ms in self.interval.opens(before.next_ms, open_ms):
            self._open(empty_ms, before.close, trade.time_ms)

    def _open(self, open_ms: int, price: Decimal, time_ms: int) -> _Forming | None:
        """A new candle in its place among those kept; None if it is older than all of them."""
        if self._candles and open_ms < self._candles[0].open_ms:
            return None
        next_ms = self.interval.next_open_ms(open_ms)
        candle = _Forming(open_ms, next_ms, price, price, price, price, time_ms)
        at = sum(1 for known in self._candles if known.open_ms < open_ms)
        self._candles.insert(at, candle)
        if at:
            self._link(self._candles[at - 1])
        for known in self._candles[:-1]:
            if not known.is_closed:
                known.is_closed = known.is_changed = True
        self.has_rolled = True
        return candle

    def _link(self, candle: _Forming) -> None:
        """Tells the candle after this one which trade is its first, until a kline does."""
        if candle is self._candles[-1]:
            return
        after = self._candles[self._candles.index(candle) + 1]
        if after.kline_id is None or after.kline_id < 0:
            after.first_id = _next_id(candle)


def _count(candle: _Forming, trade: Trade) -> None:
    """Adds the trade unless its ids are in already. A part that is in can't be told from the rest:
    then only the price counts, and the next kline brings the volume."""
    price = Decimal(trade.price)
    overlap = candle.ids.overlap(trade.first_id, trade.last_id)
    if overlap == trade.count:
        return
    if candle.trades == 0 and overlap == 0:
        candle.open = candle.high = candle.low = candle.close = price
        candle.open_id, candle.close_id = trade.first_id, trade.last_id
    candle.high = max(candle.high, price)
    candle.low = min(candle.low, price)
    if trade.first_id < candle.open_id:
        candle.open, candle.open_id = price, trade.first_id
    if trade.last_id > candle.close_id:
        candle.close, candle.close_id = price, trade.last_id
    if overlap == 0:
        candle.volume = _EXACT.add(candle.volume, Decimal(trade.quantity))
        candle.trades += trade.count
        candle.ids.add(trade.first_id, trade.last_id)
    candle.updated_at = max(candle.updated_at, trade.time_ms)
    candle.is_changed = True


def _rebase(candle: _Forming, kline: Kline) -> None:
    """Starts the candle anew from the kline, with the trades after it on top, if that adds news."""
    if candle.kline_id is not None and kline.last_id < candle.kline_id:
        return
    if kline.last_id < 0 and candle.trades > 0:
        return
    later = [trade for trade in candle.since_kline if trade.last_id > kline.last_id]
    is_older = kline.last_id < candle.close_id
    is_known = is_older and _is_exact(candle) and candle.first_id == kline.first_id
    if is_older and not is_known and not _joins(candle, kline, later):
        return
    candle.kline_id = kline.last_id
    candle.since_kline = deque(later, maxlen=TRADES_KEPT)
    if is_known:
        return
    before = _values(candle)
    candle.open, candle.high = Decimal(kline.open), Decimal(kline.high)
    candle.low, candle.close = Decimal(kline.low), Decimal(kline.close)
    candle.volume, candle.trades = Decimal(kline.volume), kline.trades
    candle.open_id, candle.close_id = kline.first_id, kline.last_id
    candle.ids = Ranges()
    if kline.last_id >= 0:
        candle.first_id = kline.first_id
        candle.ids.add(kline.first_id, kline.last_id)
    for trade in later:
        _count(candle, trade)
    if _values(candle) != before:
        candle.updated_at = max(candle.updated_at, kline.event_ms)
        candle.is_changed = True


def _joins(candle: _Forming, kline: Kline, later: list[Trade]) -> bool:
    """Whether the trades kept can stand on top of the kline: none cut in two, none forgotten."""
    if any(trade.first_id <= kline.last_id for trade in later):
        return False
    kept = candle.since_kline
    return len(kept) < TRADES_KEPT or kept[0].first_id <= kline.last_id


def _values(candle: _Forming) -> tuple[object, ...]:
    return candle.open, candle.high, candle.low, candle.close, candle.volume, candle.trades


def _live(candle: _Forming) -> LiveCandle:
    return LiveCandle(
        open_ms=candle.open_ms,
        open=canonical(candle.open),
        high=canonical(candle.high),
        low=canonical(candle.low),
        close=canonical(candle.close),
        volume=canonical(candle.volume),
        trades=candle.trades,
        source="live",
        is_complete=candle.is_closed,
        updated_at=candle.updated_at,
    )


def _has_start(candle: _Forming) -> bool:
    """Whether the candle's beginning is known: from a kline, or by the id of its first trade."""
    if candle.kline_id is not None:
        return True
    if candle.first_id is None or candle.trades == 0:
        return candle.first_id is not None
    return candle.ids.overlap(candle.first_id, candle.first_id) == 1


def _next_id(candle: _Forming) -> int | None:
    """The id that the first trade after the candle has, unless that one is lost."""
    return candle.close_id + 1 if candle.trades else candle.first_id


def _is_exact(candle: _Forming) -> bool:
    if candle.first_id is None or candle.trades == 0:
        return candle.first_id is not None
    return candle.ids.is_single(candle.first_id, candle.close_id)
