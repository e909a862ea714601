"""How fast `/data` is read, beside the same server's `/healthz` and a route as one writes it first.

    .venv/bin/python -m bench.data_reads [eventlet|gevent|threading] [--rounds 5] [--seconds 2]

Starts Redis, the web role and the naive route on ports of their own, each server on one core and
the client with Redis on another where there are two; all of them are asked in turn, round by round,
and only the ratios within a round count. freqtrade's own REST server is asked too, where it can be
had. About two minutes. Exits with 1 where a target is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import requests
from redis import Redis

from bench.parts.freqtrade_python import freqtrade_python
from bench.parts.read_client import Asker
from bench.parts.stored_minutes import (
    MINUTE_MS,
    MINUTES,
    START_MS,
    correct_minutes,
    store_minutes,
)
from bench.parts.targets import Figures, Found, NotHad, Target, judge
from tests.support.loopback_ports import free_port
from tests.support.project_files import ROOT
from tests.support.redis_server import RedisProc
from tests.support.role_processes import Role, Roles
from tests.support.web_process import Web, token_of
from truecandle.store import keys

CANDLES: Final = 52_000
CONNECTIONS: Final = 16
PAGE, PAGES = 5_000, 10
END_MS: Final = START_MS + CANDLES * MINUTE_MS
COLD_READS: Final = 60
PEER_START_S: Final = 120.0
#: `bench:bench`, of the peer that knows nobody else.
PEER_USER: Final = "Authorization: Basic YmVuY2g6YmVuY2g="
THOUSAND: Final = "/data?symbol=BTCUSDT&interval=1m&limit=1000"


TARGETS: Final = {
    "warm": Target("`/data`, 1,000 candles, warm", "/s", 0.90, "`/healthz`"),
    "warm naive": Target("the same", "/s", None, "the naive route"),
    "warm peer": Target("the same", "/s", 25, "freqtrade's `pair_candles`"),
    "known": Target("`/data`, 304", "/s", 0.90, "`/healthz`"),
    "one": Target("`/data`, one candle", "/s", None, "`/healthz`"),
    "renewed": Target(
        "1,000 candles, the first time for their version", "ms", 1 / 5, "the naive route",
        at_most=True,
    ),
    "first": Target(
        "1,000 candles, no block of which was read before", "ms", None, "the naive route"
    ),
    "pages": Target("50,000 candles by pages", "ms", 1 / 50, "the naive route", at_most=True),
    "pages renewed": Target(
        "the same, the first time for their version", "ms", None, "the naive route"
    ),
    "gzip p50": Target("20 kB gzip, one connection, p50", "ms", 1.5, "`/healthz`", at_most=True),
}  # fmt: skip
#: What a round calls the figures that each of them is put beside.
BESIDE: Final = {
    "warm": ("warm", "trivial"),
    "warm naive": ("warm", "naive"),
    "warm peer": ("warm", "peer"),
    "known": ("known", "trivial"),
    "one": ("one", "trivial"),
    "renewed": ("renewed", "renewed naive"),
    "first": ("first", "first naive"),
    "pages": ("pages", "pages naive"),
    "pages renewed": ("pages renewed", "pages naive"),
    "gzip p50": ("gzip p50", "trivial p50"),
}
PEER_PATH: Final = "/api/v1/pair_candles?pair=BTC%2FUSDT&timeframe=1m&limit=1000"


class Servers:
    """The web role, the naive route, a peer where there is one, and who asks them."""

    def __init__(self, ports: Mapping[str, int], redis: Redis, token: str) -> None:
        self.redis = redis
        #: How often `forget` was called.
        self.corrected = 0
        self.has_peer = "peer" in ports
        self._ports = ports
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
        who = (PEER_USER,) if server == "peer" else self._headers
        given = (str(self._ports[server]), str(count), str(seconds), path, *who, *headers)
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
    if servers.has_peer:
        found["peer"] = servers.load(seconds, PEER_PATH, plain, server="peer")["per_s"]
    servers.pages_ms()
    found["pages"] = servers.pages_ms()
    servers.renew()
    found["pages renewed"] = servers.pages_ms()
    return found


def figures(rounds: list[dict[str, float]], problem: str) -> Figures:
    """What all rounds say; `problem` is why there is no peer."""
    found: dict[str, Found | NotHad] = {}
    for name, (measured, yardstick) in BESIDE.items():
        if yardstick in rounds[0]:
            pair = ([one[key] for one in rounds] for key in (measured, yardstick))
            found[name] = Found.beside(*pair)
        else:
            found[name] = NotHad(problem)
    return found


def pin(cores: set[int]) -> Callable[[int], None]:
    """Keeps a process on some cores, where there are several."""
    return lambda pid: os.sched_setaffinity(pid, cores) if (os.cpu_count() or 1) > 1 else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("mode", nargs="?", default="eventlet")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    given = parser.parse_args()
    return judge(TARGETS, measured(given.mode, given.rounds, given.seconds))


def short() -> Figures:
    """For `make bench`: half a minute."""
    return measured("eventlet", rounds=3, seconds=1.0)


def measured(mode: str, rounds: int, seconds: float) -> Figures:
    program, problem = freqtrade_python()
    roles = Roles()
    with tempfile.TemporaryDirectory() as folder, RedisProc(Path(folder)) as server:
        try:
            with server.client() as redis:
                store_minutes(redis, CANDLES)
                token = token_of(redis)
                web = Web(roles, server.url, Path(folder), ASYNC_MODE=mode)
                ports = {"web": web.port, "naive": naive(roles, server.url, web.role)}
                with freqtrade(program) as port:
                    servers = Servers(ports | ({"peer": port} if port else {}), redis, token)
                    pin({1})(os.getpid())
                    pin({1})(server.pid or 0)
                    found = [round_of(servers, seconds) for _ in range(rounds)]
                    return figures(found, problem)
        finally:
            roles.end()


@contextmanager
def freqtrade(program: Path | None) -> Iterator[int | None]:
    """The port of freqtrade's REST server; None without a `program` to run it."""
    if program is None:
        yield None
        return
    port = free_port()
    peer = ROOT / "bench" / "parts" / "freqtrade_peer.py"
    role = Role("freqtrade", [str(program), str(peer), str(port)], os.environ)
    try:
        role.wait_for_line("listening", PEER_START_S)
        pin({0})(role.pid)
        yield port
    finally:
        role.end()


def naive(roles: Roles, redis_url: str, web: Role) -> int:
    port = free_port()
    role = roles.start("naive", ["-m", "bench.parts.naive_data", str(port), redis_url])
    role.wait_for_line("listening")
    for one in (role, web):
        pin({0})(one.pid)
    return port


if __name__ == "__main__":
    sys.exit(main())
