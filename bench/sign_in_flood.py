"""Guessing at sign-in, and floods of it: what guessers get, and what it costs everybody else.

    .venv/bin/python -m bench.sign_in_flood            # eventlet; two minutes
    .venv/bin/python -m bench.sign_in_flood gevent     # or threading

1,000 tries at one account from one address and from 200, then 40 clients with ever new addresses
and names, each of which rests for half a second when it is told that too many are signing in.
Meanwhile others ask, and the owner signs in from a browser that is known. Ends with 1 if more than
20 passwords of the account were looked at, or if the owner did not get in.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from redis import Redis

from tests.support.guessers import Guesser, add_ann, addresses, enter, owner
from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.web_process import Web, bearer, token_of

AUDIT = "/audit?symbol=BTCUSDT&interval=1h"
TRIES, ADDRESSES, LOOKS_MAX = 1_000, 200, 20
CLIENTS, REST_S, WARM_UP_S = 40, 0.5, 5.0
ASKED, TIMED, SIGN_INS = 100, 40, 5


class Flood:
    """Clients that try ever new names from ever new addresses."""

    def __init__(self, guesser: Guesser) -> None:
        self.seen: Counter[int] = Counter()
        self._guesser = guesser
        self._stop, self._lock = threading.Event(), threading.Lock()
        self._new = zip(addresses(), itertools.count(), strict=False)
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def __enter__(self) -> Flood:
        for thread in self._threads:
            thread.start()
        time.sleep(WARM_UP_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                address, number = next(self._new)
            status = self._guesser.guess(address, f"name{number}")
            self.seen[status] += 1
            if status == 503:
                time.sleep(REST_S)


def main() -> int:
    mode = sys.argv[1] if len(sys.argv) > 1 else "eventlet"
    roles = Roles()
    folder = Path(tempfile.mkdtemp())
    with RedisProc(folder) as server, server.client() as redis:
        try:
            add_ann(redis)
            return judge(Web(roles, server.url, folder, ASYNC_MODE=mode), redis)
        finally:
            roles.end()


def judge(web: Web, redis: Redis) -> int:
    guesser = Guesser(web)
    tell_times(guesser, redis)
    known = owner(web)
    looks = 0
    for what, spread in (("one address", 1), (f"{ADDRESSES} addresses", ADDRESSES)):
        found = Counter(guesser.guess(f"127.7.{i % spread}.1") for i in range(TRIES))
        looks += found[401]
        print(f"{TRIES} tries from {what}: {dict(found)}", flush=True)
    reader = bearer(token_of(redis))
    print(f"at rest: /audit {asked(web, AUDIT, reader)}, /healthz {asked(web, '/healthz', reader)}")
    with Flood(guesser) as flood:
        told = asked(web, AUDIT, reader), asked(web, "/healthz", reader)
        print("in a flood: /audit {}, /healthz {}".format(*told), flush=True)
        began_s = time.perf_counter()
        codes = [enter(web, known) for _ in range(SIGN_INS)]
        took_s = (time.perf_counter() - began_s) / SIGN_INS
    print(f"the owner in a flood: {codes}, {took_s:.2f} s each; the flood: {dict(flood.seen)}")
    counters = sum(1 for _ in redis.scan_iter("limit*"))
    print(f"counters in Redis: {counters}")
    return 0 if looks <= LOOKS_MAX and set(codes) == {303} else 1


def tell_times(guesser: Guesser, redis: Redis) -> None:
    """How long a wrong password takes of a name that exists, and of one that does not."""
    took: dict[str, list[float]] = {"ann": [], "nobody": []}
    for _, (name, times) in itertools.product(range(TIMED), took.items()):
        redis.delete("nothing", *redis.scan_iter("limit*"))
        began_s = time.perf_counter()
        guesser.guess("127.5.1.1", name)
        times.append((time.perf_counter() - began_s) * 1000)
    medians = ", ".join(f"{name} {statistics.median(times):.1f} ms" for name, times in took.items())
    print(f"a wrong password, median of {TIMED}: {medians}", flush=True)


def asked(web: Web, path: str, headers: dict[str, str]) -> str:
    """How long answers take, in ms."""
    times = []
    for _ in range(ASKED):
        began_s = time.perf_counter()
        assert web.get(path, headers=headers).status_code == 200
        times.append((time.perf_counter() - began_s) * 1000)
    ranked = sorted(times)
    return f"p50 {ranked[ASKED // 2]:.0f} p99 {ranked[-2]:.0f} max {ranked[-1]:.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
