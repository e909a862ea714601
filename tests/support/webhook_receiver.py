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
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.support.http_receiver import HttpReceiver

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


class WebhookReceiver(HttpReceiver):
    """`with WebhookReceiver() as receiver:`; `answer` says with which status a message is met."""

    def __init__(self, port: int = 0) -> None:
        self.told: list[Told] = []
        self.answer: Callable[[Told], int] = lambda _: 204
        self.wrong: list[str] = []
        super().__init__(port)
        self.url += "/hooks/S3cretPath"

    @property
    def taken(self) -> list[Told]:
        return [one for one in self.told if one.status < 300]

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        if path != "/hooks/S3cretPath":
            self.wrong.append(path)
            return 404
        text = body.decode()
        known = {name.lower(): value for name, value in headers.items()}
        signed = f"{known['webhook-id']}.{known['webhook-timestamp']}.{text}"
        mac = hmac.new(SECRET_BYTES, signed.encode(), hashlib.sha256).digest()
        if known["webhook-signature"] != f"v1,{base64.b64encode(mac).decode()}":
            self.wrong.append("signature")
        told = Told(known["webhook-id"], 0, text)
        told = told._replace(status=self.answer(told))
        self.told.append(told)
        return told.status
