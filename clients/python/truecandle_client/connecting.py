"""How both clients connect: where the server is found, what Socket.IO needs, what a refusal means.

Never here: connecting itself (`client`, `async_client`).
Invariant: numbers of events keep their exact decimal text, and no other user of Socket.IO in the
same process notices.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

import socketio

from truecandle_client.errors import ClientError, Unreachable, problem_of

#: One request, and one acknowledgement.
TIMEOUT_S: Final = 20.0
#: Events that wait for who iterates; one more, and `resync` takes the place of all of them.
QUEUE_MAX: Final = 1_000
_REFUSED: Final = "unauthorized"


class ExactJson:
    """Numbers with a fraction become `Decimal`s."""

    @staticmethod
    def dumps(value: object, **_: object) -> str:
        return json.dumps(value)

    @staticmethod
    def loads(text: str, **_: object) -> Any:
        return json.loads(text, parse_float=Decimal)


class ExactPacket(socketio.packet.Packet):  # type: ignore[misc]
    """A packet of our own: the library's `json=` would be everybody's in this process."""

    json = ExactJson


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is found: `base` with the path below which it lives, no slash at its end."""

    base: str
    token: str | None

    @classmethod
    def at(cls, url: str, token: str | None) -> Server:
        """`ValueError` for what is no address of a server."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query:
            raise ValueError(f"url is {url!r}; allowed: http or https, as https://charts.example")
        return cls(url.rstrip("/"), token)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    @property
    def socket_options(self) -> dict[str, Any]:
        """What `connect` of both kinds of Socket.IO client takes."""
        return {
            "transports": ["websocket"],
            "socketio_path": f"{urlsplit(self.base).path}/socket.io".lstrip("/"),
            "auth": {"token": self.token} if self.token else None,
            "wait_timeout": TIMEOUT_S,
        }


def not_connected(told: object, error: Exception) -> ClientError:
    """Why a connection was refused: `told` is what `connect_error` said, or None."""
    message = told.get("message") if isinstance(told, dict) else told
    if message == _REFUSED:
        return problem_of(401, _REFUSED, "The server lets nobody watch without a valid token.")
    return Unreachable(str(message or error))
