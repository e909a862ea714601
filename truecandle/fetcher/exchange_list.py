"""Reads the exchange's whole list, again and again: which markets trade there, and their 24 hours.

Never here: the followed markets' own instruments (`symbol_registry`), candles.
Invariant: only the fetcher that leads asks, of the weight that closes and history leave over; where
that is short, or the exchange fails, a reading is left out. Nobody looks: it is asked less.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from redis import Redis

from truecandle.backoff import Backoff
from truecandle.binance.rest.client import RestClient
from truecandle.candles.instrument import Instrument
from truecandle.candles.ticker import Ticker
from truecandle.errors import ExchangeError, ExchangeUnreachable, Outage, RateLimited, StoreError
from truecandle.log_once import TroubleLog
from truecandle.store import exchange_list, markets
from truecandle.store.exchange_list import ListedMarket

#: How often it is looked whether something is due, this fetcher leads, or an outage is over.
STEP_S: Final = 0.5
#: How often the 24 hours are read while somebody looks at them, and while nobody does; and how
#: often it is read which markets trade.
TICKERS_S: Final = 20.0
RESTING_S: Final = 300.0
INSTRUMENTS_S: Final = 300.0
#: For so long somebody looks at it who was seen looking: two looks of the registry.
SEEN_S: Final = 1.0
#: The longest pause after failures.
PAUSE_S_MAX: Final = 300.0

log = logging.getLogger(__name__)


class ExchangeListReader:
    """`run` in a thread of its own; it is one `update` after the other. `wake` from any.

    `now_ms` is the exchange's clock, `now_s` counts seconds.
    """

    def __init__(
        self,
        redis: Redis,
        rest: RestClient,
        is_leading: Callable[[], bool],
        now_ms: Callable[[], int],
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = redis
        self._rest = rest
        self._is_leading = is_leading
        self._now_ms = now_ms
        self._now_s = now_s
        self._instruments: dict[str, Instrument] = {}
        self._instruments_due_s = 0.0
        #: When it is read again, and when it is if somebody looks at it by then.
        self._due_s = self._soon_s = 0.0
        #: When somebody was seen looking at it last.
        self._seen_s = float("-inf")
        self._outage: Outage | None = None
        self._backoff = Backoff(TICKERS_S, PAUSE_S_MAX)
        self._troubles = TroubleLog(log)

    def wake(self) -> None:
        """Somebody looks at it: whoever looks for wishes anyway has seen that."""
        self._seen_s = self._now_s()

    def run(self, stop: threading.Event) -> None:
        """Updates until `stop` is set."""
        while not stop.is_set():
            self.update()
            stop.wait(STEP_S)

    def update(self) -> None:
        """Reads what is due; no error leaves it."""
        now_s = self._now_s()
        is_over = self._outage is not None and self._outage.is_over
        if not self._is_leading() or not (is_over or self._is_due(now_s)):
            return
        try:
            self._outage = None
            self._due_s, self._soon_s = now_s + RESTING_S, now_s + TICKERS_S
            self._read(now_s)
        except (ExchangeError, StoreError) as error:
            self._fail(error, now_s)
        except Exception:
            self._due_s = self._soon_s = now_s + self._backoff.fail()
            log.exception("reading the exchange's list failed in a way nobody thought of")
        else:
            self._backoff.reset()
            self._troubles.clear("")

    def _is_due(self, now_s: float) -> bool:
        """After `RESTING_S`, or after `TICKERS_S` if somebody looks at the list."""
        is_seen = now_s - self._seen_s < SEEN_S
        return now_s >= (self._soon_s if is_seen else self._due_s)

    def _read(self, now_s: float) -> None:
        if not self._instruments or now_s >= self._instruments_due_s:
            page = self._rest.trading()
            self._instruments = {one.symbol: one for one in page.instruments}
            self._instruments_due_s = now_s + INSTRUMENTS_S
        days = {day.symbol: day for day in self._rest.tickers().tickers}
        exchange_list.write(self._redis, self._rows(days), self._now_ms())

    def _rows(self, days: dict[str, Ticker]) -> list[ListedMarket]:
        """Every market that trades, and those that are followed, whether they trade or not."""
        followed = {one.symbol: one.instrument for one in markets.followed(self._redis)}
        found = {**followed, **self._instruments}
        return [ListedMarket(one, days.get(symbol)) for symbol, one in found.items()]

    def _fail(self, error: Exception, now_s: float) -> None:
        """Where only our own weight is short, it is no trouble, and no reason to wait longer."""
        wait_s = 0.0
        if isinstance(error, RateLimited):
            wait_s = error.retry_after_ms / 1_000
            if not error.status:
                self._due_s = self._soon_s = now_s + max(TICKERS_S, wait_s)
                return
        self._outage = error.outage if isinstance(error, ExchangeUnreachable) else None
        self._due_s = self._soon_s = now_s + max(self._backoff.fail(), wait_s)
        self._troubles.report("", error)
