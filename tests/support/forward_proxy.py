"""A forward proxy as companies have it: the one way out, for whoever knows its password.

Never here: assertions; TLS (`tls_proxy`).
Invariant: whatever host is asked for, everything is passed on to one port on loopback, and what was
asked for is kept.
"""

from __future__ import annotations

import base64
import socketserver
import threading
from socket import SHUT_WR, create_connection, socket

CHUNK = 65_536


class ForwardProxy:
    """`with ForwardProxy(port) as proxy:` listens on `proxy.port`. `asked` holds method and target
    of each request; with a `login` (`user:password`) who does not send it is answered 407."""

    def __init__(self, target: int, login: str = "") -> None:
        self.asked: list[tuple[str, str]] = []
        self._target = target
        self._login = login
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer._serve(self)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> ForwardProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self, client: socketserver.StreamRequestHandler) -> None:
        head = []
        while line := client.rfile.readline().strip():
            head.append(line.decode("latin-1"))
        method, target, _ = head[0].split(" ") if head else ("", "", "")
        self.asked.append((method, target))
        wanted = f"basic {base64.b64encode(self._login.encode()).decode()}".lower()
        sent = [line.partition(": ")[2] for line in head if line.lower().startswith("proxy-auth")]
        if self._login and [one.lower() for one in sent] != [wanted]:
            client.wfile.write(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return
        with create_connection(("127.0.0.1", self._target)) as server:
            if method == "CONNECT":
                client.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                path = "/" + target.partition("://")[2].partition("/")[2]
                kept = [line for line in head[1:] if not line.lower().startswith("connection")]
                lines = [f"{method} {path} HTTP/1.1", *kept, "Connection: close", "", ""]
                server.sendall("\r\n".join(lines).encode("latin-1"))
            back = threading.Thread(target=_pass, args=(server, client.connection))
            back.start()
            _pass(client.connection, server)
            back.join()


def _pass(source: socket, sink: socket) -> None:
    try:
        while chunk := source.recv(CHUNK):
            sink.sendall(chunk)
        sink.shutdown(SHUT_WR)
    except OSError:
        pass
