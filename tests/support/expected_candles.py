"""What really traded, and what every candle over it must therefore be, digit by digit.

Never here: tolerance; the arithmetic of the builder that is judged by it.
Invariant: an expectation follows from the exchange's own trades (and klines before the first of
them), or there is none.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from truecandle.candles.candle import LiveCandle
from truecandle.candles.decimals import canonical
from truecandle.candles.interval import Interval
from truecandle.candles.series import Series
from truecandle.candles.trades import Kline
from truecandle.sim.kline import kline_of
from truecandle.sim.recording import scaled
from truecandle.sim.trade_source import TradeSource
from truecandle.sim.trade_sums import AggTrade, TradeSums, merged

DECIMALS = ("open", "high", "low", "close", "volume")
#: What only our feed knows, and a browser's candle does not have.
FEED_ONLY = ("quote_volume", "taker_volume", "taker_quote_volume")
#: Nobody can tell them of an aggregate whose single trades the exchange may have cut.
QUOTES = ("quote_volume", "taker_quote_volume")
COUNTS = ("trades", "first_id", "last_id")
FIELDS = (*DECIMALS, *FEED_ONLY, *COUNTS)

Values = dict[str, str | int]


class Truth:
    """One market's trades from `start_ms` on, as far as they are asked for.

    `klines` are the exchange's views of candles that began before the first known trade.
    """

    def __init__(self, course: TradeSource, start_ms: int, klines: Iterable[Kline] = ()) -> None:
        self._course = course
        self._lock = threading.Lock()
        self._start_ms = self._read_ms = start_ms
        self._prints: list[AggTrade] = []
        self._times: list[int] = []
        self._last_ids: list[int] = []
        self._sums: list[list[int]] = [[0], [0], [0], [0]]
        self._bases: dict[tuple[str, int], list[Kline]] = {}
        for kline in klines:
            self._bases.setdefault((kline.interval, kline.open_ms), []).append(kline)

    def problem(self, series: Series, candle: LiveCandle) -> str | None:
        """Why this candle must not call itself complete; None if it rightly does."""
        with self._lock:
            wanted = self._expected(series.interval, candle)
        if isinstance(wanted, str):
            return wanted
        found = values(candle)
        return differences(found, wanted) or None

    def closed(self, interval: Interval, open_ms: int) -> Values | None:
        """The candle over the whole interval; None if nothing traded or its start is not known."""
        with self._lock:
            first, end = self._read(interval, open_ms)
            base = self._base(interval, open_ms, None)
            if base is None and open_ms < self._start_ms:
                return None
            block = merged([base, self._block(self._after(base, first), end)])
            return self._values(block) if block else None

    def first_after(self, open_ms: int, last_id: int, now_ms: int) -> int | None:
        """When the first trade after `last_id` (-1: from `open_ms` on) was; None if none yet."""
        with self._lock:
            self._read_to(now_ms)
            times, ids = self._times, self._last_ids
            at = bisect_left(ids, last_id + 1) if last_id >= 0 else bisect_left(times, open_ms)
            return times[at] if at < len(times) and times[at] <= now_ms else None

    def _expected(self, interval: Interval, candle: LiveCandle) -> Values | str:
        """What a candle with this `last_id` must be, or what is wrong with the id itself."""
        first, end = self._read(interval, candle.open_ms)
        if candle.trades == 0:
            if candle.is_complete and first < end:
                return f"no trades, but there were {self._sum(3, first, end)}"
            return {"volume": "0", "quote_volume": "0", "first_id": -1, "last_id": -1}
        base = self._base(interval, candle.open_ms, candle.last_id)
        if base is None and candle.open_ms < self._start_ms:
            return "its first trade is known to nobody"
        start = self._after(base, first)
        stop = bisect_left(self._last_ids, candle.last_id + 1)
        known_id = self._last_ids[stop - 1] if stop > start else base.last_id if base else -1
        if stop > end or known_id != candle.last_id:
            return f"last_id {candle.last_id} is no trade of this interval"
        if candle.is_complete and stop != end:
            return f"last_id {candle.last_id}, but the interval ends with {self._last_ids[end - 1]}"
        block = merged([base, self._block(start, stop)])
        return self._values(block) if block else "no trade is known"

    def _read(self, interval: Interval, open_ms: int) -> tuple[int, int]:
        """The trades of an interval, as positions; reads them first if nobody asked before."""
        next_ms = interval.next_open_ms(open_ms)
        self._read_to(next_ms)
        return bisect_left(self._times, open_ms), bisect_left(self._times, next_ms)

    def _read_to(self, until_ms: int) -> None:
        if until_ms > self._read_ms:
            self._add(list(self._course.prints(self._read_ms, until_ms)))
            self._read_ms = until_ms

    def _add(self, prints: Sequence[AggTrade]) -> None:
        self._prints += prints
        self._times += [one.time_ms for one in prints]
        self._last_ids += [one.last_id for one in prints]
        quotes = list(self._quotes(prints))
        columns = (
            [one.quantity for one in prints],
            quotes,
            [0 if one.sell else one.quantity for one in prints],
            [0 if one.sell else quote for one, quote in zip(prints, quotes, strict=True)],
        )
        for sums, column in zip(self._sums, columns, strict=True):
            sums += list(accumulate(column, initial=sums[-1]))[1:]

    def _quotes(self, prints: Sequence[AggTrade]) -> Iterator[int]:
        """What each is worth: the sum of its single trades, each cut to eight decimals. A recording
        without single trades is only of use where nothing is ever cut."""
        if not prints:
            return
        decimals = self._course.listing.quote_decimals
        singles = self._course.trades(prints[0].time_ms, prints[-1].time_ms + 1)
        worths: dict[int, int] = {}
        for one in singles:
            worths[one.last_id] = one.price * one.quantity
            worths[one.last_id] -= worths[one.last_id] % 10 ** max(0, decimals - 8)
        for one in prints:
            yield sum(worths.get(id_, 0) for id_ in range(one.first_id, one.last_id + 1))

    def _base(self, interval: Interval, open_ms: int, last_id: int | None) -> TradeSums | None:
        """The newest recorded kline of a candle that began before the recording, not beyond
        `last_id`, and not in the middle of an aggregate trade."""
        if open_ms >= self._start_ms:
            return None
        known = [
            kline
            for kline in self._bases.get((interval.name, open_ms), ())
            if (last_id is None or kline.last_id <= last_id) and self._is_whole(kline.last_id)
        ]
        return _block_of(max(known, key=lambda one: one.last_id)) if known else None

    def _is_whole(self, last_id: int) -> bool:
        at = bisect_left(self._last_ids, last_id + 1)
        return at >= len(self._prints) or self._prints[at].first_id == last_id + 1

    def _after(self, base: TradeSums | None, first: int) -> int:
        return bisect_left(self._last_ids, base.last_id + 1) if base else first

    def _sum(self, column: int, start: int, end: int) -> int:
        return self._sums[column][end] - self._sums[column][start]

    def _block(self, start: int, end: int) -> TradeSums | None:
        part = self._prints[start:end]
        if not part:
            return None
        prices = [one.price for one in part]
        quantity, quote, bought, bought_quote = (self._sum(i, start, end) for i in range(4))
        return TradeSums(
            open=prices[0],
            high=max(prices),
            low=min(prices),
            close=prices[-1],
            quantity=quantity,
            quote=quote,
            bought=bought,
            bought_quote=bought_quote,
            trades=part[-1].last_id - part[0].first_id + 1,
            first_id=part[0].first_id,
            last_id=part[-1].last_id,
        )

    def _values(self, block: TradeSums) -> Values:
        row = kline_of(self._course.listing, 0, 0, block, 0)
        prices = (row.open, row.high, row.low, row.close)
        texts = (*prices, row.volume, row.quote, row.bought, row.bought_quote)
        known: Values = dict(zip((*DECIMALS, *FEED_ONLY), map(canonical, texts), strict=True))
        return known | {
            "trades": row.trades,
            "first_id": block.first_id,
            "last_id": block.last_id,
        }


def differences(found: Values, wanted: Values) -> str:
    """The fields of `wanted` that are not so in `found`, or called unknown there though they are
    no quote volume; empty if there are none."""
    return ", ".join(
        f"{name} {found[name]} not {want}"
        for name, want in wanted.items()
        if found[name] != want and not (found[name] == "unknown" and name in QUOTES)
    )


def values(candle: LiveCandle) -> Values:
    """The fields that can be compared, decimals as canonical text."""
    texts = {name: getattr(candle, name) for name in (*DECIMALS, *FEED_ONLY)}
    known: Values = {
        name: "unknown" if text is None else canonical(text) for name, text in texts.items()
    }
    return known | {name: getattr(candle, name) for name in COUNTS}


def kline_values(kline: Kline) -> Values:
    """The same of a kline as the exchange streamed it."""
    texts = {name: canonical(getattr(kline, name)) for name in (*DECIMALS, *FEED_ONLY)}
    return {**texts, **{name: getattr(kline, name) for name in COUNTS}}


def _block_of(kline: Kline) -> TradeSums:
    """A kline of a recording, whose prices and quantities count in 10^-8."""
    return TradeSums(
        open=scaled(kline.open),
        high=scaled(kline.high),
        low=scaled(kline.low),
        close=scaled(kline.close),
        quantity=scaled(kline.volume),
        quote=scaled(kline.quote_volume or "0") * 10**8,
        bought=scaled(kline.taker_volume),
        bought_quote=scaled(kline.taker_quote_volume or "0") * 10**8,
        trades=kline.trades,
        first_id=kline.first_id,
        last_id=kline.last_id,
    )


@dataclass(slots=True)
class Closing:
    """How one candle became closed: when it was first told so, and when first with its proof."""

    told_ms: int
    proven_ms: int | None = None
    candle: LiveCandle | None = None


@dataclass
class Judge:
    """Looks at every candle that anybody is told, and notes each `exact` that is not true."""

    truths: Mapping[str, Truth]
    seen: int = 0
    claimed: int = 0
    false: list[str] = field(default_factory=list)
    closings: dict[tuple[str, int], Closing] = field(default_factory=dict)

    def see(self, series: Series, candle: LiveCandle, at_ms: int) -> None:
        """A candle as it was told, at `at_ms`."""
        self.seen += 1
        if candle.is_exact:
            self.claimed += 1
            problem = self.truths[series.symbol].problem(series, candle)
            if problem is not None:
                self.false.append(f"{series} {candle.open_ms}: {problem}")
        if not candle.is_complete:
            return
        closing = self.closings.setdefault((series.name, candle.open_ms), Closing(at_ms))
        if candle.is_exact:
            closing.candle = candle
            if closing.proven_ms is None:
                closing.proven_ms = at_ms
