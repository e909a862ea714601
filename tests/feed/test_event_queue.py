"""The feed's queue: in order, in batches, and what is shed when it is full."""

from __future__ import annotations

from tests.support.sample_trades import kline, trade
from truecandle.binance.streams.status import StreamStatusChange
from truecandle.feed.event_queue import BATCH_MAX, EventQueue


class TestEventQueue:
    def test_events_come_out_in_the_order_they_went_in(self) -> None:
        queue = EventQueue()
        events = [trade(number, number) for number in range(10)]
        for event in events:
            queue.put(event)
        assert queue.drain(0) == events

    def test_a_wait_can_be_ended_though_nothing_has_come(self) -> None:
        """Else this would take ten minutes."""
        queue = EventQueue()
        queue.wake()
        assert queue.drain(600) == []

    def test_a_flood_comes_out_in_batches(self) -> None:
        queue = EventQueue()
        for number in range(BATCH_MAX + 1):
            queue.put(trade(number, number))
        assert len(queue.drain(0)) == BATCH_MAX
        assert len(queue.drain(0)) == 1

    def test_when_it_is_full_trades_are_lost_and_counted_but_newest_klines_stay(self) -> None:
        queue = EventQueue(events_max=2)
        for number in range(5):
            queue.put(trade(number, number))
        queue.put(kline(0, 4, at_ms=2000))
        queue.put(kline(0, 9, at_ms=4000))
        queue.put(kline(60_000, 12, at_ms=61_000))
        taken = queue.drain(0)
        assert queue.lost == 3
        assert [one.last_id for one in taken if not isinstance(one, StreamStatusChange)] == [
            0,
            1,
            9,
            12,
        ]

    def test_it_does_not_wait_when_something_is_there(self) -> None:
        queue = EventQueue()
        queue.put(trade(1, 0))
        assert len(queue.drain(60)) == 1
