"""What scrolling back costs a browser: 100,000 candles with live ticks, in a real Chromium.

    python -m bench.page_scroll [--candles 100000]

Never here: opening the page (`page_load`), what its candles are (`tests/e2e/test_history.py`).
Invariant: the page is scrolled by its wheel alone, and asked for nothing dear while it is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import redis

from tests.support.chromium import chromium
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.whole_system import COMMANDS, System

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CANDLES = 100_000
#: How far a turn of the wheel scrolls, in px of the wheel; a reader who flings does about that.
WHEEL_PX = -2_000
#: The category of Chromium's traces that has every task of every thread.
TASKS = "disabled-by-default-devtools.timeline"
SCROLL_LIMIT_S = 400.0
STORE_LIMIT_S = 600.0
HANDS_OFF_S = 10.0
#: In the page, all the time: every task over 50 ms, and how long each frame was on screen.
WATCH = """
globalThis.seen = {tasks: [], frames: []};
new PerformanceObserver((list) => {
  for (const {duration} of list.getEntries()) seen.tasks.push(duration);
}).observe({type: "longtask"});
let beforeMs = performance.now();
const look = (nowMs) => {
  seen.frames.push(nowMs - beforeMs);
  beforeMs = nowMs;
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


@dataclass
class Phase:
    """What the page went through in one stretch of time."""

    name: str
    seconds: float
    tasks: list[float]
    frames: list[float]
    requests: int
    heap_mb: float
    #: The longest task by the time that its thread really had, whatever else the machine did.
    cpu_ms: float

    def line(self) -> str:
        fps = len(self.frames) / max(0.001, sum(self.frames) / 1000)
        late = [frame for frame in self.frames if frame > 50]
        return (
            f"{self.name:<22} {self.seconds:6.1f} {self.requests:8d} {len(self.tasks):6d} "
            f"{max(self.tasks, default=0):8.0f} {self.cpu_ms:7.0f} "
            f"{len(late):6d} {max(self.frames, default=0):8.0f} "
            f"{fps:5.1f} {self.heap_mb:6.1f}"
        )


class Reader:
    """A page at its newest candle, whose reader scrolls."""

    def __init__(self, browser: Browser, page: Page) -> None:
        self.page = page
        self._browser = browser
        self._cdp = page.context.new_cdp_session(page)
        self._requests = 0
        page.on("request", self._asked)

    def held(self) -> int:
        return int(self.page.evaluate("truecandle.state().bars"))

    def scroll_until(self, candles: int) -> None:
        """Wheels on for as long as older candles come."""
        deadline = time.monotonic() + SCROLL_LIMIT_S
        while self.held() < candles:
            assert time.monotonic() < deadline, f"only {self.held()} candles after all that time"
            self.page.mouse.wheel(WHEEL_PX, 0)

    def phase(self, name: str, act: Any) -> Phase:
        """Does something and says what it cost."""
        self.page.evaluate("seen.tasks = []; seen.frames = []")
        before, began = self._requests, time.monotonic()
        self._browser.start_tracing(page=self.page, categories=[TASKS])
        act()
        seconds = time.monotonic() - began
        seen = self.page.evaluate("seen")
        cpu_ms = longest_ms(json.loads(self._browser.stop_tracing()))
        return Phase(
            name, seconds, seen["tasks"], seen["frames"], self._requests - before,
            self._heap_mb(), cpu_ms,
        )  # fmt: skip

    def _heap_mb(self) -> float:
        self._cdp.send("HeapProfiler.collectGarbage")
        return float(self._cdp.send("Runtime.getHeapUsage")["usedSize"]) / 1e6

    def _asked(self, request: Any) -> None:
        if "/data?" in request.url:
            self._requests += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candles", type=int, default=CANDLES)
    candles = parser.parse_args().candles
    with tempfile.TemporaryDirectory() as folder:
        system = System(
            Path(folder), Roles(), "BTCUSDT",
            INTERVALS="1m", HISTORY_CANDLES=str(candles), PUBLIC_READS="1",
        )  # fmt: skip
        try:
            for role in ("redis", "sim", *COMMANDS):
                system.start(role)
            wait_for(lambda: is_stored(system, candles), STORE_LIMIT_S, f"{candles} candles")
            wait_for(system.is_ready, what="/readyz")
            measure(system.url, candles)
        finally:
            system.close()


def is_stored(system: System, candles: int) -> bool:
    with redis.Redis.from_url(system.redis.url) as store:
        return any(int(store.zcard(key)) >= candles for key in store.scan_iter("klines_z:*"))


def measure(url: str, candles: int) -> None:
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    columns = "s  requests  tasks  longest  by CPU   late    worst   fps   heap"
    print(f"{'':<22}      {columns}")
    with chromium() as browser:
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.add_init_script(WATCH)
        page.goto(url)
        wait_for(lambda: page.evaluate("globalThis.truecandle?.state().bars ?? 0") > 400, 60)
        page.mouse.move(600, 350)
        reader = Reader(browser, page)
        pause = HANDS_OFF_S * 1000
        for name, act in (
            ("500 candles, hands off", lambda: page.wait_for_timeout(pause)),
            (f"scroll to {candles}", lambda: reader.scroll_until(candles)),
            ("there, hands off", lambda: page.wait_for_timeout(pause)),
            ("to now, hands off", lambda: to_now(page, pause)),
        ):
            print(reader.phase(name, act).line(), flush=True)
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")


def longest_ms(trace: Any) -> float:
    """The longest task of the page's main thread, in ms of its own CPU time."""
    events = trace["traceEvents"]
    main = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = (
        event.get("tdur", 0)
        for event in events
        if event["name"] == "RunTask" and (event["pid"], event["tid"]) in main
    )
    return float(max(tasks, default=0)) / 1000


def to_now(page: Page, pause: float) -> None:
    page.locator("#to-now").click()
    page.wait_for_timeout(pause)


if __name__ == "__main__":
    main()
