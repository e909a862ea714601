"""What is subscribed on one connection: asked for at the allowed pace, confirmed, kept.

Never here: sockets, a clock (seconds that only grow come in), trades and klines.
Invariant: control messages, pings among them, leave at least `CONTROL_PAUSE_S` apart. A stream is
live from the exchange's own answer on, never before.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from truecandle.backoff import Backoff
from truecandle.binance.streams.status import StreamStatusChange

#: Binance ends a connection that sends more than 5 messages a second: at most 4 leave, so that an
#: answer to its own ping, which does not wait, is the fifth.
CONTROL_PAUSE_S = 0.26
STREAMS_PER_MESSAGE = 200

#: An answer takes less; after so many that never came, the connection is deaf.
ANSWER_S = 10.0
UNANSWERED_MAX = 3

#: A stream that is refused is asked for again after 1 s, 2 s, 4 s ..., this at most, for ever.
REFUSED_S = 1.0
REFUSED_MAX_S = 300.0

#: How often the exchange is asked what it thinks is subscribed.
CHECK_S = 300.0


class _ControlRequest(NamedTuple):
    method: str
    names: tuple[str, ...]
    sent_s: float


class Subscriptions:
    """The streams of one connection. `changes` tells which have gone live or were lost, in order;
    whoever reads it empties it. `confirmed` holds what is live here, and since when."""

    def __init__(self, check_s: float = CHECK_S) -> None:
        self.changes: list[StreamStatusChange] = []
        self.confirmed: dict[str, float] = {}
        #: Control messages that were refused, since the start.
        self.refusals = 0
        #: Those that were never answered, since the last answer.
        self.unanswered = 0
        self._check_s = check_s
        #: All that `follow` named, in its order.
        self._wanted: dict[str, None] = {}
        #: Asked for and not answered yet, by the number of the request.
        self._pending: dict[str, int] = {}
        #: Refused by itself: its pauses, and when it is asked for again.
        self._refused: dict[str, tuple[Backoff[float], float]] = {}
        #: To be left; those to be subscribed anew are left first.
        self._unwanted: dict[str, None] = {}
        #: Of a refused message, each to be tried by itself.
        self._halves: deque[tuple[str, ...]] = deque()
        self._requests: dict[int, _ControlRequest] = {}
        #: Of the last request.
        self._number = 0
        #: When the next message may leave; when the list was last checked (0: never); and until
        #: when nothing is to be sent, unless something changes.
        self._next_s = self._checked_s = self._idle_until_s = 0.0

    def follow(self, names: Iterable[str]) -> None:
        """From now on these streams, and no others."""
        self._wanted = dict.fromkeys(names)
        for name in (*self.confirmed, *self._pending):
            if name in self._wanted:
                self._unwanted.pop(name, None)
            else:
                self._unwanted[name] = None
        for name in self._refused.keys() - self._wanted.keys():
            del self._refused[name]
        self._idle_until_s = 0.0

    def resubscribe(self, names: Iterable[str], reason: str) -> None:
        """These are left and asked for once more; lost until they are confirmed again."""
        again = tuple(name for name in names if name in self.confirmed)
        for name in again:
            del self.confirmed[name]
            self._unwanted[name] = None
        self._idle_until_s = 0.0
        self._report(again, False, reason)

    @property
    def is_resolved(self) -> bool:
        """Whether every wanted stream is confirmed, or refused by itself."""
        return all(name in self.confirmed or name in self._refused for name in self._wanted)

    @property
    def is_unresponsive(self) -> bool:
        return self.unanswered >= UNANSWERED_MAX

    def may_send(self, now_s: float) -> bool:
        return now_s >= self._next_s

    def is_idle(self, now_s: float) -> bool:
        """Whether nothing is to be sent for a while, unless something changes."""
        return now_s < self._idle_until_s

    def on_sent(self, now_s: float) -> None:
        """A ping was sent: it counts like any other control message."""
        self._next_s = now_s + CONTROL_PAUSE_S

    def next_message(self, now_s: float) -> str | None:
        """The control message that is to leave now."""
        if now_s < self._next_s or now_s < self._idle_until_s:
            return None
        self._forget_unanswered(now_s)
        method, names = self._due(now_s)
        if not method:
            self._idle_until_s = now_s + 2 * CONTROL_PAUSE_S
            return None
        self._number += 1
        self._requests[self._number] = _ControlRequest(method, names, now_s)
        for name in names:
            if method == "SUBSCRIBE":
                self._pending[name] = self._number
            else:
                self._unwanted.pop(name, None)
                self._pending.pop(name, None)
                self.confirmed.pop(name, None)
        self.on_sent(now_s)
        request: dict[str, object] = {"method": method, "params": names, "id": self._number}
        if not names:
            del request["params"]
        return json.dumps(request, ensure_ascii=False)

    def on_answer(self, message: Mapping[str, Any], now_s: float) -> None:
        """Takes in the exchange's answer to a control message."""
        self._idle_until_s = 0.0
        error = message.get("error", message if "code" in message else None)
        number = message.get("id")
        if error is not None and number is None and self._requests:
            number = min(self._requests)  # broken JSON is refused without its number
        request = self._requests.pop(number, None) if isinstance(number, int) else None
        self.refusals += error is not None
        if request is None:
            return
        self.unanswered = 0
        names = tuple(name for name in request.names if self._pending.get(name) == number)
        for name in names:
            del self._pending[name]
        if error is not None:
            self._refuse(names, error, now_s)
        elif request.method == "SUBSCRIBE":
            self._confirm(names, now_s)
        elif request.method == "LIST_SUBSCRIPTIONS":
            self._compare(request, message.get("result"))

    def _due(self, now_s: float) -> tuple[str, tuple[str, ...]]:
        if self._unwanted:
            return "UNSUBSCRIBE", tuple(self._unwanted)[:STREAMS_PER_MESSAGE]
        while self._halves:
            half = tuple(name for name in self._halves.popleft() if self._is_missing(name, now_s))
            if half:
                return "SUBSCRIBE", half
        missing = [name for name in self._wanted if self._is_missing(name, now_s)]
        if missing:
            return "SUBSCRIBE", self._batch(missing)
        if not self._checked_s:
            self._checked_s = now_s
        elif now_s - self._checked_s >= self._check_s and not self._requests:
            self._checked_s = now_s
            return "LIST_SUBSCRIPTIONS", ()
        return "", ()

    def _batch(self, missing: Sequence[str]) -> tuple[str, ...]:
        """A stream that was refused before is asked for alone: it shall not spoil others."""
        clean = tuple(name for name in missing if name not in self._refused)
        return clean[:STREAMS_PER_MESSAGE] if clean else (missing[0],)

    def _is_missing(self, name: str, now_s: float) -> bool:
        if name not in self._wanted or name in self.confirmed or name in self._pending:
            return False
        return name not in self._refused or now_s >= self._refused[name][1]

    def _confirm(self, names: tuple[str, ...], now_s: float) -> None:
        for name in names:
            self.confirmed[name] = now_s
            self._refused.pop(name, None)
        self._report(names, True, "subscribed")

    def _refuse(self, names: tuple[str, ...], error: object, now_s: float) -> None:
        """One bad stream spoils its whole message: halves are tried until it is found."""
        if len(names) > 1:
            middle = len(names) // 2
            self._halves += (names[:middle], names[middle:])
        elif names:
            known = self._refused.get(names[0])
            backoff = known[0] if known else Backoff(REFUSED_S, REFUSED_MAX_S)
            self._refused[names[0]] = (backoff, now_s + backoff.fail())
            self._report(names, False, f"refused by the exchange: {str(error)[:80]}")

    def _compare(self, request: _ControlRequest, listed: object) -> None:
        """What the exchange has forgotten is asked for again; what it should not know is left."""
        if not isinstance(listed, list):
            return
        known = {name for name in listed if isinstance(name, str)}
        gone = [n for n, since_s in self.confirmed.items() if since_s < request.sent_s]
        lost = tuple(name for name in gone if name not in known)
        for name in lost:
            del self.confirmed[name]
        self._report(lost, False, "the exchange has lost the subscription")
        for name in known - self.confirmed.keys() - self._pending.keys() - self._wanted.keys():
            self._unwanted[name] = None

    def _forget_unanswered(self, now_s: float) -> None:
        for number, request in list(self._requests.items()):
            if now_s - request.sent_s > ANSWER_S:
                del self._requests[number]
                self.unanswered += 1
                for name in request.names:
                    if self._pending.get(name) == number:
                        del self._pending[name]

    def _report(self, names: tuple[str, ...], is_live: bool, reason: str) -> None:
        if names:
            self.changes.append(StreamStatusChange(names, is_live, reason))
