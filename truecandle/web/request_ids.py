"""The id of a request: by it an answer, its line of the log and a proxy's are found together.

Never here: what is logged (`log`).
Invariant: every answer of the application names one id, in `X-Request-ID`, and nothing that is not
well formed is ever passed on.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable
from typing import Any, Final

#: Where it stands in a request's environment.
REQUEST_ID: Final = "truecandle.request_id"
HEADER: Final = "X-Request-ID"

#: What is taken over from whoever sends it: as proxies make them, UUIDs and the like.
_WELL_FORMED: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

Environ = dict[str, Any]


class RequestIdMiddleware:
    """WSGI middleware around everything."""

    def __init__(self, app: Callable[..., Any]) -> None:
        self._app = app

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        known = given if _WELL_FORMED.fullmatch(given) else make_id()
        environ[REQUEST_ID] = known

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, [*headers, (HEADER, known)], *rest)

        answer: Iterable[bytes] = self._app(environ, start)
        return answer


def make_id() -> str:
    """A new one."""
    return secrets.token_hex(8)
