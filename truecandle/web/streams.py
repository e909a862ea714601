"""`/ws` and `/stream`: the exchange's WebSocket streams, of the followed markets, for its clients.

Never here: what is said on a connection (`stream_connection`), where it may come from (`engine`).
Invariant: a program is let in by the same rules as a reader of REST, counted with browsers, and
goes when what let it in ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Final

from flask import Blueprint, Response, request
from wsproto.frame_protocol import CloseReason

from truecandle.web import engine
from truecandle.web.auth import require_read
from truecandle.web.binance_params import BinanceRefused
from truecandle.web.connections import connections, credential_now
from truecandle.web.errors import Problem
from truecandle.web.problem_forms import binance
from truecandle.web.services import services
from truecandle.web.session_monitor import Member
from truecandle.web.socket_limits import STREAMS_PER_SOCKET_MAX
from truecandle.web.stream_connection import StreamConnection, StreamForm
from truecandle.web.stream_names import Stream, StreamRefused, parse_stream
from truecandle.web.stream_socket import StreamSocket
from truecandle.web.trade_offer import why_none_of

bp = Blueprint("streams", __name__)

#: What times are multiplied with, by `timeUnit`.
_UNITS: Final = {"": 1, "MILLISECOND": 1, "MICROSECOND": 1000}
_PARAMETERS: Final = frozenset({"streams", "timeUnit"})
_NOT_VALID: Final = -1130


@bp.errorhandler(BinanceRefused)
def refused(error: BinanceRefused) -> Response:
    """A connection that cannot be opened as it is asked for."""
    return binance(error.status, str(error), error.code)


@bp.get("/ws")
@require_read
def raw() -> Response:
    """A WebSocket on which streams are subscribed to, each event as it is."""
    return _opened("", is_combined=False)


@bp.get("/ws/<path:names>")
@require_read
def raw_streams(names: str) -> Response:
    """A WebSocket that tells these streams, joined by `/`, each event as it is."""
    return _opened(names, is_combined=False)


@bp.get("/stream")
@require_read
def combined() -> Response:
    """A WebSocket that tells the streams of `streams`, each event with its stream's name."""
    return _opened(request.args.get("streams", ""), is_combined=True)


def _opened(names: str, *, is_combined: bool) -> Response:
    """Has the connection be talked on once this answer is ready."""
    websocket = request.environ.get(engine.WEBSOCKET)
    if not isinstance(websocket, StreamSocket):
        detail = "Only WebSocket connections are served here."
        raise Problem(426, "upgrade", detail, {"Upgrade": "websocket", "Connection": "Upgrade"})
    form = StreamForm(is_combined, _unit())
    streams = _streams(names.split("/"))
    shared = connections()
    shared.begin()
    end = partial(websocket.finish, CloseReason.POLICY_VIOLATION, "signed out")
    member = Member(credential_now(), end)
    is_in = shared.members.enter(websocket, member)
    if not is_in or not websocket.admit():
        shared.members.leave(websocket)
        detail = "Too many connections of this user or address."
        raise Problem(429, "too-many", detail, {"Retry-After": "1"})
    connection = StreamConnection(websocket, services(), shared, form, streams)

    def talk() -> None:
        try:
            connection.run()
        finally:
            shared.members.leave(websocket)

    websocket.talk = talk
    return Response(status=101)


def _unit() -> int:
    for name, values in request.args.lists():
        if name not in _PARAMETERS or len(values) != 1:
            raise BinanceRefused(_NOT_VALID, f"Parameter '{name[:40]}' is not valid here.")
    unit = request.args.get("timeUnit", "").upper()
    if unit not in _UNITS:
        raise BinanceRefused(-1194, "Invalid time unit; expected MICROSECOND or MILLISECOND.")
    return _UNITS[unit]


def _streams(names: Iterable[str]) -> dict[str, Stream]:
    """The streams of an address. Names without `@` mean nothing, as at the exchange: clients number
    their connections with them.
    """
    found = list(dict.fromkeys(name for name in names if "@" in name))
    if len(found) > STREAMS_PER_SOCKET_MAX:
        detail = f"at most {STREAMS_PER_SOCKET_MAX} streams on one connection"
        raise BinanceRefused(_NOT_VALID, detail)
    try:
        why_none = why_none_of(services(), found)
        return {name: parse_stream(name, services().markets, why_none) for name in found}
    except StreamRefused as error:
        raise BinanceRefused(_NOT_VALID, f"Invalid stream: {error}") from None
