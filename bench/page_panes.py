"""What several charts cost a browser: four beside each other for minutes, beside one for as long,
each with five studies.

    python -m bench.page_panes [--minutes 10]

Never here: opening the page (`page_load`), scrolling (`page_scroll`), whether candles are right.
Invariant: nobody touches the page while it is measured, and all charts are over one socket.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.study_cost import CHOOSE, STUDIES
from tests.support.chromium import chromium
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MINUTES = 10.0
MARKETS = "BTCUSDT,ETHUSDT,SOLUSDT,PEPEUSDT"
COUNTS = (1, 4)
#: Frames that take longer than this are counted as late: three of a screen's.
LATE_MS = 50
#: The heap may not grow by more than this from the second minute on.
GROWTH_MB_MAX = 10.0
SETTLE_S = 60.0
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
IS_LIVE = """(count) => {
  const panes = globalThis.truecandle?.panes() ?? [];
  return panes.length === count && panes.every((pane) => pane.bars().length > 100
    && pane.state().link.kind === 'up');
}"""
#: In the page: true when each chart has so many studies, all of them worked out.
ARE_DRAWN = """async (count) => {
  const all = await Promise.all(truecandle.panes().map((pane) => pane.studies()));
  return all.every((studies) => studies.length === count && studies.every((one) => one.isDone));
}"""


@dataclass(frozen=True)
class Cost:
    """What so many charts cost in so many seconds; `busy_s` is all that the main thread did."""

    charts: int
    seconds: float
    busy_s: float
    script_s: float
    frames: list[float]
    tasks: list[float]
    heap_mb: tuple[float, float]
    sockets: int

    def line(self) -> str:
        fps = len(self.frames) / max(0.001, sum(self.frames) / 1000)
        late = [frame for frame in self.frames if frame > LATE_MS]
        before, after = self.heap_mb
        return (
            f"{self.charts:6d} {self.seconds:8.0f} {100 * self.busy_s / self.seconds:6.1f} "
            f"{100 * self.script_s / self.seconds:7.1f} {fps:6.1f} {len(late):6d} "
            f"{max(self.frames, default=0):8.0f} {len(self.tasks):6d} "
            f"{max(self.tasks, default=0):8.0f} {before:6.1f} {after:6.1f} {self.sockets:8d}"
        )


class Reader:
    """A browser of its own with so many charts, that looks on."""

    def __init__(self, browser: Browser, url: str, charts: int) -> None:
        self.charts = charts
        self.page: Page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        self.sockets = 0  # at most at once: one that was lost is followed by another
        self._open = 0
        self.page.on("websocket", self._opened)
        self._cdp = self.page.context.new_cdp_session(self.page)
        self._cdp.send("Performance.enable")
        self.page.add_init_script(WATCH)
        self.page.add_init_script(CHOOSE)
        many = f"&charts={charts}" if charts > 1 else ""
        self.page.goto(f"{url}/?symbol=BTCUSDT&interval=1m{many}")
        wait_for(lambda: self.page.evaluate(IS_LIVE, charts), 60, f"{charts} live charts")
        wait_for(lambda: self.page.evaluate(ARE_DRAWN, len(STUDIES)), 60, "studies on each chart")

    def cost(self, seconds: float) -> Cost:
        self.page.wait_for_timeout(SETTLE_S * 1000)
        heap = self._heap_mb()
        self.page.evaluate("seen.tasks = []; seen.frames = []")
        before, began = self._metrics(), time.monotonic()
        self.page.wait_for_timeout(seconds * 1000)
        took, after = time.monotonic() - began, self._metrics()
        seen = self.page.evaluate("seen")
        return Cost(
            self.charts, took, after["TaskDuration"] - before["TaskDuration"],
            after["ScriptDuration"] - before["ScriptDuration"], seen["frames"], seen["tasks"],
            (heap, self._heap_mb()), self.sockets,
        )  # fmt: skip

    def _metrics(self) -> dict[str, float]:
        told = self._cdp.send("Performance.getMetrics")["metrics"]
        return {one["name"]: float(one["value"]) for one in told}

    def _heap_mb(self) -> float:
        self._cdp.send("HeapProfiler.collectGarbage")
        return float(self._cdp.send("Runtime.getHeapUsage")["usedSize"]) / 1e6

    def _opened(self, socket: Any) -> None:
        self._open += 1
        self.sockets = max(self.sockets, self._open)
        socket.on("close", self._closed)

    def _closed(self, _socket: Any) -> None:
        self._open -= 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    seconds = parser.parse_args().minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        system = System(
            Path(folder), Roles(), MARKETS, HISTORY_CANDLES="600", PUBLIC_READS="1"
        )  # fmt: skip
        try:
            system.open()
            costs = measure(system.url, seconds)
        finally:
            system.close()
    grown = [cost for cost in costs if cost.heap_mb[1] - cost.heap_mb[0] > GROWTH_MB_MAX]
    lonely = [cost for cost in costs if cost.sockets != 1]
    if grown or lonely:
        raise SystemExit("the heap grows, or more than one socket was open at once")


def measure(url: str, seconds: float) -> list[Cost]:
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    columns = "fps   late    worst  tasks  longest  heap before/after  sockets"
    print(f"charts        s  % CPU  script    {columns}")
    costs = []
    with chromium() as browser:
        for charts in COUNTS:
            reader = Reader(browser, url, charts)
            costs.append(reader.cost(seconds))
            print(costs[-1].line(), flush=True)
            reader.page.context.close()
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
    return costs


if __name__ == "__main__":
    main()
