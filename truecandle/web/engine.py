"""Where python-engineio is given our WebSocket and its queue: the one place that reaches into it.

Its reader for eventlet never gives way while data is there; the one for gevent and threads reads
on into a list without bound, and inflates whatever comes. Neither can be told otherwise.

Never here: what comes in (`websocket`), who comes in (`sockets`).
Invariant: written for `ENGINEIO_VERSION`; a test fails with any other until this was read again.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, Final

from flask_socketio import SocketIO

from truecandle.web.cut_log import CutLog
from truecandle.web.forwarded import client_address
from truecandle.web.origin import IF_OURS, is_own
from truecandle.web.problem_forms import STREAMS
from truecandle.web.security import refuse
from truecandle.web.send_queue import SendQueue
from truecandle.web.server import SOCKET
from truecandle.web.socket_limits import Addresses
from truecandle.web.stream_socket import StreamSocket
from truecandle.web.websocket import WebSocket, upgrade_key

ENGINEIO_VERSION: Final = "4.15.1"
#: Where a request's `WebSocket` stands in its environment.
WEBSOCKET: Final = "truecandle.websocket"
PATH: Final = "/socket.io/"
#: How the addresses of streams begin that are named in it.
STREAM_START: Final = "/ws/"

Environ = dict[str, Any]

#: The connection that this thread serves; python-engineio makes its queue in the same thread.
_served: ContextVar[WebSocket] = ContextVar("served")


def attach(socketio: SocketIO) -> None:
    """Has the Socket.IO server talk through the `WebSocket` that `Upgrades` has put there, and keep
    what waits for a browser in its queue.

    `_async` is engineio's table of what differs between its modes; there is no public way in.
    """
    engine = socketio.server.eio
    engine.create_queue = _send_queue
    engine._async = {**engine._async, "websocket": _Transport}


def listen(socketio: SocketIO) -> None:
    """Has events of other processes be heard from now on, which python-socketio begins only with
    its first browser.
    """
    server = socketio.server
    if not server.manager_initialized:
        server.manager_initialized = True
        server.manager.initialize()


def close_all(socketio: SocketIO) -> None:
    """Says good-bye to every browser; they come back by themselves."""
    for socket in list(socketio.server.eio.sockets.values()):
        socket.close(wait=False)


def _send_queue(*_: object, **__: object) -> SendQueue:
    """The queue of the browser whose connection is being set up."""
    return _served.get().send_queue


class _Transport:
    """What engineio makes of a request for a WebSocket: it calls `handler` with the connection."""

    def __init__(self, handler: Callable[[WebSocket], object], _server: object) -> None:
        self._handler = handler

    def __call__(self, environ: Environ, _start_response: object) -> Iterable[bytes]:
        websocket: WebSocket = environ[WEBSOCKET]
        websocket.accept()
        self._handler(websocket)
        return []


class Upgrades:
    """WSGI middleware: requests for WebSockets, from the first look to the end of the connection.

    Whatever engineio would refuse only after it has set up a connection is refused before. Programs
    are let in by a view, which leaves with their connection what is to be done then.
    """

    def __init__(
        self, app: Callable[..., Any], cuts: CutLog, addresses: Addresses, public_url: str
    ) -> None:
        self._app = app
        self._public_url = public_url
        self._cuts = cuts
        self._addresses = addresses

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        path: str = environ.get("PATH_INFO", "")
        is_browser = path.startswith(PATH)
        is_program = path in STREAMS or path.startswith(STREAM_START)
        key, sock = upgrade_key(environ), environ.get(SOCKET)
        is_upgrade = key is not None and sock is not None
        if not is_browser and not (is_program and is_upgrade):
            answer: Iterable[bytes] = self._app(environ, start_response)
            return answer
        if (
            key is None
            or sock is None
            or (is_browser and "sid=" in environ.get("QUERY_STRING", ""))
        ):
            detail = "Only WebSocket connections are served here."
            return refuse(start_response, environ, 400, "Bad Request", "transport", detail)
        origin = environ.get("HTTP_ORIGIN")
        if origin is not None and not is_own(origin, environ, self._public_url):
            detail = f"Only pages of this server may open a WebSocket here. {IF_OURS}"
            self._cuts.note("origin", client_address(environ))
            return refuse(start_response, environ, 403, "Forbidden", "origin", detail)
        address = client_address(environ)
        kind = WebSocket if is_browser else StreamSocket
        websocket = kind(sock, address, key, self._addresses)
        may_enter, oldest = self._addresses.enter(address, websocket, time.monotonic())
        if oldest is not None:
            oldest.cut("crowded")
        if not may_enter:
            self._cuts.note("openings", address)
            detail = "Too many new connections from this address. Try again in 1 s."
            return refuse(start_response, environ, 429, "Too Many Requests", "too-many", detail)
        return self._served(websocket, environ, start_response)

    def _served(
        self, websocket: WebSocket, environ: Environ, start_response: Any
    ) -> Iterable[bytes]:
        """Talks until the connection ends; an answer only if engineio did not accept it."""
        environ[WEBSOCKET] = websocket
        if isinstance(websocket, StreamSocket):
            del environ["HTTP_UPGRADE"]  # or Flask would look for a view of another kind
        _served.set(websocket)
        try:
            answer: Iterable[bytes] = self._app(environ, start_response)
            if isinstance(websocket, StreamSocket) and websocket.talk is not None:
                websocket.accept()
                websocket.talk()
        finally:
            self._addresses.leave(websocket.address, websocket)
            if websocket.is_accepted:
                websocket.close()
            if websocket.cut_for is not None:
                self._cuts.note(websocket.cut_for, websocket.address)
        if websocket.is_accepted:
            # Every server takes this for a client that is gone, and sends nothing more.
            raise BrokenPipeError(errno.EPIPE, "the WebSocket has ended")
        return answer
