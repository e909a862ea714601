"""The exchange's whole list as this process goes by it: every market, with its last 24 hours.

Never here: asking the exchange: the fetcher does, and what it has written is read here.
Invariant: Redis is looked at once a second at most, and the list itself is taken from it only when
it is another; numbers are the exchange's decimal text. While somebody looks, the fetcher knows.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from redis import Redis

from truecandle.errors import StoreError
from truecandle.store import exchange_list
from truecandle.store.exchange_list import ExchangeList, ListedMarket
from truecandle.web.followed_markets import Markets

#: How long the list is gone by before it is looked whether there is another.
FRESH_S: Final = 1.0
#: How often the fetcher is told that somebody looks at the list.
ASK_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """One answer: its JSON, its ETag, and what it was compressed to so far, by content coding."""

    body: bytes
    etag: str
    coded: dict[str, bytes] = field(default_factory=dict)


class ExchangeMarkets:
    """The list as this process goes by it; the followed markets are always in it."""

    def __init__(self, redis: Redis, markets: Markets) -> None:
        self._redis = redis
        self._markets = markets
        self._found: ExchangeList | None = None
        self._read_at_s = self._asked_at_s = -math.inf
        #: The whole answer, and of which list and which other rows it was made.
        self._whole: tuple[ExchangeList | None, tuple[bytes, ...], ListAnswer] | None = None

    def whole(self) -> ListAnswer:
        """The whole list; the same value for as long as nothing has changed."""
        found, others = self._list(), self._others()
        if self._whole is None or self._whole[0] is not found or self._whole[1] != others:
            rows = (*others, *(found.rows.values() if found else ()))
            self._whole = (found, others, _answer(found, rows))
        return self._whole[2]

    def some(self, symbols: Sequence[str]) -> ListAnswer:
        """Those of the list that have these names."""
        found = self._list()
        return _answer(found, self._rows(found, symbols).values())

    def row(self, symbol: str) -> bytes | None:
        """One row; None where there is none, or nobody knows while Redis is away."""
        try:
            return self._rows(self._list(), [symbol]).get(symbol)
        except StoreError:
            return None

    def rows(self, symbols: Iterable[str]) -> tuple[int, dict[str, bytes]]:
        """Those rows of these that there are, and of when they are (exchange ms; 0: never)."""
        found = self._list()
        return found.updated_ms if found else 0, self._rows(found, symbols)

    def _list(self) -> ExchangeList | None:
        if time.monotonic() - self._read_at_s > FRESH_S:
            updated_ms = exchange_list.updated_ms(self._redis)
            if updated_ms != (self._found.updated_ms if self._found else None):
                self._found = exchange_list.read(self._redis)
            self._read_at_s = time.monotonic()
            self._ask()
        return self._found

    def _ask(self) -> None:
        """Where Redis takes it: else the list is read anyway, only more rarely."""
        if self._read_at_s - self._asked_at_s > ASK_S:
            self._asked_at_s = self._read_at_s
            with suppress(StoreError):
                exchange_list.ask(self._redis)

    def _others(self) -> tuple[bytes, ...]:
        """Rows of followed markets that are not in the list: without figures."""
        found = self._list()
        return tuple(
            ListedMarket(market.instrument).to_json().encode()
            for market in self._markets.all()
            if found is None or market.symbol not in found.rows
        )

    def _rows(self, found: ExchangeList | None, symbols: Iterable[str]) -> dict[str, bytes]:
        followed = {market.symbol: market.instrument for market in self._markets.all()}
        rows = {}
        for symbol in symbols:
            if found is not None and symbol in found.rows:
                rows[symbol] = found.rows[symbol]
            elif symbol in followed:
                rows[symbol] = ListedMarket(followed[symbol]).to_json().encode()
        return rows


def _answer(found: ExchangeList | None, rows: Iterable[bytes]) -> ListAnswer:
    at = b"%d" % found.updated_ms if found else b"null"
    body = b'{"updated_at":%b,"markets":[%b]}' % (at, b",".join(rows))
    return ListAnswer(body, hashlib.blake2b(body, digest_size=16).hexdigest())
