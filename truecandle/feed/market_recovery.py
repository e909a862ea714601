"""Recovery of one market: what of it is missing, what to ask the exchange for next, and when.

`MarketRecovery` asks by what is missing (`trade_gaps`), after a close of which nothing is heard
(`OverdueCloseCheck`), and for candles that are not exact (`KlineRefresh`); how long it waits
between questions is in `recovery_pauses`.

Never here: threads, sockets, a clock (seconds that only grow and the exchange's ms come in).
Invariant: a market is confirmed only by an answer that was asked for while its trades were coming
in, and that goes on from a trade that is known; an end is proven only by the exchange's own time. A
request is one page: at most `PAGE` trades, or one candle. Every wait and every number of tries is
bounded, and questions that bring nothing become rarer; while an outage lasts nothing is given up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from truecandle.backoff import Backoff
from truecandle.binance.rest.client import TRADES_LIMIT_MAX
from truecandle.candles.trades import Kline, Trade
from truecandle.errors import Outage
from truecandle.feed.recovery_pauses import (
    BACKOFF_MAX_S,
    BACKOFF_S,
    KLINE_PATIENCE_S,
    KlineRefresh,
    OverdueCloseCheck,
    RequestBackoff,
)
from truecandle.feed.symbol_builder import SymbolBuilder
from truecandle.feed.trade_gaps import KnownTrades, ResumePoint, TradeGapTracker, TradeIdGap

PAGE = TRADES_LIMIT_MAX

#: What is disordered arrives within this; only then it counts as missing.
LATE_S = 0.5
#: An answer of the exchange may be so much behind its streams. What traded in a break is asked for
#: at once; whether nothing did, only after this.
QUIET_S = 1.0
#: A break of more trades than fit on so many pages is left to klines.
PAGES_MAX = 5
#: Closing klines come at once nearly always, 2.4 s late at times. An answer proves an end if the
#: exchange made it a second after that, by its own time; official candles come after three.
OVERDUE_MS = 1_100
#: Answers in a row with rows that cannot be believed, before what they hide is given up.
ODD_TRIES_MAX: Final = 3


class MarketRecovery:
    """`next_request` says what to ask, `on_result` and `on_failure` take what came of it."""

    def __init__(
        self, symbol: str, market: SymbolBuilder, counts: RecoveryCounts, since_s: float
    ) -> None:
        self.symbol = symbol
        self.market = market
        self.counts = counts
        #: Whether its stream of trades is live, and since when it is, or is not.
        self.is_live = False
        self.since_s = since_s
        self.trade_gaps = TradeGapTracker()
        #: Whether trades after the newest one may be missing.
        self.is_tail_uncertain = False
        self._known = KnownTrades()
        self._epoch = 0
        #: An answer did not show the newest trade that is known: which one is the exchange's?
        self._is_newest_uncertain = False
        #: The newest trade by the exchange's word where none had come by the stream.
        self._newest_id = -1
        self._resume_point: ResumePoint | None = None
        #: Full pages in a row of what came after the newest trade.
        self._pages = 0
        self._backoff = RequestBackoff()
        self._odd_backoff = Backoff(2 * BACKOFF_S, BACKOFF_MAX_S)
        #: When it asked last, in which epoch, and since when the stream was live then.
        self._asked_s, self._asked_epoch, self._asked_since_s = 0.0, 0, -1.0
        #: The exchange's time in its newest answer.
        self._date_ms: int | None = None
        self._kline_refresh = KlineRefresh()
        self._overdue_close = OverdueCloseCheck()

    def on_trade(self, trade: Trade, now_s: float) -> None:
        """A trade has come by the stream: whatever came between it and the last one has an id.
        What a break has lost is not late, it is missing at once."""
        self._overdue_close.on_trade()
        self._follow_epoch()
        if trade.agg_id >= 0 and not self.market.epoch.is_former(trade):
            if self._known.ids_begin_anew(trade):
                self._forget_ids()
            self._known.on_trade(trade)
            since_s = now_s - LATE_S if self.is_tail_uncertain else now_s
            self.trade_gaps.on_trade_id(trade.agg_id, since_s)
            self.is_tail_uncertain = self.is_tail_uncertain and not self.is_live

    def on_stream_change(self, is_live: bool, now_s: float) -> None:
        """The stream of trades is live or lost: from a loss on, until it is live again, nothing
        that is heard of the market proves anything."""
        if is_live != self.is_live:
            self.is_live, self.since_s = is_live, now_s
        if not is_live:
            self.is_tail_uncertain = True
            self._resume_point = self._resume_point or self._point_from_klines()
        if self.is_tail_uncertain:
            self.market.on_stream_break()

    def resume(self, point: ResumePoint) -> None:
        """Goes on from what a feed before this one has stored."""
        self._resume_point, self.is_tail_uncertain = point, True
        for interval, candle in point.candles.items():
            self.market.resume_from(interval, candle)

    def check(self, now_s: float, now_ms: int) -> None:
        """Notes since when which series have no exact candle of the present interval, and whether
        the end of one is overdue."""
        self._kline_refresh.check(self.market.intervals_without_exact_candle(now_ms), now_s)
        self._overdue_close.check(self.market.is_unproven(now_ms - OVERDUE_MS))

    def next_request(self, now_s: float) -> RecoveryRequest | None:
        """What to ask now, None for nothing. Cheap where nothing is amiss."""
        if self._backoff.is_waiting(now_s):
            return None
        return (
            self._request_since(now_s)
            or self._request_gaps(now_s)
            or self._request_tail(now_s)
            or self._request_candle(now_s)
        )

    def on_asked(self, request: RecoveryRequest, now_s: float) -> None:
        """That is being asked now."""
        self.counts.asked += 1
        self._asked_s, self._asked_epoch, self._asked_since_s = now_s, self._epoch, self.since_s
        if request.purpose == "tail":
            self._overdue_close.on_asked(now_s)
        if request.interval:
            self._kline_refresh.on_asked(request.interval, now_s)

    def on_result(
        self,
        request: RecoveryRequest,
        events: Sequence[Trade | Kline],
        now_s: float,
        date_ms: int | None = None,
    ) -> None:
        """Takes in what was asked for. `date_ms`: the exchange's time when it answered, by its own
        word; without it the answer proves no end."""
        self._date_ms = date_ms
        self._odd_backoff.reset()
        trades = [event for event in events if isinstance(event, Trade)]
        if request.purpose == "candle":
            self._apply_candle(events)
        elif self._asked_epoch != self._epoch:
            return  # it is about ids that mean other trades now
        elif contradicting := self._known.contradicting_trade(request.from_id, trades):
            self._begin_epoch(contradicting, now_s)
        elif request.purpose == "newest":
            self._apply_newest(trades, now_s)
        elif request.purpose == "since":
            self._apply_since(request, trades, now_s)
        else:
            self._apply_trades(request, trades, now_s)

    def on_partial_result(
        self, request: RecoveryRequest, trades: Sequence[Trade], now_s: float
    ) -> None:
        """Takes in a page with odd rows: it proves its trades, and not what lies beside them."""
        self._backoff.wait(now_s + self._odd_backoff.fail())
        is_last, point = self._odd_backoff.failures >= ODD_TRIES_MAX, self._resume_point
        if self._asked_epoch != self._epoch:
            return
        if contradicting := self._known.contradicting_trade(None, trades):
            self._begin_epoch(contradicting, now_s)
            return
        if request.purpose == "since" and point:
            is_joined = bool(trades) and trades[0].first_id <= point.last_id + 1
            self._resume_point = None if is_joined or is_last else point
            if not is_joined:
                return
            self.trade_gaps.join(trades[0], point.last_id, now_s)
        for trade in trades if request.purpose != "newest" else ():
            self.market.add(trade)
            self._known.on_trade(trade)
            self.trade_gaps.on_trade_id(trade.agg_id, now_s)
        before = {gap.first - 1 for gap in self.trade_gaps.gaps}
        for trade in (one for one in trades if one.agg_id in before):
            self._known.hold_before_gap(trade)
        if self.is_tail_uncertain:
            self.market.on_stream_break()
        if request.purpose == "gaps" and is_last:
            self._odd_backoff.reset()
            last = (request.from_id or 0) + request.limit - 1
            self._give_up([gap for gap in self.trade_gaps.gaps if gap.first <= last])

    def on_failure(self, now_s: float, outage: Outage | None = None) -> None:
        """Nothing usable came: again later, or once `outage` is over, and not for ever."""
        self.counts.failed += 1
        if self._backoff.on_failure(now_s, outage):
            self._resume_point = None
            self._give_up(self.trade_gaps.gaps)

    def missing(self, now_s: float) -> str | None:
        """What is missing, in words; None while nothing is known to be."""
        gaps = self.trade_gaps.known_since(now_s - LATE_S)
        if missing := sum(gap.size for gap in gaps if gap.size <= PAGES_MAX * PAGE):
            return f"{missing} trades are missing and asked for"
        is_asking = self.is_tail_uncertain or self._resume_point is not None
        return "what traded during a break is asked for" if is_asking else None

    def _point_from_klines(self) -> ResumePoint | None:
        """Where no trade has come yet: what klines have shown, to ask on from by time."""
        last_id = max(self.market.kline_ids.values(), default=-1)
        if self.trade_gaps.next_id is not None or last_id < 0:
            return None
        return ResumePoint({}, last_id, self.market.event_ms)

    def _waited(self, now_s: float, seconds: float) -> bool:
        return now_s - self.since_s >= seconds

    def _request_since(self, now_s: float) -> RecoveryRequest | None:
        """As soon as a trade shows that they come in again; in a quiet market a moment later."""
        has_come = self.is_live and self.trade_gaps.next_id is not None
        pause_s = QUIET_S if self.is_live else KLINE_PATIENCE_S
        if self._resume_point is None or not (has_come or self._waited(now_s, pause_s)):
            return None
        return RecoveryRequest(self.symbol, "since", start_ms=self._resume_point.start_ms)

    def _request_gaps(self, now_s: float) -> RecoveryRequest | None:
        """The oldest ones first, as many as fit on a page; those too large are given up."""
        overdue = self.trade_gaps.known_since(now_s - LATE_S)
        if large := [gap for gap in overdue if gap.size > PAGES_MAX * PAGE]:
            self._give_up(large)
        found = self.trade_gaps.page(PAGE, now_s - LATE_S)
        if found is None:
            return None
        first, last, pages = found
        first = self._known.request_from(first)
        limit = min(PAGE, last - first + 1)
        return RecoveryRequest(self.symbol, "gaps", from_id=first, limit=limit, pages=pages)

    def _request_tail(self, now_s: float) -> RecoveryRequest | None:
        """After a break: what traded in it, where no trade came since to show it by its id. And
        what traded before a close of which nothing is heard."""
        next_id, has_waited = self.trade_gaps.next_id, self._waited(now_s, QUIET_S)
        is_new = self.is_live and next_id is None and self._waited(now_s, KLINE_PATIENCE_S)
        if is_new or self._is_newest_uncertain:
            return RecoveryRequest(self.symbol, "newest", limit=1)
        is_first = self._asked_since_s != self.since_s
        is_due = self._pages or (
            self.is_live and self.is_tail_uncertain and (is_first or has_waited)
        )
        if next_id is None or not (is_due or self._overdue_close.is_due(now_s)):
            return None
        return RecoveryRequest(self.symbol, "tail", from_id=self._known.request_from(next_id))

    def _request_candle(self, now_s: float) -> RecoveryRequest | None:
        has_waited = self._waited(now_s, KLINE_PATIENCE_S)
        interval = self._kline_refresh.due(now_s, is_live=self.is_live) if has_waited else None
        return RecoveryRequest(self.symbol, "candle", interval=interval) if interval else None

    def _apply_candle(self, events: Sequence[Trade | Kline]) -> None:
        for event in events:
            self.market.add(event)
        self.counts.candles += len(events)
        self._backoff.on_success()
        if not self.is_live:
            self.market.on_stream_break()

    def _apply_newest(self, trades: Sequence[Trade], now_s: float) -> None:
        """Only its id counts: it may be hours old, and in no candle of ours."""
        is_uncertain, self._is_newest_uncertain = self._is_newest_uncertain, False
        if not trades:
            self._is_newest_uncertain = is_uncertain
            self._backoff.wait(now_s + BACKOFF_MAX_S)
        elif self._known.is_later(trades[-1]):
            self._begin_epoch(trades[-1], now_s)
        elif self.trade_gaps.next_id is None:
            self.trade_gaps.start(trades[-1].agg_id + 1, now_s)
            self._known.on_trade(trades[-1])
            self._newest_id = trades[-1].last_id
            self._confirm_newest(self._newest_id)

    def _apply_since(self, request: RecoveryRequest, trades: Sequence[Trade], now_s: float) -> None:
        """Takes them if they join what is known; asks once from earlier on where they do not even
        overlap it, for only from a trade to the next one can seconds without any be told."""
        point, self._resume_point = self._resume_point, None
        if point is None:
            return
        first_id = trades[0].first_id if trades else point.last_id + 1
        if first_id > point.last_id and point.has_earlier:
            point.tries += 1
            self._resume_point = point
        elif first_id > point.last_id + 1:
            self.counts.gave_up += 1
        elif trades:
            self.trade_gaps.join(trades[0], point.last_id, now_s)
            self._apply_trades(request, trades, now_s)
        else:
            self._is_newest_uncertain = True  # nothing since then: if that one is still the newest

    def _apply_trades(
        self, request: RecoveryRequest, trades: Sequence[Trade], now_s: float
    ) -> None:
        if self._known.is_missing(request.from_id, trades):
            self._is_newest_uncertain = request.purpose == "tail"
            self.on_failure(now_s)
            return
        for trade in trades:
            self.market.add(trade)
            self._known.on_trade(trade)
        self.counts.trades += len(trades)
        if trades:
            first = trades[0].agg_id if request.from_id is None else request.from_id
            self.trade_gaps.fill(first, trades[-1].agg_id, now_s)
            self._backoff.on_success()
        elif request.purpose == "gaps":
            self.on_failure(now_s)
        is_full = len(trades) == request.limit
        self._pages = self._pages + 1 if is_full and request.purpose == "tail" else 0
        if self._pages >= PAGES_MAX:
            self._give_up([])
            self._forget_ids()
        elif request.purpose != "gaps" and not is_full:
            self._confirm_newest(max(self._newest_id, self.market.trade_id))

    def _follow_epoch(self) -> None:
        """If trade ids have begun anew, nothing that was known of them is worth anything."""
        if self._epoch != self.market.epoch.number:
            self._epoch = self.market.epoch.number
            self._forget_ids()
            self._resume_point, self._newest_id, self._pages = None, -1, 0
            self._backoff.on_success()

    def _begin_epoch(self, trade: Trade, now_s: float) -> None:
        """An answer has shown that trade ids have begun anew: it goes on from this trade."""
        self.market.begin_epoch(trade)
        self.market.add(trade)
        self._follow_epoch()
        self._known.on_trade(trade)
        self.trade_gaps.on_trade_id(trade.agg_id, now_s)

    def _forget_ids(self) -> None:
        self.trade_gaps.forget()
        self._known, self._is_newest_uncertain = KnownTrades(), False

    def _confirm_newest(self, last_id: int) -> None:
        """Nothing traded after it, if trades came in before it was asked, and still do. What had
        ended by the exchange's own time, less what an answer may lag, ended with it."""
        was_live = self._asked_since_s == self.since_s and self._asked_s - self.since_s >= QUIET_S
        if self.is_live and was_live:
            self.is_tail_uncertain = False
            self.market.confirm_newest(last_id)
        if self._date_ms is not None:
            self.market.confirm_ended(last_id, self._date_ms - int(QUIET_S * 1000))

    def _give_up(self, gaps: Sequence[TradeIdGap]) -> None:
        self.counts.gave_up, self._pages = self.counts.gave_up + 1, 0
        self.trade_gaps.drop(gaps)


#: `gaps`: trades known to be missing. `tail`: what came after the newest one known. `newest`: how
#: far the ids are. `since`: what came after a moment, where no id is known. `candle`: the forming
#: candle of an interval.
RequestPurpose = Literal["gaps", "tail", "newest", "since", "candle"]


@dataclass(frozen=True, slots=True)
class RecoveryRequest:
    """One question to the exchange on behalf of a market. `pages`: what is still to come."""

    symbol: str
    purpose: RequestPurpose
    from_id: int | None = None
    start_ms: int | None = None
    limit: int = PAGE
    interval: str = ""
    pages: int = 1


@dataclass(slots=True)
class RecoveryCounts:
    """What recovery has asked and got since the start, over all markets."""

    asked: int = 0
    failed: int = 0
    trades: int = 0
    candles: int = 0
    #: Rows that were no trades, or contradicted each other.
    odd: int = 0
    gave_up: int = 0
