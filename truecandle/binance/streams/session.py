"""One open connection with its subscriptions: values in, control messages out, pings, its end.

Never here: when another connection is due (`connection`), what a trade does to a candle.
Invariant: what was not understood never leaves; whatever comes before the end is handed over.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from truecandle.binance.streams.idle import PING_S, SILENCE_S
from truecandle.binance.streams.messages import parse_message
from truecandle.binance.streams.status import ConnectionCounts, StreamEvent
from truecandle.binance.streams.subscriptions import CHECK_S, Subscriptions
from truecandle.binance.streams.websocket import RECEIVE_S, ClientSocket
from truecandle.egress import EgressRoute
from truecandle.errors import ExchangeError, ExchangeUnreachable, MalformedAnswer

#: Binance ends every connection after 24 hours; ours is replaced before, at this age or up to
#: `RENEW_JITTER_S` earlier.
RENEW_S = 23 * 3600.0
RENEW_JITTER_S = 600.0

#: A message is waited for so long while nothing is to be sent, or for this part of the time between
#: two pings, if that is less.
REST_S = 0.5
REST_PART = 0.1

#: At most one complaint about broken messages in so long.
_LOG_EVERY_S = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ConnectionTimes:
    """How long a connection lives, may be silent, is asked for signs of life, and is checked."""

    renew_s: float = RENEW_S
    silence_s: float = SILENCE_S
    ping_s: float = PING_S
    check_s: float = CHECK_S


class StreamSession:
    """`step` it again and again: it tends the connection and gives what has come, in order."""

    def __init__(
        self, socket: ClientSocket, times: ConnectionTimes, counts: ConnectionCounts
    ) -> None:
        self.socket = socket
        self.subscriptions = Subscriptions(times.check_s)
        #: The exchange has announced that it shuts down.
        self.is_leaving = False
        self.opened_s = time.monotonic()
        self._times = times
        self._counts = counts
        self._next_ping_s = self.opened_s + times.ping_s
        #: When a ping first left after the last sign of life; when a broken message was logged.
        self._pinged_s = 0.0
        self._logged_s = 0.0
        counts.connects += 1

    def step(self, wait_s: float | None = None) -> list[StreamEvent]:
        """What has come, waiting `wait_s` at most for it, or as long as nothing is to be done.
        Raises `ExchangeError` at the end."""
        now_s = time.monotonic()
        self._send_due(now_s)
        if wait_s is None:
            rest_s = min(REST_S, REST_PART * self._times.ping_s)
            wait_s = max(RECEIVE_S, rest_s) if self.subscriptions.is_idle(now_s) else RECEIVE_S
        events: list[StreamEvent] = []
        self._take_status_changes(events)
        messages = self.socket.receive(wait_s)
        for data in messages:
            try:
                kind, value = parse_message(data)
            except MalformedAnswer as error:
                self._log_malformed(error)
                continue
            if kind == "trade" or kind == "kline":
                events.append(value)  # type: ignore[arg-type]
            else:
                self._on_control(kind, value)
                self._take_status_changes(events)
        if not messages:
            self._check_alive(time.monotonic())
        return events

    def close(self) -> None:
        self.socket.close()

    def _send_due(self, now_s: float) -> None:
        if not self.subscriptions.may_send(now_s):
            return
        if now_s >= self._next_ping_s:
            self._next_ping_s = now_s + self._times.ping_s
            if self._pinged_s <= self.socket.heard_s:
                self._pinged_s = now_s
            self.socket.ping()
            self.subscriptions.on_sent(now_s)
        elif text := self.subscriptions.next_message(now_s):
            self.socket.send(text)

    def _check_alive(self, now_s: float) -> None:
        """No sign of life for two pings' time, and one was asked for: a thread that was itself
        held up does not take the connection for dead."""
        heard_s, ping_s = self.socket.heard_s, self._times.ping_s
        is_asked = self._pinged_s > heard_s and now_s - self._pinged_s > 0.8 * ping_s
        if is_asked and now_s - heard_s > 2 * ping_s:
            self._counts.stalls += 1
            raise ExchangeUnreachable(f"no sign of life for {now_s - heard_s:.0f} s")

    def _on_control(self, kind: str, value: object) -> None:
        if kind == "shutdown":
            log.info("stream: the exchange announced its shutdown")
            self.is_leaving = True
        elif kind == "reply" and isinstance(value, dict):
            refusals = self.subscriptions.refusals
            self.subscriptions.on_answer(value, time.monotonic())
            if self.subscriptions.refusals > refusals:
                self._counts.refused += 1
                log.warning("stream: the exchange refused: %.200r", value)
        else:
            self._counts.foreign += 1

    def _take_status_changes(self, events: list[StreamEvent]) -> None:
        if self.subscriptions.changes:
            events += self.subscriptions.changes
            self.subscriptions.changes.clear()

    def _log_malformed(self, error: MalformedAnswer) -> None:
        self._counts.malformed += 1
        now_s = time.monotonic()
        if now_s - self._logged_s >= _LOG_EVERY_S:
            self._logged_s = now_s
            log.warning("stream: dropped a message: %s", error)


class ConnectAttempt:
    """A connection being opened in a thread of its own, so that nobody waits for a slow one."""

    def __init__(self, url: str, route: EgressRoute) -> None:
        self._url = url
        self._route = route
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._socket: ClientSocket | None = None
        self._error: ExchangeError | None = None
        self._is_abandoned = False
        threading.Thread(target=self._open, name="opening", daemon=True).start()

    def take(self, wait_s: float) -> ClientSocket | None:
        """The open connection; None if it is not open yet. Raises `ExchangeError`."""
        if not self._done.wait(wait_s):
            return None
        if self._error is not None:
            raise self._error
        return self._socket

    def abandon(self) -> None:
        """Nobody wants it any more."""
        with self._lock:
            self._is_abandoned = True
            if self._socket is not None:
                self._socket.close()

    def _open(self) -> None:
        try:
            socket = ClientSocket(self._url, self._route)
            with self._lock:
                self._socket = socket
                if self._is_abandoned:
                    socket.close()
        except ExchangeError as error:
            self._error = error
        self._done.set()
