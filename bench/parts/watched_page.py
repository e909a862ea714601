"""A page in Chromium that is watched all the time: its long tasks, its frames, its heap.

Never here: what is done on the page, the tables that benches print.
Invariant: the page is asked for nothing dear while it is measured.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: A frame that takes longer is late: three of a screen's.
LATE_MS = 50
#: The category of Chromium's traces that has every task of every thread.
TASKS = "disabled-by-default-devtools.timeline"
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
OPEN_LIMIT_S = 60.0


@dataclass(frozen=True)
class Seen:
    """What the page itself saw in one stretch of time, in ms."""

    tasks: list[float]
    frames: list[float]

    @property
    def fps(self) -> float:
        return len(self.frames) / max(0.001, sum(self.frames) / 1000)

    @property
    def late(self) -> int:
        return sum(frame > LATE_MS for frame in self.frames)

    @property
    def worst_ms(self) -> float:
        return max(self.frames, default=0.0)

    @property
    def longest_ms(self) -> float:
        return max(self.tasks, default=0.0)


@dataclass(frozen=True)
class Phase:
    """What the page went through while something was done."""

    name: str
    seconds: float
    seen: Seen
    requests: int
    heap_mb: float
    #: The longest tasks by the time that their thread really had, whatever else the machine did.
    cpu_ms: list[float]

    HEADER: ClassVar = (
        f"{'':<22}      s  requests  tasks  longest  by CPU   late    worst   fps   heap"
    )

    def line(self) -> str:
        return (
            f"{self.name:<22} {self.seconds:6.1f} {self.requests:8d} {len(self.seen.tasks):6d} "
            f"{self.seen.longest_ms:8.0f} {max(self.cpu_ms, default=0):7.0f} "
            f"{self.seen.late:6d} {self.seen.worst_ms:8.0f} "
            f"{self.seen.fps:5.1f} {self.heap_mb:6.1f}"
        )


class WatchedPage:
    """A browser of its own, watched from before its page is opened on; `scripts` run there too."""

    def __init__(
        self,
        browser: Browser,
        url: str,
        *scripts: str,
        on_socket: Callable[[Any], None] = lambda _socket: None,
    ) -> None:
        self.page: Page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        self._browser = browser
        self._cdp = self.page.context.new_cdp_session(self.page)
        self._cdp.send("Performance.enable")
        self._requests = 0
        self.page.on("request", self._asked)
        self.page.on("websocket", on_socket)
        for script in (WATCH, *scripts):
            self.page.add_init_script(script)
        self.page.goto(url)

    def wait_for_candles(self, count: int) -> None:
        wait_for(lambda: self.held() >= count, OPEN_LIMIT_S, f"{count} candles")

    def held(self) -> int:
        return int(self.page.evaluate("globalThis.truecandle?.state().bars ?? 0"))

    def forget(self) -> None:
        self.page.evaluate("seen.tasks = []; seen.frames = []")

    def seen(self) -> Seen:
        """Since the page was opened or last told to forget."""
        return Seen(**self.page.evaluate("seen"))

    def phase(self, name: str, act: Callable[[], object]) -> Phase:
        """Does something and says what it cost."""
        self.forget()
        before, began = self._requests, time.monotonic()
        self._browser.start_tracing(page=self.page, categories=[TASKS])
        act()
        seconds, seen = time.monotonic() - began, self.seen()
        cpu_ms = longest_ms(json.loads(self._browser.stop_tracing()))
        return Phase(name, seconds, seen, self._requests - before, self.heap_mb(), cpu_ms)

    def heap_mb(self) -> float:
        self._cdp.send("HeapProfiler.collectGarbage")
        return float(self._cdp.send("Runtime.getHeapUsage")["usedSize"]) / 1e6

    def metrics(self) -> dict[str, float]:
        """Chromium's own sums over the page's life, `TaskDuration` and others, in seconds."""
        told = self._cdp.send("Performance.getMetrics")["metrics"]
        return {one["name"]: float(one["value"]) for one in told}

    def _asked(self, request: Any) -> None:
        if "/data?" in request.url:
            self._requests += 1


def longest_ms(trace: Any, count: int = 5) -> list[float]:
    """The longest tasks of the page's main thread, longest first, in ms of their own CPU time."""
    events = trace["traceEvents"]
    main = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    tasks = (
        event.get("tdur", 0) / 1000
        for event in events
        if event["name"] == "RunTask" and (event["pid"], event["tid"]) in main
    )
    return sorted(tasks, reverse=True)[:count]


@contextmanager
def said_load() -> Iterator[None]:
    """Prints how much else the machine had to do, before and after."""
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    yield
    print(f"load of the machine: {os.getloadavg()[0]:.1f}")
