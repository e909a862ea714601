"""A receiver of webhooks: a real server that keeps what it was told, and can refuse.

Never here: assertions about what is told.
Invariant: every message is checked as the Standard Webhooks specification says, by code that knows
nothing of ours.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

SECRET_BYTES = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(SECRET_BYTES).decode()}"


class Told(NamedTuple):
    """A message that was taken or refused (`status`)."""

    id: str
    status: int
    text: str

    @property
    def kind(self) -> str:
        return str(json.loads(self.text)["type"])

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads(self.text)["data"]
        return data

    @property
    def place(self) -> tuple[str, str, int]:
        """Series, kind and open time."""
        row = self.data.get("candle") or self.data["new"]
        return f"{self.data['symbol']}:{self.data['interval']}", self.kind, row[0]


class WebhookReceiver:
    """`with WebhookReceiver() as receiver:`; `answer` says with which status a message is met."""

    def __init__(self, port: int = 0) -> None:
        self.told: list[Told] = []
        self.answer: Callable[[Told], int] = lambda _: 204
        self.wrong: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer._take(self.path, dict(self.headers), body.decode())
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.send_header("Location", "/elsewhere")
                self.end_headers()

            do_GET = do_POST

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/hooks/S3cretPath"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def taken(self) -> list[Told]:
        return [one for one in self.told if one.status < 300]

    def _take(self, path: str, headers: dict[str, str], text: str) -> int:
        if path != "/hooks/S3cretPath":
            self.wrong.append(path)
            return 404
        known = {name.lower(): value for name, value in headers.items()}
        signed = f"{known['webhook-id']}.{known['webhook-timestamp']}.{text}"
        mac = hmac.new(SECRET_BYTES, signed.encode(), hashlib.sha256).digest()
        if known["webhook-signature"] != f"v1,{base64.b64encode(mac).decode()}":
            self.wrong.append("signature")
        told = Told(known["webhook-id"], 0, text)
        told = told._replace(status=self.answer(told))
        self.told.append(told)
        return told.status
