"""Making spans: steps of a trace with their beginning, end and attributes, by OpenTelemetry.

Never here: where spans go (`sending`), the library itself: it is imported once tracing is wanted.
Invariant: what is to be traced is decided where a trace begins, and so many begin in a second at
most. Moments are ns since 1970 by this machine's clock.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

from truecandle.tracing.traceparent import TraceParent

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

#: Traces that begin in a second in one process, however large the share is.
TRACES_PER_S: Final = 20

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | float | bool]
NONE: Final[Attributes] = {}


class SpanSender(Protocol):
    """What sends spans that have ended."""

    def counts(self) -> dict[str, int]: ...

    def close(self) -> None: ...


class OpenSpan:
    """A span that has begun; `place` is for those below it."""

    def __init__(self, span: Span) -> None:
        self._span = span
        context = span.get_span_context()
        self.place = TraceParent(context.trace_id, context.span_id)

    def rename(self, name: str) -> None:
        """Its name is known only now."""
        self._span.update_name(name)

    def end(self, end_ns: int | None = None, given: Attributes = NONE, error: str = "") -> None:
        """It is over, now or since then. `error`: what went wrong, in words that hold no secret."""
        self._span.set_attributes(dict(given))
        if error:
            from opentelemetry.trace import StatusCode

            self._span.set_status(StatusCode.ERROR, error)
        self._span.end(end_ns)


class Tracing:
    """The traces of one process. By any thread; `share` of what begins here is traced."""

    def __init__(self, share: float, tracer: Tracer, sender: SpanSender) -> None:
        self.share = share
        self._tracer = tracer
        self._sender = sender
        #: The second that is counted, and the traces that began in it; threads that count at the
        #: same moment may let one more begin.
        self._second = 0
        self._begun = 0

    def is_due(self) -> bool:
        """Whether what begins now is to be traced."""
        return random.random() < self.share and self.has_room()  # nosec B311: a sample

    def has_room(self) -> bool:
        """Whether one more trace may begin now; it is counted."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._begun = second, 0
        self._begun += 1
        return self._begun <= TRACES_PER_S

    def begin(
        self,
        name: str,
        kind: Kind,
        *,
        start_ns: int | None = None,
        parent: TraceParent | None = None,
        given: Attributes = NONE,
    ) -> OpenSpan:
        """A span that has begun, now or then; without `parent` it begins a trace."""
        from opentelemetry.trace import SpanKind

        context, attributes = _context(parent), dict(given)
        span = self._tracer.start_span(
            name, context, SpanKind[kind.upper()], attributes, start_time=start_ns
        )
        return OpenSpan(span)

    def record(
        self,
        name: str,
        kind: Kind,
        start_ns: int,
        end_ns: int,
        parent: TraceParent,
        given: Attributes = NONE,
    ) -> TraceParent:
        """A span that is over already."""
        span = self.begin(name, kind, start_ns=start_ns, parent=parent, given=given)
        span.end(max(start_ns, end_ns))
        return span.place

    def counts(self) -> dict[str, int]:
        """Spans since the start: `sent`, and `lost`, which were not."""
        return self._sender.counts()

    def close(self) -> None:
        """Sends what waits, within a bound; what ends later is lost."""
        self._sender.close()


def _context(parent: TraceParent | None) -> Any:
    """The context of the library that has this span, and nothing else, as the present one."""
    from opentelemetry.context import Context
    from opentelemetry.trace import (
        NonRecordingSpan,
        SpanContext,
        TraceFlags,
        set_span_in_context,
    )

    if parent is None:
        return Context()
    flags = TraceFlags(TraceFlags.SAMPLED)
    place = SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(place), Context())
