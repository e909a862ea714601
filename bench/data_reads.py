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
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

import requests
from redis import Redis

from bench.parts.stored_minutes import MINUTE_MS, MINUTES, START_MS, store_minutes
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
    Row("1,000 candles, version new each time, ms", "cold", "cold naive", 1 / 5, at_most=True),
    Row("50,000 candles by pages, ms", "pages", "pages naive", 1 / 50, at_most=True),
    Row("50,000 by pages, version new, ms", "pages cold", "pages naive", None, at_most=True),
    Row("20 kB gzip, one connection, p50 ms", "gzip p50", "trivial p50", 1.5, at_most=True),
)


class Servers:
    """The web role, the naive route, and who asks them."""

    def __init__(self, web: Web, naive_port: int, redis: Redis, token: str) -> None:
        self.redis = redis
        self._ports = {"web": web.port, "naive": naive_port}
        self._bearer = f"Authorization: Bearer {token}"
        self._session = requests.Session()
        self._session.headers.update({"Accept-Encoding": "identity"})
        self._session.headers["Authorization"] = f"Bearer {token}"

    def load(
        self,
        seconds: float,
        path: str,
        *headers: str,
        server: str = "web",
        count: int = CONNECTIONS,
    ) -> dict[str, Any]:
        """What a client in another process found."""
        given = (str(self._ports[server]), str(count), str(seconds), path, self._bearer, *headers)
        command = [sys.executable, "-m", "bench.parts.read_client", *given]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found: dict[str, Any] = json.loads(done.stdout)
        assert set(found["statuses"]) <= {"200", "304"}, found
        return found

    def get(self, path: str, server: str = "web") -> tuple[float, requests.Response]:
        """How long one answer took, in ms, on a connection that stays."""
        began_s = time.perf_counter()
        answer = self._session.get(f"http://127.0.0.1:{self._ports[server]}{path}", timeout=60)
        took_ms = (time.perf_counter() - began_s) * 1000
        assert answer.status_code == 200, answer.text
        return took_ms, answer

    def renew(self) -> None:
        """Another version of the series, whose rows stay as they are."""
        name = keys.meta(MINUTES)
        text: Any = self.redis.get(name)
        meta = json.loads(text)
        self.redis.set(name, json.dumps(meta | {"version": meta["version"] + 1}))

    def cold_ms(self, path: str, server: str = "web") -> float:
        """The median of answers that nobody has had before."""
        took = []
        for _ in range(COLD_READS):
            self.renew()
            took.append(self.get(path, server)[0])
        return statistics.median(took)

    def pages_ms(self, server: str = "web") -> float:
        """All candles, page by page, from the newest back."""
        path = f"/data?symbol=BTCUSDT&interval=1m&limit={PAGE}"
        total, before = 0.0, ""
        for number in range(1, PAGES + 1):
            took_ms, answer = self.get(path + before, server)
            total += took_ms
            assert answer.text.count(",") > PAGE * 5
            before = f"&before={END_MS - number * PAGE * MINUTE_MS}"
        return total


def round_of(servers: Servers, seconds: float) -> dict[str, float]:
    """Everything once, in turn."""
    plain = "Accept-Encoding: identity"
    _, answer = servers.get(THOUSAND)
    known = f"If-None-Match: {answer.headers['ETag']}"
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
        "cold": servers.cold_ms(THOUSAND),
        "cold naive": servers.cold_ms(THOUSAND, "naive"),
        "pages naive": servers.pages_ms("naive"),
    }
    servers.pages_ms()
    found["pages"] = servers.pages_ms()
    servers.renew()
    found["pages cold"] = servers.pages_ms()
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
