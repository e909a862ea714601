"""A TCP relay in front of Redis that can lose one reply: the work is done, the answer is gone.

Never here: assertions; anything but loopback.
Invariant: bytes are passed on unchanged, until a reply is lost and its connection closed.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536


class LossyProxy:
    """`with LossyProxy(redis_url) as proxy:` listens at `proxy.url`; `lost` counts lost replies."""

    def __init__(self, redis_url: str) -> None:
        parts = urlsplit(redis_url)
        self._target = (parts.hostname or "127.0.0.1", parts.port or 6379)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        self.lost = 0
        self._command = b""
        self._open: list[socket.socket] = []

    def lose_next(self, command: bytes) -> None:
        """Lose the reply of the next request that holds `command`."""
        self._command = command

    def __enter__(self) -> LossyProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._open):
            close(each)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            self._open += [client, server]
            threading.Thread(target=self._relay, args=(client, server), daemon=True).start()

    def _relay(self, client: socket.socket, server: socket.socket) -> None:
        """Request by request: redis-py sends one, or one pipeline, and waits for the answer."""
        losing = threading.Event()
        threading.Thread(target=self._answer, args=(client, server, losing), daemon=True).start()
        with suppress(OSError):
            while request := client.recv(CHUNK_BYTES):
                if self._command and self._command in request:
                    self._command = b""
                    losing.set()
                server.sendall(request)
        close(server)

    def _answer(
        self, client: socket.socket, server: socket.socket, losing: threading.Event
    ) -> None:
        with suppress(OSError):
            while reply := server.recv(CHUNK_BYTES):
                if losing.is_set():
                    self.lost += 1
                    break
                client.sendall(reply)
        close(client)


def close(each: socket.socket) -> None:
    """Shut down, so that a thread that waits for it wakes up, and close."""
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    each.close()
