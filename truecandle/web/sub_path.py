"""A page below a path of its host, as `https://charts.example/candles`: that path taken off again.

Never here: Flask; links, which `SCRIPT_NAME` gives their path.
Invariant: a proxy may pass the path on or take it off, and the application sees the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


class SubPathMiddleware:
    """WSGI middleware. `base` is the path, "" for none; it has no slash at its end."""

    def __init__(self, app: Callable[..., Any], base: str) -> None:
        self._app = app
        self._base = base

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        base, path = self._base, environ.get("PATH_INFO", "")
        if base and path == base and environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            start_response("308 Permanent Redirect", [("Location", f"{base}/")])
            return [b""]
        environ["SCRIPT_NAME"] = base
        if base and path.startswith(f"{base}/"):
            environ["PATH_INFO"] = path.removeprefix(base)
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer
