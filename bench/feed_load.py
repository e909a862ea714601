"""The feed under load: how late, how dear, how large, and whether every candle is exact.

    .venv/bin/python -m bench.feed_load                            # 5,000 trades/s, 5 minutes
    .venv/bin/python -m bench.feed_load --rate 20000 --seconds 60  # beyond what it can

A busy exchange and a Redis on one core, the feed's own process on the other. First a bare receiver,
which only splits and parses the same messages, is measured as the yardstick. Lags are counted for
every trade, from its time to the event that holds it; a price waits up to 125 ms and a candle up to
500 ms on purpose. Ends with 1 if a trade is missing or a closed candle is not exact.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import requests
from redis import Redis

from bench.parts import machine
from bench.parts.busy_exchange import open_times, symbols_of
from bench.parts.lateness import Watch
from bench.parts.targets import Figures, Found, Target
from tests.support.loopback_ports import free_port
from tests.support.project_files import ROOT
from tests.support.redis_server import RedisProc
from tests.support.waiting import wait_for
from truecandle.candles.candle import live_from_json
from truecandle.candles.decimals import canonical
from truecandle.candles.series import parse_series
from truecandle.events import LIVE_CANDLE, LIVE_PRICE
from truecandle.feed.lag import quantile
from truecandle.store import keys, roles

FEED_CORE, OTHER_CORE = 0, 1
INTERVALS = "1s,1m,5m,15m,1h,1d"
WARM_UP_S, YARDSTICK_S, CALM_S, SAMPLE_S = 10.0, 15.0, 6.0, 5.0
#: Wrong candles that are printed.
SHOWN = 3
SHORT_S = 30.0
TARGETS = {
    "p99": Target("feed, 5,000 trades/s in 50 markets: `live_price`, p99", "ms", 250, at_most=True),
    "wrong": Target("the same: trades missing, told twice, candles not exact", "", 0, at_most=True),
    "cpu": Target("the same, CPU of a core", "%", 100, at_most=True),
    "cost": Target("the same, CPU a message", "µs", None, "a bare receiver"),
}


class Process:
    """A process on one core: what it has used."""

    def __init__(self, command: list[str], core: int, **env: str) -> None:
        self._popen = subprocess.Popen(
            ["taskset", "-c", str(core), sys.executable, *command],
            cwd=ROOT, env=os.environ | {"PYTHONUNBUFFERED": "1"} | env, stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def line(self) -> str:
        assert self._popen.stdout
        return self._popen.stdout.readline().strip()

    @property
    def cpu_s(self) -> float:
        return machine.cpu_s(self._popen.pid)

    @property
    def rss_mb(self) -> float:
        return machine.memory_mb(self._popen.pid)

    def end(self) -> None:
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
        self._popen.communicate(timeout=20)


def main() -> int:
    options = _parser().parse_args()
    found = measured(options)
    return 1 if found["wrong"].measured else 0


def short() -> Figures:
    """For `make bench`: a minute and a half."""
    return measured(_parser().parse_args(["--seconds", str(SHORT_S)]))


def measured(options: argparse.Namespace) -> dict[str, Found]:
    os.sched_setaffinity(0, {OTHER_CORE})
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, RedisProc(Path(folder), aof=True) as server:
        times = str(Path(folder) / "times")
        exchange = Process(
            ["-m", "bench.parts.busy_exchange", "--port", str(port), "--rate", str(options.rate),
             "--markets", str(options.markets), "--intervals", INTERVALS, "--times", times,
             "--seconds", str(options.seconds + 180)], OTHER_CORE,
        )  # fmt: skip
        try:
            exchange.line()
            with server.client(socket_timeout=None) as redis:
                return Run(options, redis, server.url, port, times).go()
        finally:
            exchange.end()


class Sample(NamedTuple):
    """What the feed had used so far."""

    at_s: float
    cpu_s: float
    rss_mb: float
    messages: int


class Run:
    def __init__(
        self, options: argparse.Namespace, redis: Redis, redis_url: str, port: int, times: str
    ) -> None:
        self._options, self._redis = options, redis
        self._url = f"http://127.0.0.1:{port}"
        self._symbols = symbols_of(options.markets)
        self._watch = Watch(redis, self._symbols, open_times(Path(times), options.markets))
        self._env = {
            "REDIS_URL": redis_url,
            "BINANCE_WS_URL": f"ws://127.0.0.1:{port}",
            "BINANCE_REST_URL": self._url,
            "SYMBOLS": ",".join(self._symbols),
            "INTERVALS": INTERVALS,
        }

    def go(self) -> dict[str, Found]:
        """The figures; `wrong` counts all that must not be, no closed candle at all as one."""
        yardstick_us = self._yardstick()
        command = ["live_candles.py"]
        if self._options.profile:
            command = ["-m", "cProfile", "-o", self._options.profile, *command]
        feed = Process(command, FEED_CORE, **self._env)
        try:
            wait_for(lambda: self._beat().get("messages"), 30, "the feed's first messages")
            time.sleep(WARM_UP_S)
            samples = self._measure(feed)
            requests.get(f"{self._url}/rate?per_s=0", timeout=5)
            time.sleep(CALM_S)
            beat, rss_mb = self._beat(), feed.rss_mb
            wrong, closed = self._compare()
        finally:
            feed.end()
        self._report(samples, yardstick_us, rss_mb)
        print(f"closed candles         {closed:,}, not exact {wrong}")
        print(
            f"trades                 missing {self._watch.missing}, "
            f"told twice {self._watch.doubled}"
        )
        beat.pop("last_event_ms", None)
        print(f"the feed says          {beat}")
        bad = wrong + self._watch.missing + self._watch.doubled + (not closed)
        return self._figures(samples, yardstick_us) | {"wrong": Found(bad)}

    def _figures(self, samples: list[Sample], yardstick_us: float) -> dict[str, Found]:
        share, cost_us = used(samples)
        return {
            "p99": Found(quantile(self._watch.lags[LIVE_PRICE], 0.99)),
            "cpu": Found(100 * share),
            "cost": Found(cost_us, yardstick_us, cost_us / yardstick_us),
        }

    def _measure(self, feed: Process) -> list[Sample]:
        """Now and again."""
        started_s, samples = time.monotonic(), list[Sample]()
        self._watch.is_measuring = True
        while (passed_s := time.monotonic() - started_s) <= self._options.seconds:
            messages = self._beat().get("messages", 0)
            samples.append(Sample(passed_s, feed.cpu_s, feed.rss_mb, messages))
            time.sleep(SAMPLE_S)
        self._watch.is_measuring = False
        return samples

    def _yardstick(self) -> float:
        """CPU time of a bare receiver, µs a message."""
        receiver = Process(
            ["-m", "bench.parts.bare_receiver", self._env["BINANCE_WS_URL"],
             str(self._options.markets), INTERVALS, str(YARDSTICK_S)], FEED_CORE,
        )  # fmt: skip
        messages, cpu_s = receiver.line().split()
        receiver.end()
        rate = int(messages) / YARDSTICK_S
        print(
            f"bare receiver          {rate:,.0f} messages/s, {float(cpu_s) / YARDSTICK_S:.1%} CPU"
        )
        return float(cpu_s) / int(messages) * 1e6

    def _beat(self) -> dict[str, Any]:
        for name, beat in roles.heartbeats(self._redis).items():
            if name.startswith("feed"):
                return dict(beat.detail)
        return {}

    def _compare(self) -> tuple[int, int]:
        """How many closed candles differ from the truth, of how many, since the feed knew them."""
        until_ms = time.time_ns() // 1_000_000 - round(CALM_S * 500)
        truth = requests.get(f"{self._url}/truth", timeout=60).json()
        wrong = closed = 0
        for symbol in self._symbols:
            for interval, rows in truth[symbol].items():
                key = keys.pending(parse_series(symbol, interval))
                members: Any = self._redis.zrange(key, 0, -1)
                found = [live_from_json(one) for one in members]
                if not found:
                    continue
                held = {one.open_ms: one for one in found}
                for row in rows:
                    if found[0].open_ms < row[0] and row[6] < until_ms:
                        closed += 1
                        is_wrong = row[0] not in held or not is_equal(held[row[0]], row)
                        if is_wrong and wrong < SHOWN:
                            print(f"wrong: {key} {row}\n       {held.get(row[0])}")
                        wrong += is_wrong
        return wrong, closed

    def _report(self, samples: list[Sample], yardstick_us: float, rss_mb: float) -> None:
        share, cost_us = used(samples)
        first, last = samples[0], samples[-1]
        seconds = last.at_s - first.at_s
        per_s = (last.messages - first.messages) / seconds
        print(f"feed                   {per_s:,.0f} messages/s, {share:.1%} CPU")
        print(
            f"CPU a message          {cost_us:.0f} µs, bare {yardstick_us:.0f} µs: "
            f"{cost_us / yardstick_us:.1f} times"
        )
        most = max(sample.rss_mb for sample in samples)
        print(
            f"memory, MB             start {first.rss_mb:.0f}, end {last.rss_mb:.0f}, "
            f"most {most:.0f}, calm again {rss_mb:.0f}"
        )
        for name, pause in ((LIVE_PRICE, "125"), (LIVE_CANDLE, "500")):
            lags = self._watch.lags[name]
            told = self._watch.events[name] / seconds
            print(
                f"{name:22} {told:,.0f} a second; lag of {lags.total():,} trades, ms: p50 "
                f"{quantile(lags, 0.5)}, p99 {quantile(lags, 0.99)}, worst {max(lags, default=0)} "
                f"(of it up to {pause} waited on purpose)"
            )


def used(samples: Sequence[Sample]) -> tuple[float, float]:
    """The share of a core that the feed took, and µs a message."""
    first, last = samples[0], samples[-1]
    cpu_s = last.cpu_s - first.cpu_s
    messages = max(1, last.messages - first.messages)
    return cpu_s / (last.at_s - first.at_s), cpu_s / messages * 1e6


def is_equal(candle: Any, row: list[Any]) -> bool:
    """Every field, as the exchange knows it; a quote volume may be called unknown."""
    names = (
        "open",
        "high",
        "low",
        "close",
        "volume",
        "quote_volume",
        "taker_volume",
        "taker_quote_volume",
    )
    texts = [canonical(row[at]) for at in (1, 2, 3, 4, 5, 7, 9, 10)]
    ids = (candle.trades, candle.first_id, candle.last_id) == (row[8], row[12], row[13])
    found = [getattr(candle, name) for name in names]
    are_equal = all(one in (None, text) for one, text in zip(found, texts, strict=True))
    return candle.is_exact and ids and are_equal


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rate", type=float, default=5_000)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--markets", type=int, default=50)
    parser.add_argument("--profile", help="a file for cProfile's figures of the feed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
