"""Clocks that are set, and machines whose clocks are apart: no candle is closed by them.

Never here: the clock's own rules (`tests/binance/test_clock.py`, `tests/store/test_clock.py`).
Invariant: the exchange's own time is asked after every answer that is judged by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.machine_clock import MachineClock
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.whole_system import System

MINUTE_MS = 60_000
#: What the clock of the machine is set to, one after the other: by how many s it is off then.
STEPS_S = (55, 0, 3_600, -3_600, -3_599, -3_601, -3_656, 0)
INTERVALS_MS = {"1s": 1_000, "1m": MINUTE_MS, "1h": 60 * MINUTE_MS, "1d": 1_440 * MINUTE_MS}
#: Freshness may lag for the moment in which a clock is measured anew.
WELL = ("live", "quiet")


class Witness:
    """Looks at candles, freshness and readiness from outside; `problems` says what was wrong."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {system.token()}"
        self.problems: list[str] = []
        self.looks = 0

    def watch(self, what: str) -> None:
        """Looks again and again, until every role has given a sign of life since, and a second that
        began since is complete."""
        since_ms, ages, beaten = self._exchange_ms(), dict[str, int](), set[str]()

        def is_over() -> bool:
            newest = {name: self._look(name, ms, what) for name, ms in INTERVALS_MS.items()}
            ready = self._session.get(f"{self._system.url}/readyz", timeout=5)
            roles = ready.json()["roles"]
            if ready.status_code != 200:
                self.problems.append(f"{what}: not ready: {roles}")
                return False
            for role, one in roles.items():
                if one["age_ms"] < ages.get(role, 0):
                    beaten.add(role)
                ages[role] = one["age_ms"]
            return newest["1s"] >= since_ms and beaten == roles.keys()

        wait_for(is_over, what=f"signs of life and a candle, {what}")

    def _look(self, interval: str, length_ms: int, what: str) -> int:
        """Open time of the newest candle that is complete; -1 without any."""
        query: dict[str, Any] = {"symbol": "BTCUSDT", "interval": interval}
        shown = self._get("/live-candle", query)
        fresh = shown["freshness"]
        candles = [*shown["pending"], *([shown["candle"]] if shown["candle"] else [])]
        candles += self._get("/data", query | {"live": 1})["live"]
        now_ms = self._exchange_ms()
        self.looks += 1
        for candle in candles:
            end_ms = candle["time"] + length_ms
            if candle["is_complete"] and end_ms > now_ms:
                self.problems.append(f"{what}: {interval} over {end_ms - now_ms} ms early")
            elif candle["is_complete"] and candle["exact"]:
                self._compare(interval, candle, end_ms, what)
        if fresh["state"] not in WELL:
            self.problems.append(f"{what}: {fresh}")
        return max((one["time"] for one in candles if one["is_complete"]), default=-1)

    def _compare(self, interval: str, candle: dict[str, Any], end_ms: int, what: str) -> None:
        (truth,) = self._system.truth("BTCUSDT", interval, candle["time"], end_ms)
        if candle["trades"] != truth[8]:
            held = f"{candle['trades']} of {truth[8]} trades"
            self.problems.append(f"{what}: {interval} of {candle['time']} complete with {held}")

    def _get(self, path: str, query: dict[str, Any]) -> Any:
        answer = self._session.get(f"{self._system.url}{path}", params=query, timeout=5)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text)

    def _exchange_ms(self) -> int:
        answer = requests.get(f"{self._system.sim_url}/api/v3/time", timeout=5)
        return int(answer.json()["serverTime"])


@pytest.fixture
def processes() -> Iterator[Roles]:
    roles = Roles()
    yield roles
    roles.end()


def opened(folder: Path, processes: Roles, clocks: dict[str, MachineClock]) -> System:
    system = System(folder, processes, clocks=clocks, INTERVALS=",".join(INTERVALS_MS))
    system.open()
    return system


def settled(system: System) -> Witness:
    """A witness, once the market is live."""
    witness = Witness(system)

    def is_live() -> bool:
        query = {"symbol": "BTCUSDT", "interval": "1m"}
        shown = witness._get("/live-candle", query)
        return bool(shown["freshness"]["state"] == "live" and shown["candle"])

    wait_for(is_live, what="a live market")
    return witness


def test_a_clock_that_is_set_closes_no_candle_and_silences_no_role(
    tmp_path: Path, processes: Roles
) -> None:
    machine = MachineClock(tmp_path / "clock")
    everywhere = dict.fromkeys(("redis", "web", "fetcher", "feed"), machine)
    system = opened(tmp_path, processes, everywhere)
    try:
        witness = settled(system)
        for offset_s in STEPS_S:
            machine.set(offset_s)
            witness.watch(f"set to {offset_s:+} s")
        assert witness.problems == []
        assert witness.looks > len(STEPS_S) * len(INTERVALS_MS)
    finally:
        system.close()


@pytest.mark.parametrize("apart_s", [40, -40, 3_600])
def test_machines_whose_clocks_are_apart_close_no_candle_and_call_no_role_dead(
    tmp_path: Path, processes: Roles, apart_s: int
) -> None:
    clocks = {
        "feed": MachineClock(tmp_path / "feed", apart_s),
        "fetcher": MachineClock(tmp_path / "fetcher", -apart_s / 2),
        "redis": MachineClock(tmp_path / "redis", apart_s / 4),
    }
    system = opened(tmp_path, processes, clocks)
    try:
        witness = settled(system)
        for _ in range(2):
            witness.watch(f"{apart_s:+} s apart")
        assert witness.problems == []
    finally:
        system.close()
