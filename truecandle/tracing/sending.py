"""Sending spans to a collector by OTLP over HTTP: in batches, from a bounded queue.

The library gathers batches in a thread of its own (a green one where the role has patched threads)
and writes the requests; they leave by the way out that the settings name, like all others.

Never here: what is traced.
Invariant: who ends a span never waits; what finds no room, or is not taken in time, is lost and
counted, and that is logged once until it changes. No header is shown.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Sequence
from typing import Any, Final

import requests
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

import truecandle
from truecandle import metrics
from truecandle.binance.rest.deadline import RequestDeadlines
from truecandle.binance.rest.http import new_session
from truecandle.config import Settings
from truecandle.errors import DeliveryFailed
from truecandle.log_once import TroubleLog
from truecandle.tracing.spans import Tracing

#: Spans that wait, those under way included, and those of one request.
WAITING_MAX: Final = 2_048
BATCH_MAX: Final = 256
#: How often what waits is sent, if there is not a batch of it before.
SEND_S: Final = 1.0
#: For one batch, with the second tries that the library makes meanwhile.
ANSWER_S: Final = 5.0
#: For all that still waits when the role ends.
FLUSH_S: Final = 2.0
#: What the library says of its requests; it is told here once, and by others not at all.
_SAID_BY: Final = "opentelemetry.exporter.otlp.proto.http.trace_exporter"

log = logging.getLogger(__name__)


def open_tracing(settings: Settings, role: str) -> Tracing:
    """The traces of a role, to the collector of the settings, which may be away."""
    place = Resource(
        {
            "service.name": f"truecandle-{role}",
            "service.namespace": "truecandle",
            "service.version": truecandle.__version__,
            "service.instance.id": secrets.token_hex(8),
        }
    )
    sender = CollectorSender(settings)
    provider = TracerProvider(sampler=ALWAYS_ON, resource=place, shutdown_on_exit=False)
    provider.add_span_processor(sender)
    tracer = provider.get_tracer("truecandle", truecandle.__version__)
    log.info("%s: traces go to %s", role, settings.traces_url)
    return Tracing(settings.traces_sample, tracer, sender)


class CollectorSender(SpanProcessor):
    """Takes every span that has ended, if there is room; `close` once."""

    def __init__(self, settings: Settings) -> None:
        self._exporter = CountingExporter(settings)
        self._batches = BatchSpanProcessor(
            self._exporter,
            max_queue_size=WAITING_MAX,
            max_export_batch_size=BATCH_MAX,
            schedule_delay_millis=SEND_S * 1000,
            export_timeout_millis=ANSWER_S * 1000,
        )

    def on_end(self, span: ReadableSpan) -> None:
        if self._exporter.admit():
            self._batches.on_end(span)

    def counts(self) -> dict[str, int]:
        return self._exporter.counts()

    def close(self) -> None:
        late = threading.Timer(FLUSH_S, self._exporter.give_up)
        late.daemon = True
        late.start()
        self._batches.shutdown()  # type: ignore[no-untyped-call]
        late.cancel()


class CountingExporter(SpanExporter):
    """One batch after the other to the collector; counts what becomes of spans."""

    def __init__(self, settings: Settings) -> None:
        route = settings.egress.route(settings.traces_url)
        session = new_session(route)
        session.hooks["response"].append(_refuse_redirect)
        self._said = _FirstSaid(_SAID_BY)
        self._inner = OTLPSpanExporter(
            settings.traces_url,
            certificate_file=route.ca_file or None,
            headers=dict(settings.traces_headers),
            timeout=ANSWER_S,
            compression=Compression.Gzip,
            session=session,
        )
        self._subject = f"traces to {settings.traces_url}"
        self._deadlines = RequestDeadlines()
        self._troubles = TroubleLog(log)
        self._lock = threading.Lock()
        self._waiting = self._sent = self._lost = 0
        self._is_over = False

    def admit(self) -> bool:
        """Whether there is room for one more span, which waits from then on; else it is lost."""
        with self._lock:
            if self._waiting < WAITING_MAX and not self._is_over:
                self._waiting += 1
                return True
            self._lost += 1
        metrics.SPANS.labels("lost").inc()
        return False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Never raises: whatever goes wrong, these spans are lost and no more."""
        try:
            self._send(spans)
        except Exception as error:
            self._troubles.report(self._subject, error)
            self._count(len(spans), "lost")
            return SpanExportResult.FAILURE
        self._count(len(spans), "sent")
        if self._troubles.clear(self._subject):
            log.info("%s: taken again", self._subject)
        return SpanExportResult.SUCCESS

    def give_up(self) -> None:
        """Ends the request under way; what waits is lost."""
        self._is_over = True
        self._inner.shutdown()  # type: ignore[no-untyped-call]
        self._deadlines.abort_all()

    def shutdown(self) -> None:
        self.give_up()

    def counts(self) -> dict[str, int]:
        with self._lock:
            return {"sent": self._sent, "lost": self._lost}

    def _send(self, spans: Sequence[ReadableSpan]) -> None:
        if self._is_over:
            raise DeliveryFailed("not sent before the end", 0)
        self._said.text = ""
        with self._deadlines.limit(ANSWER_S) as request:
            result = self._inner.export(spans)
        if request.is_aborted or result is not SpanExportResult.SUCCESS:
            raise DeliveryFailed(self._said.text or f"no whole answer within {ANSWER_S:.0f} s", 0)

    def _count(self, spans: int, outcome: str) -> None:
        with self._lock:
            self._waiting -= spans
            self._sent += spans if outcome == "sent" else 0
            self._lost += spans if outcome == "lost" else 0
        metrics.SPANS.labels(outcome).inc(spans)


class _FirstSaid(logging.Handler):
    """Keeps the first thing that a logger of the library says of a batch, which alone says why it
    failed, and has nothing of it logged by others."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.text = ""
        source = logging.getLogger(name)
        source.handlers, source.propagate = [self], False

    def emit(self, record: logging.LogRecord) -> None:
        self.text = self.text or record.getMessage()


def _refuse_redirect(answer: requests.Response, *_: Any, **__: Any) -> None:
    """The library takes any answer below 400 for a yes."""
    if answer.is_redirect:
        raise requests.HTTPError(f"HTTP {answer.status_code}, not followed")
