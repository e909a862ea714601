"""Cross-origin requests (CORS): pages of other origins that may read here, if a setting names them.

Never here: cookies: no page of another origin ever reads as the user of this browser.
Invariant: without the setting no answer says anything about other origins; with it, reading is all
that is allowed, and where a sign-in is needed, by token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

Environ = dict[str, Any]

ANY: Final = "*"
METHODS: Final = "GET, HEAD"
ASKED_HEADERS: Final = "Authorization, If-None-Match, X-MBX-APIKEY, X-MBX-TIME-UNIT"
TOLD_HEADERS: Final = (
    "ETag, Link, RateLimit, RateLimit-Policy, Retry-After, TrueCandle-Version, "
    "X-MBX-USED-WEIGHT, X-MBX-USED-WEIGHT-1M"
)
#: How long a browser may remember that it may ask.
REMEMBERED_S: Final = 600


class CorsMiddleware:
    """WSGI middleware around Flask. `paths`: those that may be read from elsewhere."""

    def __init__(
        self, app: Callable[..., Any], origins: tuple[str, ...], paths: frozenset[str]
    ) -> None:
        self._app = app
        self._origins = frozenset(origins)
        self._paths = paths

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO", "") not in self._paths:
            answer: Iterable[bytes] = self._app(environ, start_response)
            return answer
        told = self._told(environ.get("HTTP_ORIGIN", ""))
        asked = "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ
        if environ["REQUEST_METHOD"] == "OPTIONS" and asked:
            start_response("204 No Content", [*told, *(_PREFLIGHT if len(told) > 1 else ())])
            return [b""]

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            exposed = [("Access-Control-Expose-Headers", TOLD_HEADERS)] if len(told) > 1 else []
            return start_response(status, [*headers, *told, *exposed], *rest)

        answer = self._app(environ, start)
        return answer

    def _told(self, origin: str) -> list[tuple[str, str]]:
        """What answers to an origin say of it; `Vary` alone where it is none of those named."""
        allowed = ANY if ANY in self._origins else origin
        is_named = bool(origin) and (ANY in self._origins or origin in self._origins)
        header = [("Access-Control-Allow-Origin", allowed)] if is_named else []
        return [("Vary", "Origin"), *header]


_PREFLIGHT: Final = (
    ("Access-Control-Allow-Methods", METHODS),
    ("Access-Control-Allow-Headers", ASKED_HEADERS),
    ("Access-Control-Max-Age", str(REMEMBERED_S)),
)
