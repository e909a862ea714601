"""A whole system whose parts are killed and paused at random: what is done to it, and who looks on.

Never here: judging what was stored (`nemesis`).
Invariant: what is done, and when, follows from one seed; only processes started here are touched.
"""

from __future__ import annotations

import itertools
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import requests

from tests.support.role_processes import Roles
from tests.support.whole_system import COMMANDS, System
from truecandle.candles.series import Series

#: Each act begins so many s after the one before; a pause, and the time until what was killed is
#: started again, last so long.
ACT_S: Final = (3.0, 5.0)
PAUSE_S: Final = (1.0, 4.0)
DOWN_S: Final = (0.0, 2.0)
SECOND: Final = {"fetcher2": "fetcher", "feed2": "feed"}
TARGETS: Final = ("redis", "sim", "web", *(one for pair in SECOND.items() for one in pair))
SAMPLE_S: Final = 0.1
SAMPLE_CANDLES: Final = 30
REQUEST_S: Final = 5.0
#: What is wrong with the exchange all the while, of answers and messages.
FAULTS: Final[tuple[Mapping[str, Any], ...]] = (
    {"kind": "server_error", "path": "klines", "chance": 0.1},
    {"kind": "truncate", "path": "klines", "chance": 0.1},
    {"kind": "server_error", "path": "aggTrades", "chance": 0.2},
    {"kind": "lose", "stream": "aggTrade", "chance": 0.01},
    {"kind": "repeated", "stream": "aggTrade", "chance": 0.02},
    {"kind": "disorder", "stream": "aggTrade", "chance": 0.02},
    {"kind": "unclosed", "chance": 0.1},
    {"kind": "malformed", "chance": 0.002},
)


class NemesisSystem(System):
    """The whole system with two fetchers and two feeds; everything may be killed and paused."""

    def __init__(self, folder: Path, processes: Roles, symbols: str, intervals: str) -> None:
        super().__init__(folder, processes, symbols, INTERVALS=intervals)
        #: What ended without having been killed.
        self.ended: list[str] = []
        #: What a role had printed before it was killed.
        self.printed: list[str] = []

    def open(self) -> None:
        super().open()
        for role in SECOND:
            self.start(role)
        self.break_exchange()

    def start(self, role: str) -> None:
        if role in SECOND:
            self._begin(role, COMMANDS[SECOND[role]])
        else:
            super().start(role)

    def again(self, role: str) -> None:
        """Starts what was killed; the exchange's faults are its own process's."""
        self.start(role)
        if role == "sim":
            self.break_exchange()

    def kill(self, role: str) -> None:
        if role != "redis":
            one = self.roles[role]
            if not one.alive():
                self.ended.append(role)
            self.printed += one.lines
        super().kill(role)

    def pause(self, role: str, is_on: bool) -> None:
        if role == "redis":
            (self.redis.freeze if is_on else self.redis.thaw)()
        else:
            self.roles[role].send(signal.SIGSTOP if is_on else signal.SIGCONT)

    def break_exchange(self) -> None:
        """Scripts the faults, once the exchange is there."""
        for fault in FAULTS:
            for _ in range(50):
                with suppress(requests.ConnectionError):
                    self.script(**{"count": None, **fault})
                    break
                time.sleep(0.1)

    def mend_exchange(self) -> None:
        requests.delete(f"{self.sim_url}/sim/faults", timeout=10).raise_for_status()

    def look_for_ends(self) -> None:
        """Notes what has ended by itself, and how the living ones complained."""
        for name, role in self.roles.items():
            if name != "flask":
                self.printed += role.lines
                if not role.alive():
                    self.ended.append(name)


class Nemesis:
    """Acts for as long as it is told to, one at a time."""

    def __init__(self, system: NemesisSystem, seed: int) -> None:
        self._system = system
        self._dice = random.Random(seed)
        self.acts: Counter[str] = Counter()

    def run(self, seconds: float) -> None:
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            time.sleep(self._dice.uniform(*ACT_S))
            role, is_kill = self._dice.choice(TARGETS), self._dice.random() < 0.5
            down_s, pause_s = self._dice.uniform(*DOWN_S), self._dice.uniform(*PAUSE_S)
            self.acts[f"{'kill' if is_kill else 'pause'} {role}"] += 1
            if is_kill:
                self._system.kill(role)
                time.sleep(down_s)
                self._system.again(role)
            else:
                self._system.pause(role, True)
                time.sleep(pause_s)
                self._system.pause(role, False)


class Onlooker(threading.Thread):
    """Asks for one series after the other, ten times a second, and remembers what was wrong."""

    def __init__(self, url: str, token: str, series: Sequence[Series]) -> None:
        super().__init__(name="onlooker", daemon=True)
        self.stopping = threading.Event()
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        #: The longest time from one good answer to the next, in s.
        self.longest_s = 0.0
        self._url = url
        self._series = series
        self._versions: dict[str, int] = {}
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {token}"

    def run(self) -> None:
        good_s = time.monotonic()
        for number in itertools.count():
            began_s = time.monotonic()
            if self._look(self._series[number % len(self._series)]):
                now_s = time.monotonic()
                self.longest_s, good_s = max(self.longest_s, now_s - good_s), now_s
            if self.stopping.wait(max(0.0, SAMPLE_S - (time.monotonic() - began_s))):
                self.longest_s = max(self.longest_s, time.monotonic() - good_s)
                return

    def _look(self, series: Series) -> bool:
        """Whether there was an answer to rely on."""
        query: dict[str, Any] = {
            "symbol": series.symbol, "interval": series.interval.name, "limit": SAMPLE_CANDLES,
            "time": "ms", "live": 1,
        }  # fmt: skip
        try:
            answer = self._http.get(f"{self._url}/data", params=query, timeout=REQUEST_S)
        except requests.RequestException as error:
            self.counts[f"answers: {type(error).__name__}"] += 1
            return False
        self.counts[f"answers: {answer.status_code}"] += 1
        if answer.status_code == 200:
            self._judge(series, answer.json())
        elif answer.status_code != 503:
            self._problem(f"{series}: {answer.status_code} {answer.text[:200]}")
        return answer.status_code == 200

    def _judge(self, series: Series, body: Mapping[str, Any]) -> None:
        opens = [*body["time"], *(one["time"] for one in body["live"])]
        for before_ms, open_ms in itertools.pairwise(opens):
            if open_ms <= before_ms:
                self._problem(f"{series}: {before_ms}, then {open_ms}: doubled or unsorted")
            elif open_ms != series.interval.next_open_ms(before_ms):
                self.counts["answers with a hole (to be filled)"] += 1
        if body["version"] < self._versions.get(series.name, 0):
            self._problem(f"{series}: version {body['version']} after a newer one")
        self._versions[series.name] = body["version"]

    def _problem(self, what: str) -> None:
        self.counts["wrong answers"] += 1
        if len(self.problems) < 20:
            self.problems.append(what)
