"""The exchange's whole list: every market that trades there, with its last 24 hours.

Never here: asking the exchange (`fetcher/exchange_list`), which of them are followed (`markets`).
Invariant: the list is of one moment, and says which; numbers are the exchange's decimal text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, cast

from redis import Redis

from truecandle import exact_json
from truecandle.candles.instrument import Instrument
from truecandle.candles.ticker import Ticker
from truecandle.store import keys, map_redis_errors

#: More markets than the exchange ever listed.
LISTED_MAX: Final = 5_000

_AT, _ROWS = "updated_at", "rows"
#: How every row begins, before its symbol.
_HEAD: Final = b'{"symbol":"'


@dataclass(frozen=True, slots=True)
class ListedMarket:
    """One market of the list; without a ticker where the exchange told none."""

    instrument: Instrument
    day: Ticker | None = None

    def to_json(self) -> str:
        """The JSON object of the key and of the REST answers; what is not known is null."""
        known = self.instrument.fields
        fields = {name: known[name] for name in ("symbol", "base", "quote", "status")}
        for name in ("price", "open", "high", "low", "volume", "quote_volume", "change"):
            text = getattr(self.day, name) if self.day else ""
            fields[name] = exact_json.Exact(text) if text else None
        return exact_json.dumps(fields).decode()


@dataclass(frozen=True, slots=True)
class ExchangeList:
    """The list as it was at `updated_ms` (exchange time): JSON objects by symbol, in its order."""

    updated_ms: int
    rows: Mapping[str, bytes]


@map_redis_errors()
def write(redis: Redis, rows: Iterable[ListedMarket], updated_ms: int) -> None:
    """Replaces the list, by symbol. Running twice changes nothing."""
    texts = {one.instrument.symbol: _text(one) for one in rows}
    body = "\n".join(texts[symbol] for symbol in sorted(texts)[:LISTED_MAX])
    with redis.pipeline(transaction=True) as pipe:
        pipe.hset(keys.LISTED, mapping={_AT: updated_ms, _ROWS: body})
        pipe.expire(keys.LISTED, keys.LISTED_TTL_S)
        pipe.execute()


@lru_cache(LISTED_MAX)
def _text(row: ListedMarket) -> str:
    """Its JSON; from one list to the next most rows are the same."""
    return row.to_json()


@map_redis_errors()
def ask(redis: Redis) -> None:
    """Somebody looks at the list: for the next `LISTED_ASKED_TTL_S` it is read more often
    (`store/markets` looks for that)."""
    redis.set(keys.LISTED_ASKED, 1, ex=keys.LISTED_ASKED_TTL_S)


@map_redis_errors()
def updated_ms(redis: Redis) -> int | None:
    """Of when the list is; None while there is none."""
    text: Any = redis.hget(keys.LISTED, _AT)
    return int(text) if text and text.isdigit() else None


@map_redis_errors()
def read(redis: Redis) -> ExchangeList | None:
    """The whole list, of one instant; None while there is none. What is no row is left out."""
    at, body = cast(list[bytes | None], redis.hmget(keys.LISTED, [_AT, _ROWS]))
    if not at or not at.isdigit() or body is None:
        return None
    rows = {}
    for line in body.split(b"\n"):
        symbol, quote, _ = line.removeprefix(_HEAD).partition(b'"')
        if quote and line.startswith(_HEAD):
            rows[symbol.decode(errors="replace")] = line
    return ExchangeList(int(at), rows)
