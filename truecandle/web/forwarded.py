"""What proxies say about a request: believed from those in `TRUSTED_PROXIES`, and from nobody else.

Never here: Flask, accounts, what an address may do (`socket_limits`, `rate_limit`).
Invariant: behind this, `REMOTE_ADDR`, the scheme and `Host` are what is to be believed, and no
header of a proxy is left for another layer to believe.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

from truecandle.config import IPNetwork
from truecandle.web.shared_address import SharedAddress

Environ = dict[str, Any]

#: Where it stands whether a request carried a header that only proxies add.
PASSED_ON: Final = "truecandle.passed_on"
FOR: Final = "HTTP_X_FORWARDED_FOR"
PROTO: Final = "HTTP_X_FORWARDED_PROTO"
HOST: Final = "HTTP_X_FORWARDED_HOST"
HEADERS: Final = (
    *(FOR, PROTO, HOST, "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PREFIX", "HTTP_FORWARDED"),
    *("HTTP_X_FORWARDED_SERVER", "HTTP_X_FORWARDED_SSL", "HTTP_X_REAL_IP", "HTTP_VIA"),
)
#: Of a header's values, so many are looked at, the last ones: each is a proxy on the way.
HOPS_MAX: Final = 20
#: What so many texts were read as is remembered.
_ADDRESSES_KEPT: Final = 1_000
_PORT: Final = re.compile(r"\[(?P<v6>[^\]]*)\](?::[0-9]+)?|(?P<v4>[0-9.]+):[0-9]+")


class ForwardedMiddleware:
    """WSGI middleware around everything else."""

    def __init__(
        self,
        app: Callable[..., Any],
        trusted: Sequence[IPNetwork],
        shared_address: SharedAddress,
    ) -> None:
        self._app = app
        self._trusted = trusted
        self._shared_address = shared_address

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        said = {name: environ.pop(name, "") for name in HEADERS}
        peer = _address(environ.get("REMOTE_ADDR") or "")
        if peer is not None:
            environ["REMOTE_ADDR"] = str(peer)
        environ[PASSED_ON] = any(said.values())
        is_believed = peer is not None and self._is_trusted(peer)
        if is_believed:
            self._believe(environ, said)
        self._shared_address.note(environ, is_forwarded=bool(said[FOR]) and not is_believed)
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer

    def _believe(self, environ: Environ, said: dict[str, str]) -> None:
        """The client is the last address that no trusted proxy vouches for. Scheme and host are
        those that the outermost of these proxies saw.
        """
        hops = 1
        for text in reversed(_values(said[FOR])):
            found = _address(text)
            if found is None:
                break
            environ["REMOTE_ADDR"] = str(found)
            if not self._is_trusted(found):
                break
            hops += 1
        if (scheme := _outermost(said[PROTO], hops).lower()) in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme
        if host := _outermost(said[HOST], hops):
            environ["HTTP_HOST"] = host

    def _is_trusted(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


def client_address(environ: Environ) -> str:
    """Who asks, for limits and logs: an IP address, or `unknown`."""
    address: str = environ.get("REMOTE_ADDR") or "unknown"
    return address


def _outermost(header: str, hops: int) -> str:
    """The value that the outermost of so many trusted proxies has added; each adds one, or passes
    on the only one.
    """
    values = _values(header)
    return values[-min(hops, len(values))] if values else ""


def _values(header: str) -> list[str]:
    return [value.strip() for value in header.split(",")[-HOPS_MAX:]] if header else []


@lru_cache(maxsize=_ADDRESSES_KEPT)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address, without the port that some proxies add; an IPv4 one in its own form."""
    if found := _PORT.fullmatch(text):
        text = found["v6"] or found["v4"] or ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
