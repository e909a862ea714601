"""Connections to Redis whose TCP is `dialing`'s: every address of the name is tried, side by side.

redis-py tries one address after the other, each with the whole time-out; with a dead one first,
every new connection costs that time.

Never here: passwords and errors (`discretion`), pools.
Invariant: TLS, where the kind of connection has it, is checked against the name as before.
"""

from __future__ import annotations

import socket
from typing import Any

from redis.connection import AbstractConnection, SSLConnection

from truecandle.dialing import dial


def dialed(kind: type[AbstractConnection]) -> type[AbstractConnection]:
    """A class of connections as `kind`, by TCP or by TLS over it."""

    class Dialed(kind):  # type: ignore[valid-type, misc]
        def _connect(self) -> Any:
            sock: socket.socket = dial(self.host, int(self.port), self.socket_connect_timeout)
            try:
                if issubclass(kind, SSLConnection):
                    sock = self._wrap_socket_with_ssl(sock)
                sock.settimeout(self.socket_timeout)
            except BaseException:
                sock.close()
                raise
            return sock

    return Dialed
