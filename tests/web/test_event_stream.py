"""A reader of Server-Sent Events that reads too slowly, or not at all.

Never here: sockets, and what is told when (`test_connections`).
Invariant: nothing waits without a bound, and an end is no event.
"""

from __future__ import annotations

from typing import Any, cast

from tests.support.stream_programs import MINUTES
from truecandle.events import GAP_PROVEN, LIVE_CANDLE, Event
from truecandle.store.changes import Changes, Position
from truecandle.web.connections import Connections
from truecandle.web.event_stream import EventReader
from truecandle.web.series_watch import News
from truecandle.web.socket_limits import HEARTBEAT_S, QUEUE_MAX


def reader() -> EventReader:
    return EventReader(MINUTES, cast(Connections, None), "127.0.0.1")


def live(number: int) -> News:
    return News(MINUTES, event=Event(LIVE_CANDLE, MINUTES.name, b"%d" % number))


def official(version: int, **more: Any) -> News:
    return News(MINUTES, changes=Changes(Position(version, 5, 6, 7), **more))


def test_of_live_candles_the_newest_waits_and_official_ones_keep_their_order() -> None:
    slow = reader()
    for number in range(QUEUE_MAX - 2):
        slow.hear(live(number))
        slow.hear(official(number))
    slow.hear(News(MINUTES, event=Event(GAP_PROVEN, MINUTES.name, b"{}")))
    text = next(slow.pieces()).decode()
    ids = [line for line in text.splitlines() if line.startswith("id: ")]
    assert ids == [f"id: {number}-5-6-7" for number in range(QUEUE_MAX - 2)]
    assert text.count("event: live_candle") == 1 and f"data: {QUEUE_MAX - 3}\n" in text
    assert text.endswith("event: gap_proven\ndata: {}\n\n")


def test_whoever_reads_nothing_is_ended_and_what_waits_is_let_go() -> None:
    slow = reader()
    for number in range(QUEUE_MAX + 1):
        slow.hear(official(number))
    slow.hear(live(1))
    assert list(slow.pieces()) == []


def test_what_is_not_told_whole_says_so_and_silence_is_broken_by_a_line_of_nothing() -> None:
    one = reader()
    one.hear(official(3, is_whole=False))
    assert next(one.pieces()).endswith(b"\n\nevent: resync\ndata: {}\n\n")
    for late_s in (2, 3):
        one.tick(one._written_s + late_s * HEARTBEAT_S)
    assert next(one.pieces()) == b":\n\n"
    one.finish()
    assert list(one.pieces()) == []
