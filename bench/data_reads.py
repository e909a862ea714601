"""How fast `/data` is read, beside the same server's `/healthz` and a route as one writes it first.

    .venv/bin/python -m bench.data_reads [eventlet|gevent|threading] [--rounds 5] [--seconds 2]

Starts Redis, the web role and the naive route on ports of their own, each server on one core and
the client with Redis on another where there are two; all of them are asked in turn, round by round,
and only the ratios within a round count. About two minutes. Exits with 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import requests
from redis import Redis

from bench.parts.read_client import Asker
from bench.parts.stored_minutes import (
    MINUTE_MS,
    MINUTES,
    START_MS,
    correct_minutes,
    store_minutes,
)
from tests.support.loopback_ports import free_port
from tests.support.redis_server import RedisProc
from tests.support.role_processes import Role, Roles
from tests.support.web_process import Web, token_of
from truecandle.store import keys

CANDLES: Final = 52_000
CONNECTIONS: Final = 16
PAGE, PAGES = 5_000, 10
END_MS: Final = START_MS + CANDLES * MINUTE_MS
COLD_READS: Final = 60
THOUSAND: Final = "/data?symbol=BTCUSDT&interval=1m&limit=1000"


class Row(NamedTuple):
    """One line of the table: what is compared, and what the ratio has to be; None: only told."""

    what: str
    measured: str
    yardstick: str
    target: float | None
    at_most: bool = False


ROWS: Final = (
    Row("1,000 candles, warm, answers/s", "warm", "trivial", 0.90),
    Row("the same, beside the naive route", "warm", "naive", None),
    Row("304, answers/s", "known", "trivial", 0.90),
    Row("one candle, answers/s", "one", "trivial", None),
    Row("1,000 candles nobody has read before, ms", "first", "first naive", None),
    Row("1,000 candles, of a new version, ms", "renewed", "renewed naive", 1 / 5, at_most=True),
    Row("50,000 candles by pages, ms", "pages", "pages naive", 1 / 50, at_most=True),
    Row("50,000 by pages, of a new version, ms", "pages renewed", "pages naive", None),
    Row("20 kB gzip, one connection, p50 ms", "gzip p50", "trivial p50", 1.5, at_most=True),
)


class Servers:
    """The web role, the naive route, and who asks them."""

    def __init__(self, web: Web, naive_port: int, redis: Redis, token: str) -> None:
        self.redis = redis
        #: How often `forget` was called.
        self.corrected = 0
        self._ports = {"web": web.port, "naive": naive_port}
        self._headers = (f"Authorization: Bearer {token}",)

    def load(
        self,
        seconds: float,
        path: str,
        *headers: str,
        server: str = "web",
        count: int = CONNECTIONS,
    ) -> dict[str, Any]:
        """What a client in another process found."""
        given = (str(self._ports[server]), str(count), str(seconds), path, *self._headers, *headers)
        command = [sys.executable, "-m", "bench.parts.read_client", *given]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found: dict[str, Any] = json.loads(done.stdout)
        assert set(found["statuses"]) <= {"200", "304"}, found
        return found

    @contextmanager
    def asker(self, server: str) -> Iterator[Asker]:
        """One connection of this process; what comes over it has to be good."""
        asker = Asker(self._ports[server], 1, "", [*self._headers, "Accept-Encoding: identity"])
        try:
            yield asker
            assert set(asker.statuses) == {200}, asker.statuses
        finally:
            asker.close()

    def etag(self, path: str) -> str:
        url = f"http://127.0.0.1:{self._ports['web']}{path}"
        headers = dict(line.split(": ") for line in (*self._headers, "Accept-Encoding: identity"))
        return requests.get(url, headers=headers, timeout=60).headers["ETag"]

    def renew(self) -> None:
        """Another version of the series, whose rows stay as they are."""
        name = keys.meta(MINUTES)
        text: Any = self.redis.get(name)
        meta = json.loads(text)
        self.redis.set(name, json.dumps(meta | {"version": meta["version"] + 1}))

    def renewed_ms(self, path: str, server: str = "web") -> float:
        """The median of answers of a version that nobody has asked for before."""
        took = []
        with self.asker(server) as asker:
            asker.took_ms(path)
            for _ in range(COLD_READS):
                self.renew()
                took.append(asker.took_ms(path))
        return statistics.median(took)

    def first_ms(self, server: str = "web") -> float:
        """The median of answers of pages that nobody has asked for before, nor for their candles
        since `forget`.
        """
        self.forget()
        took = []
        with self.asker(server) as asker:
            asker.took_ms(THOUSAND)
            for number in range(1, COLD_READS // 2 + 1):
                before = f"&before={END_MS - number * 1_000 * MINUTE_MS}"
                took.append(asker.took_ms(THOUSAND + before))
        return statistics.median(took)

    def forget(self) -> None:
        """A correction of every hundredth candle: no block is what it was."""
        self.corrected += 1
        correct_minutes(self.redis, CANDLES, f"0.{self.corrected}")

    def pages_ms(self, server: str = "web") -> float:
        """All candles, page by page, from the newest back."""
        path = f"/data?symbol=BTCUSDT&interval=1m&limit={PAGE}&before="
        with self.asker(server) as asker:
            asker.took_ms(path.replace(str(PAGE), "1") + str(END_MS))
            ends = (END_MS - number * PAGE * MINUTE_MS for number in range(PAGES))
            return sum(asker.took_ms(f"{path}{end}") for end in ends)


def round_of(servers: Servers, seconds: float) -> dict[str, float]:
    """Everything once, in turn."""
    plain = "Accept-Encoding: identity"
    known = f"If-None-Match: {servers.etag(THOUSAND)}"
    trivial = servers.load(seconds, "/healthz", plain)
    one = servers.load(seconds, "/healthz", plain, count=1)
    found = {
        "trivial": trivial["per_s"],
        "warm": servers.load(seconds, THOUSAND, plain)["per_s"],
        "known": servers.load(seconds, THOUSAND, plain, known)["per_s"],
        "one": servers.load(seconds, THOUSAND.replace("1000", "1"), plain)["per_s"],
        "naive": servers.load(seconds, THOUSAND, plain, server="naive")["per_s"],
        "trivial p50": one["p50_ms"],
        "gzip p50": servers.load(seconds, THOUSAND, "Accept-Encoding: gzip", count=1)["p50_ms"],
        "first": servers.first_ms(),
        "first naive": servers.first_ms("naive"),
        "renewed": servers.renewed_ms(THOUSAND),
        "renewed naive": servers.renewed_ms(THOUSAND, "naive"),
        "pages naive": servers.pages_ms("naive"),
    }
    servers.pages_ms()
    found["pages"] = servers.pages_ms()
    servers.renew()
    found["pages renewed"] = servers.pages_ms()
    return found


def judge(rounds: list[dict[str, float]]) -> int:
    """Prints the table; 1 if a target was missed."""
    values: dict[str, list[float]] = defaultdict(list)
    for one in rounds:
        for name, value in one.items():
            values[name].append(value)
    missed = 0
    print(f"{'':44}{'measured':>10}{'yardstick':>11}{'ratio':>9}{'target':>9}")
    for row in ROWS:
        pairs = zip(values[row.measured], values[row.yardstick], strict=True)
        ratio = statistics.median(a / b for a, b in pairs)
        is_met = row.target is None or (ratio <= row.target if row.at_most else ratio >= row.target)
        missed += not is_met
        target = "" if row.target is None else f"{'≤' if row.at_most else '≥'} {row.target:.2f}"
        middle = [statistics.median(values[name]) for name in (row.measured, row.yardstick)]
        told = f"{middle[0]:10.2f}{middle[1]:11.2f}{ratio:9.3f}{target:>9}"
        print(f"{row.what:44}{told}{'' if is_met else '  MISSED'}")
    return 1 if missed else 0


def pin(cores: set[int]) -> Callable[[int], None]:
    """Keeps a process on some cores, where there are several."""
    return lambda pid: os.sched_setaffinity(pid, cores) if (os.cpu_count() or 1) > 1 else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("mode", nargs="?", default="eventlet")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    given = parser.parse_args()
    roles = Roles()
    with tempfile.TemporaryDirectory() as folder, RedisProc(Path(folder)) as server:
        try:
            with server.client() as redis:
                store_minutes(redis, CANDLES)
                token = token_of(redis)
                web = Web(roles, server.url, Path(folder), ASYNC_MODE=given.mode)
                servers = Servers(web, naive(roles, server.url, web.role), redis, token)
                pin({1})(os.getpid())
                pin({1})(server.pid or 0)
                rounds = [round_of(servers, given.seconds) for _ in range(given.rounds)]
        finally:
            roles.end()
    return judge(rounds)


def naive(roles: Roles, redis_url: str, web: Role) -> int:
    port = free_port()
    role = roles.start("naive", ["-m", "bench.parts.naive_data", str(port), redis_url])
    role.wait_for_line("listening")
    for one in (role, web):
        pin({0})(one.pid)
    return port


if __name__ == "__main__":
    sys.exit(main())
