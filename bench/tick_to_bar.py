"""From a tick on the exchange's socket to the bar that has moved in Chromium: how long, and where.

    .venv/bin/python -m bench.tick_to_bar [--ticks 1000]

A busy exchange sends trades of one market, each stamped with the millisecond of its send; the feed
and the web role are processes of their own; a page in headless Chromium shows 500 candles at 1m.
All clocks are this machine's. Twice: ticks some 300 ms apart, each alone and so not held up by the
throttle, and 19 a second, where a tick waits for the next `live_price` (one in 125 ms at most).
The pauses are no whole number of frames: else all ticks of a run would come at one moment of a
frame, and the run would tell that moment's luck.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import requests
from redis import Redis

from bench.parts.targets import Figures, Found, Target
from tests.support.chromium import chromium
from tests.support.loopback_ports import free_port
from tests.support.redis_server import RedisProc
from tests.support.role_processes import Role, Roles
from tests.support.waiting import wait_for
from truecandle.candles.interval import MINUTE_MS
from truecandle.candles.series import parse_series
from truecandle.events import LIVE_PRICE, from_message
from truecandle.feed.symbol_builder import PRICE_PAUSE_S
from truecandle.store import official
from truecandle.store.channel import Channel

SYMBOL = "LOAD00USDT"
CANDLES = 500
WARM_UP_S, AFTER_S = 5.0, 2.0
FRAMES_PER_S = 60
#: name, ticks a second
RUNS = (("306 ms apart", FRAMES_PER_S / 18.38), ("19 a second", FRAMES_PER_S / 3.15))
SHORT_PER_S, SHORT_TICKS = FRAMES_PER_S / 12.38, 200
STAGES = ("exchange to Redis (feed)", "Redis to page (web)", "page to frame", "tick to bar")

#: Notes when the page gets a price, and at which frame the bar of its last trade is drawn.
HOOK = """(() => {
  const now = () => performance.timeOrigin + performance.now();
  const noted = (globalThis.noted = {heard: [], drawn: []});
  globalThis.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({data}) => {
        const found = /"live_price".*"last_id":(\\d+)/.exec(data);
        if (found) noted.heard.push([Number(found[1]), now()]);
      });
    }
  };
  let last = -1;
  const look = () => {
    requestAnimationFrame(look);
    const page = globalThis.truecandle;
    const bar = page?.bars().at(-1);
    if (!(bar?.last_id > last) || page.drawn().tail.at(-1)?.close !== bar.close) return;
    last = bar.last_id;
    noted.drawn.push([last, now()]);
  };
  look();
})()"""


class Moments(NamedTuple):
    """When each trade id, and all before it, had come so far: ascending (id, ms)."""

    published: Sequence[tuple[int, float]]
    heard: Sequence[tuple[int, float]]
    drawn: Sequence[tuple[int, float]]


class Listener:
    """Hears in a thread what the feed publishes, and when, until the block ends."""

    def __init__(self, redis: Redis) -> None:
        self.published: list[tuple[int, float]] = []
        self._pubsub: Any = redis.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]
        self._pubsub.subscribe(Channel(redis).name())
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._listen)

    def __enter__(self) -> Listener:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _listen(self) -> None:
        while not self._is_over.is_set():
            message = self._pubsub.get_message(timeout=0.5)
            at_ms = time.time() * 1000
            if message is None:
                continue
            for sent in from_message(message["data"]):
                if sent.name == LIVE_PRICE:
                    self.published.append((orjson.loads(sent.payload)["last_id"], at_ms))


TARGETS = {
    "p50": Target("tick on the exchange → bar in Chromium, p50", "ms", 16, at_most=True),
    "p99": Target("the same, p99", "ms", 60, at_most=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--ticks", type=int, default=1_000, help="of each of the two runs")
    options = parser.parse_args()
    print(f"throttle: one live_price in {PRICE_PAUSE_S * 1000:.0f} ms at most, per market")
    for name, per_s in RUNS:
        ticks, moments = measured(per_s, options.ticks)
        print(f"\n{len(ticks)} ticks, {name}:  ms, p50 / p90 / p99 / max")
        for stage, times in zip(STAGES, stages(ticks, moments), strict=True):
            print(f"  {stage:26}" + "".join(f"{at:8.1f}" for at in percentiles(times)))


def short() -> Figures:
    """For `make bench`: ticks that no throttle holds up, for 50 s."""
    *_, times = stages(*measured(SHORT_PER_S, SHORT_TICKS))
    p50, _, p99, _ = percentiles(times)
    return {"p50": Found(p50), "p99": Found(p99)}


def measured(per_s: float, count: int) -> tuple[list[tuple[int, int]], Moments]:
    """The ticks (last id, ms of the send), and when each part had them."""
    roles = Roles()
    with tempfile.TemporaryDirectory() as scratch, RedisProc(Path(scratch)) as server:
        try:
            url, exchange = started(roles, server, Path(scratch), per_s, count)
            with server.client() as redis, Listener(redis) as listener, chromium() as browser:
                page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
                page.add_init_script(HOOK)
                page.goto(f"{url}/?symbol={SYMBOL}&interval=1m")
                shown = f"globalThis.truecandle?.bars().length > {CANDLES}"
                wait_for(lambda: page.evaluate(shown), what="a chart with a forming candle")
                page.wait_for_timeout(WARM_UP_S * 1000)
                start_ms = time.time() * 1000
                page.wait_for_timeout((count / per_s + AFTER_S) * 1000)
                noted = page.evaluate("globalThis.noted")
                ticks = [tick for tick in sent(exchange) if tick[1] >= start_ms][:count]
                return ticks, Moments(listener.published, noted["heard"], noted["drawn"])
        finally:
            roles.end()


def started(
    roles: Roles, server: RedisProc, scratch: Path, per_s: float, count: int
) -> tuple[str, str]:
    """The web role's and the exchange's address, with history stored and a feed at work."""
    port, web_port = free_port(), free_port()
    life_s = count / per_s + 120
    roles.start("exchange", [
        "-m", "bench.parts.busy_exchange", "--port", str(port), "--rate", str(per_s),
        "--markets", "1",
        "--intervals", "1m", "--times", str(scratch / "times"), "--seconds", str(life_s),
    ]).wait_for_line("ready")  # fmt: skip
    exchange = f"http://127.0.0.1:{port}"
    wait_for(lambda: sent(exchange), what="a first tick")
    with server.client() as redis:
        now_ms, series = time.time_ns() // 1_000_000, parse_series(SYMBOL, "1m")
        official.upsert_klines(redis, series, history(exchange), now_ms=now_ms, settle_ms=0)
    env = {
        "REDIS_URL": server.url, "BINANCE_REST_URL": exchange, "SYMBOLS": SYMBOL, "INTERVALS": "1m",
        "BINANCE_WS_URL": exchange.replace("http", "ws"), "PORT": str(web_port), "SIMULATED": "1",
        "VAR_DIR": str(scratch / "var"), "PUBLIC_READS": "1",
    }  # fmt: skip
    roles.start("feed", ["live_candles.py"], env)
    web = roles.start("web", ["app.py"], env)
    wait_for(lambda: answers(web, web_port), 40, "the web role")
    return f"http://127.0.0.1:{web_port}", exchange


def answers(web: Role, port: int) -> bool:
    assert web.alive(), web.output
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok
    except requests.ConnectionError:
        return False


def sent(exchange: str) -> list[tuple[int, int]]:
    """All ticks sent so far: (last trade id, ms)."""
    ticks: list[tuple[int, int]] = []
    query: dict[str, str | int] = {"symbol": SYMBOL, "fromId": 1, "limit": 1_000}
    while rows := requests.get(f"{exchange}/api/v3/aggTrades", query, timeout=5).json():
        ticks += [(row["l"], row["T"]) for row in rows]
        query["fromId"] = rows[-1]["a"] + 1
    return ticks


def history(exchange: str) -> list[list[int | str]]:
    """Closed candles at the market's price, up to now."""
    query = {"symbol": SYMBOL, "interval": "1m"}
    row = requests.get(f"{exchange}/api/v3/klines", query, timeout=5).json()[-1]
    opens = range(row[0] - CANDLES * MINUTE_MS, row[0], MINUTE_MS)
    price = row[1]
    return [
        [at, price, price, price, price, "1", at + MINUTE_MS - 1, price, 1, "0", "0", "0"]
        for at in opens
    ]


def stages(ticks: list[tuple[int, int]], moments: Moments) -> Iterator[list[float]]:
    """For each of `STAGES` how long it took each tick, in ms."""
    arrivals = [[reached(line, last_id) for last_id, _ in ticks] for line in moments]
    path = [[float(at_ms) for _, at_ms in ticks], *arrivals]
    for before, after in pairwise(path):
        yield [b - a for a, b in zip(before, after, strict=True)]
    yield [b - a for a, b in zip(path[0], path[-1], strict=True)]


def reached(line: Sequence[tuple[int, float]], last_id: int) -> float:
    return next(at_ms for found, at_ms in line if found >= last_id)


def percentiles(times: list[float]) -> list[float]:
    ordered = sorted(times)
    return [*(ordered[int(share * len(ordered))] for share in (0.5, 0.9, 0.99)), ordered[-1]]


if __name__ == "__main__":
    main()
