"""Keeps the list of markets that this fetcher reads, as Redis says, and what the exchange says of
them.

Never here: candles, jobs (`fetch_scheduler`), who may follow a market (the web role asks; its
wishes are answered here, since this role is the one that talks to the exchange).
Invariant: a change is picked up within seconds; the exchange is asked only by the one that leads.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from redis import Redis

from truecandle.binance.rest.client import RestClient
from truecandle.candles.instrument import TRADING, UNLISTED, Instrument
from truecandle.errors import (
    ExchangeError,
    ExchangeRefused,
    ExchangeUnreachable,
    MalformedAnswer,
    Outage,
    RateLimited,
    StoreError,
)
from truecandle.fetcher.fetch_scheduler import FetchScheduler
from truecandle.fetcher.market_poller import UNKNOWN_CODES
from truecandle.log_once import TroubleLog
from truecandle.store import markets
from truecandle.store.markets import FollowedMarket, LookupResult

#: How often wishes and changes are looked for.
STEP_S = 0.5
#: A market is looked up again after this: whether it still trades, and in which steps.
CHECK_MS = 300_000
#: One that the exchange does not list.
UNLISTED_MS = 3_600_000
#: After the exchange could not be asked.
PAUSE_MS = 15_000
#: Symbols of one request; it weighs the same for any number.
INSTRUMENTS_MAX = 100

log = logging.getLogger(__name__)


class SymbolRegistry:
    """`run` in a thread of its own; it is one `update` after the other.

    `now_ms` is the exchange's clock, `seed` the markets followed if none ever was. `wake_history`
    is called while older candles are wished for, `wake_list` while somebody looks at the exchange's
    whole list: one look is enough for all.
    """

    def __init__(
        self,
        redis: Redis,
        rest: RestClient,
        scheduler: FetchScheduler,
        now_ms: Callable[[], int],
        seed: Sequence[str],
        wake_history: Callable[[], None] = lambda: None,
        wake_list: Callable[[], None] = lambda: None,
    ) -> None:
        self._redis = redis
        self._rest = rest
        self._scheduler = scheduler
        self._now_ms = now_ms
        self._seed = seed
        self._wake_history = wake_history
        self._wake_list = wake_list
        self._rest_until_ms = 0
        self._outage: Outage | None = None
        #: Markets of which the exchange's answer said nothing usable, and when to ask again.
        self._odd_until_ms: dict[str, int] = {}
        self._is_first = True
        self._troubles = TroubleLog(log)

    def run(self, stop: threading.Event) -> None:
        """Updates until `stop` is set."""
        while not stop.is_set():
            self.update()
            stop.wait(STEP_S)

    def update(self) -> None:
        """Takes up what has changed, answers wishes, looks up what is due; no error leaves it."""
        try:
            looked = markets.look(self._redis, self._seed)
            if looked.is_history_wished:
                self._wake_history()
            if looked.is_list_asked_for:
                self._wake_list()
            self._follow([market.symbol for market in looked.followed])
            if self._scheduler.is_leading():
                self._answer_wishes(looked.wished)
                self._check(looked.followed)
        except StoreError as error:
            self._troubles.report("markets", error)
        except Exception:
            log.exception("following markets failed in a way nobody thought of")
        else:
            self._troubles.clear("markets")

    def _follow(self, symbols: Sequence[str]) -> None:
        known = {market.symbol for market in self._scheduler.pollers}
        self._scheduler.follow(symbols)
        if self._is_first:
            left_out = [name for name in self._seed if name not in symbols]
            if left_out:
                log.info(
                    "SYMBOLS names %s, not followed: SYMBOLS is only the start, the markets are"
                    " kept in Redis since; POST /markets follows more",
                    ", ".join(left_out),
                )
        elif known != set(symbols):
            for word, names in (
                ("follows", set(symbols) - known),
                ("leaves", known - set(symbols)),
            ):
                if names:
                    log.info("the fetcher %s %s", word, ", ".join(sorted(names)))
        self._is_first = False

    def _answer_wishes(self, wished: Iterable[str]) -> None:
        for symbol in wished:
            answer = self._look_up(symbol)
            markets.answer_lookup(self._redis, symbol, answer)
            if answer.wait_ms:
                return

    def _look_up(self, symbol: str) -> LookupResult:
        try:
            found = self._instruments([symbol])
            return (
                LookupResult(found[symbol]) if symbol in found else LookupResult(wait_ms=PAUSE_MS)
            )
        except ExchangeError as error:
            self._troubles.report("markets", error)
            return LookupResult(wait_ms=_pause_ms(error))

    def _check(self, followed: Iterable[FollowedMarket]) -> None:
        """One request a tick at most; more only to find the one that spoils it for the others."""
        now_ms = self._now_ms()
        if now_ms < self._rest_until_ms and not (self._outage and self._outage.is_over):
            return
        odd = {one: at_ms for one, at_ms in self._odd_until_ms.items() if at_ms > now_ms}
        due = [one for one in followed if _is_due(one, now_ms) and one.symbol not in odd]
        listed = [market for market in due if market.instrument.status != UNLISTED]
        asked = listed[:INSTRUMENTS_MAX] or due[:1]
        if not asked:
            return
        try:
            found = self._instruments([market.symbol for market in asked])
        except ExchangeError as error:
            self._troubles.report("markets", error)
            self._rest_until_ms = now_ms + _pause_ms(error)
            self._outage = error.outage if isinstance(error, ExchangeUnreachable) else None
            return
        self._outage = None
        told = [market for market in asked if market.symbol in found]
        odd |= {one.symbol: now_ms + PAUSE_MS for one in asked if one.symbol not in found}
        self._odd_until_ms = odd
        checked = [_checked(market, found[market.symbol], now_ms) for market in told]
        markets.update(self._redis, checked)
        for before, now in zip(told, checked, strict=True):
            if UNLISTED == before.instrument.status != now.instrument.status:
                self._scheduler.wake(now.symbol)

    def _instruments(self, symbols: Sequence[str]) -> dict[str, Instrument | None]:
        """What the exchange lists of them, None for what it does not list; of what is not in it
        the answer was odd. Halves, where the exchange does not list all, down to one.
        """
        try:
            page = self._rest.instruments(symbols)
        except ExchangeRefused as error:
            if error.code not in UNKNOWN_CODES:
                raise
            if len(symbols) == 1:
                return {symbols[0]: None}
            half = len(symbols) // 2
            return self._instruments(symbols[:half]) | self._instruments(symbols[half:])
        if page.odd:
            self._troubles.report(
                "markets", MalformedAnswer(f"{len(page.odd)} odd rows of symbols, as {page.odd[0]}")
            )
        return {one.symbol: one for one in page.instruments}


def _is_due(market: FollowedMarket, now_ms: int) -> bool:
    pause_ms = UNLISTED_MS if market.instrument.status == UNLISTED else CHECK_MS
    return not market.checked_ms <= now_ms < market.checked_ms + pause_ms


def _checked(market: FollowedMarket, found: Instrument | None, now_ms: int) -> FollowedMarket:
    """What is known of its steps stays, also when it is listed no more."""
    instrument = found or replace(market.instrument, status=UNLISTED)
    if instrument.status not in (market.instrument.status, TRADING):
        log.warning("%s does not trade: the exchange says %s", market.symbol, instrument.status)
    elif instrument.status == TRADING and market.instrument.status not in ("", TRADING):
        log.info("%s trades again", market.symbol)
    return replace(market, instrument=instrument, checked_ms=now_ms)


def _pause_ms(error: ExchangeError) -> int:
    return max(PAUSE_MS, error.retry_after_ms) if isinstance(error, RateLimited) else PAUSE_MS
