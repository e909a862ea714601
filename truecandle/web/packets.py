"""Which packets a browser may send: the few that ours does, of Engine.IO 4 and Socket.IO 5.

Never here: sockets, accounts, what a packet leads to.
Invariant: what passes here, python-engineio and python-socketio decode without an error, and it is
no event by which they mean something of their own.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final

from truecandle.events import Codec

#: Opening brackets in one packet, inside of texts too; a subscription has two. Bounds the depth.
BRACKETS_MAX: Final = 32
#: Events that python-socketio triggers by itself; sent by a browser they would end or begin what
#: the server alone ends and begins.
RESERVED: Final = frozenset({"connect", "connect_error", "disconnect", "disconnecting", "*"})

_PACKET = re.compile(r"(3|1|4[012])([0-9]{0,15})(.*)", re.DOTALL)


class Packet(Enum):
    """The kinds, by how they begin on the wire."""

    CLOSE = "1"
    PONG = "3"
    CONNECT = "40"
    DISCONNECT = "41"
    EVENT = "42"


class PacketError(Exception):
    """No packet that a browser of ours sends."""


def kind_of(text: str) -> Packet:
    """The kind of a packet that is sound; `PacketError` for any other, and for other namespaces.

    CLOSE, PONG and DISCONNECT stand alone. CONNECT may carry an object, EVENT an id and always a
    list that begins with the event's name.
    """
    found = _PACKET.fullmatch(text)
    if found is None:
        raise PacketError
    kind, number, data = Packet(found[1]), found[2], found[3]
    if number and kind is not Packet.EVENT:
        raise PacketError
    if data and kind not in (Packet.CONNECT, Packet.EVENT):
        raise PacketError
    value = _value(data) if data else None
    if kind is Packet.CONNECT and data and not isinstance(value, dict):
        raise PacketError
    if kind is Packet.EVENT and not _is_event(value):
        raise PacketError
    return kind


def _value(data: str) -> object:
    if data.count("[") + data.count("{") > BRACKETS_MAX:
        raise PacketError
    try:
        value: object = Codec.loads(data)
    except ValueError:
        raise PacketError from None
    return value


def _is_event(value: object) -> bool:
    if not isinstance(value, list) or not value:
        return False
    return isinstance(value[0], str) and value[0] not in RESERVED
