"""The audit's entries: what the chart had shown of a candle against its official version.

Never here: official and live candles themselves (who compares them reads both, one rung above).
Invariant: a candle is entered once, by what was shown when its official version first came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

from redis import Redis

from truecandle.candles.audit import AuditEntry, audit_entry_from_json
from truecandle.candles.series import Series
from truecandle.store import keys, map_redis_errors
from truecandle.store.entries import own
from truecandle.store.script import Script

#: Entries kept per series.
KEPT: Final = 1_000
#: Among so many of the newest no open time comes twice. Live candles wait 50 deep at most.
SEARCHED: Final = 100

_RECORD = Script("record_audit")


@map_redis_errors()
def record(redis: Redis, series: Series, entries: Sequence[AuditEntry]) -> int:
    """Keeps the entries (ascending) that are not there yet; how many that were."""
    args: list[str | int] = [KEPT, SEARCHED]
    for entry in entries:
        args += (entry.open_ms, entry.to_json())
    return cast(int, _RECORD.run(redis, (keys.audit(series),), args)) if entries else 0


@map_redis_errors()
def texts(redis: Redis, series: Series) -> list[bytes]:
    """All entries as they are kept, the newest first, for `decode`."""
    found: Any = redis.lrange(keys.audit(series), 0, KEPT - 1)
    return list(found)


def decode(texts: Iterable[bytes]) -> list[AuditEntry]:
    """The entries of `texts`; what is none of ours is skipped. 1000 take about 50 ms."""
    return own(texts, audit_entry_from_json)


def read(redis: Redis, series: Series) -> list[AuditEntry]:
    """All entries, the newest first."""
    return decode(texts(redis, series))
