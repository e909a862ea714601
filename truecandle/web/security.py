"""The outermost layer: headers on every answer, and requests that go no further than here.

Never here: accounts, Flask, anything that needs Redis.
Invariant: no answer leaves without the security headers, whoever made it.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Iterable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

from truecandle import metrics
from truecandle.config import Settings
from truecandle.web.request_head import HeadRefused
from truecandle.web.request_ids import HEADER, REQUEST_ID, make_id

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

#: lightweight-charts adds a <style> for its attribution logo: allowed by its hash.
LOGO_STYLE: Final = "'sha256-3pRED1tOXas1FXFoPb9TGCjmYe9XQsmO9OV23khV2nY='"
#: What a page may load and do.
PAGE_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        f"style-src 'self' {LOGO_STYLE}",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
#: What everything else may, should it be opened as a page: nothing.
OTHER_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"
#: On every answer, beside its policy. `same-origin` rather than `no-referrer`: with the latter
#: browsers send `Origin: null` with our own forms, and the check of where a post comes from would
#: have to let that through.
HEADERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "same-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
STRICT_TRANSPORT: Final = "max-age=31536000"
#: Asked by who knows no name of ours: containers, balancers and Prometheus, by any address.
HEALTH_PATHS: Final = ("/healthz", "/readyz", "/metrics")
#: What was said of so many names of hosts is remembered.
_HOSTS_KEPT: Final = 100
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})


def headers_of(settings: Settings) -> tuple[tuple[str, str], ...]:
    """What every answer carries beside its policy; with TLS browsers are told to stay with it."""
    if not settings.is_tls:
        return HEADERS
    subdomains = "; includeSubDomains" if settings.hsts_subdomains else ""
    return *HEADERS, ("Strict-Transport-Security", STRICT_TRANSPORT + subdomains)


def policy_of(headers: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """The header that says what an answer with these may load."""
    kind = next((value for name, value in headers if name.lower() == "content-type"), "")
    policy = PAGE_POLICY if kind.startswith("text/html") else OTHER_POLICY
    return "Content-Security-Policy", policy


class SecurityMiddleware:
    """WSGI middleware around Flask and Socket.IO."""

    def __init__(self, app: Callable[..., Any], settings: Settings) -> None:
        self._app = app
        self._any_host = frozenset(HEALTH_PATHS) | {
            settings.base_path + one for one in HEALTH_PATHS
        }
        self._host = (urlsplit(settings.public_url).hostname or "").lower()
        self._headers = [(header[0].lower(), header) for header in headers_of(settings)]

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            given = {name.lower() for name, _ in headers}
            added = [header for name, header in self._headers if name not in given]
            return start_response(status, [*headers, *added, policy_of(headers)], *rest)

        if refusal := self._refusal(environ):
            return refuse(start, environ, *refusal)
        answer: Iterable[bytes] = self._app(environ, start)
        return answer

    def _refusal(self, environ: Environ) -> tuple[int, str, str, str] | None:
        name = _name(environ.get("HTTP_HOST", ""))
        may_be_any = environ.get("PATH_INFO") in self._any_host
        if not name or not (may_be_any or self._is_ours(name)):
            detail = (
                "This server does not answer to that host name. "
                "PUBLIC_URL says under which name it is found."
            )
            return 400, "Bad Request", "host", detail
        if environ["REQUEST_METHOD"] not in METHODS:
            detail = f"allowed: {', '.join(sorted(METHODS))}"
            return 405, "Method Not Allowed", "method", detail
        return None

    def _is_ours(self, name: str) -> bool:
        """Whether a name can be ours: an address, a name without dots, or `PUBLIC_URL`'s.

        Any other name may have been pointed at us by somebody else (DNS rebinding).
        """
        return name == self._host or "." not in name or _is_address(name)


@lru_cache(maxsize=_HOSTS_KEPT)
def _name(host: str) -> str:
    """The name in a `Host` header, in small letters; "" for what is none."""
    try:
        parts = urlsplit(f"//{host}")
        parts.port  # noqa: B018  (raises for a bad port)
    except ValueError:
        return ""
    return "" if any(c in host for c in "@/?#\\ \t") else (parts.hostname or "").lower()


@lru_cache(maxsize=_HOSTS_KEPT)
def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def refuse(
    start: StartResponse, environ: Environ, status: int, title: str, code: str, detail: str
) -> Iterable[bytes]:
    """An answer in the form of all others, made without Flask."""
    headers, body = _problem(status, title, code, detail, environ.get(REQUEST_ID, ""))
    start(f"{status} {title}", headers)
    return [body]


def answer_to(settings: Settings) -> Callable[[HeadRefused], bytes]:
    """What makes the whole answer to a request that no server has read, after which the connection
    ends; it is counted, and not logged, for nothing in it can be believed.
    """
    always = headers_of(settings)

    def answer(refused: HeadRefused) -> bytes:
        title = HTTPStatus(refused.status).phrase
        made = make_id()
        headers, body = _problem(refused.status, title, refused.code, refused.detail, made)
        headers.append((HEADER, made))
        headers.append(("Date", formatdate(usegmt=True)))
        lines = [f"{name}: {value}\r\n" for name, value in (*headers, *always, policy_of(headers))]
        metrics.REQUESTS.labels("none", str(refused.status)).inc()
        first = f"HTTP/1.1 {refused.status} {title}\r\nConnection: close\r\n"
        return "".join([first, *lines, "\r\n"]).encode("ascii") + body

    return answer


def _problem(
    status: int, title: str, code: str, detail: str, request_id: str
) -> tuple[list[tuple[str, str]], bytes]:
    said = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    body = json.dumps({**said, "request_id": request_id}).encode()
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
    ]
    if status == 405:
        headers.append(("Allow", ", ".join(sorted(METHODS))))
    if status == 429:
        headers.append(("Retry-After", "1"))
    return headers, body
