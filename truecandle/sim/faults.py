"""Scripted faults: what goes wrong, for whom, when and how often; and what has gone wrong.

Never here: how an answer or a message is damaged (`damage`, `pump` do it).
Invariant: a fault strikes at most `count` times, only where all its conditions hold; all is logged.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import Any

from truecandle.sim.kinds import KINDS
from truecandle.sim.market import SimulatedMarket

#: Faults waiting at once, and strikes remembered.
FAULTS_MAX = 1_000
STRUCK_MAX = 10_000

#: What is known of an occasion: path, symbol, interval, stream.
Facts = Mapping[str, str | None]
_NOTHING: Facts = MappingProxyType({})

_CONDITIONS = ("path", "symbol", "interval", "stream", "skip", "chance", "from_ms", "until_ms")


@dataclass(slots=True)
class Fault:
    """One scripted fault and how often it struck.

    A condition that is None holds always, and so does one about something that the occasion does
    not know (the symbol of a dropped connection: there it chooses whom the fault meets).
    """

    id: int
    kind: str
    path: str | None = None
    symbol: str | None = None
    interval: str | None = None
    stream: str | None = None
    count: int | None = 1
    skip: int = 0
    chance: float = 1.0
    from_ms: int | None = None
    until_ms: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    hits: int = 0

    def is_over(self, now_ms: int) -> bool:
        """Whether it can never strike again."""
        used_up = self.count is not None and self.hits >= self.count
        return used_up or (self.until_ms is not None and now_ms >= self.until_ms)

    def matches(self, now_ms: int, facts: Facts) -> bool:
        """Whether all conditions but `skip` and `chance` hold."""
        if self.is_over(now_ms) or (self.from_ms is not None and now_ms < self.from_ms):
            return False
        conditions = {
            "path": self.path,
            "symbol": self.symbol,
            "interval": self.interval,
            "stream": self.stream,
        }
        return all(
            want is None or name not in facts or facts[name] == want
            for name, want in conditions.items()
        )


class Faults:
    """The script. Thread-safe: a test adds faults while the server runs.

    sim.faults.add("rate_limit", retry_after="3")             # the next REST request
    sim.faults.add("server_error", path="klines", count=20)   # the next 20 of klines
    sim.faults.add("silent", for_ms=15_000)                   # by the exchange's clock
    sim.faults.add("lose", stream="aggTrade", symbol="BTCUSDT", chance=0.1, count=None)
    sim.faults.add("correction", symbol="BTCUSDT", interval="1m", open_ms=…, changes={"high": "9"})
    """

    def __init__(self, market: SimulatedMarket, seed: int = 0) -> None:
        self._market = market
        self._lock = threading.Lock()
        self._dice = random.Random(seed)
        self._faults: list[Fault] = []
        self._number = 0
        self.struck: deque[dict[str, object]] = deque(maxlen=STRUCK_MAX)
        #: Called when a fault was scripted.
        self.listeners: list[Callable[[], object]] = []

    def add(
        self, kind: str, *, count: int | None = -1, for_ms: int | None = None, **given: Any
    ) -> Fault:
        """Scripts a fault; `KINDS` names them and their options.

        Conditions: `path` (what follows /api/v3/, such as "klines"), `symbol`, `interval`,
        `stream` (its kind, such as "aggTrade"), `skip` (occasions spared first), `chance` (0 to 1),
        and a window of exchange time: `from_ms` to `until_ms`, or `for_ms` from now. Without
        `count` it strikes once, or in a window each time; None is without end. `ValueError` says
        what is wrong.
        """
        if kind not in KINDS:
            raise ValueError(f"no fault {kind!r}; there are {', '.join(KINDS)}")
        conditions = {name: given.pop(name) for name in _CONDITIONS if name in given}
        if for_ms is not None:
            conditions["until_ms"] = for_ms + conditions.get("from_ms", self._market.clock.now_ms())
        if count == -1:
            count = 1 if conditions.get("until_ms") is None else None
        with self._lock:
            if len(self._faults) >= FAULTS_MAX:
                raise ValueError(f"more than {FAULTS_MAX} faults are waiting")
            self._number += 1
            fault = Fault(self._number, kind, count=count, options=given, **conditions)
            if KINDS[kind][0] != "market":
                self._faults.append(fault)
        if KINDS[kind][0] == "market":
            self._apply(fault)
        for scripted in list(self.listeners):
            scripted()
        return fault

    def take(self, where: str, facts: Facts = _NOTHING, most: int = FAULTS_MAX) -> list[Fault]:
        """The faults that strike there now, at most so many; each is counted and logged."""
        if not self._faults:
            return []
        now_ms = self._market.clock.now_ms()
        with self._lock:
            waiting = self._waiting(where, now_ms, facts)
            found = list(islice((fault for fault in waiting if self._strikes(fault)), most))
            for fault in found:
                self._log(fault, now_ms, facts)
            self._faults = [f for f in self._faults if not f.is_over(now_ms)]
        return found

    def active(self, where: str, facts: Facts = _NOTHING) -> Fault | None:
        """A fault that lasts, such as a silence: it is logged when it is first seen."""
        if not self._faults:
            return None
        now_ms = self._market.clock.now_ms()
        with self._lock:
            for fault in self._faults:
                if KINDS[fault.kind][0] == where and fault.matches(now_ms, facts):
                    if not fault.hits:
                        self._log(fault, now_ms, facts)
                        fault.count = None  # until its window ends, or `clear`
                    return fault
        return None

    @property
    def is_calm(self) -> bool:
        """Whether no fault is waiting."""
        return not self._faults

    def may_strike(self, where: str) -> bool:
        """Whether any waiting fault could strike there, whatever the facts."""
        return any(KINDS[fault.kind][0] == where for fault in list(self._faults))

    def calm(self) -> None:
        """Forgets every waiting fault; gaps and corrections stay, they are the truth now."""
        with self._lock:
            self._faults.clear()

    def clear(self) -> None:
        """Forgets every waiting fault, and takes back gaps and corrections."""
        self.calm()
        self._market.restore()

    def waiting(self) -> list[dict[str, Any]]:
        """The faults that may still strike, as JSON objects."""
        with self._lock:
            return [asdict(fault) for fault in self._faults]

    def _waiting(self, where: str, now_ms: int, facts: Facts) -> list[Fault]:
        return [f for f in self._faults if KINDS[f.kind][0] == where and f.matches(now_ms, facts)]

    def _strikes(self, fault: Fault) -> bool:
        if fault.skip > 0:
            fault.skip -= 1
            return False
        return fault.chance >= 1 or self._dice.random() < fault.chance

    def _log(self, fault: Fault, now_ms: int, facts: Facts) -> None:
        fault.hits += 1
        self.struck.append({"at_ms": now_ms, "id": fault.id, "kind": fault.kind, **facts})

    def _apply(self, fault: Fault) -> None:
        options, market = fault.options, self._market
        if fault.kind == "gap":
            now_ms = market.clock.now_ms()
            start_ms = options.get("start_ms", fault.from_ms or now_ms)
            market.pause(start_ms, options.get("end_ms", fault.until_ms or now_ms), fault.symbol)
        elif fault.kind == "correction":
            if fault.symbol is None or fault.interval is None:
                raise ValueError("a correction needs symbol and interval")
            market.correct(
                fault.symbol,
                fault.interval,
                options["open_ms"],
                options["changes"],
                options.get("at_ms"),
            )
        else:
            if "set_ms" in options:
                market.clock.set(options["set_ms"])
            market.clock.shift(options.get("offset_ms", 0))
            if "speed" in options:
                market.clock.run(options["speed"])
        self._log(fault, market.clock.now_ms(), {"symbol": fault.symbol})
