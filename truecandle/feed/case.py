"""One market's losses: what of it is missing, what to ask the exchange for next, and when.

Never here: threads, sockets, a clock (seconds that only grow and the exchange's ms come in).
Invariant: a market is settled only by an answer that was asked for while its trades were coming in,
and that goes on from a trade that is known; an end is proven only by the exchange's own time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from truecandle.candles.trades import Kline, Trade
from truecandle.errors import Outage
from truecandle.feed.anchors import Anchors
from truecandle.feed.backoff import BACKOFF_MAX_S, AskBackoff
from truecandle.feed.closing import OVERDUE_MS, Closing
from truecandle.feed.errand import PAGE, Counts, Errand
from truecandle.feed.market import Market
from truecandle.feed.past import Past, by_klines
from truecandle.feed.reread import PATIENCE_S, Reread
from truecandle.feed.trail import Hole, Trail

#: What is disordered arrives within this; only then it counts as missing.
LATE_S = 0.5
#: An answer of the exchange may be so much behind its streams. What traded in a break is asked for
#: at once; whether nothing did, only after this.
QUIET_S = 1.0
#: A break of more trades than fit on so many pages is left to klines.
PAGES_MAX = 5


@dataclass(slots=True)
class Case:
    """`next` says what to ask, `answer` and `fail` take what came of it."""

    symbol: str
    market: Market
    counts: Counts
    since_s: float
    trail: Trail = field(default_factory=Trail)
    is_live: bool = False
    #: Whether trades after the newest one may be missing.
    is_open: bool = False
    _anchors: Anchors = field(default_factory=Anchors)
    _epoch: int = 0
    #: An answer did not show the newest trade that is known: which one is the exchange's newest?
    _is_unsure: bool = False
    _newest_id: int = -1
    _past: Past | None = None
    _pages: int = 0
    _backoff: AskBackoff = field(default_factory=AskBackoff)
    _asked_s: float = 0.0
    _asked_epoch: int = 0
    #: Since when the stream was live, when it was asked.
    _asked_since_s: float = -1.0
    #: The exchange's time in its newest answer.
    _date_ms: int | None = None
    _reread: Reread = field(default_factory=Reread)
    _closing: Closing = field(default_factory=Closing)

    def see(self, trade: Trade, now_s: float) -> None:
        """A trade has come by the stream: whatever came between it and the last one has an id.
        What a break has lost is not late, it is missing at once."""
        self._closing.traded()
        self._follow_epoch()
        if trade.agg_id >= 0 and not self.market.epoch.is_former(trade):
            if self._anchors.begins_anew(trade):
                self._forget()
            self._anchors.see(trade)
            self.trail.see(trade.agg_id, now_s - LATE_S if self.is_open else now_s)
            self.is_open = self.is_open and not self.is_live

    def change(self, is_live: bool, now_s: float) -> None:
        """The stream of trades is live or lost: from a loss on, until it is live again, nothing
        that is heard of the market proves anything."""
        if is_live != self.is_live:
            self.is_live, self.since_s = is_live, now_s
        if not is_live:
            self.is_open = True
            self._past = self._past or by_klines(self.market, self.trail.next_id)
        if self.is_open:
            self.market.doubt()

    def remember(self, past: Past) -> None:
        """Goes on from what a feed before this one has stored."""
        self._past, self.is_open = past, True
        for interval, candle in past.candles.items():
            self.market.seed(interval, candle)

    def look(self, now_s: float, now_ms: int) -> None:
        """Notes since when which series have no exact candle of the present interval, and whether
        the end of one is overdue."""
        self._reread.look(self.market.lacking(now_ms), now_s)
        self._closing.look(self.market.is_unproven(now_ms - OVERDUE_MS))

    def next(self, now_s: float) -> Errand | None:
        """What to ask now, None for nothing. Cheap where nothing is amiss."""
        if self._backoff.is_waiting(now_s):
            return None
        return (
            self._next_past(now_s)
            or self._next_holes(now_s)
            or self._next_tail(now_s)
            or self._next_candle(now_s)
        )

    def ask(self, errand: Errand, now_s: float) -> None:
        """That is being asked now."""
        self.counts.asked += 1
        self._asked_s, self._asked_since_s = now_s, self.since_s
        self._asked_epoch = self._epoch
        if errand.purpose == "tail":
            self._closing.asked(now_s)
        if errand.interval:
            self._reread.asked(errand.interval, now_s)

    def answer(
        self,
        errand: Errand,
        events: Sequence[Trade | Kline],
        now_s: float,
        date_ms: int | None = None,
    ) -> None:
        """Takes in what was asked for. `date_ms`: the exchange's time when it answered, by its own
        word; without it the answer proves no end."""
        self._date_ms = date_ms
        self._backoff.sound()
        trades = [event for event in events if isinstance(event, Trade)]
        if errand.purpose == "candle":
            self._take_candle(events)
        elif self._asked_epoch != self._epoch:
            return  # it is about ids that mean other trades now
        elif stranger := self._anchors.stranger(errand.from_id, trades):
            self._begin_epoch(stranger, now_s)
        elif errand.purpose == "newest":
            self._take_newest(trades, now_s)
        elif errand.purpose == "since":
            self._take_past(errand, trades, now_s)
        else:
            self._take_trades(errand, trades, now_s)

    def answer_in_part(self, errand: Errand, trades: Sequence[Trade], now_s: float) -> None:
        """Takes in a page with odd rows: it proves its trades, and not what lies beside them."""
        is_last, past = self._backoff.odd(now_s), self._past
        if self._asked_epoch != self._epoch:
            return
        if stranger := self._anchors.stranger(None, trades):
            self._begin_epoch(stranger, now_s)
            return
        if errand.purpose == "since" and past:
            is_joined = bool(trades) and trades[0].first_id <= past.last_id + 1
            self._past = None if is_joined or is_last else past
            if not is_joined:
                return
            self.trail.start(trades[0].agg_id, now_s)
        for trade in trades if errand.purpose != "newest" else ():
            self.market.add(trade)
            self._anchors.see(trade)
            self.trail.see(trade.agg_id, now_s)
        before = {hole.first - 1 for hole in self.trail.holes}
        for trade in (one for one in trades if one.agg_id in before):
            self._anchors.hold(trade)
        if self.is_open:
            self.market.doubt()
        if errand.purpose == "holes" and is_last:
            self._backoff.sound()
            last = (errand.from_id or 0) + errand.limit - 1
            self._let_go([hole for hole in self.trail.holes if hole.first <= last])

    def fail(self, now_s: float, outage: Outage | None = None) -> None:
        """Nothing usable came: again later, or once `outage` is over, and not for ever."""
        self.counts.failed += 1
        if self._backoff.fail(now_s, outage):
            self._past = None
            self._let_go(self.trail.holes)

    def behind(self, now_s: float) -> str | None:
        """What is missing, in words; None while nothing is known to be."""
        holes = self.trail.ripe(now_s - LATE_S)
        if missing := sum(hole.size for hole in holes if hole.size <= PAGES_MAX * PAGE):
            return f"{missing} trades are missing and asked for"
        is_asking = self.is_open or self._past is not None
        return "what traded during a break is asked for" if is_asking else None

    def _waited(self, now_s: float, seconds: float) -> bool:
        return now_s - self.since_s >= seconds

    def _next_past(self, now_s: float) -> Errand | None:
        """As soon as a trade shows that they come in again; in a quiet market a moment later."""
        has_come = self.is_live and self.trail.next_id is not None
        pause_s = QUIET_S if self.is_live else PATIENCE_S
        if self._past is None or not (has_come or self._waited(now_s, pause_s)):
            return None
        return Errand(self.symbol, "since", start_ms=self._past.start_ms)

    def _next_holes(self, now_s: float) -> Errand | None:
        """The oldest ones first, as many as fit on a page; those too large are let go."""
        ripe = self.trail.ripe(now_s - LATE_S)
        if large := [hole for hole in ripe if hole.size > PAGES_MAX * PAGE]:
            self._let_go(large)
        found = self.trail.page(PAGE, now_s - LATE_S)
        if found is None:
            return None
        first, last, pages = found
        first = self._anchors.start(first)
        limit = min(PAGE, last - first + 1)
        return Errand(self.symbol, "holes", from_id=first, limit=limit, pages=pages)

    def _next_tail(self, now_s: float) -> Errand | None:
        """After a break: what traded in it, where no trade came since to show it by its id. And
        what traded before a close of which nothing is heard."""
        next_id, has_waited = self.trail.next_id, self._waited(now_s, QUIET_S)
        is_new = self.is_live and next_id is None and self._waited(now_s, PATIENCE_S)
        if is_new or self._is_unsure:
            return Errand(self.symbol, "newest", limit=1)
        is_first = self._asked_since_s != self.since_s
        is_due = self._pages or (self.is_live and self.is_open and (is_first or has_waited))
        if next_id is None or not (is_due or self._closing.is_due(now_s)):
            return None
        return Errand(self.symbol, "tail", from_id=self._anchors.start(next_id))

    def _next_candle(self, now_s: float) -> Errand | None:
        if not self._waited(now_s, PATIENCE_S):
            return None
        interval = self._reread.due(now_s, is_live=self.is_live)
        return Errand(self.symbol, "candle", interval=interval) if interval else None

    def _take_candle(self, events: Sequence[Trade | Kline]) -> None:
        for event in events:
            self.market.add(event)
        self.counts.candles += len(events)
        self._backoff.succeed()
        if not self.is_live:
            self.market.doubt()

    def _take_newest(self, trades: Sequence[Trade], now_s: float) -> None:
        """Only its id counts: it may be hours old, and in no candle of ours."""
        is_unsure, self._is_unsure = self._is_unsure, False
        if not trades:
            self._is_unsure = is_unsure
            self._backoff.wait(now_s + BACKOFF_MAX_S)
        elif self._anchors.is_later(trades[-1]):
            self._begin_epoch(trades[-1], now_s)
        elif self.trail.next_id is None:
            self.trail.start(trades[-1].agg_id + 1, now_s)
            self._anchors.see(trades[-1])
            self._newest_id = trades[-1].last_id
            self._settle(self._newest_id)

    def _take_past(self, errand: Errand, trades: Sequence[Trade], now_s: float) -> None:
        """Takes them if they join what is known; asks once from earlier on where they do not even
        overlap it, for only from a trade to the next one can seconds without any be told."""
        past, self._past = self._past, None
        if past is None:
            return
        first_id = trades[0].first_id if trades else past.last_id + 1
        if first_id > past.last_id and past.has_earlier:
            past.tries += 1
            self._past = past
        elif first_id > past.last_id + 1:
            self.counts.gave_up += 1
        elif trades:
            self.trail.start(trades[0].agg_id, now_s)
            self._take_trades(errand, trades, now_s)
        else:
            self._is_unsure = True  # nothing since then: if that one is still the newest

    def _take_trades(self, errand: Errand, trades: Sequence[Trade], now_s: float) -> None:
        if self._anchors.is_missing(errand.from_id, trades):
            self._is_unsure = errand.purpose == "tail"
            self.fail(now_s)
            return
        for trade in trades:
            self.market.add(trade)
            self._anchors.see(trade)
        self.counts.trades += len(trades)
        if trades:
            first = trades[0].agg_id if errand.from_id is None else errand.from_id
            self.trail.fill(first, trades[-1].agg_id, now_s)
            self._backoff.succeed()
        elif errand.purpose == "holes":
            self.fail(now_s)
        is_full = len(trades) == errand.limit
        self._pages = self._pages + 1 if is_full and errand.purpose == "tail" else 0
        if self._pages >= PAGES_MAX:
            self._let_go([])
            self._forget()
        elif errand.purpose != "holes" and not is_full:
            self._settle(max(self._newest_id, self.market.trade_id))

    def _follow_epoch(self) -> None:
        """If trade ids have begun anew, nothing that was known of them is worth anything."""
        if self._epoch != self.market.epoch.number:
            self._epoch = self.market.epoch.number
            self._forget()
            self._past, self._newest_id, self._pages = None, -1, 0
            self._backoff.succeed()

    def _begin_epoch(self, trade: Trade, now_s: float) -> None:
        """An answer has shown that trade ids have begun anew: it goes on from this trade."""
        self.market.begin_epoch(trade)
        self.market.add(trade)
        self._follow_epoch()
        self._anchors.see(trade)
        self.trail.see(trade.agg_id, now_s)

    def _forget(self) -> None:
        self.trail.forget()
        self._anchors, self._is_unsure = Anchors(), False

    def _settle(self, last_id: int) -> None:
        """Nothing traded after it, if trades came in before it was asked, and still do. What had
        ended by the exchange's own time, less what an answer may lag, ended with it."""
        was_live = self._asked_since_s == self.since_s and self._asked_s - self.since_s >= QUIET_S
        if self.is_live and was_live:
            self.is_open = False
            self.market.settle(last_id)
        if self._date_ms is not None:
            self.market.end(last_id, self._date_ms - int(QUIET_S * 1000))

    def _let_go(self, holes: Sequence[Hole]) -> None:
        self.counts.gave_up, self._pages = self.counts.gave_up + 1, 0
        self.trail.drop(holes)
