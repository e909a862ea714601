"""What several charts cost a browser: four beside each other for minutes, beside one for as long,
each with five studies.

    python -m bench.page_panes [--minutes 10]

Never here: opening the page (`page_load`), scrolling (`page_scroll`), whether candles are right.
Invariant: nobody touches the page while it is measured, and all charts are over one socket.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.parts.five_studies import CHOOSE, STUDIES, are_done
from bench.parts.watched_page import Seen, WatchedPage, said_load
from tests.support.chromium import chromium
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.whole_system import System

if TYPE_CHECKING:
    from playwright.sync_api import Browser

MINUTES = 10.0
MARKETS = "BTCUSDT,ETHUSDT,SOLUSDT,PEPEUSDT"
COUNTS = (1, 4)
#: The heap may not grow by more than this from the second minute on.
GROWTH_MB_MAX = 10.0
SETTLE_S = 60.0
IS_LIVE = """(count) => {
  const panes = globalThis.truecandle?.panes() ?? [];
  return panes.length === count && panes.every((pane) => pane.bars().length > 100
    && pane.state().link.kind === 'up');
}"""


@dataclass(frozen=True)
class Cost:
    """What so many charts cost in so many seconds; `busy_s` is all that the main thread did."""

    charts: int
    seconds: float
    busy_s: float
    script_s: float
    seen: Seen
    heap_mb: tuple[float, float]
    sockets: int

    def line(self) -> str:
        before, after = self.heap_mb
        return (
            f"{self.charts:6d} {self.seconds:8.0f} {100 * self.busy_s / self.seconds:6.1f} "
            f"{100 * self.script_s / self.seconds:7.1f} {self.seen.fps:6.1f} {self.seen.late:6d} "
            f"{self.seen.worst_ms:8.0f} {len(self.seen.tasks):6d} "
            f"{self.seen.longest_ms:8.0f} {before:6.1f} {after:6.1f} {self.sockets:8d}"
        )


class Onlooker:
    """A browser of its own with so many charts, that looks on."""

    def __init__(self, browser: Browser, url: str, charts: int) -> None:
        self.charts = charts
        self.sockets = 0  # at most at once: one that was lost is followed by another
        self._open = 0
        many = f"&charts={charts}" if charts > 1 else ""
        self.watched = WatchedPage(
            browser, f"{url}/?symbol=BTCUSDT&interval=1m{many}", CHOOSE, on_socket=self._opened
        )
        page = self.watched.page
        wait_for(lambda: page.evaluate(IS_LIVE, charts), 60, f"{charts} live charts")
        are_done(page, len(STUDIES))

    def cost(self, seconds: float) -> Cost:
        watched = self.watched
        watched.page.wait_for_timeout(SETTLE_S * 1000)
        heap = watched.heap_mb()
        watched.forget()
        before, began = watched.metrics(), time.monotonic()
        watched.page.wait_for_timeout(seconds * 1000)
        took, after = time.monotonic() - began, watched.metrics()
        seen = watched.seen()
        return Cost(
            self.charts, took, after["TaskDuration"] - before["TaskDuration"],
            after["ScriptDuration"] - before["ScriptDuration"], seen,
            (heap, watched.heap_mb()), self.sockets,
        )  # fmt: skip

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
    columns = "fps   late    worst  tasks  longest  heap before/after  sockets"
    print(f"charts        s  % CPU  script    {columns}")
    costs = []
    with said_load(), chromium() as browser:
        for charts in COUNTS:
            onlooker = Onlooker(browser, url, charts)
            costs.append(onlooker.cost(seconds))
            print(costs[-1].line(), flush=True)
            onlooker.watched.page.context.close()
    return costs


if __name__ == "__main__":
    main()
