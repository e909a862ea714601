"""Why official and live candles are stored apart: two hours of one market, stored in five ways.

    .venv/bin/python -m bench.storage_ways

Feed, fetcher and reader of a market follow one script, second by second, each way against a real
Redis. A reader looks at the last `LOOK_MINUTES` once a second, and at everything in the end. The
second part lets a writer and a reader race for real. Nothing here is random. What is printed is
what `docs/decisions/0003-two-stores.md` quotes.
"""

from __future__ import annotations

import tempfile
import threading
from collections import Counter
from pathlib import Path

from redis import Redis

from bench.parts.candle_stores import (
    SETTLE_MS,
    OneZset,
    Shown,
    Store,
    Suffixed,
    TwoStores,
    read_both,
)
from tests.support.redis_server import RedisProc
from truecandle.candles.candle import OfficialCandle
from truecandle.candles.interval import MINUTE_MS
from truecandle.store import connect, official

MINUTES = 120
LOOK_MINUTES = 10
START_MS = 1_704_067_200_000
FEED_EVERY_S, CLEAN_EVERY_S = 5, 30
#: The fetcher asks for the last rows so long after a close, as TrueCandle's does.
FETCH_AT_S = (3, 15)
#: Late words about the candle before: our feed's in every fifth minute, a browser tab's that has
#: slept in every twentieth.
LATE_FEED, LATE_TAB = (4, 5), (40, 20)
#: The exchange is away to the fetcher for these minutes; the feed goes on.
OUTAGE = range(60, 64)
RACE_READS = 3_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, RedisProc(Path(folder)) as server:
        redis = connect(server.url)
        ways: dict[str, Store] = {
            "one ZSET, ZADD NX": OneZset(redis, is_overwriting=False),
            "one ZSET, last writer wins": OneZset(redis, is_overwriting=True),
            "suffixed key, cleaned by age": Suffixed(redis, by_age=True),
            "suffixed key, cleaned by official": Suffixed(redis, by_age=False),
            "two stores, pending, one merge": TwoStores(redis),
        }
        seconds = MINUTES * 60
        print(f"{MINUTES} minutes; the reader looked {seconds} times\n")
        print(f"{'':36}looks that showed a…                  in the end, of {MINUTES}")
        print(
            f"{'':36}{'double':>9}{'hole':>9}{'wrong':>9}{'':12}{'doubled':>9}{'lost':>9}{'wrong':>9}"
        )
        for name, way in ways.items():
            redis.flushall()
            seen, end = follow(way)
            looks = "".join(f"{seen[kind]:9}" for kind in ("double", "hole", "wrong"))
            rest = "".join(f"{end[kind]:9}" for kind in ("double", "hole", "wrong"))
            print(f"{name:36}{looks}{'':12}{rest}")
        print("\nofficial and live read while both are written, torn answers")
        for name, is_atomic in (("two reads", False), ("one transaction", True)):
            redis.flushall()
            print(f"{name:36}{race(redis, server.url, is_atomic):9} of {RACE_READS}")
        redis.close()


def follow(way: Store) -> tuple[Counter[str], Counter[str]]:
    """Lets the script run; counts looks that showed something wrong, and candles wrong at last."""
    seen: Counter[str] = Counter()
    final: dict[int, str] = {}
    for second in range(1, MINUTES * 60 + 1):
        now_ms, minute, past = START_MS + second * 1_000, second // 60, second % 60
        if past % FEED_EVERY_S == 0:
            way.feed(formed(minute, past), now_ms)
        for late, every in (LATE_FEED, LATE_TAB):
            if past == late and minute % every == 1:
                way.feed(formed(minute - 1, 60), now_ms)
        if past in FETCH_AT_S and minute not in OUTAGE:
            asked = range(max(0, minute - (9 if minute == OUTAGE.stop else 1)), minute + 1)
            way.fetch([published(m, second) for m in asked], now_ms)
            final |= {published(m, second).open_ms: published(m, second).close for m in asked[:-1]}
        if second % CLEAN_EVERY_S == 0:
            way.clean(now_ms)
        newest = minute if past >= FEED_EVERY_S else minute - 1
        oldest = max(0, newest - LOOK_MINUTES)
        shown = way.read(now_ms, START_MS + oldest * MINUTE_MS)
        seen.update(dict.fromkeys(judge(shown, range(oldest, newest + 1), final), 1))
    return seen, judge(way.read(now_ms, START_MS), range(MINUTES), final)


def judge(shown: Shown, minutes: range, final: dict[int, str]) -> Counter[str]:
    """Doubled and missing candles, and those that differ from the official ones fetched before."""
    opens = Counter(open_ms for open_ms, _ in shown)
    faults = Counter(
        double=sum(count > 1 for count in opens.values()),
        hole=sum(START_MS + m * MINUTE_MS not in opens for m in minutes),
        wrong=len({open_ms for open_ms, close in shown if final.get(open_ms, close) != close}),
    )
    return +faults


def formed(minute: int, second: int) -> OfficialCandle:
    """Our feed's candle; in every third minute it has missed the last trade."""
    missed = second == 60 and minute % 3 == 0
    return candle(minute, 100 + second - missed)


def published(minute: int, second: int) -> OfficialCandle:
    """The exchange's candle as asked for at `second`: every tenth is corrected 15 s after close."""
    age = second - minute * 60
    is_corrected = minute % 10 == 0 and age >= 75
    return candle(minute, 100 + min(60, age) + (1 if is_corrected else 0))


def candle(minute: int, close: int) -> OfficialCandle:
    open_ms, price = START_MS + minute * MINUTE_MS, str(close)
    return OfficialCandle(
        open_ms, "100", "200", "50", price, price, open_ms + MINUTE_MS - 1, "1", 1, "1", "1"
    )


def race(redis: Redis, url: str, is_atomic: bool) -> int:
    """How many of `RACE_READS` reads show a hole while minutes roll over at full speed."""
    ended = threading.Event()

    def write() -> None:
        own = connect(url)
        two = TwoStores(own)
        minute = 0
        while not ended.is_set():
            now_ms = START_MS + minute * MINUTE_MS + SETTLE_MS
            two.feed(formed(minute, 5), now_ms)
            two.fetch([published(m, 10**9) for m in range(max(0, minute - 1), minute)], now_ms)
            minute += 1
        own.close()

    writer = threading.Thread(target=write)
    writer.start()
    torn = 0
    for _ in range(RACE_READS):
        members, tail = read_both(redis, START_MS, is_atomic)
        opens = {each.open_ms for each in official.candles(members)}
        opens |= {each.open_ms for each in (*tail.pending[-3:], *filter(None, [tail.forming]))}
        torn += bool(opens) and len(opens) != (max(opens) - min(opens)) // MINUTE_MS + 1
    ended.set()
    writer.join()
    return torn


if __name__ == "__main__":
    main()
