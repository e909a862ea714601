"""One connection to Binance's streams: subscribed, watched, renewed, and connected again for ever.

Never here: what a trade does to a candle; how many connections there are (`stream`).
Invariant: nothing that was not asked for is handed over. `Change` tells each loss, in order with
trades; a renewal that loses nothing tells nothing.
"""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from truecandle.binance.change import Change, Health
from truecandle.binance.gate import Deliver, Gate
from truecandle.binance.handover import MUTE, OVERLAP_MAX_S, Handover
from truecandle.binance.link import Counts, Item, Link, Opening, Times
from truecandle.binance.plan import Plan
from truecandle.binance.pulse import SPARED, Attempts, ceiling_s
from truecandle.binance.socket import RECEIVE_S, Socket
from truecandle.errors import ExchangeError, MalformedAnswer, RateLimited

#: Beside a new connection the old one is waited for this long at most.
SHARED_S = 0.02

#: Wishes of other threads that wait; more than these are old.
WISHES_MAX = 100

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Connection:
    """The streams of one connection and the thread that keeps them: `_run` → `_session` → `_step`,
    with a `Handover` beside it while a new connection takes over."""

    url: str
    names: Sequence[str]
    deliver: Deliver
    attempts: Attempts
    times: Times = field(default_factory=Times)
    counts: Counts = field(default_factory=Counts)
    stopping: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread = field(init=False)
    _gate: Gate = field(init=False)
    _plan: Plan = field(init=False)
    _wished: deque[tuple[str, ...]] = field(default_factory=lambda: deque(maxlen=WISHES_MAX))
    _followed: Sequence[str] = ()
    _link: Link | None = None
    _handover: Handover | None = None
    _before: Handover | None = None
    _before_until_s: float = 0.0
    _failures: int = 0

    def __post_init__(self) -> None:
        self._plan = Plan(self.times)
        self._gate = Gate(self.names, self.deliver, self.counts)
        self.thread = threading.Thread(target=self._run, name="stream", daemon=True)

    def follow(self, names: Sequence[str]) -> None:
        """From now on these streams, by any thread; the connection itself goes on."""
        self.names = names

    def renew(self, names: Iterable[str]) -> None:
        """These seem unwell, says any thread: subscribed anew, and if that does not help, on a new
        connection; then `QUIET_S` of rest."""
        self._wished.append(tuple(names))

    def health(self, name: str) -> Health:
        link = self._link
        return self._gate.health(name, link.socket.heard_s if link else None)

    @property
    def is_live(self) -> bool:
        """Whether it is connected, and something is subscribed."""
        return bool(self._gate.live)

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._session()
                pause_s = 0.0
            except ExchangeError as error:
                self._gate.tell(tuple(self._gate.live), False, str(error))
                self._failures += 1
                pause_s = self._fail(error, self._failures)
            self.stopping.wait(0.0 if self._handover else pause_s)
        if self._handover is not None:
            self._handover.abandon()

    def _fail(self, error: ExchangeError, failures: int) -> float:
        """Counts and reports a failure; how long to wait after so many in a row, in s."""
        self.counts.failures += 1
        self.counts.malformed += isinstance(error, MalformedAnswer)
        if isinstance(error, RateLimited):
            self.attempts.pause(time.monotonic() + error.retry_after_ms / 1000)
        pause_s = random.uniform(0, ceiling_s(failures))
        log.warning("stream: %s; again in %.1f s", error, pause_s)
        return pause_s

    def _session(self) -> None:
        """From the opening of one connection to the end of the last that took over from it."""
        socket = self._open()
        if socket is None:
            return
        self._plan.is_missed = False
        self._adopt(Link(socket, self.times, self.counts))
        try:
            while not self.stopping.is_set():
                self._step()
        finally:
            link, self._link = self._link, None
            if link is not None:
                link.close()

    def _open(self) -> Socket | None:
        """None when it was told to stop meanwhile."""
        handover, self._handover = self._handover, None
        while handover is None and (wait_s := self.attempts.take(time.monotonic())):
            if self.stopping.wait(wait_s):
                return None
        opening = handover.opening if handover else Opening(self.url)
        while not self.stopping.is_set():
            if socket := opening.take(RECEIVE_S):
                return socket
        opening.abandon()
        return None

    def _adopt(self, link: Link) -> None:
        """This is the connection now."""
        self._link, self._followed = link, ()
        self._plan.adopt(time.monotonic())

    def _step(self) -> None:
        link, handover, now_s = self._link, self._handover, time.monotonic()
        assert link is not None
        self._take_up(link, now_s)
        if handover is None:
            self._begin(link, now_s)
        try:
            items = link.step(SHARED_S if handover and handover.link else RECEIVE_S)
        except ExchangeError as error:
            self._rescue(link, error)
            return
        if self._before is not None:
            items = self._before.unseen(items)
            self._before = self._before if now_s < self._before_until_s else None
        self._pass_on(items)
        if handover is not None:
            handover.note(items)
            self._advance(link, handover)

    def _take_up(self, link: Link, now_s: float) -> None:
        """What other threads have asked for since."""
        if self.names is not self._followed:
            self._followed = names = self.names
            self._gate.follow(names)
            link.subscriptions.follow(names)
            if self._handover and self._handover.link:
                self._handover.link.subscriptions.follow(names)
        while self._wished:
            fresh = self._plan.wish(self._wished.popleft(), frozenset(self._followed), now_s)
            link.subscriptions.repeat(fresh, "renewed: it was silent")

    def _begin(self, link: Link, now_s: float) -> None:
        """Opens another connection beside this one, if there is a cause and it may be."""
        cause = self._plan.due(link, now_s)
        if cause is None:
            return
        if cause == MUTE and (reason := self._plan.suspicion()):
            self._gate.tell(sorted(self._gate.live), False, reason)
        wait_s = self.attempts.take(now_s, 0 if link.is_leaving else SPARED)
        if wait_s > 0:
            self._plan.wait(now_s + wait_s)
            return
        log.info("stream: a new connection takes over: %s", cause)
        self._handover = Handover(cause, link, Opening(self.url), self.times, self.counts)

    def _advance(self, link: Link, handover: Handover) -> None:
        try:
            handover.step(self._followed)
        except ExchangeError as error:
            handover.abandon()
            self._handover = None
            self._plan.failures += 1
            self._plan.wait(time.monotonic() + self._fail(error, self._plan.failures))
            return
        now_s = time.monotonic()
        if handover.is_ready(now_s):
            lost = handover.lost(self._gate.live, now_s)
            self._switch(link, handover, lost, "mute: a new connection brought what it did not")

    def _rescue(self, link: Link, error: ExchangeError) -> None:
        """The connection has ended; one that is open beside it already takes over at once. What
        was subscribed there before the last sign of life here is not lost."""
        handover, last_s = self._handover, link.socket.heard_s
        if handover is None or handover.link is None:
            raise error
        log.warning("stream: %s; the new connection takes over", error)
        self.counts.failures += 1
        confirmed = handover.link.subscriptions.confirmed
        lost = {n for n in self._gate.live if confirmed.get(n, math.inf) > last_s}
        self._switch(link, handover, lost | handover.lost(self._gate.live, last_s), str(error))

    def _switch(self, old: Link, handover: Handover, lost: set[str], reason: str) -> None:
        assert handover.link is not None
        now_s, rest, plan, gate = time.monotonic(), handover.rest(), self._plan, self._gate
        self._handover, self._before = None, handover
        self._before_until_s = now_s + OVERLAP_MAX_S
        gate.tell(sorted(lost), False, reason)
        self.counts.stalls += handover.cause == MUTE and bool(lost or (plan.is_missed and rest))
        self.counts.renewals += 1
        self._adopt(handover.link)
        plan.change(now_s, now_s - old.opened_s, is_quiet=handover.is_quiet)
        confirmed = handover.link.subscriptions.confirmed
        gate.tell(sorted(gate.live - confirmed.keys()), False, "not subscribed again")
        if not plan.is_missed:
            gate.tell(sorted(confirmed), True, "subscribed")
        self._pass_on(rest)
        old.close()

    def _pass_on(self, items: Sequence[Item]) -> None:
        plan, link = self._plan, self._link
        if plan.is_missed and link and any(not isinstance(one, Change) for one in items):
            plan.is_missed = False
            self._gate.tell(sorted(link.subscriptions.confirmed), True, "heard again")
        if self._gate.pass_on(items):
            plan.beat(time.monotonic())
            self._failures = 0
