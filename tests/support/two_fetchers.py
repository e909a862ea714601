"""Two fetchers beside each other, as processes, and a witness of every write of theirs.

Never here: assertions about timing; fakes. Redis, both exchanges and the fetchers are real.
Invariant: both exchanges trade the same and are corrected alike, so that there is one truth, while
each counts the requests of its own fetcher.
"""

from __future__ import annotations

import json
import re
import signal
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType

import redis as redis_py

from tests.support.driven_fetcher import member, stored
from tests.support.role_processes import Role, Roles
from tests.support.waiting import wait_for
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.sim.server import SimServer
from truecandle.store import keys, official

SERIES = Series("BTCUSDT", INTERVALS["1s"])
SETTLE_MS = 1_000
#: How far behind the newest settled candle may be on a slow machine, and still count as followed.
LAG_MS = 4_000
#: How late every answer comes: so long is a request under way.
DELAY_MS = 150
#: The candle that is corrected: old enough to be in the answer at hand, and read again after that.
CORRECTED_AGE_MS = 6_000
CHANGE = 777
COMMAND = ("background_fetcher.py",)


class Pair:
    """Starts fetchers, each with an exchange of its own. `all` are those alive or frozen."""

    def __init__(self, processes: Roles, redis: redis_py.Redis, redis_url: str) -> None:
        self._processes = processes
        self._redis = redis
        self._env = {
            "REDIS_URL": redis_url,
            "SYMBOLS": SERIES.symbol,
            "INTERVALS": SERIES.interval.name,
            "HISTORY_CANDLES": "60",
            "SETTLE_MS": str(SETTLE_MS),
        }
        self.exchanges = (SimServer([SERIES.symbol]), SimServer([SERIES.symbol]))
        self.all: list[Role] = []
        self._of: dict[int, SimServer] = {}
        for exchange in self.exchanges:
            exchange.faults.add("delay", path="klines", ms=DELAY_MS, count=None)

    def __enter__(self) -> Pair:
        for exchange in self.exchanges:
            exchange.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for exchange in self.exchanges:
            exchange.stop()

    def start(self, number: int, command: Sequence[str] = COMMAND) -> Role:
        """A fetcher that asks the first or the second exchange."""
        env = self._env | {"BINANCE_REST_URL": self.exchanges[number].rest_url}
        role = self._processes.start(f"fetcher {number}", command, env)
        self._of[role.pid] = self.exchanges[number]
        self.all.append(role)
        return role

    def forget(self, role: Role) -> int:
        """A fetcher that has ended; which exchange it asked."""
        self.all.remove(role)
        return self.exchanges.index(self._of.pop(role.pid))

    def leader(self) -> Role | None:
        """The fetcher that holds the lease."""
        text = self._redis.get(keys.lease(keys.LEADER))
        pid = int(json.loads(text)["holder"].split(":")[1]) if text else 0
        return next((role for role in self.all if role.pid == pid), None)

    def wait_for_leader(self, but: Role | None = None, timeout_s: float = 20) -> Role:
        def other() -> Role | None:
            found = self.leader()
            return found if found is not but else None

        return wait_for(other, timeout_s, "a fetcher that leads")  # type: ignore[return-value]

    def asked(self, role: Role, path: str) -> list[dict[str, object]]:
        """What this fetcher's exchange was asked."""
        requests = self._of[role.pid].requests()
        return [request for request in requests if request["path"] == f"/api/v3/{path}"]

    def paths(self, role: Role) -> set[object]:
        """All paths that this fetcher has asked for."""
        return {request["path"] for request in self._of[role.pid].requests()}

    def freeze_with_an_answer(self, role: Role) -> int:
        """Freezes a fetcher while the exchange makes its answer; the time that it was asked at."""
        before = len(self.asked(role, "klines"))
        wait_for(lambda: len(self.asked(role, "klines")) > before, what="a request")
        role.send(signal.SIGSTOP)
        asked_ms = self.asked(role, "klines")[-1]["at_ms"]
        wait_for(lambda: self.asked(role, "klines")[-1]["status"], what="the answer")
        assert isinstance(asked_ms, int)
        return asked_ms

    def correct(self, open_ms: int) -> bytes:
        """Both exchanges change a closed candle; its member from now on."""
        for exchange in self.exchanges:
            changes = {"trades": CHANGE}
            exchange.market.correct(SERIES.symbol, SERIES.interval.name, open_ms, changes)
        return self.truth(open_ms, open_ms + 1)[0]

    def truth(self, start_ms: int, end_ms: int) -> list[bytes]:
        rows = self.exchanges[0].market.truth(SERIES.symbol, SERIES.interval.name, start_ms, end_ms)
        return [member(row.row()) for row in rows]

    def now_ms(self) -> int:
        return self.exchanges[0].clock.now_ms()

    def latest_ms(self) -> int:
        return official.meta(self._redis, SERIES).latest or 0

    def follow(self, timeout_s: float = 30) -> None:
        """Until the newest candles are in, without a hole since the first, and all true."""
        wait_for(self._is_followed, timeout_s, "the store to be the truth again")

    def differences(self) -> list[tuple[bytes, bytes]]:
        """Candles that are not the truth: (stored, true)."""
        found = stored(self._redis, SERIES)
        first_ms, last_ms = (json.loads(found[i])[0] for i in (0, -1))
        truth = self.truth(first_ms, last_ms + 1)
        assert len(found) == len(truth)
        return [pair for pair in zip(found, truth, strict=True) if pair[0] != pair[1]]

    def _is_followed(self) -> bool:
        found = stored(self._redis, SERIES)
        if not found or self.latest_ms() < self.now_ms() - SETTLE_MS - LAG_MS:
            return False
        first_ms, last_ms = (json.loads(found[i])[0] for i in (0, -1))
        return found == self.truth(first_ms, last_ms + 1)


@dataclass(frozen=True)
class Call:
    """One call of the write script: when (s), by which number, the newest one then."""

    at_s: float
    fence: int
    newest: int
    has_written: bool

    @property
    def is_stale(self) -> bool:
        return self.fence < self.newest


class Witness:
    """Sees what Redis does, command by command, also inside its scripts. A context manager."""

    #: A script that writes: its keys, the fence and those of the blocks last, and its number.
    _CALL = re.compile(rf"klines_z:\S+ .*? {keys.FENCE} klines_blocks:\S+ klines_index:\S+ (\d+) ")
    _CHANGE = re.compile(rf"SET {keys.FENCE} (\d+)$")
    _WRITE = re.compile(r"(ZADD|ZREM) klines_z:")

    def __init__(self, client: redis_py.Redis) -> None:
        self._client = client
        self._over = threading.Event()
        self._begun = threading.Event()
        self._newest = 0
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.calls: list[Call] = []
        #: When the lease changed hands (s), by number.
        self.changes: dict[int, float] = {}

    def __enter__(self) -> Witness:
        self._thread.start()
        wait_for(self._begun.is_set, what="the witness")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join(5)

    @property
    def stale(self) -> list[Call]:
        """Calls with a number that was not the newest any more."""
        return [call for call in list(self.calls) if call.is_stale]

    def first_write_s(self, fence: int) -> float:
        """When the first candle was written under that number; 0 if none was yet."""
        calls = [call for call in list(self.calls) if call.fence == fence and call.has_written]
        return calls[0].at_s if calls else 0.0

    def _watch(self) -> None:
        with self._client.monitor() as monitor:
            self._begun.set()
            while not self._over.is_set():
                if monitor.connection.can_read(timeout=0.1):
                    self._see(monitor.next_command())

    def _see(self, seen: dict[str, object]) -> None:
        text, at_s = str(seen["command"]), float(str(seen["time"]))
        if seen["client_type"] != "lua":
            if call := self._CALL.search(text):
                self.calls.append(Call(at_s, int(call[1]), self._newest, False))
            return
        if change := self._CHANGE.match(text):
            number = int(change[1])
            self._newest = max(self._newest, number)
            self.changes.setdefault(number, at_s)
        elif self._WRITE.match(text):
            self.calls[-1] = replace(self.calls[-1], has_written=True)
