"""What was published while browsers were being told is told next, together, and none of it is lost.

Never here: rooms (`test_fan_out`), sockets (`test_send_queue`); what a lost Redis means
for browsers is in `test_sockets`.
Invariant: Redis and its channel are real; only the browser is missing: its queue can be held up.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace

import pytest
from redis import Redis

from tests.support.waiting import wait_for
from tests.support.web_process import wait_for_listener
from truecandle.candles.series import Series, parse_series
from truecandle.events import EVENTS_IN_MESSAGE_MAX, Event, Publisher
from truecandle.store.channel import Channel
from truecandle.web import event_subscriber
from truecandle.web.event_subscriber import EventSubscriber, Hearing
from truecandle.web.send_queue import Burst, SendQueue


class HeldQueue(SendQueue):
    """What one browser was offered, call by call, before its connection is open; whoever offers
    waits until it is let go."""

    def __init__(self) -> None:
        super().__init__(-1, lambda _: None)
        self.offers: list[list[bytes]] = []
        self.is_let_go = threading.Event()

    def _keep_rest(self, burst: Burst, sent: int) -> bool:
        self.offers.append([frame.data for frame in burst.frames])
        assert self.is_let_go.wait(60)
        return True

    @property
    def count(self) -> int:
        return sum(map(len, self.offers))


class Telling:
    """A subscriber in a thread of its own, and one browser in two rooms."""

    def __init__(self, redis_url: str) -> None:
        self.queue, self.heard, self.is_over = HeldQueue(), list[Event](), False
        self.audience = {"one"}
        self.subscriber = EventSubscriber(redis_url, Hearing(), self.heard.extend, self.audience)
        sockets = {"eio": SimpleNamespace(queue=self.queue)}
        self.subscriber.server = SimpleNamespace(
            eio=SimpleNamespace(sockets=sockets), sleep=self._sleep
        )
        self.subscriber.basic_enter_room("one", "/", None, eio_sid="eio")
        for room in ("BTCUSDT", SERIES.name):
            self.subscriber.basic_enter_room("one", "/", room)
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        with suppress(SystemExit):
            assert not list(self.subscriber._listen())

    def _sleep(self, _: float) -> None:
        if self.is_over:
            raise SystemExit  # nothing else ends it

    def start(self) -> None:
        self.queue.is_let_go.set()
        self._thread.start()

    def come(self) -> None:
        self.audience.add("one")
        self.subscriber.want()

    def end(self, publisher: Publisher) -> None:
        self.is_over = True
        self.come()
        self.queue.is_let_go.set()
        tell_price(publisher, 0)
        self._thread.join(60)
        assert not self._thread.is_alive()


SERIES: Series = parse_series("BTCUSDT", "1m")


def tell_price(publisher: Publisher, number: int) -> None:
    publisher.live_price(
        "BTCUSDT", price="1", timestamp=0, high="1", low="1", volume="1", trades=1,
        first_id=number, last_id=number,
    )  # fmt: skip


def tell_update(publisher: Publisher, version: int) -> None:
    publisher.data_updated(
        SERIES, timestamp=0, version=version, previous=version - 1, reason="new", candles=()
    )


@pytest.fixture
def telling(redis: Redis, redis_url: str) -> Iterator[Telling]:
    one = Telling(redis_url)
    one.start()
    wait_for_listener(redis)
    wait_for(lambda: one.heard, what="the first resync")
    yield one
    one.end(Publisher(redis_url))


def test_all_that_comes_while_one_event_is_told_is_told_next_in_one_piece_and_in_order(
    telling: Telling, redis: Redis, redis_url: str
) -> None:
    """Given a browser that is just being told a price, when 300 more events are published, each by
    itself, then it is told them in order, many at once, and none is left out.
    """
    publisher, queue = Publisher(redis_url), telling.queue
    queue.is_let_go.clear()
    before = len(queue.offers)
    tell_price(publisher, 1)
    wait_for(lambda: len(queue.offers) > before, what="the first offer")
    for number in range(2, 302):
        (tell_update if number % 3 == 0 else tell_price)(publisher, number)
    redis.ping()  # so Redis has written all of them
    queue.is_let_go.set()
    wait_for(lambda: sum(map(len, queue.offers[before:])) == 301, what="301 events")
    found = queue.offers[before:]
    sizes = [len(offer) for offer in found]
    assert sizes[0] == 1 and max(sizes) <= EVENTS_IN_MESSAGE_MAX
    assert len(sizes) < 30, "as much at once as the system had handed over, not one by one"
    told = [data for offer in found for data in offer]
    for number, data in enumerate(told, 1):
        name = b'"version":%d,' if number % 3 == 0 else b'"last_id":%d}'
        assert name % number in data
    assert len(telling.heard) == 302  # programs are told of each, and of the resync


def test_a_message_in_two_parts_is_told_whole_and_the_link_stays(
    telling: Telling, redis: Redis, redis_url: str
) -> None:
    """Given a message larger than is read at once, when it is told, then it is whole, and nothing
    else was told: no link was lost over it.
    """
    publisher, before = Publisher(redis_url), telling.queue.count
    with publisher.together():
        for number in range(1, 2 * EVENTS_IN_MESSAGE_MAX + 1):
            tell_update(publisher, number)
        for number in range(2 * EVENTS_IN_MESSAGE_MAX):
            tell_price(publisher, number)
    wait_for(lambda: telling.queue.count >= before + 4 * EVENTS_IN_MESSAGE_MAX, what="all events")
    assert telling.queue.count == before + 4 * EVENTS_IN_MESSAGE_MAX
    assert [event.name for event in telling.heard].count("resync") == 1


def test_nothing_is_heard_while_nobody_is_here_and_all_from_the_moment_that_somebody_comes(
    telling: Telling, redis: Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a process that everybody has left, when that has lasted, then Redis has nobody to tell;
    and when somebody comes, then they are told to compare, and what is published after that."""
    monkeypatch.setattr(event_subscriber, "QUIET_S", 0.0)
    publisher, channel = Publisher(redis_url), Channel(redis).name()
    telling.audience.clear()
    wait_for(lambda: not redis.pubsub_numsub(channel)[0][1], what="an end of listening")
    tell_price(publisher, 1)
    telling.come()
    tell_price(publisher, 2)
    wait_for(lambda: len(telling.heard) == 3, what="a resync and a price")
    assert [event.name for event in telling.heard] == ["resync", "resync", "live_price"]
    assert b'"last_id":2}' in telling.heard[-1].payload


def test_who_comes_while_redis_is_away_does_not_wait_for_it_again_and_again(
    telling: Telling, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a process that nobody was in, and a Redis that refuses to let it listen, when somebody
    comes, then they come in at once all the same, and hear when it lets it listen again."""
    monkeypatch.setattr(event_subscriber, "QUIET_S", 0.0)
    channel = Channel(redis).name()
    telling.audience.clear()
    wait_for(lambda: not redis.pubsub_numsub(channel)[0][1], what="an end of listening")
    redis.execute_command("ACL", "SETUSER", "default", "resetchannels")
    try:
        telling.come()
        wait_for(lambda: telling.subscriber._is_up.is_set(), what="a try that failed")
    finally:
        redis.execute_command("ACL", "SETUSER", "default", "allchannels")
    wait_for(lambda: len(telling.heard) == 2, what="another resync")
