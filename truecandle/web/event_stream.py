"""`/events`: one series as Server-Sent Events, for programs and pages without a WebSocket.

Never here: other ways to listen (`sockets`, `streams`), where events come from (`series_watch`).
Invariant: every `id` is a position of the series (`store/changes`): whoever comes back with it is
first told all official candles that changed since, or, where that is too much to tell, to ask anew.
Who does not read in time is ended, and comes back that way.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final

from flask import Blueprint, Response, request

from truecandle.candles.candle import LiveCandle, OfficialCandle
from truecandle.candles.series import Series
from truecandle.events import GAP_PROVEN, LIVE_CANDLE, RESYNC
from truecandle.exact_json import Exact, dumps
from truecandle.store import changes
from truecandle.store.batch import Batch
from truecandle.store.changes import Changes, Position, parse_position
from truecandle.web import read_limit
from truecandle.web.auth import require_read
from truecandle.web.connections import Connections, connections, credential_now
from truecandle.web.errors import Problem
from truecandle.web.forwarded import client_address
from truecandle.web.parameters import single
from truecandle.web.query import SERIES, followed_series
from truecandle.web.series_watch import News
from truecandle.web.services import services
from truecandle.web.session_monitor import Member
from truecandle.web.socket_limits import HEARTBEAT_S, QUEUE_BYTES_MAX, QUEUE_MAX

bp = Blueprint("events", __name__)

#: The header of a client that comes back.
LAST_ID: Final = "Last-Event-ID"
#: Official candles that were stored or corrected.
OFFICIAL: Final = "official"
_HEARTBEAT: Final = b":\n\n"


@bp.get("/events")
@require_read
def events() -> Response:
    """Official and live candles of one series as Server-Sent Events, from `Last-Event-ID` on."""
    series = followed_series(services().markets, single(request.args, SERIES))
    credential = credential_now()
    known = credential.digest if credential else None
    read_limit.check(read_limit.counted(services(), read_limit.reader(known, request.environ)))
    if request.method == "HEAD":
        return _answer(iter(()))
    shared = connections()
    shared.begin()
    reader = EventReader(series, shared, client_address(request.environ))
    reader.enter(Member(credential, reader.finish), request.headers.get(LAST_ID))
    response = _answer(reader.pieces())
    response.call_on_close(reader.leave)
    return response


def _answer(pieces: Iterator[bytes]) -> Response:
    response = Response(pieces, mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # a proxy in front passes each event on at once
    return response


class EventReader:
    """One reader. `pieces` is for its own thread; all else may come from any."""

    def __init__(self, series: Series, shared: Connections, address: str) -> None:
        self._series = series
        self._shared = shared
        self._address = address
        self._filled = threading.Condition()
        #: In the order in which they leave: live candles by their series, the rest by numbers.
        self._waiting: OrderedDict[object, bytes] = OrderedDict()
        self._next = self._bytes = 0
        self._is_over = False
        self._written_s = time.monotonic()

    def enter(self, member: Member, last_id: str | None) -> None:
        """Listens from now on, and is first told what has changed since `last_id`. `Problem` 429
        where there are too many; raises a `StoreError`.
        """
        shared, now_s = self._shared, time.monotonic()
        is_in = shared.members.enter(self, member)
        if not is_in or not shared.addresses.admit(self._address, self, now_s):
            shared.members.leave(self)
            detail = "Too many connections of this user or address."
            raise Problem(429, "too-many", detail, {"Retry-After": "1"})
        try:
            shared.watch.enter(self)
            shared.watch.join(self, [self._series])
            if last_id is not None:
                self._put_first(_resumed(self._series, last_id))
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Hears nothing more; as often as one likes."""
        self._shared.watch.leave(self)
        self._shared.members.leave(self)
        self._shared.addresses.leave(self._address, self)
        self.finish()

    def pieces(self) -> Iterator[bytes]:
        """What is to be sent, as it comes; ends with the connection."""
        while True:
            with self._filled:
                while not self._waiting and not self._is_over:
                    self._filled.wait()
                if not self._waiting:
                    return
                piece = b"".join(self._waiting.values())
                self._waiting.clear()
                self._bytes = 0
            self._written_s = time.monotonic()
            yield piece

    def hear(self, news: News) -> None:
        if news.changes is not None:
            self._put(None, news.form(OFFICIAL, lambda: _official(news)))
            for told in news.told:
                if isinstance(told.candle, LiveCandle):
                    self._put(LIVE_CANDLE, _live(news.series, told.candle))
        if news.event is not None and news.event.name in (LIVE_CANDLE, GAP_PROVEN):
            key = LIVE_CANDLE if news.event.name == LIVE_CANDLE else None
            self._put(key, _event(news.event.name, news.event.payload))

    def tick(self, now_s: float) -> None:
        if now_s - self._written_s >= HEARTBEAT_S:
            self._written_s = now_s
            self._put("heartbeat", _HEARTBEAT)

    def finish(self) -> None:
        """Ends once all that waits has left; with too much of it, nothing of it leaves."""
        with self._filled:
            self._is_over = True
            self._filled.notify()

    good_bye = finish

    def _put_first(self, text: bytes) -> None:
        with self._filled:
            self._waiting[-1] = text
            self._waiting.move_to_end(-1, last=False)

    def _put(self, key: str | None, text: bytes) -> None:
        """What has a key takes the place of what waits under it."""
        with self._filled:
            if self._is_over:
                return
            former = b"" if key is None else self._waiting.pop(key, b"")
            self._waiting[self._next if key is None else key] = text
            self._next += 1
            self._bytes += len(text) - len(former)
            if len(self._waiting) > QUEUE_MAX or self._bytes > QUEUE_BYTES_MAX:
                self._waiting.clear()
                self._is_over = True
            self._filled.notify()


def _resumed(series: Series, last_id: str) -> bytes:
    """What somebody who comes back has missed."""
    position = parse_position(last_id)
    if position is None:
        return _event(RESYNC, b"{}")
    batch = Batch(services().redis)
    asked = changes.queue(batch, series, position)
    batch.run()
    found = asked.value
    if found.has_more or not found.is_whole:
        return _event(RESYNC, b"{}")
    return _text(series, found) if found.position != position else _HEARTBEAT


def _official(news: News) -> bytes:
    """What has changed; without a change it is the position alone, from which to come back."""
    found = news.changes
    assert found is not None
    text = _text(news.series, found)
    return text if found.is_whole else text + _event(RESYNC, b"{}")


def _text(series: Series, found: Changes) -> bytes:
    changed: dict[int, OfficialCandle] = {one.open_ms: one for one in found.corrected}
    changed |= {one.open_ms: one for one in found.added}
    data = {
        "symbol": series.symbol,
        "interval": series.interval.name,
        "version": found.position.version,
        "candles": [Exact(changed[open_ms].member()) for open_ms in sorted(changed)],
    }
    return _event(OFFICIAL, dumps(data), found.position)


def _live(series: Series, candle: LiveCandle) -> bytes:
    """A live candle as it is published."""
    data = {
        "symbol": series.symbol,
        "interval": series.interval.name,
        "candle": Exact(candle.to_json("pending" if candle.is_complete else "forming")),
    }
    return _event(LIVE_CANDLE, dumps(data))


def _event(name: str, data: bytes, position: Position | None = None) -> bytes:
    """One event; with its position as the id to come back with."""
    known = f"id: {position}\n" if position else ""
    return f"event: {name}\n{known}data: ".encode() + data + b"\n\n"
