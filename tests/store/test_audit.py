"""The audit's entries in the store: each once, the newest kept.

Never here: the arithmetic (`tests/candles/test_audit.py`).
Invariant: what was recorded first stands.
"""

from __future__ import annotations

import redis as redis_py

from tests.support.audit_entries import entry
from tests.support.driven_fetcher import MINUTES
from truecandle.store import audit


def test_at_most_a_thousand_entries_are_kept_the_newest(redis: redis_py.Redis) -> None:
    for first in range(1_200, 0, -100):
        audit.record(redis, MINUTES, [entry(n) for n in range(first, first - 100, -1)])
    found = audit.read(redis, MINUTES)
    assert len(found) == audit.KEPT
    assert found[0] == entry(1)


def test_recording_twice_records_once(redis: redis_py.Redis) -> None:
    assert audit.record(redis, MINUTES, [entry(2), entry(1)]) == 2
    assert audit.record(redis, MINUTES, [entry(2, trades=9), entry(1)]) == 0
    assert audit.read(redis, MINUTES) == [entry(1), entry(2)]
    assert audit.record(redis, MINUTES, []) == 0
