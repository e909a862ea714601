"""From a candle's close on the exchange to its official version: on the chart, and of 200 markets.

    .venv/bin/python -m bench.close_to_official [--markets 200] [--minutes 2]

First three markets: a page in Chromium shows a chart of seconds, and notes in each frame which
candles have become official. Then so many markets at six intervals, the simulated exchange among
them: who listens to Redis notes when each market's candle of a minute is told as official. All
clocks are this machine's, and the exchange's candles settle for `SETTLE_MS` before they are asked
for.

Never here: whether the candles are right (`demo_soak`, tests).
Invariant: a candle counts once, when it is official for the first time, if it closed while all was
followed; one that did not come counts as late as it was waited for.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from bench.parts.machine import cpu_s, memory_mb
from bench.parts.targets import Figures, Found, Target, judge
from tests.support.chromium import chromium
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.whole_system import COMMANDS, System
from truecandle.candles.interval import MINUTE_MS, SECOND_MS
from truecandle.events import DATA_UPDATED, from_message
from truecandle.store.channel import Channel

SIX = "1m,5m,15m,1h,4h,1d"
SETTLE_MS = 3_000
CHART_S = 20.0
#: So long after a close its official version is waited for.
LATE_S = 40.0
FOLLOWED_LIMIT_S = 420.0
MARKETS = 200
TARGETS = {
    "chart": Target(
        "close on the exchange → official candle on the chart, p50 after it has settled", "ms",
        1_000, at_most=True,
    ),
    "p50": Target(
        "200 markets × 6: close → official of 1m, p50 after it has settled", "ms", 1_000,
        at_most=True,
    ),
    "p99": Target("the same, p99", "ms"),
}  # fmt: skip
#: In every frame: which candles of seconds are official, and since when.
HOOK = """(() => {
  const seen = (globalThis.seen = new Map());
  const look = () => {
    requestAnimationFrame(look);
    const now = performance.timeOrigin + performance.now();
    for (const bar of globalThis.truecandle?.bars().slice(-20) ?? []) {
      if (bar.state === "final" && !seen.has(bar.time)) seen.set(bar.time, now);
    }
  };
  look();
})()"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--markets", type=int, default=MARKETS)
    parser.add_argument("--minutes", type=int, default=2)
    given = parser.parse_args()
    return judge(TARGETS, {**on_the_chart(), **of_many(given.markets, given.minutes)})


def short() -> Figures:
    """For `make bench`: two minutes and a half."""
    return {**on_the_chart(), **of_many(MARKETS, minutes=1)}


def on_the_chart() -> Figures:
    with (
        started(["BTCUSDT", "ETHUSDT", "SOLUSDT"], "1s,1m") as system,
        chromium() as browser,
    ):
        wait_for(system.is_ready, FOLLOWED_LIMIT_S, "/readyz")
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.add_init_script(HOOK)
        page.goto(f"{system.url}/?symbol=BTCUSDT&interval=1s")
        wait_for(lambda: page.evaluate("globalThis.seen.size") > 20, what="official seconds")
        began_ms = time.time() * 1000
        page.wait_for_timeout(CHART_S * 1000)
        seen = page.evaluate("[...globalThis.seen]")
    late_ms = [at - open_ms - SECOND_MS - SETTLE_MS for open_ms, at in seen if open_ms > began_ms]
    print(f"chart of seconds: {len(late_ms)} candles, ms after {SETTLE_MS}: {said(late_ms)}")
    return {"chart": Found(middle(late_ms, 0.5))}


def of_many(markets: int, minutes: int) -> dict[str, Found]:
    late_ms, _ = measured(markets, minutes)
    return {"p50": Found(middle(late_ms, 0.5)), "p99": Found(middle(late_ms, 0.99))}


def measured(markets: int, minutes: int) -> tuple[list[float], dict[str, tuple[float, float]]]:
    """How late each market's candles of a minute were; of each process the share of a core that
    it took meanwhile, and its memory in MB."""
    symbols = [f"M{number:03d}USDT" for number in range(markets)]
    with (
        started(symbols, SIX) as system,
        system.redis.client(socket_timeout=None) as redis,
    ):
        wait_for(lambda: followed(redis) == 6 * markets, FOLLOWED_LIMIT_S, "all followed")
        first_ms = (int(time.time() * 1000) // MINUTE_MS + 1) * MINUTE_MS
        late_ms, used = listen(system, redis, symbols, first_ms, minutes)
    print(f"{markets} markets: {len(late_ms)} candles, ms after {SETTLE_MS}: {said(late_ms)}")
    return late_ms, used


def listen(
    system: System, redis: Redis, symbols: Sequence[str], first_ms: int, minutes: int
) -> tuple[list[float], dict[str, tuple[float, float]]]:
    """Hears what is told of the candles that close from `first_ms` on."""
    closes = [first_ms + number * MINUTE_MS for number in range(minutes)]
    until_ms = closes[-1] + SETTLE_MS + LATE_S * 1000
    told: dict[tuple[str, int], float] = {}
    pubsub = redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
    pubsub.subscribe(Channel(redis).name())
    pids = {name: role.pid for name, role in system.roles.items()}
    pids["redis"] = system.redis.pid or 0
    before = {name: cpu_s(pid) for name, pid in pids.items()}
    began_s = time.monotonic()
    while time.time() * 1000 < until_ms and len(told) < len(symbols) * minutes:
        message = pubsub.get_message(timeout=0.5)
        for event in from_message(message["data"]) if message else ():
            if event.name != DATA_UPDATED:
                continue
            payload = json.loads(event.payload)
            close_ms = (payload["to"] or 0) + MINUTE_MS
            if payload["interval"] == "1m" and close_ms in closes:
                told.setdefault((payload["symbol"], close_ms), time.time() * 1000)
    pubsub.close()
    took_s = time.monotonic() - began_s
    used = {
        name: ((cpu_s(pid) - before[name]) / took_s, memory_mb(pid)) for name, pid in pids.items()
    }
    whole = [(symbol, close_ms) for symbol in symbols for close_ms in closes]
    return [told.get(one, until_ms) - one[1] - SETTLE_MS for one in whole], used


def followed(redis: Redis) -> int:
    """Of how many series there are official candles."""
    return sum(1 for _ in redis.scan_iter("klines_z:M*", count=10_000))


@contextmanager
def started(symbols: Sequence[str], intervals: str) -> Iterator[System]:
    """A whole system that follows these markets of the simulated exchange."""
    with tempfile.TemporaryDirectory() as folder:
        system = System(
            Path(folder), Roles(), ",".join(symbols), PUBLIC_READS="1",
            INTERVALS=intervals, HISTORY_CANDLES="100",
        )  # fmt: skip
        try:
            for role in ("redis", "sim", *COMMANDS):
                system.start(role)
            yield system
        finally:
            system.close()


def middle(late_ms: Sequence[float], share: float) -> float:
    ordered = sorted(late_ms)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def said(late_ms: Sequence[float]) -> str:
    shares = (0.5, 0.9, 0.99)
    return ", ".join(f"p{100 * one:.0f} {middle(late_ms, one):,.0f}" for one in shares)


if __name__ == "__main__":
    sys.exit(main())
