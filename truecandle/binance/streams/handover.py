"""Make before break: a new connection takes over, while the old one is read on beside it.

Never here: when a new one is due, retries (`connection`).
Invariant: what both bring is handed over once. A stream is called lost only if the new connection
brought what the old one did not, although it had the time to.
"""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Sequence

from truecandle.binance.streams.messages import stream_of
from truecandle.binance.streams.session import ConnectAttempt, ConnectionTimes, StreamSession
from truecandle.binance.streams.status import ConnectionCounts, StreamEvent, StreamStatusChange
from truecandle.candles.trades import Kline, Trade
from truecandle.errors import ExchangeUnreachable

#: Both are read for so long after everything is subscribed on the new one; longer, up to
#: `OVERLAP_MAX_S`, while the old one speaks and has not come as far as the new one has begun.
OVERLAP_S = 1.0
OVERLAP_MAX_S = 20.0

#: How much later an event must be for what was before it not to come any more.
LATE_MS = 1_000

#: Subscribing 1,000 streams takes 2 s, and isolating refused ones some more.
SUBSCRIBE_MAX_S = 120.0

#: What the new one brought meanwhile; the change is made at once when it is more.
HELD_MAX = 50_000

MUTE = "mute"


class Handover:
    """`on_old_events` what the old connection brings, `step` the new one, until `is_ready`."""

    def __init__(
        self,
        cause: str,
        old: StreamSession,
        attempt: ConnectAttempt,
        times: ConnectionTimes,
        counts: ConnectionCounts,
    ) -> None:
        self.cause = cause
        self._old = old
        self.attempt = attempt
        #: The new connection, once the attempt has succeeded.
        self.session: StreamSession | None = None
        self._times = times
        self._counts = counts
        #: All that the new connection brought, not handed over yet.
        self._held: list[StreamEvent] = []
        #: What it brought first of each stream, and when.
        self._firsts: dict[str, tuple[Trade | Kline, float]] = {}
        #: Since when all is subscribed on the new connection.
        self._subscribed_s: float | None = None
        #: What the old connection brought meanwhile: each event; each stream; its last trade id.
        self._seen: set[Hashable] = set()
        self._heard: set[str] = set()
        self._reached: dict[str, int] = {}
        #: When the old connection last brought anything, and the newest event time in it.
        self._heard_s = 0.0
        self._reached_ms = 0

    def on_old_events(self, events: Iterable[StreamEvent]) -> None:
        """What the old connection brought; before the new one is open it does not matter."""
        for event in events if self.session else ():
            if not isinstance(event, StreamStatusChange):
                name = stream_of(event)
                self._seen.add(_key(event))
                self._heard.add(name)
                self._reached[name] = event.last_id
                self._reached_ms = max(self._reached_ms, event.event_ms)
                self._heard_s = time.monotonic()

    def step(self, names: Sequence[str], wait_s: float = 0.0) -> None:
        """Opens, subscribes and reads the new connection. Raises `ExchangeError`."""
        if self.session is None:
            socket = self.attempt.take(0.0)
            if socket is None:
                return
            self.session = StreamSession(socket, self._times, self._counts)
            self.session.subscriptions.follow(names)
        events = self.session.step(wait_s)
        now_s = time.monotonic()
        for event in events:
            if not isinstance(event, StreamStatusChange):
                self._held.append(event)
                self._firsts.setdefault(stream_of(event), (event, now_s))
        if not self.session.subscriptions.is_resolved:
            self._subscribed_s = None
            if now_s - self.session.opened_s > SUBSCRIBE_MAX_S:
                raise ExchangeUnreachable(f"not subscribed within {SUBSCRIBE_MAX_S:.0f} s")
        elif self._subscribed_s is None:
            self._subscribed_s = now_s

    def is_ready(self, now_s: float) -> bool:
        if self._subscribed_s is None:
            return len(self._held) >= HELD_MAX
        elapsed_s = now_s - self._subscribed_s
        if elapsed_s < OVERLAP_S and len(self._held) < HELD_MAX:
            return False
        if self.is_quiet and elapsed_s < self._times.silence_s:
            return False
        most_s = OVERLAP_MAX_S + (self._times.silence_s if self.cause == MUTE else 0.0)
        may_come = any(self._may_come(*self._firsts[name], now_s) for name in self._missing(now_s))
        return not may_come or elapsed_s >= most_s or len(self._held) >= HELD_MAX

    @property
    def is_quiet(self) -> bool:
        """The old one is under suspicion, but nobody has heard anything."""
        return self.cause == MUTE and not self._held and not self._heard

    def lost(self, live: Iterable[str], before_s: float) -> set[str]:
        """Streams that the old one has not brought, by what the new one brought before then."""
        missing = self._missing(before_s)
        if self.cause == MUTE and missing and not self._heard:
            return set(live)
        return missing.intersection(live)

    def remaining(self) -> list[StreamEvent]:
        """What only the new connection has brought."""
        return self.unseen(self._held)

    def unseen(self, events: Sequence[StreamEvent]) -> list[StreamEvent]:
        """These without what the old connection has brought already, ahead of the new one."""
        return [
            event
            for event in events
            if isinstance(event, StreamStatusChange) or _key(event) not in self._seen
        ]

    def abandon(self) -> None:
        self.attempt.abandon()

    def _missing(self, before_s: float) -> set[str]:
        """Streams that the old connection had, too, when they were first heard on the new one, and
        of which it brought neither this nor what comes right before."""
        had_s = self._old.subscriptions.confirmed
        return {
            name
            for name, (event, at_s) in self._firsts.items()
            if had_s.get(name, at_s) < at_s <= before_s and not self._is_matched(name, event)
        }

    def _is_matched(self, name: str, first: Trade | Kline) -> bool:
        """Klines are not the same on both, perhaps: there any of the stream will do."""
        if isinstance(first, Kline):
            return name in self._heard
        return _key(first) in self._seen or self._reached.get(name) == first.first_id - 1

    def _may_come(self, first: Trade | Kline, at_s: float, now_s: float) -> bool:
        """Whether the old one may bring it still: the new one was faster, or the old one is behind
        in all that it brings."""
        is_speaking = now_s - max(at_s, self._heard_s) <= OVERLAP_S
        return is_speaking and self._reached_ms <= first.event_ms + LATE_MS


def _key(event: Trade | Kline) -> Hashable:
    """What makes it the same on both connections."""
    if isinstance(event, Trade):
        return event.symbol, event.first_id, event.last_id, event.time_ms
    return event.symbol, event.interval, event.open_ms, event.last_id, event.is_closed
