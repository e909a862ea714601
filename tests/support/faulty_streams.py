"""A market's trades and klines as they really happened, and as mishaps let them arrive.

Never here: what ought to be made of them (that is asked of the builder, against `Truth`).
Invariant: all follows from one seed; ids grow with time, without a break, but that an exchange may
begin anew with them, once, and then knows nothing of the time before.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from truecandle.candles.candle import LiveCandle
from truecandle.candles.decimals import canonical
from truecandle.candles.trades import (
    QUANTITY_DECIMALS_MAX,
    QUOTE_DECIMALS,
    QUOTE_STEP,
    Kline,
    Trade,
)

START_MS = 1_722_470_400_000
MINUTE_MS = 60_000


class One(NamedTuple):
    """A single trade; aggregates and klines are made of these."""

    id: int
    time_ms: int
    price: Decimal
    quantity: Decimal
    is_taker_buy: bool
    epoch: int


class Values(NamedTuple):
    """What a candle of some trades has to say, as canonical text."""

    prices: tuple[str, str, str, str]
    flows: tuple[str, str, str, str]
    trades: int
    first_id: int
    last_id: int


class Truth:
    """Trades of some minutes, some of them empty, in aggregates of one to four."""

    def __init__(self, chance: random.Random) -> None:
        minutes = chance.randint(2, 6)
        self.first_id = chance.choice([0, 100, 100_000])
        #: After this moment ids begin anew.
        self.reset_ms: int | None = None
        self.is_overlapping = False
        self._next_id = self.first_id
        #: With the quantities' five, two are never cut, six often are.
        self.price_decimals = chance.choice([2, 6])
        self.quantity_decimals = chance.choice([5, QUANTITY_DECIMALS_MAX])
        times: list[int] = []
        for minute in range(minutes):
            count = chance.choice([0, 0, 1, 2, 3, 5, 8, 12])
            spread = chance.choice([MINUTE_MS - 1, 3_000])
            times += [
                START_MS + minute * MINUTE_MS + chance.randint(0, spread) for _ in range(count)
            ]
        self.end_ms = START_MS + minutes * MINUTE_MS
        self.opens = range(START_MS, self.end_ms, MINUTE_MS)
        self.ones: list[One] = []
        self.aggregates: list[Trade] = []
        if chance.random() < 0.4:
            self.reset_ms = _near(chance, self.opens)
        for time_ms in sorted(times):
            if self._begins(time_ms):
                self._begin(chance, sum(one > time_ms for one in times))
            self._happen(chance, time_ms)

    @property
    def is_never_cut(self) -> bool:
        """Whether it is known that no trade can be worth a fraction of the last decimal."""
        return self.price_decimals + self.quantity_decimals <= QUOTE_DECIMALS

    def epoch(self, now_ms: int) -> int:
        """Whose ids the exchange tells at that time."""
        return int(self.reset_ms is not None and now_ms > self.reset_ms)

    def values(self, open_ms: int, last_id: int | None = None, epoch: int = 0) -> Values | None:
        """The minute's candle of the trades of an epoch up to `last_id`; None without any."""
        held = [
            one
            for one in self.ones
            if open_ms <= one.time_ms < open_ms + MINUTE_MS
            and one.epoch == epoch
            and (last_id is None or one.id <= last_id)
        ]
        if not held:
            return None
        prices = [one.price for one in held]
        taken = [one for one in held if one.is_taker_buy]
        high, low = canonical(max(prices)), canonical(min(prices))
        return Values(
            (canonical(prices[0]), high, low, canonical(prices[-1])),
            (volume(held), quote_volume(held), volume(taken), quote_volume(taken)),
            len(held),
            held[0].id,
            held[-1].id,
        )

    def kline(self, now_ms: int, last_id: int, event_ms: int, is_closed: bool = False) -> Kline:
        """The exchange's view of the minute of `now_ms`, with the trades up to `last_id`."""
        open_ms = now_ms - now_ms % MINUTE_MS
        found = self.values(open_ms, last_id, self.epoch(event_ms))
        if found is None:
            before = [one.price for one in self.ones if one.time_ms < open_ms] or [Decimal(50)]
            found = Values((canonical(before[-1]),) * 4, ("0",) * 4, 0, -1, -1)
        (o, h, l_, c), (v, q, tv, tq) = found.prices, found.flows
        ids = found.trades, found.first_id, found.last_id
        return Kline("X", "1m", open_ms, o, h, l_, c, v, q, tv, tq, *ids, is_closed, event_ms)

    def last_id(self, now_ms: int) -> int:
        """The last trade that has happened by then."""
        at = bisect_right(self.ones, now_ms, key=lambda one: one.time_ms)
        if at and self.ones[at - 1].epoch == self.epoch(now_ms):
            return self.ones[at - 1].id
        return -1

    def heard(self, trade: Trade) -> int:
        """The epoch of a trade."""
        return self.epoch(trade.time_ms)

    def _begins(self, time_ms: int) -> bool:
        return self.epoch(time_ms) == 1 and not any(one.epoch for one in self.ones)

    def _begin(self, chance: random.Random, later: int) -> None:
        """Lower, much higher, or once more the same ids: never just the next one, which nobody
        could tell from a trade of the epoch before."""
        most = 4 * (later + 1)
        if self.ones and chance.random() < 0.5 and self.ones[-1].id > most:
            self.is_overlapping = True
            self._next_id = self.ones[-1].id - most - chance.randint(0, 9)
            self._next_id = max(0, self._next_id)
        elif self.first_id == 100_000 and chance.random() < 0.6:
            self._next_id = chance.choice([0, 1, 50_000])
        else:
            self._next_id += chance.choice([50_000, 10**10])

    def _happen(self, chance: random.Random, time_ms: int) -> None:
        steps = 10 ** (self.price_decimals - 2)
        price = Decimal(chance.randint(4_900 * steps, 5_100 * steps)).scaleb(-self.price_decimals)
        is_taker_buy = chance.random() < 0.5
        first_id, epoch = self._next_id, self.epoch(time_ms)
        parts = [Decimal(chance.randint(1, 10**6)) / 10**5 for _ in range(chance.choice([1, 1, 4]))]
        for quantity in parts:
            self.ones.append(One(self._next_id, time_ms, price, quantity, is_taker_buy, epoch))
            self._next_id += 1
        texts = canonical(price), canonical(sum(parts, Decimal(0)))
        ids = first_id, self._next_id - 1
        moments = time_ms, time_ms + chance.randint(0, 50)
        number = len(self.aggregates)
        told = *ids, *texts, *moments, is_taker_buy, number, self.quantity_decimals
        self.aggregates.append(Trade("X", *told))


@dataclass(frozen=True, slots=True)
class Break:
    """The streams are down in [start_ms, end_ms): known from the start on, or never noticed."""

    start_ms: int
    end_ms: int
    is_restart: bool


class Step(NamedTuple):
    """What reaches the builder: an event, or `break`, `restart`, `fetch` or `confirm`."""

    at_ms: int
    what: Trade | Kline | str


def steps(truth: Truth, chance: random.Random) -> list[Step]:
    """Trades and klines in the order of their arrival, with losses, doubles, delays and breaks."""
    breaks = list(_breaks(truth, chance))
    #: Were all that use the old ids once more lost, the one after them would be the next in turn.
    first = next((one for one in truth.aggregates if truth.heard(one)), None)
    loss = chance.choice([0.0, 0.0, 0.05, 0.2])
    double = chance.choice([0.0, 0.1])
    delays = chance.choice([[20], [20, 500], [5, 20, 500, 3_000]])
    found: list[Step] = []
    sent: list[tuple[int, Trade | Kline]] = [(one.event_ms, one) for one in truth.aggregates]
    for sent_ms, event in [*sent, *_klines(truth, chance)]:
        at_ms = sent_ms + chance.randint(0, chance.choice(delays))
        is_down = any(sent_ms < one.end_ms and at_ms >= one.start_ms for one in breaks)
        is_lost = is_down or chance.random() < loss
        if truth.is_overlapping and event is first:
            at_ms, is_lost = sent_ms, False
        if is_lost:
            continue
        found.append(Step(at_ms, event))
        if chance.random() < double:
            found.append(Step(at_ms + chance.randint(0, 1_000), event))
    for one in breaks:
        found.append(Step(one.start_ms, "restart" if one.is_restart else "break"))
        found += [
            Step(one.end_ms + chance.randint(0, 2_000), what)
            for what in ("fetch", "confirm")
            if chance.random() < 0.7
        ]
    if loss:
        found += [Step(_moment(truth, chance), "fetch") for _ in range(chance.randint(0, 3))]
    return sorted(found, key=lambda step: step.at_ms)


def volume(ones: list[One]) -> str:
    return canonical(sum((one.quantity for one in ones), Decimal(0)))


def quote_volume(ones: list[One]) -> str:
    """As the exchange adds up: each single trade is cut before."""
    worths = ((one.quantity * one.price).quantize(QUOTE_STEP, ROUND_DOWN) for one in ones)
    return canonical(sum(worths, Decimal(0)))


def says(candle: LiveCandle, true: Values) -> Values:
    """The candle's values; where it calls a quote volume unknown, the true one stands."""
    prices = candle.open, candle.high, candle.low, candle.close
    flows = (
        candle.volume,
        candle.quote_volume or true.flows[1],
        str(candle.taker_volume),
        candle.taker_quote_volume or true.flows[3],
    )
    return Values(prices, flows, candle.trades, candle.first_id, candle.last_id)


def _breaks(truth: Truth, chance: random.Random) -> Iterator[Break]:
    for _ in range(chance.choice([0, 0, 1, 2])):
        start_ms = _moment(truth, chance)
        length_ms = chance.choice([100, 2_000, 30_000, 100_000])
        is_restart = chance.random() < 0.4 and not truth.is_overlapping
        yield Break(start_ms, start_ms + length_ms, is_restart)


def _moment(truth: Truth, chance: random.Random) -> int:
    return _near(chance, truth.opens)


def _near(chance: random.Random, opens: range) -> int:
    """Any moment, often one near a minute's end."""
    edge_ms = chance.choice(opens)
    if chance.random() < 0.4:
        return edge_ms + chance.randint(-300, 300)
    return edge_ms + chance.randint(0, MINUTE_MS - 1)


def _klines(truth: Truth, chance: random.Random) -> Iterator[tuple[int, Kline]]:
    """Some within each minute, some of them cut inside an aggregate; and closing ones, if any."""
    has_closing = chance.random() < 0.6
    for open_ms in truth.opens:
        end_ms = open_ms + MINUTE_MS
        held = [one for one in truth.ones if open_ms <= one.time_ms < end_ms]
        for _ in range(chance.choice([0, 1, 3, 5])):
            if held and chance.random() < 0.6:
                last = chance.choice(held)
                now_ms = min(end_ms - 1, last.time_ms + chance.randint(0, 20))
                if last.epoch == truth.epoch(now_ms):
                    yield now_ms, truth.kline(now_ms, last.id, now_ms)
            else:
                now_ms = chance.randint(open_ms, end_ms - 1)
                yield now_ms, truth.kline(now_ms, truth.last_id(now_ms), now_ms)
        if has_closing and chance.random() < 0.8:
            sent_ms = end_ms + chance.choice([5, 70, 2_400])
            if truth.epoch(end_ms - 1) != truth.epoch(sent_ms):
                continue  # the exchange knows it no more
            yield sent_ms, truth.kline(open_ms, truth.last_id(sent_ms), sent_ms, is_closed=True)
