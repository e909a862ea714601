"""Connections to the exchange: by the way out that the environment names, every address tried.

REST and archives have them from urllib3's pools, streams one by one by a `SocketOpening`; the same
classes connect, ask the proxy and check certificates for all.

Never here: which way out (`egress`), what is said on a connection, deadlines of whole answers.
Invariant: what can't be reached through the proxy is not tried without it.
"""

from __future__ import annotations

import os
import socket
from typing import Any, Final
from urllib.parse import urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import make_headers

from truecandle.dialing import dial
from truecandle.egress import PORTS, EgressRoute

#: Where a proxy's URL names no port.
PROXY_PORT: Final = 80


class DialedConnection(HTTPConnection):
    """urllib3's connection, whose TCP is `dial`'s."""

    def _new_conn(self) -> socket.socket:
        timeout_s: Any = self.timeout
        try:
            return dial(self._dns_host, self.port or PROXY_PORT, timeout_s)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            late = f"no connection to {self.host} within {timeout_s} s"
            raise ConnectTimeoutError(self, late) from error
        except OSError as error:
            raise NewConnectionError(self, f"no connection to {self.host}: {error}") from error


class SecureDialedConnection(DialedConnection, HTTPSConnection):
    """The same with TLS."""


class SocketOpening:
    """A socket being opened to the host of a `ws://` or `wss://` URL: TCP, the proxy if there is
    one, TLS. `open` it; another thread may look at `sock` meanwhile."""

    def __init__(self, url: str, route: EgressRoute, timeout_s: float) -> None:
        parts = urlsplit(url)
        target = parts.hostname or "", parts.port or PORTS[parts.scheme]
        host, port = target
        if route.proxy:
            proxy = urlsplit(route.proxy)
            host, port = proxy.hostname or "", proxy.port or PROXY_PORT
        self._connection = _connection(parts.scheme == "wss", host, port, timeout_s, route)
        if route.proxy:
            login = make_headers(proxy_basic_auth=route.login) if route.login else {}
            self._connection.set_tunnel(*target, headers=login)

    @property
    def sock(self) -> socket.socket | None:
        return self._connection.sock

    def open(self) -> socket.socket:
        """Raises an `OSError` or urllib3's errors."""
        try:
            self._connection.connect()
        except BaseException:
            self._connection.close()
            raise
        sock = self._connection.sock
        if sock is None:
            raise ConnectionError("closed while it was opened")
        return sock


def _connection(
    is_secure: bool, host: str, port: int, timeout_s: float, route: EgressRoute
) -> HTTPConnection:
    if not is_secure:
        return DialedConnection(host, port, timeout=timeout_s)
    is_folder = os.path.isdir(route.ca_file)
    return SecureDialedConnection(
        host,
        port,
        timeout=timeout_s,
        cert_reqs="CERT_REQUIRED",  # by the same authorities as `requests`, unless others are named
        ca_certs=None if is_folder else route.ca_file or DEFAULT_CA_BUNDLE_PATH,
        ca_cert_dir=route.ca_file if is_folder else None,
    )
