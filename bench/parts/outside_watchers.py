"""Those who look at a running system from outside: over HTTP, in a browser, at its processes.

Never here: what stands in Redis and what events say (`candle_watcher`), disturbing anything.
Invariant: what is remembered is bounded.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import requests

from bench.parts.candle_watcher import CandleWatcher, now_ms
from tests.support.chromium import chromium
from tests.support.whole_system import System
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
#: A market is not called live when a trade has been missing for longer: its last one is 10 s old.
LIVE_MAX_MS = 13_000
PAGE_EVERY_S = 1.0


class Web(threading.Thread):
    """Reads every series over HTTP in turn, and each market's freshness once a second."""

    def __init__(self, system: System, watcher: CandleWatcher, token: str) -> None:
        super().__init__(name="web", daemon=True)
        self.stopping = threading.Event()
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.states: dict[str, list[tuple[int, str, str]]] = {symbol: [] for symbol in SYMBOLS}
        self._url = system.url
        self._sights = watcher.sights
        self._series = [sight.series for sight in watcher.sights.values()]
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {token}"

    def run(self) -> None:
        for number in itertools.count():
            began_s = time.monotonic()
            self._look(self._series[number % len(self._series)])
            if number % 3 == 0:
                self._freshness(SYMBOLS[number // 3 % len(SYMBOLS)])
            if self.stopping.wait(max(0.0, 0.11 - (time.monotonic() - began_s))):
                return

    def is_fresh(self) -> bool:
        """Whether every market's candles are said to be fresh."""
        bodies = [self._get("/live-candle", Series(one, INTERVALS["1s"])) for one in SYMBOLS]
        return all(one and one["freshness"]["state"] in ("live", "quiet") for one in bodies)

    def _look(self, series: Series) -> None:
        interval = series.interval
        body = self._get("/data", series, limit=30, time="ms", live=1)
        if body is None:
            return
        self.counts["answers of /data?live=1"] += 1
        opens = [*body["time"], *(one["time"] for one in body["live"])]
        for before_ms, open_ms in itertools.pairwise(opens):
            if open_ms != interval.next_open_ms(before_ms):
                what = "doubled" if open_ms <= before_ms else "hole"
                self.counts[f"{what} over HTTP"] += 1
                self._problem(f"{series} {what} {before_ms} to {open_ms}")

    def _freshness(self, symbol: str) -> None:
        body = self._get("/live-candle", Series(symbol, INTERVALS["1s"]))
        if body is None or "freshness" not in body:
            return
        fresh, states = body["freshness"], self.states[symbol]
        missing_ms = self._sights[f"{symbol}:1m"].missing_ms
        if fresh["state"] == "live" and missing_ms and now_ms() - missing_ms > LIVE_MAX_MS:
            self.counts["live without its trades"] += 1
            self._problem(f"{symbol} live, though {now_ms() - missing_ms} ms behind its trades")
        if not states or states[-1][1] != fresh["state"]:
            states.append((now_ms(), fresh["state"], fresh["why"]))

    def _get(self, path: str, series: Series, **query: Any) -> Any:
        query |= {"symbol": series.symbol, "interval": series.interval.name}
        try:
            answer = self._http.get(f"{self._url}{path}", params=query, timeout=5)
            answer.raise_for_status()
            return answer.json()
        except requests.RequestException as error:
            self.counts["no answer over HTTP"] += 1
            self._problem(f"{path}: {error}")
            return None

    def _problem(self, text: str) -> None:
        if len(self.problems) < 1_000:
            self.problems.append(f"{now_ms()} {text}")


class Page(threading.Thread):
    """A browser on BTCUSDT 1s: its bars, once a second."""

    def __init__(self, system: System) -> None:
        super().__init__(name="page", daemon=True)
        self.stopping = threading.Event()
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self._system = system

    def run(self) -> None:
        try:
            with chromium() as browser:
                page = browser.new_page()
                page.on("pageerror", lambda error: self.problems.append(f"page: {error}"))
                page.goto(self._system.sign_in_link())
                page.wait_for_url(f"{self._system.url}/", timeout=20_000)
                page.goto(f"{self._system.url}/?symbol={SYMBOLS[0]}&interval=1s")
                page.wait_for_function("globalThis.truecandle?.bars().length > 50")
                while not self.stopping.wait(PAGE_EVERY_S):
                    self._look(page.evaluate("truecandle.bars().slice(-40).map((b) => b.time)"))
        except Exception as error:  # a report is due even without a browser
            self.problems.append(f"the page was not watched to the end: {error}")

    def _look(self, times: list[int]) -> None:
        self.counts["samples"] += 1
        for before_ms, open_ms in itertools.pairwise(times):
            if open_ms != before_ms + 1000:
                what = "doubled" if open_ms <= before_ms else "hole"
                self.counts[what] += 1
                self.problems.append(f"{now_ms()} {what} {before_ms} to {open_ms}")


class Usage:
    """What each process has used so far, minute by minute."""

    def __init__(self, pids: Callable[[], Mapping[str, int]]) -> None:
        self._pids = pids
        self.notes: list[tuple[str, float, dict[str, tuple[float, int]]]] = []

    def note(self, name: str) -> None:
        used = {}
        for role, pid in self._pids().items():
            try:
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except OSError:
                continue
            ticks = int(stat[11]) + int(stat[12])
            used[role] = (ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE"))
        self.notes.append((name, time.monotonic(), used))
