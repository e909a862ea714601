"""A whole system that is disturbed all the time: what it is made of, and what is done to it when.

Never here: watching it (`candle_watcher`, `outside_watchers`), judging (`hour_report`).
Invariant: all that happens follows from one seed; only processes started here are ended.
"""

from __future__ import annotations

import os
import random
import re
import sys
import time
from collections.abc import Sequence
from typing import Any

from bench.parts.candle_watcher import now_ms
from bench.parts.outside_watchers import SYMBOLS, Usage
from tests.support.machine_clock import MachineClock
from tests.support.whole_system import System
from truecandle.store import keys

SEED = 7
#: The feed replaces a connection at this age at most, the exchange ends it at that.
RENEW_S, LIFE_S = 240.0, 300.0
STALL_S = 20
CLOCK_EVERY_MS = 300_000
#: How long after a disturbance its traces count as its own.
AFTER_MS = {"disconnect": 6_000, "stall": 8_000, "shutdown": 6_000, "kill": 8_000, "clock": 0}
#: What a machine's clock is set to, in s off the real time: one step from a second to an hour.
STEPS_S = (1.0, -1.0, 5.0, -5.0, 40.0, -40.0, 55.0, -55.0, 600.0, -600.0, 3_600.0, -3_600.0)

FEED = f"""
import sys
from truecandle.binance.streams import pool
pool.StreamPool.__init__.__kwdefaults__["renew_s"] = {RENEW_S}
import live_candles
sys.exit(live_candles.main())
"""
#: Says on its output what is asked of it, so that it can be counted.
SIM = f"""
import functools
from dataclasses import replace
from truecandle.sim import __main__ as sim, limits, paths
sim.PingPace = functools.partial(sim.PingPace, life_s={LIFE_S})
connect, trades = limits.Limits.connect, paths.PATHS["aggTrades"]
def counted_connect(self):
    print("connection", flush=True)
    return connect(self)
def counted_trades(asked):
    found = trades.answer(asked)
    print("refetched", len(found), flush=True)
    return found
limits.Limits.connect = counted_connect
paths.PATHS["aggTrades"] = replace(trades, answer=counted_trades)
raise SystemExit(sim.main())
"""


class DisturbedSystem(System):
    """The whole system, with two feeds and an exchange that ends connections early."""

    def start(self, role: str) -> None:
        if role.startswith("feed"):
            self._begin(role, ["-c", FEED])
        elif role == "sim":
            given = ["--port", str(self.sim_port), "--symbols", self._symbols, "--seed", str(SEED)]
            self._begin(role, ["-c", SIM, *given])
        else:
            super().start(role)

    def open(self) -> None:
        super().open()
        self.start("feed2")

    def pids(self) -> dict[str, int]:
        running = {name: role.pid for name, role in self.roles.items() if role.alive()}
        return running | {"redis": self.redis.pid or 0}


class Script:
    """What is done to the system, and when: windows of exchange time by kind."""

    def __init__(
        self,
        system: DisturbedSystem,
        minutes: float,
        dice: random.Random,
        clocks: Sequence[MachineClock],
    ) -> None:
        self._system = system
        self._dice = dice
        self._clocks = clocks
        self._step_ms = CLOCK_EVERY_MS
        self.steps: list[str] = []
        self.start_ms = now_ms() + 2_000
        self.end_ms = self.start_ms + int(minutes * 60_000)
        self.windows: list[tuple[str, int, int]] = []
        self.killed: dict[str, Any] = {}
        self.load = 0.0

    def run(self, usage: Usage) -> None:
        """Returns when the time is over. Faults by the exchange's clock are scripted at once."""
        self._plan()
        length_ms = self.end_ms - self.start_ms
        kill_ms = self.start_ms + int(length_ms * 0.75)
        again_ms = kill_ms + 20_000
        minute_ms = self.start_ms
        while (at_ms := now_ms()) < self.end_ms:
            if at_ms >= kill_ms and not self.killed:
                self._kill()
            if at_ms >= again_ms and self.killed and "again_ms" not in self.killed:
                self._system.start(self.killed["role"])
                self.killed["again_ms"] = at_ms
            if at_ms >= self.start_ms + self._step_ms and self._clocks:
                self._step_ms += CLOCK_EVERY_MS
                self._set_clocks(at_ms)
            if at_ms >= minute_ms:
                usage.note(f"{(at_ms - self.start_ms) // 60_000}")
                minute_ms += 60_000
                ended = [n for n, one in self._system.roles.items() if not one.alive()]
                ended = [n for n in ended if n not in ("flask", self.killed.get("role"))]
                if ended:
                    print("ended by itself:", *ended, flush=True)
                load = os.getloadavg()[0]
                self.load = max(self.load, load)
                text = f"minute {(at_ms - self.start_ms) // 60_000}, load {load:.1f}"
                print(text, file=sys.stderr, flush=True)
            time.sleep(0.1)

    def kinds(self, since_ms: int, until_ms: int) -> list[str]:
        """What was going on, or had just been, in that time."""
        return sorted(
            {
                kind
                for kind, start_ms, end_ms in self.windows
                if start_ms - 200 <= until_ms and since_ms <= end_ms + AFTER_MS[kind]
            }
        )

    def _set_clocks(self, at_ms: int) -> None:
        """One machine's clock in three, or everybody's at once, is set to another time."""
        everybody = self._dice.random() < 0.5
        some = self._clocks if everybody else self._dice.sample(self._clocks, 2)
        offset_s = self._dice.choice(STEPS_S)
        for clock in some:
            clock.set(offset_s if everybody else self._dice.choice(STEPS_S))
        told = ", ".join(f"{one.path.name} {one.offset_s:+.0f} s" for one in self._clocks)
        self.steps.append(told)
        print(f"clocks: {told}", file=sys.stderr, flush=True)
        self.windows.append(("clock", at_ms, at_ms))

    def _plan(self) -> None:
        length_ms = self.end_ms - self.start_ms
        for minute_ms in range(self.start_ms, self.end_ms - 20_000, 60_000):
            at_ms = minute_ms + self._dice.randrange(2_000, 58_000)
            if at_ms < self.end_ms - 8_000:
                self._add("disconnect", at_ms, 0, "drop", code=self._dice.choice((None, 1001)))
        for share, pings in ((0.25, True), (0.58, False)):
            at_ms = self.start_ms + int(length_ms * share)
            self._add("stall", at_ms, STALL_S * 1000, "silent", for_ms=STALL_S * 1000, pings=pings)
        at_ms = self.start_ms + int(length_ms * 0.42)
        self._add("shutdown", at_ms, 5_000, "shutdown", drop_after_ms=5_000)

    def _add(self, name: str, at_ms: int, length_ms: int, kind: str, **fields: Any) -> None:
        self._system.script(kind, from_ms=at_ms, **fields)
        self.windows.append((name, at_ms, at_ms + length_ms))

    def _kill(self) -> None:
        """SIGKILL for the feed that leads the first market."""
        leading = leaders(self._system)
        role = leading.get(SYMBOLS[0]) or "feed"
        at_ms = now_ms()
        self._system.kill(role)
        led = [symbol for symbol, leader in leading.items() if leader == role]
        self.killed = {"role": role, "at_ms": at_ms, "led": led}
        self.windows.append(("kill", at_ms, at_ms + 3_000))


def leaders(system: DisturbedSystem) -> dict[str, str]:
    """Which of the feeds leads which market, by the process number in the lease's holder."""
    feeds = {name: role.pid for name, role in system.roles.items() if name.startswith("feed")}
    found = {}
    with system.redis.client() as redis:
        for symbol in SYMBOLS:
            text: Any = redis.get(keys.lease(f"{keys.FEEDS}{symbol}")) or b""
            numbers = set(re.findall(r"\d+", text.decode()))
            for name, pid in feeds.items():
                if str(pid) in numbers:
                    found[symbol] = name
    return found
