"""What all live connections of this process share: who is in, from where, and what they listen to.

Never here: what is said on a connection (`sockets`, `stream_connection`, `event_stream`).
Invariant: one registry for browsers and programs, so that a bound holds for both together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app
from flask_login import current_user

from truecandle.store.credentials import Credential
from truecandle.web.cut_log import CutLog
from truecandle.web.series_watch import SeriesWatch
from truecandle.web.session_monitor import Members
from truecandle.web.socket_limits import Addresses
from truecandle.web.trade_watch import TradeWatch

EXTENSION = "truecandle.connections"


@dataclass(frozen=True, slots=True)
class Connections:
    """`begin` has events be heard and sessions be watched from now on; as often as one likes.
    `close_all` says good-bye to everybody.
    """

    members: Members
    addresses: Addresses
    cuts: CutLog
    watch: SeriesWatch
    trades: TradeWatch
    begin: Callable[[], None]
    close_all: Callable[[], None]


def of(app: Flask) -> Connections:
    """Those of an application."""
    return cast(Connections, app.extensions[EXTENSION])


def connections() -> Connections:
    """Those of the running application."""
    return of(current_app)


def credential_now() -> Credential | None:
    """What the one who sends this request came in with; None for an anonymous reader."""
    return cast(Credential, current_user.credential) if current_user.is_authenticated else None
