"""One connection to Binance's streams: subscribed, watched, renewed, and connected again for ever.

Never here: what a trade does to a candle; how many connections there are (`stream`).
Invariant: messages that were not asked for, or are no messages, never leave; all are counted.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from truecandle.binance.pulse import Attempts, Pulse, ceiling_s
from truecandle.binance.socket import Socket
from truecandle.binance.wire import Message, parse_message, stream_of
from truecandle.candles.tick import Kline, Trade
from truecandle.errors import ExchangeError, MalformedAnswer, RateLimited

#: Binance ends a connection that sends more than 5 messages a second: at most 4 leave.
CONTROL_PAUSE_S = 0.26
STREAMS_PER_MESSAGE = 200

#: Binance ends every connection after 24 hours; ours is replaced before, at this age or up to
#: `RENEW_JITTER_S` earlier. The old one is read on for `OVERLAP_S` beside the new one.
RENEW_S = 23 * 3600.0
RENEW_JITTER_S = 600.0
OVERLAP_S = 1.0

Deliver = Callable[[Trade | Kline], None]
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Counts:
    """What came and what went wrong on one connection, since the start."""

    messages: int = 0
    malformed: int = 0
    foreign: int = 0
    refused: int = 0
    connects: int = 0
    failures: int = 0
    stalls: int = 0
    renewals: int = 0


@dataclass(slots=True)
class Connection:
    """One connection and the thread that keeps it: `_run` → `_session` → `_read` → `_take`."""

    url: str
    names: Sequence[str]
    deliver: Deliver
    attempts: Attempts
    pulse: Pulse = field(default_factory=Pulse)
    renew_s: float = RENEW_S
    counts: Counts = field(default_factory=Counts)
    is_live: bool = False
    stopping: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread = field(init=False)
    _wanted: frozenset[str] = field(init=False)
    _subscribed: Sequence[str] = ()
    _requests: int = 0
    _failures: int = 0
    _is_leaving: bool = False

    def __post_init__(self) -> None:
        self._wanted = frozenset(self.names)
        self.thread = threading.Thread(target=self._run, name="stream", daemon=True)

    def follow(self, names: Sequence[str]) -> None:
        """From now on these streams, by any thread; the connection itself goes on."""
        self.names, self._wanted = names, frozenset(names)

    def _run(self) -> None:
        while not self.stopping.is_set():
            pause_s = 0.0
            try:
                self._session()
            except RateLimited as error:
                pause_s = max(self._fail(error), error.retry_after_ms / 1000)
            except ExchangeError as error:
                pause_s = self._fail(error)
            self.is_live = False
            self.stopping.wait(pause_s)

    def _fail(self, error: ExchangeError) -> float:
        """Counts and reports a failure; returns how long to wait after it, in s."""
        self._failures += 1
        self.counts.failures += 1
        self.counts.malformed += isinstance(error, MalformedAnswer)
        pause_s = random.uniform(0, ceiling_s(self._failures))
        log.warning("stream: %s; again in %.1f s", error, pause_s)
        return pause_s

    def _session(self) -> None:
        """One connection from its opening on; replaced by a new one when its time has come."""
        socket = self._open()
        try:
            self._subscribe(socket, socket)
            while not self.stopping.is_set():
                renew_at_s = time.monotonic() + self.renew_s - random.uniform(0, self._jitter_s)
                while not (self.stopping.is_set() or self._is_due(renew_at_s)):
                    self._read(socket, CONTROL_PAUSE_S)
                    self._check_silence()
                    self._adjust(socket)
                if not self.stopping.is_set():
                    socket = self._replace(socket)
        finally:
            socket.close()

    @property
    def _jitter_s(self) -> float:
        return min(RENEW_JITTER_S, self.renew_s / 4)

    def _is_due(self, renew_at_s: float) -> bool:
        return self._is_leaving or time.monotonic() >= renew_at_s

    def _open(self) -> Socket:
        while wait_s := self.attempts.take(time.monotonic()):
            if self.stopping.wait(wait_s):
                raise ExchangeError("stopped")
        return self._connect()

    def _connect(self) -> Socket:
        self._is_leaving = False
        socket = Socket(f"{self.url}/stream")
        self.pulse.connect(time.monotonic())
        self.counts.connects += 1
        return socket

    def _subscribe(self, socket: Socket, reading: Socket) -> None:
        """Subscribes on `socket`, a batch at a time, while messages come from `reading`."""
        self._subscribed = self.names
        self._control(socket, reading, "SUBSCRIBE", self._subscribed)

    def _adjust(self, socket: Socket) -> None:
        """Takes up what `follow` has changed since."""
        names, before = self.names, self._subscribed
        if names == before:
            return
        self._control(socket, socket, "UNSUBSCRIBE", sorted(set(before) - set(names)))
        self._control(socket, socket, "SUBSCRIBE", sorted(set(names) - set(before)))
        self._subscribed = names

    def _control(self, socket: Socket, reading: Socket, method: str, names: Sequence[str]) -> None:
        for batch in _batches(names):
            self._requests += 1
            request = {"method": method, "params": batch, "id": self._requests}
            socket.send(json.dumps(request, ensure_ascii=False))
            self._read(reading, CONTROL_PAUSE_S)

    def _replace(self, old: Socket) -> Socket:
        """Make before break: the old connection is read on until the new one has everything.

        Where no new one can be had, the old one goes on until the exchange ends it.
        """
        self._is_leaving = False
        if self.attempts.take(time.monotonic()) > 0:
            return old
        try:
            socket = self._connect()
        except ExchangeError as error:
            self._fail(error)
            return old
        self.counts.renewals += 1
        try:
            self._overlap(socket, old)
        except ExchangeError:
            socket.close()
            raise
        old.close()
        return socket

    def _overlap(self, new: Socket, old: Socket) -> None:
        try:
            self._subscribe(new, old)
            self._read(old, OVERLAP_S)
        except ExchangeError:  # the old one has ended already
            self._subscribe(new, new)

    def _read(self, socket: Socket, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s and not self.stopping.is_set():
            data = socket.receive()
            if data is not None:
                self._take(data)

    def _check_silence(self) -> None:
        if self.pulse.is_silent(time.monotonic()):
            self.counts.stalls += 1
            raise ExchangeError(f"no message for {self.pulse.limit_s:.0f} s")

    def _take(self, data: bytes) -> None:
        try:
            message = parse_message(data)
        except MalformedAnswer as error:
            self.counts.malformed += 1
            log.warning("stream: dropped a message: %s", error)
            return
        value = message.value
        if isinstance(value, Trade | Kline):
            self._pass_on(value)
        elif message.kind == "shutdown":
            log.info("stream: the exchange announced its shutdown")
            self._is_leaving = True
        elif message.kind == "reply":
            self._check_reply(message)
        else:
            self.counts.foreign += 1

    def _pass_on(self, value: Trade | Kline) -> None:
        if stream_of(value) not in self._wanted:
            self.counts.foreign += 1
            return
        self.pulse.beat(time.monotonic())
        self._failures = 0
        self.is_live = True
        self.counts.messages += 1
        self.deliver(value)

    def _check_reply(self, message: Message) -> None:
        if isinstance(message.value, dict) and (
            "code" in message.value or "error" in message.value
        ):
            self.counts.refused += 1
            log.warning("stream: the exchange refused: %.200r", message.value)


def _batches(names: Sequence[str]) -> Iterator[list[str]]:
    for first in range(0, len(names), STREAMS_PER_MESSAGE):
        yield list(names[first : first + STREAMS_PER_MESSAGE])
