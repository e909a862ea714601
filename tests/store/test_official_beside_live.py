"""One transaction reads official and live candles of one instant: no hole, no double between them.

Never here: the merge rule (`tests/candles`).
Invariant: the writers do what fetcher and feed do, in their order, as fast as they can.
"""

from __future__ import annotations

import threading

from redis import Redis

from tests.support.sample_candles import MINUTE_MS, MINUTES, START_MS, minute, row
from tests.support.waiting import wait_for
from truecandle.store import live, official
from truecandle.store.batch import Batch

ROUNDS = 250


def test_reads_in_one_transaction_never_tear(redis: Redis, redis_url: str) -> None:
    ended = threading.Event()
    writer = threading.Thread(target=write, args=(redis_url, ended))
    query = official.Query(5)
    reads = 0
    writer.start()
    while not (ended.is_set() and reads):
        batch = Batch(redis)
        asked = official.queue(batch, MINUTES, query)
        asked_live = live.queue(batch, MINUTES, START_MS + ROUNDS * MINUTE_MS)
        batch.run()
        page, found = asked.value, asked_live.value
        opens = [candle.open_ms for candle in official.candles(page.members)]
        opens += [candle.open_ms for candle in found.pending if candle.open_ms not in opens]
        opens += [found.forming.open_ms] if found.forming else []
        assert opens == list(range(opens[0], opens[-1] + 1, MINUTE_MS)) if opens else True
        reads += 1
    writer.join()
    assert reads > 20


def write(redis_url: str, ended: threading.Event) -> None:
    """Minute after minute: it forms, the next one opens, it becomes official, it is settled."""
    with Redis.from_url(redis_url, protocol=3) as redis:
        for number in range(ROUNDS):
            live.save_live(redis, MINUTES, minute(number, number * MINUTE_MS), now_ms=START_MS * 2)
            if number:
                rows = [row(number - 1, step_ms=MINUTE_MS)]
                official.upsert_klines(redis, MINUTES, rows, now_ms=START_MS * 2, settle_ms=0)
                live.settle(redis, MINUTES, [rows[0][0]])
    ended.set()


def test_two_writers_at_once_leave_one_candle_per_time(redis: Redis, redis_url: str) -> None:
    def write_all(close: str) -> None:
        with Redis.from_url(redis_url, protocol=3) as own:
            for first in range(0, 200, 10):
                rows = [row(n, close, MINUTE_MS) for n in range(first, first + 30)]
                official.upsert_klines(own, MINUTES, rows, now_ms=START_MS * 2, settle_ms=0)

    writers = [threading.Thread(target=write_all, args=(close,)) for close in ("8.4", "8.5", "8.6")]
    for writer in writers:
        writer.start()
    wait_for(lambda: not any(writer.is_alive() for writer in writers), what="the writers")
    assert len(official.open_times(redis, MINUTES, 0, START_MS * 2)) == 220
    assert redis.zcard("klines_z:BTCUSDT:1m") == official.meta(redis, MINUTES).count == 220
