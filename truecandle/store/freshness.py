"""What the leading feed last noted of each market, for whoever judges how fresh it is.

Never here: the judgement (`candles/freshness`), what counts as too old.
Invariant: one entry a market, the last one noted; what cannot be read is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from redis import Redis

from truecandle.candles.freshness import Facts, facts_from_json
from truecandle.errors import CandleError
from truecandle.store import keys, map_redis_errors


@map_redis_errors()
def note(redis: Redis, noted: Mapping[str, Facts]) -> None:
    """Keeps the facts of these markets, by symbol, in the place of earlier ones."""
    if not noted:
        return
    fields: dict[Any, Any] = {symbol: facts.to_json() for symbol, facts in noted.items()}
    with redis.pipeline(transaction=True) as pipe:
        pipe.hset(keys.FRESHNESS, mapping=fields)
        pipe.expire(keys.FRESHNESS, keys.FRESHNESS_TTL_S)
        pipe.execute()


@map_redis_errors()
def read(redis: Redis) -> dict[str, Facts]:
    """The facts of every market of which some were noted, by symbol. Junk is skipped."""
    entries = cast("dict[bytes, bytes]", redis.hgetall(keys.FRESHNESS))
    found = {}
    for symbol, text in entries.items():
        facts = _facts(text)
        if facts is not None:
            found[symbol.decode("ascii", "replace")] = facts
    return found


@map_redis_errors()
def read_one(redis: Redis, symbol: str) -> Facts | None:
    """One market's facts; None if none were noted, or junk."""
    text: Any = redis.hget(keys.FRESHNESS, symbol)
    return _facts(text)


def _facts(text: bytes | None) -> Facts | None:
    try:
        return facts_from_json(text) if text else None
    except CandleError:
        return None
