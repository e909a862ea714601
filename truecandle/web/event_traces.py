"""Events that are traced, on their way through this process: heard, written to browsers, drawn.

The trace comes with the event. A few of the browsers that hear it are told so, and say when they
have drawn it; all others, and programs, are sent the event as it always is.

Never here: which events are traced (their publishers choose), who hears an event (`fan_out`).
Invariant: to a trace no more spans are added than browsers were told of it, each within `WAIT_S`;
and no moment of a browser's clock is believed: what it says is a duration.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from truecandle.errors import CandleError
from truecandle.events import Event, from_message, taken_trace, with_trace
from truecandle.tracing.spans import Kind, OpenSpan, Tracing
from truecandle.tracing.traceparent import TraceParent, parse_traceparent
from truecandle.web.fan_out import FanOut

#: How many of the browsers that hear an event are asked when they have drawn it.
ASKED_MAX: Final = 2
#: For how long that is waited for, and of how many events at once.
WAIT_S: Final = 30.0
WAITING_MAX: Final = 200
DRAWN_US_MAX: Final = 30_000_000


@dataclass(slots=True)
class WrittenEvent:
    """An event that was written to browsers. `left`: how many may still say when it was drawn."""

    name: str
    written_ns: int
    left: int


class EventTraces:
    """`hear` and `drawn` from any thread. `tell` is who is told besides browsers: programs."""

    def __init__(self, tracing: Tracing, tell: Callable[[Sequence[Event]], None]) -> None:
        self._tracing = tracing
        self._tell = tell
        #: By the span that they were written by, oldest first.
        self._written: OrderedDict[TraceParent, WrittenEvent] = OrderedDict()

    def hear(self, message: bytes, browsers: FanOut) -> None:
        """Hands on the events of a message, and records how."""
        began_ns, events = time.time_ns(), list[Event]()
        heard: dict[int, OpenSpan] = {}
        for at, event in enumerate(from_message(message)):
            plain, trace = taken_trace(event)
            events.append(plain)
            if (parent := parse_traceparent(trace)) is not None:
                heard[at] = self._begin("receive", "consumer", plain, parent, began_ns)
        self._tell(events)
        writing = {
            at: self._begin("write", "internal", events[at], span.place)
            for at, span in heard.items()
        }
        marked = {at: with_trace(events[at], str(span.place)) for at, span in writing.items()}
        told = browsers.tell_marked(events, marked, ASKED_MAX)
        for at, span in writing.items():
            span.end(given={"truecandle.sockets": told[at]})
            heard[at].end()
            if told[at]:
                self._keep(span.place, WrittenEvent(events[at].name, time.time_ns(), told[at]))

    def drawn(self, traceparent: object, drawn_us: object) -> None:
        """A browser has drawn an event so many µs after it had come; raises a `CandleError`.

        Of the way there and back nobody knows more than both together: half of it each.
        """
        place = parse_traceparent(traceparent) if isinstance(traceparent, str) else None
        if place is None:
            raise CandleError("traceparent", traceparent, "that of an event")
        if type(drawn_us) is not int or not (0 <= drawn_us <= DRAWN_US_MAX):
            raise CandleError("drawn_us", drawn_us, f"a whole number from 0 to {DRAWN_US_MAX}")
        took_ns = drawn_us * 1000
        now_ns, written = time.time_ns(), self._written.get(place)
        if written is None or not written.left or now_ns - written.written_ns > WAIT_S * 1e9:
            return
        written.left -= 1
        way_ns = max(0, now_ns - written.written_ns - took_ns)
        start_ns = written.written_ns + way_ns // 2
        given = {"truecandle.round_trip_ms": way_ns / 1e6}
        self._tracing.record(
            f"draw {written.name}", "internal", start_ns, start_ns + took_ns, place, given
        )

    def _begin(
        self, verb: str, kind: Kind, event: Event, parent: TraceParent, start_ns: int | None = None
    ) -> OpenSpan:
        given = {"messaging.destination.name": event.room}
        if kind == "consumer":
            given |= {"messaging.system": "redis", "messaging.operation.type": "receive"}
        name = f"{verb} {event.name}"
        return self._tracing.begin(name, kind, start_ns=start_ns, parent=parent, given=given)

    def _keep(self, place: TraceParent, written: WrittenEvent) -> None:
        written.left = min(written.left, ASKED_MAX)
        self._written[place] = written
        if len(self._written) > WAITING_MAX:
            self._written.popitem(last=False)
