"""The followed markets, for all of the web role to go by; and following more or fewer of them.

Never here: asking the exchange: this role never does; the fetcher looks symbols up for it.
Invariant: a market is followed only if the exchange lists it; no wait is without an end.
"""

from __future__ import annotations

import math
import time
from typing import Final

from redis import Redis

from truecandle.candles.instrument import Instrument
from truecandle.config import Settings
from truecandle.errors import StoreError
from truecandle.store import markets
from truecandle.store.markets import MARKETS_MAX, FollowedMarket, Follower, LookupResult
from truecandle.store.user_roles import UserRole, covers
from truecandle.web.errors import Problem

#: How long the followed markets are gone by before they are read again.
FRESH_S: Final = 1.0
#: How long the fetcher is waited for, and how often it is looked for its answer.
WAIT_S: Final = 6.0
LOOK_S: Final = 0.1
RETRY_AFTER_S: Final = 5


class Markets:
    """The followed markets and intervals, as one place that everything here goes by."""

    def __init__(self, redis: Redis, settings: Settings) -> None:
        self._redis = redis
        self._seed = settings.symbols
        self._quota = settings.follows_per_user
        self.intervals = settings.intervals
        self._found: tuple[FollowedMarket, ...] = ()
        self._read_at_s = -math.inf

    def all(self) -> tuple[FollowedMarket, ...]:
        """In the order they were added; `StoreError` while it cannot be known."""
        if time.monotonic() - self._read_at_s > FRESH_S:
            self._found = markets.followed(self._redis, self._seed)
            self._read_at_s = time.monotonic()
        return self._found

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(market.symbol for market in self.all())

    def known(self) -> tuple[FollowedMarket, ...]:
        """As `all`, but the last ones known, or the first ones ever, while Redis is away."""
        try:
            return self.all()
        except StoreError:
            return self._found or tuple(FollowedMarket(Instrument(symbol)) for symbol in self._seed)

    def was_followed(self, symbol: str) -> bool:
        """Whether it was followed when that was last read; nobody is asked."""
        return any(market.symbol == symbol for market in self._found)

    def find(self, symbol: str) -> FollowedMarket | None:
        """A followed market, as it is at this moment."""
        self._read_at_s = -math.inf
        return next((market for market in self.all() if market.symbol == symbol), None)

    def follower(self, name: str, role: UserRole) -> Follower:
        """A user as one who follows and unfollows."""
        return Follower(name, None if covers(role, "admin") else self._quota)

    def removable(self, name: str, role: UserRole) -> frozenset[str]:
        """The symbols that a user may unfollow; `StoreError` while it cannot be known."""
        if covers(role, "admin"):
            return frozenset(self.symbols)
        followers = markets.followers(self._redis) if covers(role, "trader") else {}
        return frozenset(symbol for symbol, follower in followers.items() if follower == name)

    def follow(self, symbol: str, now_ms: int, by: Follower) -> FollowedMarket:
        """Follows a market that the exchange lists. `Problem`: 409, 422, or 503 if nobody knows."""
        if len(self.all()) >= MARKETS_MAX:
            raise _full()
        if by.quota is not None and self._count(by.name) >= by.quota:
            raise _quota(by)
        answer = self._look_up(symbol)
        if answer.wait_ms:
            raise _unchecked(symbol, "it did not answer", math.ceil(answer.wait_ms / 1000))
        if answer.instrument is None:
            raise Problem(422, "not-listed", f"The exchange lists no market {symbol}.")
        market = FollowedMarket(answer.instrument, added_ms=now_ms, checked_ms=now_ms)
        change = markets.follow(self._redis, market, by)
        if change == "full":
            raise _full()
        if change == "quota":
            raise _quota(by)
        return self.find(symbol) or market

    def unfollow(self, symbol: str, by: Follower) -> None:
        """Follows a market no more; its candles stay. `Problem`: 403 for somebody else's, 404, or
        409 for the last one.
        """
        removal = markets.unfollow(self._redis, symbol, by)
        if removal == "foreign":
            detail = f"{symbol} was not followed by you; unfollowing it needs the role admin."
            raise Problem(403, "role", detail)
        if removal == "last":
            detail = f"{symbol} is the last market that is followed here; follow another one first."
            raise Problem(409, "last-market", detail)
        if removal == "unknown":
            raise Problem(404, "unknown-market", f"{symbol} is not followed here.")
        self._read_at_s = -math.inf

    def _count(self, name: str) -> int:
        return list(markets.followers(self._redis).values()).count(name)

    def _look_up(self, symbol: str) -> LookupResult:
        """The fetcher's answer; every look yields to others."""
        if not markets.request_lookup(self._redis, symbol):
            raise _unchecked(symbol, "too many other symbols wait", RETRY_AFTER_S)
        until_s = time.monotonic() + WAIT_S
        while time.monotonic() < until_s:
            answer = markets.lookup_result(self._redis, symbol)
            if answer is not None:
                return answer
            time.sleep(LOOK_S)
        raise _unchecked(symbol, "the fetcher does not answer", RETRY_AFTER_S)


def _full() -> Problem:
    return Problem(409, "full", f"{MARKETS_MAX} markets are followed here, and no more can be.")


def _quota(by: Follower) -> Problem:
    detail = f"You follow {by.quota} markets, as many as a trader may; unfollow one of yours first."
    return Problem(409, "quota", detail)


def _unchecked(symbol: str, why: str, wait_s: int) -> Problem:
    detail = f"The exchange could not be asked about {symbol}: {why}. Nothing has changed."
    return Problem(503, "unchecked", detail, {"Retry-After": str(wait_s)})
