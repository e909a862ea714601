"""Which markets this feed leads: of all feeds beside each other, one publishes a market.

Never here: candles, what the leases are made of (`store/lease`).
Invariant: whoever leads a market has a fencing number for it; without renewal it ends by itself.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Iterable

from redis import Redis

from truecandle.store.lease import Leases, of_market

#: A feed that was killed or frozen is replaced after this, and a moment more: before the official
#: version of what closed meanwhile, which comes after three seconds.
TTL_MS = 2_500
#: Leases are renewed this often; three renewals may fail.
RENEW_S = 0.5
#: Who does not lead every market looks this often: what was given up is taken at once.
CHECK_S = 0.3

log = logging.getLogger(__name__)


class MarketLeadership:
    """Holds the leases of as many markets as it can. One thread; seconds that only grow come in."""

    def __init__(self, redis: Redis, *, ttl_ms: int = TTL_MS) -> None:
        self.holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        self._leases = Leases(redis, self.holder, ttl_ms)
        self._numbers: dict[str, int] = {}
        #: When it is to be renewed next.
        self.due_s = 0.0
        self._is_new = True

    def renew(self, symbols: Iterable[str], now_s: float) -> frozenset[str]:
        """Renews and takes what it can; the markets that it leads since now. May raise
        `StoreError`: then what it holds runs out by itself."""
        wanted = list(symbols)
        self.due_s = now_s + CHECK_S
        self._leases.hold(map(of_market, wanted))
        before, self._numbers = self._numbers, self.fences(wanted)
        if len(self._numbers) == len(wanted):
            self.due_s = now_s + RENEW_S
        new = frozenset(one for one, n in self._numbers.items() if before.get(one) != n)
        if new or self._is_new or before.keys() - self._numbers.keys():
            log.info("feed: leads %s of %d markets", len(self._numbers) or "none", len(wanted))
        self._is_new = False
        return new

    def fences(self, symbols: Iterable[str]) -> dict[str, int]:
        """The fencing numbers of those markets that it leads at this moment."""
        numbers = ((symbol, self._leases.fence(of_market(symbol))) for symbol in symbols)
        return {symbol: number for symbol, number in numbers if number}

    def release(self) -> None:
        """Gives everything up, so that another feed leads at once; may raise `StoreError`."""
        self._leases.release()
