"""What faults of Redis cost: candles by kills, answers while it is slow, time where it holds much.

    python -m bench.redis_faults [--kills 20] [--candles 5000000]

1. `--kills` times SIGKILL while official candles are written, with `appendfsync always` and with
   `everysec`: how many acknowledged candles are gone, how long before the kill the oldest of them
   was acknowledged, and whether what is left is consistent.
2. Redis that stops for 0.3 s every second, and 200 readers at once: statuses, times, connections.
3. Redis frozen for `FROZEN_S` while 20 readers ask: statuses and times, those of `/healthz`, and
   how long after the end the first candles are answered.
4. The first answer of a web role that has just started on an empty Redis.
5. A series of `--candles`: how long `/data` takes for 1,000 of them at its newest and oldest end.
6. How long one write of 500 candles keeps Redis.

Exits with 1 if a candle was lost under `always`, more than `LOSS_MAX_S` of them under `everysec`,
anything was inconsistent, an answer was another than 200, 503 or (more at once than one reader's
turns) 429, or one took longer than 2 s while Redis was frozen.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import requests
from redis import Redis

from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.web_process import HOURS as HOURS_PATH
from tests.support.web_process import Web, bearer, token_of
from truecandle.candles.series import Series, parse_series
from truecandle.errors import StoreError
from truecandle.store import connect, keys, official, pages

START_MS = 1_704_067_200_000
MINUTE_MS = 60_000
CHUNK = 500
#: `everysec` promises a second, and may take two where the disk is busy.
LOSS_MAX_S = 2.0
PAUSE_MS, READERS, READS = 300, 200, 1_000
FROZEN_S, FROZEN_READERS, FROZEN_ANSWER_MS_MAX = 20.0, 20, 2_000
MINUTES = parse_series("BTCUSDT", "1m")
HOURS = parse_series("BTCUSDT", "1h")


def rows(first: int, count: int, interval_ms: int = MINUTE_MS) -> list[list[object]]:
    opens = range(
        START_MS + first * interval_ms, START_MS + (first + count) * interval_ms, interval_ms
    )
    rest = ["1.5", 7, "1", "1", "0"]
    return [
        [ms, "42000.1", "42100", "41000.5", "42050.01", "12.34567", ms + interval_ms - 1, *rest]
        for ms in opens
    ]


def store(redis: Redis, series: Series, given: list[list[object]]) -> None:
    official.upsert_klines(redis, series, given, now_ms=1 << 41, settle_ms=3000)


def percentile(times: list[float], share: float) -> float:
    return 1000 * sorted(times)[int(share * (len(times) - 1))]


class Writer(threading.Thread):
    """Writes chunk after chunk until Redis is away; `acknowledged` has (candles so far, when)."""

    def __init__(self, url: str, first: int) -> None:
        super().__init__(daemon=True)
        self.acknowledged = [(first, time.monotonic())]
        self._url = url

    def run(self) -> None:
        redis, first = connect(self._url), self.acknowledged[0][0]
        for number in range(100_000):
            try:
                store(redis, MINUTES, rows(first + 50 * number, 50))
            except StoreError:
                return
            self.acknowledged.append((first + 50 * (number + 1), time.monotonic()))


def kills(count: int, fsync: str) -> tuple[int, float, int]:
    """The most candles lost by a kill, the longest time that they reach back, and faults found."""
    most, longest_s, faults, stored = 0, 0.0, 0, 0
    with (
        tempfile.TemporaryDirectory() as folder,
        RedisProc(Path(folder), aof=True, fsync=fsync) as server,
    ):
        for _ in range(count):
            writer = Writer(server.url, stored)
            writer.start()
            time.sleep(random.uniform(0.5, 2.5))
            killed_s = time.monotonic()
            server.kill()
            writer.join()
            server.start()
            redis = connect(server.url)
            known, stored = pages.meta(redis, MINUTES), redis.zcard(keys.klines(MINUTES))
            faults += (known.count, sound(redis)) != (stored, stored)
            lost = [at_s for total, at_s in writer.acknowledged if total > stored]
            most = max(most, writer.acknowledged[-1][0] - stored)
            longest_s = max([longest_s, *(killed_s - at_s for at_s in lost)])
            redis.close()
    return most, longest_s, faults


def sound(redis: Redis) -> int:
    """At how many times exactly one proper candle stands."""
    count, from_ms = 0, 0
    while opens := pages.open_times(redis, MINUTES, from_ms, 1 << 41):
        count, from_ms = count + len(opens), opens[-1] + 1
    return count


def slow(web: Web, redis: Redis, token: str) -> bool:
    """Readers at once while Redis stops again and again; what they were answered."""
    over = threading.Event()

    def pause() -> None:
        while not over.wait(1.0):
            redis.client_pause(PAUSE_MS)

    seen: Counter[int] = Counter()
    took_s: list[float] = []
    connections = 0

    def read(_: int) -> None:
        began_s = time.monotonic()
        answer = requests.get(web.url + HOURS_PATH, headers=bearer(token), timeout=20)
        seen[answer.status_code] += 1
        took_s.append(time.monotonic() - began_s)

    pausing = threading.Thread(target=pause)
    pausing.start()
    with ThreadPoolExecutor(READERS) as readers:
        for _ in readers.map(read, range(READS)):
            if len(took_s) % 100 == 0:
                connections = max(connections, int(redis.info("clients")["connected_clients"]))
    over.set()
    pausing.join()
    p50, p99 = percentile(took_s, 0.5), percentile(took_s, 0.99)
    print(
        f"{READERS} readers, Redis stopped {PAUSE_MS} ms a second: {dict(seen)}, "
        f"p50 {p50:.0f}, p99 {p99:.0f} ms; at most {connections} connections to Redis"
    )
    return not set(seen) - {200, 429, 503}


def frozen(web: Web, server: RedisProc, token: str) -> bool:
    """What is answered while Redis does not answer at all."""
    over = threading.Event()
    seen: Counter[int] = Counter()
    took_s: dict[str, list[float]] = {HOURS_PATH: [], "/healthz": []}

    def ask(path: str) -> int:
        began_s = time.monotonic()
        status = requests.get(web.url + path, headers=bearer(token), timeout=20).status_code
        took_s[path].append(time.monotonic() - began_s)
        return status

    def read(path: str) -> None:
        while not over.wait(0.05):
            status = ask(path)
            seen[status] += path == HOURS_PATH

    server.freeze()
    threads = [threading.Thread(target=read, args=(HOURS_PATH,)) for _ in range(FROZEN_READERS)]
    threads.append(threading.Thread(target=read, args=("/healthz",)))
    for thread in threads:
        thread.start()
    time.sleep(FROZEN_S)
    over.set()
    for thread in threads:
        thread.join()
    worst_ms = 1000 * max(took_s[HOURS_PATH])
    server.thaw()
    began_s = time.monotonic()
    while ask(HOURS_PATH) != 200:
        time.sleep(0.05)
    back_ms = 1000 * (time.monotonic() - began_s)
    health = took_s["/healthz"]
    print(
        f"frozen for {FROZEN_S:.0f} s, {FROZEN_READERS} readers: {dict(seen)}, longest "
        f"{worst_ms:.0f} ms; /healthz p99 {percentile(health, 0.99):.0f}, longest "
        f"{1000 * max(health):.0f} ms; candles {back_ms:.0f} ms after the end"
    )
    return set(seen) == {503} and worst_ms <= FROZEN_ANSWER_MS_MAX


def deep(web: Web, redis: Redis, token: str, count: int) -> bool:
    """Fills a series past the script that checks, as fast as Redis takes it, and reads it."""
    key = keys.klines(MINUTES)
    for first in range(0, count, 10_000):
        some = {member(number): START_MS + number * MINUTE_MS for number in numbers(first, count)}
        redis.zadd(key, some)
    store(redis, MINUTES, rows(count, 1))
    size_mb = int(redis.info("memory")["used_memory"]) / 1e6
    is_well = True
    for name, query in (("newest", ""), ("oldest", f"&start={START_MS}")):
        path = f"/data?symbol=BTCUSDT&interval=1m&limit=1000&time=ms{query}"
        took_s = []
        with requests.Session() as session:
            for _ in range(200):
                began_s = time.monotonic()
                answer = session.get(web.url + path, headers=bearer(token), timeout=20)
                took_s.append(time.monotonic() - began_s)
                is_well = is_well and answer.status_code == 200 and answer.json()["count"] == 1000
        print(
            f"{count} candles ({size_mb:.0f} MB), the {name} 1,000: "
            f"p50 {percentile(took_s, 0.5):.1f}, p99 {percentile(took_s, 0.99):.1f} ms"
        )
    return is_well


def numbers(first: int, count: int) -> Iterator[int]:
    return islice(range(first, count), 10_000)


def member(number: int) -> str:
    ms = START_MS + number * MINUTE_MS
    return f"[{ms},42000.1,42100,41000.5,42050.01,12.34567,{ms + MINUTE_MS - 1},1.5,7,1,1,0]"


def scripts(redis: Redis) -> None:
    """How long one write of a chunk takes."""
    took_s = []
    for number in range(200):
        given = rows(number * CHUNK, CHUNK, 3_600_000)
        began_s = time.monotonic()
        store(redis, HOURS, given)
        took_s.append(time.monotonic() - began_s)
    log = redis.info("commandstats")["cmdstat_evalsha"]
    print(
        f"a write of {CHUNK} candles: p50 {percentile(took_s, 0.5):.1f}, "
        f"p99 {percentile(took_s, 0.99):.1f} ms, of it in Redis "
        f"{log['usec_per_call'] / 1000:.1f} ms on average"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--candles", type=int, default=5_000_000)
    options = parser.parse_args()
    is_well = True
    for fsync, allowed_s in (("always", 0.0), ("everysec", LOSS_MAX_S)):
        most, longest_s, faults = kills(options.kills, fsync)
        print(
            f"{options.kills} kills, {fsync}: at most {most} acknowledged candles lost, "
            f"the oldest {longest_s:.2f} s old; {faults} inconsistencies",
            flush=True,
        )
        is_well = is_well and longest_s <= allowed_s and not faults
    with ExitStack() as ended:
        folder = Path(ended.enter_context(tempfile.TemporaryDirectory()))
        server = ended.enter_context(RedisProc(folder))
        processes = Roles()
        ended.callback(processes.end)
        redis = ended.enter_context(connect(server.url))
        web = Web(processes, server.url, folder)
        token = token_of(redis)
        began_s = time.monotonic()
        status = web.get(HOURS_PATH, headers=bearer(token)).status_code
        took_ms = 1000 * (time.monotonic() - began_s)
        print(f"the first answer after a start: {status}, {took_ms:.0f} ms")
        scripts(redis)
        is_well = slow(web, redis, token) and is_well
        is_well = frozen(web, server, token) and is_well
        is_well = deep(web, redis, token, options.candles) and is_well
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
