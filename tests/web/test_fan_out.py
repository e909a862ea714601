"""Who is told which events, and in which order.

Never here: sockets (`test_send_queue`), Redis; what a browser hears of it all is in `test_sockets`.
Invariant: rooms are python-socketio's own; only the browsers are missing: lists keep what they are
offered.
"""

from __future__ import annotations

from types import SimpleNamespace

from truecandle.events import DATA_UPDATED, LIVE_PRICE, Event, from_message, to_message
from truecandle.web.fan_out import TURN, FanOut
from truecandle.web.send_queue import Burst, Frame, SendQueue


class Queue(SendQueue):
    """What one browser was offered, call by call, before its connection is open."""

    def __init__(self) -> None:
        super().__init__(-1, lambda _: None)
        self.bursts: list[Burst] = []

    def _keep_rest(self, burst: Burst, sent: int) -> bool:
        self.bursts.append(burst)
        return True

    @property
    def offers(self) -> list[list[Frame]]:
        return [list(burst.frames) for burst in self.bursts]

    @property
    def texts(self) -> list[str]:
        return [frame.data[2:].decode() for frames in self.offers for frame in frames]


def fan_out(**rooms: str) -> tuple[FanOut, dict[str, Queue], list[float]]:
    """Browsers by name, each in the rooms named; their queues, and how often others had a turn."""
    found, queues, turns = FanOut(), {}, list[float]()
    sockets = {}
    for name, names in rooms.items():
        queues[name] = Queue()
        sockets[f"eio-{name}"] = SimpleNamespace(queue=queues[name])
        found.basic_enter_room(name, "/", None, eio_sid=f"eio-{name}")
        for room in names.split():
            found.basic_enter_room(name, "/", room)
    found.server = SimpleNamespace(eio=SimpleNamespace(sockets=sockets), sleep=turns.append)
    return found, queues, turns


def price(symbol: str, number: int) -> Event:
    return Event(LIVE_PRICE, symbol, b"%d" % number)


def test_each_hears_its_rooms_in_the_order_told_all_of_a_message_in_one_piece() -> None:
    found, queues, _ = fan_out(one="BTC ETH", two="ETH", three="SOL")
    news = Event(DATA_UPDATED, "ETH", b'{"version":3}')
    found.tell([price("ETH", 1), price("BTC", 2), news, price("ETH", 4)])
    eth = ['42["live_price",1]', '42["data_updated",{"version":3}]', '42["live_price",4]']
    assert queues["two"].texts == eth
    assert queues["one"].texts == [eth[0], '42["live_price",2]', *eth[1:]]
    assert [len(queue.offers) for queue in queues.values()] == [1, 1, 0]


def test_a_frame_is_packed_once_for_all_and_knows_whose_price_it_is() -> None:
    found, queues, _ = fan_out(one="BTC", two="BTC")
    found.tell([price("BTC", 1), Event(DATA_UPDATED, "BTC", b"{}")])
    (one,), (two,) = queues["one"].offers, queues["two"].offers
    assert all(mine is theirs for mine, theirs in zip(one, two, strict=True))
    assert [frame.price_of for frame in one] == ["BTC", None]
    assert all(frame.is_event for frame in one)


def test_what_the_process_says_itself_reaches_a_room_or_everybody() -> None:
    found, queues, _ = fan_out(one="BTC", two="ETH")
    found.emit("freshness", {"symbol": "BTC"}, "/", room="BTC")
    found.emit("resync", {}, "/")
    assert queues["one"].texts == ['42["freshness",{"symbol":"BTC"}]', '42["resync",{}]']
    assert queues["two"].texts == ['42["resync",{}]']


def test_among_many_browsers_the_others_of_the_process_get_their_turn() -> None:
    found, queues, turns = fan_out(**{f"b{number}": "BTC" for number in range(3 * TURN + 1)})
    found.tell([price("BTC", 1)])
    assert len(turns) == 3
    assert all(queue.texts for queue in queues.values())


def test_a_browser_that_has_just_gone_is_passed_over() -> None:
    found, queues, _ = fan_out(one="BTC", two="BTC")
    del found.server.eio.sockets["eio-one"]
    found.tell([price("BTC", 1)])
    assert queues["two"].texts and not queues["one"].texts


def test_who_joins_or_leaves_a_room_is_told_accordingly_from_the_next_event_on() -> None:
    found, queues, _ = fan_out(one="BTC", two="ETH")
    found.tell([price("BTC", 1)])
    found.basic_enter_room("two", "/", "BTC")
    found.tell([price("BTC", 2)])
    found.basic_leave_room("one", "/", "BTC")
    found.tell([price("BTC", 3), price("ETH", 4)])
    found.basic_disconnect("two", "/")
    found.tell([price("BTC", 5)])
    found.emit("resync", {}, "/")
    assert queues["one"].texts == [*(f'42["live_price",{n}]' for n in (1, 2)), '42["resync",{}]']
    assert queues["two"].texts == [f'42["live_price",{n}]' for n in (2, 3, 4)]


def test_of_rooms_that_nobody_is_in_nothing_is_kept() -> None:
    found, _, _ = fan_out(one="BTC")
    found.tell([price(f"S{number}", 1) for number in range(100)] + [price("BTC", 1)])
    found.basic_disconnect("one", "/")
    found.tell([price("BTC", 2)])
    assert not found._queues


def test_those_in_the_same_rooms_are_offered_one_and_the_same_burst() -> None:
    found, queues, _ = fan_out(one="BTC ETH", two="ETH BTC", three="ETH")
    found.tell([price("BTC", 1), price("ETH", 2)])
    assert queues["one"].texts == queues["two"].texts == [f'42["live_price",{n}]' for n in (1, 2)]
    assert queues["one"].bursts[0] is queues["two"].bursts[0]
    assert queues["three"].texts == ['42["live_price",2]']


def test_a_message_gives_back_its_events_and_leaves_out_what_is_none() -> None:
    events = [Event(LIVE_PRICE, "币安USDT", b'{"why":"a line\\nbreak"}'), price("BTC", 2)]
    assert from_message(to_message(events)) == events
    odd = [b"", b"live_price", b"live_price BTC {", b'x"] BTC {}', b"\x80\x04 BTC {}"]
    assert from_message(b"\n".join([*odd, to_message(events)])) == events
