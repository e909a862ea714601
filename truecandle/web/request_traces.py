"""Requests that are traced: one span each, below that of whoever has sent the request.

Never here: WebSockets, which last, and the browser's files; anything of a query, a header or a
body, or of who asks.
Invariant: the path of a request is in a span only where it is one of ours; a caller that says its
trace is recorded adds no more traces than `spans.TRACES_PER_S`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from truecandle.tracing.spans import OpenSpan, Tracing
from truecandle.tracing.traceparent import TraceParent, parse_traceparent
from truecandle.web.log import PATH_CHARS_MAX, ROUTES
from truecandle.web.request_ids import REQUEST_ID

#: Methods by their names; any other is `_OTHER`, as the conventions say.
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
FILES: Final = "/static/"
ERRORS: Final = 500

Environ = dict[str, Any]


class RequestTraceMiddleware:
    """WSGI middleware inside that of request ids. A span lasts until the answer is ready, as in the
    metrics; what is streamed then is not in it.
    """

    def __init__(self, app: Callable[..., Any], tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        parent = parse_traceparent(environ.get("HTTP_TRACEPARENT", ""))
        if not self._is_due(environ, parent):
            untraced: Iterable[bytes] = self._app(environ, start_response)
            return untraced
        statuses: list[str] = []

        def start(status: str, *rest: Any) -> Any:
            statuses.append(status)
            return start_response(status, *rest)

        path, environ[ROUTES] = environ.get("PATH_INFO", ""), []
        span = self._tracing.begin(_method(environ), "server", parent=parent)
        try:
            answer: Iterable[bytes] = self._app(environ, start)
        finally:
            _end(span, environ, path, int(statuses[0][:3]) if statuses else ERRORS)
        return answer

    def _is_due(self, environ: Environ, parent: TraceParent | None) -> bool:
        if "HTTP_UPGRADE" in environ or environ.get("PATH_INFO", "").startswith(FILES):
            return False
        if parent is not None:
            return parent.is_sampled and self._tracing.has_room()
        return self._tracing.is_due()


def _end(span: OpenSpan, environ: Environ, path: str, status: int) -> None:
    """With what is known once the answer is ready."""
    method, route = _method(environ), next(iter(environ[ROUTES]), "none")
    given: dict[str, str | int] = {
        "http.request.method": method,
        "http.response.status_code": status,
        "url.scheme": environ["wsgi.url_scheme"],
        "truecandle.request_id": environ.get(REQUEST_ID, ""),
    }
    if route != "none":
        given |= {"http.route": route, "url.path": path[:PATH_CHARS_MAX]}
        span.rename(f"{method} {route}")
    span.end(given=given, error=f"status {status}" if status >= ERRORS else "")


def _method(environ: Environ) -> str:
    method: str = environ["REQUEST_METHOD"]
    return method if method in METHODS else "_OTHER"
