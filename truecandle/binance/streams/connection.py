"""One connection to Binance's streams: subscribed, watched, renewed, and connected again for ever.

Never here: what a trade does to a candle; how many connections there are (`pool`).
Invariant: nothing that was not asked for is handed over. Each loss is told, in order with
trades; a renewal that loses nothing tells nothing.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from truecandle.backoff import Backoff, full_jitter
from truecandle.binance.streams.dispatch import Deliver, Dispatcher
from truecandle.binance.streams.handover import MUTE, OVERLAP_MAX_S, Handover
from truecandle.binance.streams.reconnect import (
    ATTEMPTS_RESERVED,
    BACKOFF_MAX_S,
    BACKOFF_S,
    ConnectRateLimiter,
    ReconnectPolicy,
)
from truecandle.binance.streams.session import ConnectAttempt, ConnectionTimes, StreamSession
from truecandle.binance.streams.status import (
    ConnectionCounts,
    StreamEvent,
    StreamHealth,
    StreamStatusChange,
)
from truecandle.binance.streams.websocket import RECEIVE_S, ClientSocket
from truecandle.egress import DIRECTLY, EgressRoute
from truecandle.errors import ExchangeError, MalformedAnswer, RateLimited

#: Beside a new connection the old one is waited for this long at most.
SHARED_S = 0.02

#: Renewals that other threads have asked for and that wait; more than these are old.
RENEWALS_MAX = 100

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class ReconnectingConnection:
    """The streams of one connection and the thread that keeps them: `_run` → `_run_sessions`
    → `_step`, with a `Handover` beside it while a new connection takes over."""

    url: str
    names: Sequence[str]
    deliver: Deliver
    limiter: ConnectRateLimiter
    route: EgressRoute = DIRECTLY
    times: ConnectionTimes = field(default_factory=ConnectionTimes)
    counts: ConnectionCounts = field(default_factory=ConnectionCounts)
    stopping: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread = field(init=False)
    _dispatcher: Dispatcher = field(init=False)
    _policy: ReconnectPolicy = field(init=False)
    #: Streams that other threads want renewed.
    _renewals: deque[tuple[str, ...]] = field(default_factory=lambda: deque(maxlen=RENEWALS_MAX))
    #: What the session was last told to follow, as `names` says it since.
    _followed: Sequence[str] = ()
    #: The connection that counts; None while there is none.
    _session: StreamSession | None = None
    #: A new connection that is to take over, from its attempt to the switch.
    _handover: Handover | None = None
    #: The last handover: until then the present connection may repeat what that has handed over.
    _previous: Handover | None = None
    _previous_until_s: float = 0.0
    #: Failures without a connection, and those of a new one beside a living one.
    _backoff: Backoff[float] = field(init=False)
    _handover_backoff: Backoff[float] = field(init=False)

    def __post_init__(self) -> None:
        self._policy = ReconnectPolicy(self.times)
        self._backoff = Backoff(BACKOFF_S, BACKOFF_MAX_S, full_jitter)
        self._handover_backoff = Backoff(BACKOFF_S, BACKOFF_MAX_S, full_jitter)
        self._dispatcher = Dispatcher(self.names, self.deliver, self.counts)
        self.thread = threading.Thread(target=self._run, name="stream", daemon=True)

    def follow(self, names: Sequence[str]) -> None:
        """From now on these streams, by any thread; the connection itself goes on."""
        self.names = names

    def renew(self, names: Iterable[str]) -> None:
        """These seem unwell, says any thread: subscribed anew, and if that does not help, on a new
        connection; then `QUIET_S` of rest."""
        self._renewals.append(tuple(names))

    def health(self, name: str) -> StreamHealth:
        session = self._session
        return self._dispatcher.health(name, session.socket.heard_s if session else None)

    @property
    def is_live(self) -> bool:
        """Whether it is connected, and something is subscribed."""
        return bool(self._dispatcher.live)

    def _run(self) -> None:
        while not self.stopping.is_set():
            try:
                self._run_sessions()
                pause_s = 0.0
            except ExchangeError as error:
                self._dispatcher.report(tuple(self._dispatcher.live), False, str(error))
                pause_s = self._fail(error, self._backoff)
            self.stopping.wait(0.0 if self._handover else pause_s)
        if self._handover is not None:
            self._handover.abandon()

    def _fail(self, error: ExchangeError, backoff: Backoff[float]) -> float:
        """Counts and reports a failure; how long to wait after it, in s."""
        self.counts.failures += 1
        self.counts.malformed += isinstance(error, MalformedAnswer)
        if isinstance(error, RateLimited):
            self.limiter.pause(time.monotonic() + error.retry_after_ms / 1000)
        pause_s = backoff.fail()
        log.warning("stream: %s; again in %.1f s", error, pause_s)
        return pause_s

    def _run_sessions(self) -> None:
        """From the opening of one connection to the end of the last that took over from it."""
        socket = self._open()
        if socket is None:
            return
        self._policy.is_missed = False
        self._activate(StreamSession(socket, self.times, self.counts))
        try:
            while not self.stopping.is_set():
                self._step()
        finally:
            session, self._session = self._session, None
            if session is not None:
                session.close()

    def _open(self) -> ClientSocket | None:
        """None when it was told to stop meanwhile."""
        handover, self._handover = self._handover, None
        while handover is None and (wait_s := self.limiter.acquire(time.monotonic())):
            if self.stopping.wait(wait_s):
                return None
        attempt = handover.attempt if handover else ConnectAttempt(self.url, self.route)
        while not self.stopping.is_set():
            if socket := attempt.take(RECEIVE_S):
                return socket
        attempt.abandon()
        return None

    def _activate(self, session: StreamSession) -> None:
        """This is the connection now."""
        self._session, self._followed = session, ()
        self._policy.on_connect(time.monotonic())

    def _step(self) -> None:
        session, handover, now_s = self._session, self._handover, time.monotonic()
        assert session is not None
        self._apply_requests(session, now_s)
        if handover is None:
            self._start_handover(session, now_s)
        wait_s = None if handover is None else SHARED_S if handover.session else RECEIVE_S
        try:
            events = session.step(wait_s)
        except ExchangeError as error:
            self._fall_over(session, error)
            return
        if self._previous is not None:
            events = self._previous.unseen(events)
            self._previous = self._previous if now_s < self._previous_until_s else None
        self._dispatch(events)
        if handover is not None:
            handover.on_old_events(events)
            self._advance_handover(session, handover)

    def _apply_requests(self, session: StreamSession, now_s: float) -> None:
        """What other threads have asked for since."""
        if self.names is not self._followed:
            self._followed = names = self.names
            self._dispatcher.follow(names)
            session.subscriptions.follow(names)
            if self._handover and self._handover.session:
                self._handover.session.subscriptions.follow(names)
        while self._renewals:
            fresh = self._policy.renew(self._renewals.popleft(), frozenset(self._followed), now_s)
            session.subscriptions.resubscribe(fresh, "renewed: it was silent")

    def _start_handover(self, session: StreamSession, now_s: float) -> None:
        """Opens another connection beside this one, if there is a cause and it may be."""
        cause = self._policy.due(session, now_s)
        if cause is None:
            return
        if cause == MUTE and (reason := self._policy.report_missed()):
            self._dispatcher.report(sorted(self._dispatcher.live), False, reason)
        wait_s = self.limiter.acquire(now_s, 0 if session.is_leaving else ATTEMPTS_RESERVED)
        if wait_s > 0:
            self._policy.wait(now_s + wait_s)
            return
        log.info("stream: a new connection takes over: %s", cause)
        self._handover = Handover(
            cause, session, ConnectAttempt(self.url, self.route), self.times, self.counts
        )

    def _advance_handover(self, session: StreamSession, handover: Handover) -> None:
        try:
            handover.step(self._followed)
        except ExchangeError as error:
            handover.abandon()
            self._handover = None
            pause_s = self._fail(error, self._handover_backoff)
            self._policy.wait(time.monotonic() + pause_s)
            return
        now_s = time.monotonic()
        if handover.is_ready(now_s):
            lost = handover.lost(self._dispatcher.live, now_s)
            self._switch(session, handover, lost, "mute: a new connection brought what it did not")

    def _fall_over(self, session: StreamSession, error: ExchangeError) -> None:
        """The connection has ended; one that is open beside it already takes over at once. What
        was subscribed there before the last sign of life here is not lost."""
        handover, last_s = self._handover, session.socket.heard_s
        if handover is None or handover.session is None:
            raise error
        log.warning("stream: %s; the new connection takes over", error)
        self.counts.failures += 1
        confirmed = handover.session.subscriptions.confirmed
        lost = {n for n in self._dispatcher.live if confirmed.get(n, math.inf) > last_s}
        self._switch(
            session, handover, lost | handover.lost(self._dispatcher.live, last_s), str(error)
        )

    def _switch(self, old: StreamSession, handover: Handover, lost: set[str], reason: str) -> None:
        assert handover.session is not None
        now_s, rest, policy, dispatcher = (
            time.monotonic(),
            handover.remaining(),
            self._policy,
            self._dispatcher,
        )
        self._handover, self._previous = None, handover
        self._previous_until_s = now_s + OVERLAP_MAX_S
        dispatcher.report(sorted(lost), False, reason)
        self.counts.stalls += handover.cause == MUTE and bool(lost or (policy.is_missed and rest))
        self.counts.renewals += 1
        self._activate(handover.session)
        self._handover_backoff.reset()
        policy.on_handover(now_s, now_s - old.opened_s, is_quiet=handover.is_quiet)
        confirmed = handover.session.subscriptions.confirmed
        dispatcher.report(sorted(dispatcher.live - confirmed.keys()), False, "not subscribed again")
        if not policy.is_missed:
            dispatcher.report(sorted(confirmed), True, "subscribed")
        self._dispatch(rest)
        old.close()

    def _dispatch(self, events: Sequence[StreamEvent]) -> None:
        policy, session = self._policy, self._session
        if (
            policy.is_missed
            and session
            and any(not isinstance(one, StreamStatusChange) for one in events)
        ):
            policy.is_missed = False
            self._dispatcher.report(sorted(session.subscriptions.confirmed), True, "heard again")
        if self._dispatcher.dispatch(events):
            policy.on_message(time.monotonic())
            self._backoff.reset()
