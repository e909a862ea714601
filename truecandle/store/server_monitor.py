"""Looks at the Redis server again and again for a role: what is wrong is logged, and its end.

Never here: what can be wrong (`server_state`), ending a process (the entry files).
Invariant: no error of Redis leaves it; a server that may throw accounts away is worked with only
where the settings allow it.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final

from redis import Redis

from truecandle.errors import StoreError
from truecandle.log_once import AGAIN_S, one_line
from truecandle.store.server_state import ServerProblem, look

#: How often a role looks: what begins is told within this and the time that a look takes.
LOOK_S: Final = 2.0
REFUSED: Final = (
    "{} Nothing was started. To start in spite of it, and lose candles and accounts without"
    " warning, set REDIS_MAY_EVICT=1."
)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Told:
    """A problem as it was logged first; since when it lasts, and when it was logged last (s)."""

    problem: ServerProblem
    since_s: float
    told_s: float


class ServerMonitor:
    """`look` whenever it is due, from one thread at a time; `problems` from any.

    `further` adds what only this role can find wrong; it may raise `StoreError`.
    """

    def __init__(
        self,
        redis: Redis,
        may_evict: bool,
        further: Callable[[], Sequence[ServerProblem]] = tuple,
    ) -> None:
        self._redis = redis
        self._may_evict = may_evict
        self._further = further
        #: What was wrong at the last look.
        self._problems: tuple[ServerProblem, ...] = ()
        #: When it was first seen that writes are refused (monotonic s); None while they are not.
        self._refusing_since_s: float | None = None
        self._looked_at_s = float("-inf")
        #: What was logged and lasts, by kind.
        self._told: dict[str, _Told] = {}
        #: Redis has answered once.
        self._has_answered = False
        #: Why this role must not work with this server; set at most once, at the first answer.
        self.refused = ""

    def require_sound(self) -> None:
        """For entry files, before anything is begun: a server that is not to be worked with ends
        the process, with a sentence. One that does not answer yet is judged when it does."""
        self.look()
        if self.refused:
            sys.exit(self.refused)

    def start(self, stop: Event, on_refused: Callable[[], None]) -> None:
        """`run` in a thread of its own, which keeps no process alive."""
        Thread(target=self.run, args=(stop, on_refused), daemon=True).start()

    def run(self, stop: Event, on_refused: Callable[[], None]) -> None:
        """Looks until `stop` is set, or until the server is one not to be worked with."""
        while not stop.wait(LOOK_S):
            self.look()
            if self.refused:
                on_refused()
                return

    def look(self) -> tuple[ServerProblem, ...]:
        """What is wrong now; logs what is new and what is over."""
        found = self._found()
        self._looked_at_s = time.monotonic()
        self._problems = found
        if not any(one.refuses_writes for one in found):
            self._refusing_since_s = None
        elif self._refusing_since_s is None:
            self._refusing_since_s = self._looked_at_s
        self._tell(found)
        return found

    def problems(self) -> tuple[ServerProblem, ...]:
        """What was wrong when it was last looked at, not longer ago than `LOOK_S`."""
        return self.look() if time.monotonic() - self._looked_at_s > LOOK_S else self._problems

    def refusing_ms(self) -> int:
        """For how long writes have been refused; 0 while they are taken."""
        since_s = self._refusing_since_s
        return 0 if since_s is None else int((time.monotonic() - since_s) * 1000)

    def _found(self) -> tuple[ServerProblem, ...]:
        try:
            found = look(self._redis)
            self._judge(found)
            return (*found, *self._further())
        except StoreError as error:
            return (ServerProblem("away", str(error)),)

    def _tell(self, found: Sequence[ServerProblem]) -> None:
        """What is new, what lasts (each minute), what is over. By kind: the texts of one kind may
        differ from look to look."""
        now_s, present = self._looked_at_s, {one.kind: one for one in found}
        for kind, problem in present.items():
            known = self._told.get(kind)
            if known is None:
                self._told[kind] = _Told(problem, now_s, now_s)
                log.warning("now: %s", one_line(problem.text))
            elif now_s - known.told_s >= AGAIN_S:
                known.told_s = now_s
                minutes = round((now_s - known.since_s) / 60)
                log.warning("still, for %d min: %s", minutes, one_line(problem.text))
        for over in self._told.keys() - present.keys():
            log.warning("over: %s", one_line(self._told.pop(over).problem.text))

    def _judge(self, found: Sequence[ServerProblem]) -> None:
        """The first answer decides whether the server is worked with; later it is only told."""
        if self._has_answered:
            return
        self._has_answered = True
        evicting = next((one.text for one in found if one.kind == "evicting"), None)
        if evicting and not self._may_evict:
            self.refused = REFUSED.format(evicting)
