"""What differs between eventlet, gevent and threads: listening, serving, stopping, working aside.

Never here: Flask, routes, how much may come in (`socket_limits`); each mode's server has a module
of its own. `app.py` patches (it has to be first); nothing else knows the mode.
Invariant: one listener per port, a bounded number of connections, every request read through a
`RequestReader` and its socket found at `SOCKET`, every answer written by an `AnswerWriter`, and a
stop that ends in time.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import resource
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from truecandle.config import Settings, refuse_settings
from truecandle.web.request_reader import Readers
from truecandle.web.security import answer_to
from truecandle.web.socket_limits import UNREAD_BYTES_MAX, UNREAD_LEFT_MS

T = TypeVar("T")

#: Connections at once, sockets of browsers included: each holds a green thread.
CONNECTIONS_MAX: Final = 10_000
BACKLOG: Final = 1024
#: Where a request's socket stands in its environment.
SOCKET: Final = "truecandle.socket"
#: How long running requests may take once the server has been told to stop.
STOP_S: Final = 8.0
#: What is allocated from here on has pages of its own; and threads share so many heaps.
LARGE_BYTES: Final = 128 << 10
ARENAS_MAX: Final = 2
#: Names of `mallopt`, in glibc's malloc.h.
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
#: Answers computed at once in threads of their own.
BLOCKING_MAX: Final = 2


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Without SO_REUSEPORT, so that a second server fails; without Nagle.

    Where nothing can listen, the process ends as for wrong settings: another one does there, or it
    is no address of this machine.

    Its connections inherit what is set here: how much the system holds of answers that are not
    read, and how long, also after the connection was closed on our side.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        sock = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        refuse_settings(f"HOST={host!r} can't be listened on: {error.strerror}")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES_MAX)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_LEFT_MS)
    try:
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRNOTAVAIL:
            refuse_settings(f"HOST={host!r} is no address of this machine")
        refuse_settings(
            f"Port {port} on {host} can't be used: {error.strerror}. "
            f"Start on another one: PORT={port + 1 if port < 65_535 else 5000} python app.py"
        )
    return sock


class WebServer:
    """One of the three ways to serve: `eventlet`, `gevent` or `threading`."""

    def __init__(self, settings: Settings) -> None:
        self.mode = settings.async_mode
        self._answer = answer_to(settings)
        self._turn = threading.BoundedSemaphore(BLOCKING_MAX)

    def run_blocking(self, work: Callable[..., T], *args: object) -> T:
        """Does CPU-bound work in a real thread, `BLOCKING_MAX` at once, and waits for it."""
        with self._turn:
            return self.in_thread(work, *args)

    def in_thread(self, work: Callable[..., T], *args: object) -> T:
        """As `run_blocking`, for who bounds by other means how much is done at once."""
        if self.mode == "eventlet":
            from eventlet import tpool

            done: T = tpool.execute(work, *args)
            return done
        if self.mode == "gevent":
            from gevent import get_hub

            done = get_hub().threadpool.apply(work, args)
            return done
        return work(*args)

    def serve(self, app: Any, sock: socket.socket, wait: Callable[[], None]) -> Callable[[], None]:
        """Serves until `wait` returns, accepts nothing more then, and returns what ends the rest.

        What is returned lets running requests finish, `STOP_S` at most.
        """
        _raise_file_limit()
        _give_memory_back()
        if self.mode == "eventlet":
            from truecandle.web.eventlet_server import serve
        elif self.mode == "gevent":
            from truecandle.web.gevent_server import serve
        else:
            from truecandle.web.threaded_server import serve
        gc.freeze()  # what is there by now stays: looking through it takes 60 ms, from everybody
        return serve(app, sock, wait, Readers(self._answer))


def _raise_file_limit() -> None:
    """Every connection is an open file; many systems start processes with only 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS_MAX
    top = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < top:
        resource.setrlimit(resource.RLIMIT_NOFILE, (top, hard))


def _give_memory_back() -> None:
    """Has large blocks go back to the system when they are freed: glibc would learn from the first
    large answers to keep what all that come at once have needed.
    """
    with suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES)
        libc.mallopt(_M_ARENA_MAX, ARENAS_MAX)
