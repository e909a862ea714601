"""Answers of the exchange that were not believed: held back, and kept here to be looked at.

Never here: deciding what to believe (`ingest/plausibility`), the candles that were not changed.
Invariant: one entry per reason and first candle, at most `KEPT`; it goes once what it was about has
been stored.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args

from redis import Redis

from truecandle.candles.series import Series
from truecandle.errors import CandleError
from truecandle.store import keys, map_redis_errors
from truecandle.store.entries import own

#: Entries kept per series.
KEPT: Final = 100
DETAIL_MAX: Final = 300

#: `differences`: too many closed candles would change at once. `foreign`: they would move to other
#: prices altogether. `broken`: a row that is no candle. `clock`: nobody knows what has closed.
Reason = Literal["differences", "foreign", "broken", "clock"]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What was not applied: `candles` of them from the one that opens at `from_ms` to `to_ms`.

    Noticed by `by`, so many `times` from `first_ms` to `last_ms` (the exchange's clock).
    """

    reason: Reason
    from_ms: int
    to_ms: int
    candles: int
    by: str
    detail: str
    first_ms: int
    last_ms: int
    times: int = 1

    @property
    def field(self) -> str:
        return f"{self.reason}:{self.from_ms}"

    def to_json(self) -> str:
        """The JSON object of the store and of the REST answer."""
        fields = {
            "reason": self.reason,
            "from": self.from_ms,
            "to": self.to_ms,
            "candles": self.candles,
            "by": self.by,
            "detail": self.detail[:DETAIL_MAX],
            "first_at": self.first_ms,
            "last_at": self.last_ms,
            "times": self.times,
        }
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


@map_redis_errors()
def add(redis: Redis, series: Series, held: Quarantined) -> Quarantined:
    """Keeps it; what was held before is held once more."""
    known = {one.field: one for one in read(redis, series)}
    past = known.get(held.field)
    if past:
        held = replace(held, first_ms=past.first_ms, times=past.times + 1)
    known.pop(held.field, None)
    oldest = sorted(known.values(), key=lambda one: one.last_ms)
    gone = [one.field for one in oldest[: max(0, len(oldest) + 1 - KEPT)]]
    with redis.pipeline(transaction=True) as pipe:
        pipe.hset(keys.held(series), held.field, held.to_json())
        if gone:
            pipe.hdel(keys.held(series), *gone)
        pipe.execute()
    return held


@map_redis_errors()
def read(redis: Redis, series: Series) -> list[Quarantined]:
    """What is held, newest first; junk is skipped."""
    texts: Any = redis.hvals(keys.held(series))
    return sorted(own(texts, _parsed), key=lambda one: (-one.last_ms, -one.from_ms))


@map_redis_errors()
def release(redis: Redis, series: Series, opens: Collection[int]) -> None:
    """Official candles that open at these times are stored: what was held about them is over."""
    if not opens or not redis.hlen(keys.held(series)):
        return
    first_ms, last_ms = min(opens), max(opens)
    over = [
        one.field
        for one in read(redis, series)
        if first_ms <= one.from_ms and one.to_ms <= last_ms and {one.from_ms, one.to_ms} <= {*opens}
    ]
    if over:
        redis.hdel(keys.held(series), *over)


def _parsed(text: bytes) -> Quarantined:
    try:
        fields: Any = json.loads(text)
        numbers = [fields[name] for name in ("from", "to", "candles", "first_at", "last_at")]
        times, reason = fields["times"], fields["reason"]
        by, detail = str(fields["by"]), str(fields["detail"])
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise CandleError("held answer", text, "a JSON object of ours") from error
    if not all(isinstance(n, int) for n in (*numbers, times)) or reason not in get_args(Reason):
        raise CandleError("held answer", text, "times in ms and a known reason")
    from_ms, to_ms, candles, first_ms, last_ms = numbers
    return Quarantined(reason, from_ms, to_ms, candles, by, detail, first_ms, last_ms, times)
