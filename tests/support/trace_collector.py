"""A collector of traces: a real server that decodes what OTLP over HTTP brings it, and can fail.

Never here: assertions about spans.
Invariant: what is kept was read by the protocol's own messages, compressed as it came.
"""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.http_receiver import HttpReceiver

KINDS = ("", "internal", "server", "client", "producer", "consumer")


class TakenSpan(NamedTuple):
    """One span; ids are hexadecimal, `parent` is "" where the trace begins. Moments are ns."""

    service: str
    trace: str
    id: str
    parent: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    given: dict[str, Any]
    is_error: bool


class TraceCollector(HttpReceiver):
    """`with TraceCollector() as collector:`; `answer` says with which status a request is met."""

    def __init__(self, port: int = 0) -> None:
        self.spans: list[TakenSpan] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Callable[[], int] = lambda: 200
        super().__init__(port)

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        status = self.answer() if path == "/v1/traces" else 404
        if status == 200:
            self.headers.append(headers)
            is_packed = headers.get("Content-Encoding") == "gzip"
            self.spans += spans_of(gzip.decompress(body) if is_packed else body)
        return status

    def trace(self, names: Iterable[str]) -> list[TakenSpan] | None:
        """The spans of a trace that has all of these and is whole: but for the one with which it
        begins, each span's parent is there. None while there is none."""
        traces: defaultdict[str, list[TakenSpan]] = defaultdict(list)
        for span in list(self.spans):
            traces[span.trace].append(span)
        wanted = set(names)
        for spans in traces.values():
            ids = {span.id for span in spans} | {""}
            are_linked = all(span.parent in ids for span in spans)
            if are_linked and wanted <= {span.name for span in spans}:
                return spans
        return None

    def named(self, name: str) -> list[TakenSpan]:
        return [span for span in list(self.spans) if span.name == name]


def spans_of(body: bytes) -> list[TakenSpan]:
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    return [
        TakenSpan(
            str(values(resource.resource.attributes)["service.name"]),
            span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(),
            span.name, KINDS[span.kind], span.start_time_unix_nano, span.end_time_unix_nano,
            values(span.attributes), span.status.code == 2,
        )
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]  # fmt: skip


def values(attributes: Iterable[Any]) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}
