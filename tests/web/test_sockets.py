"""Socket.IO over real sockets, in every mode: who comes in, what they hear, when they have to go.

Never here: what happens when Redis or the process die (`tests/faults/test_web_process.py`).
Invariant: events are published as fetcher and feed do it, by a `Publisher` outside the process.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import requests
import socketio
import websocket
from redis import Redis

from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.web_app import HOURLY, NOW_MS, store_hours
from tests.support.web_process import (
    Client,
    Web,
    clients,
    cookies,
    csrf,
    signed_in,
    token_of,
    wait_for_listener,
)
from truecandle.candles.gap import Verdict, hole_of
from truecandle.candles.gap_registry import GapRegistry
from truecandle.events import Publisher
from truecandle.store import clock, gaps, pages
from truecandle.store.accounts import Accounts
from truecandle.store.channel import Channel
from truecandle.store.credentials import CredentialStore
from truecandle.web.socket_limits import QUEUE_MAX

#: 15 kB each: more than the system's buffers hold.
BIG_PRICES = 60


@pytest.fixture(scope="module", autouse=True)
def stranger(web: Web) -> Iterator[websocket.WebSocket]:
    """A connection that never says who it is; opened first, looked at last."""
    connection = websocket.create_connection(raw_url(web), timeout=40)
    yield connection
    connection.shutdown()


def raw_url(web: Web) -> str:
    return web.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"


@pytest.fixture
def made() -> Iterator[list[Client]]:
    with clients() as found:
        yield found


@pytest.fixture
def publisher(redis_url: str) -> Publisher:
    return Publisher(redis_url)


def come(web: Web, made: list[Client], token: str | None = None, **headers: str) -> Client:
    made.append(Client())
    return made[-1].connect(web, token, **headers)


def price(
    publisher: Publisher, symbol: str = "BTCUSDT", price: str = "0.00000908", trace: str = ""
) -> None:
    publisher.live_price(
        symbol, price=price, timestamp=1, high="42000.1", low="8", volume="0.5", trades=3,
        first_id=5, last_id=7, traceparent=trace,
    )  # fmt: skip


def test_nobody_comes_in_without_a_session_or_a_token(
    web: Web, made: list[Client], redis: Redis
) -> None:
    for token in (None, "a" * 43, "*"):
        made.append(Client())
        refusals: list[object] = []
        made[-1].io.on("connect_error", refusals.append)
        with pytest.raises(socketio.exceptions.ConnectionError):
            made[-1].connect(web, token)
        assert refusals == ["unauthorized"] or refusals == [{"message": "unauthorized"}]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_pages_of_other_origins_do_not_come_in(web: Web, redis: Redis, origin: str) -> None:
    cookie = cookies(signed_in(web, redis))
    url = raw_url(web)
    with pytest.raises(websocket.WebSocketBadStatusException) as refused:
        websocket.create_connection(url, origin=origin, cookie=cookie, timeout=20)
    assert refused.value.status_code == 403
    ours = websocket.create_connection(url, origin=web.url, cookie=cookie, timeout=20)
    ours.close()


def test_only_websockets_are_offered(web: Web) -> None:
    answer = web.get("/socket.io/?EIO=4&transport=polling")
    assert answer.status_code == 400
    assert "Content-Security-Policy" in answer.headers


def test_a_subscription_is_acknowledged_with_version_and_exchange_time(
    web: Web, made: list[Client], redis: Redis
) -> None:
    store_hours(redis, 2)
    clock.publish(redis, NOW_MS)
    client = come(web, made, token_of(redis))
    answer = client.follow()
    assert answer["ok"] is True
    assert answer["version"] == pages.version(redis, HOURLY)
    assert abs(answer["server_time"] - NOW_MS) < 60_000


def test_events_arrive_in_the_rooms_asked_for_with_exact_numbers(
    web: Web, made: list[Client], redis: Redis, publisher: Publisher
) -> None:
    token = token_of(redis)
    one, two = come(web, made, token), come(web, made, token)
    one.follow("BTCUSDT", "1h")
    one.follow("BTCUSDT", "1m")
    two.follow("ETHUSDT", "1h")
    wait_for_listener(redis)
    # Of a trace a process without traces says nothing.
    price(publisher, trace=f"00-{1:032x}-{1:016x}-01")
    assert one.wait_heard("live_price") == {
        "symbol": "BTCUSDT", "price": "0.00000908", "timestamp": 1, "high": "42000.1", "low": 8,
        "volume": "0.5", "trades": 3, "first_id": 5, "last_id": 7,
    }  # fmt: skip
    publisher.data_updated(
        HOURLY, timestamp=1, version=7, previous=6, reason="correction", candles=[]
    )
    assert one.wait_heard("data_updated")["version"] == 7
    one.call("unsubscribe", {"symbol": "BTCUSDT", "interval": "1h"})
    price(publisher)
    one.wait_heard("live_price", 2)
    one.call("unsubscribe", {"symbol": "BTCUSDT", "interval": "1m"})
    price(publisher)
    price(publisher, "ETHUSDT")
    two.wait_heard("live_price")
    assert len(one.heard("live_price")) == 2
    assert {event["symbol"] for event in two.heard("live_price")} == {"ETHUSDT"}


def test_who_comes_when_nobody_was_there_misses_nothing(
    web: Web, made: list[Client], redis: Redis, publisher: Publisher
) -> None:
    """Given a web role that all browsers have left for good, when one comes, then it hears what is
    published from its subscription on; while nobody was there Redis had nobody to tell."""
    come(web, made, token_of(redis)).follow()
    wait_for_listener(redis)
    made.pop().close()
    name = Channel(redis).name()
    wait_for(lambda: not redis.pubsub_numsub(name)[0][1], what="an end of listening")
    one = come(web, made, token_of(redis))
    one.follow()
    price(publisher)
    assert one.wait_heard("live_price")["last_id"] == 7


def test_what_is_proven_missing_comes_as_an_event_and_with_the_acknowledgement(
    web: Web, made: list[Client], redis: Redis, publisher: Publisher
) -> None:
    opens = store_hours(redis, 3)
    early = come(web, made, token_of(redis))
    assert early.follow()["missing"] == []
    wait_for_listener(redis)
    hole = hole_of(HOURLY.interval, opens[1], opens[2])
    known = GapRegistry().note(
        HOURLY.interval, opens[1], opens[2], [Verdict(hole, "maintenance", "")], opens[2]
    )
    publisher.gap_proven(HOURLY, gaps.save(redis, HOURLY, GapRegistry(), known))
    span = [opens[1], opens[2]]
    assert early.wait_heard("gap_proven") == {
        "symbol": "BTCUSDT", "interval": "1h", "missing": [span],
    }  # fmt: skip
    assert come(web, made, token_of(redis)).follow()["missing"] == [span]


@pytest.mark.parametrize(
    ("event", "sent", "code"),
    [
        ("subscribe", {"symbol": "btcusdt", "interval": "1h"}, "parameter"),
        ("subscribe", {"symbol": "DOGEUSDT", "interval": "1h"}, "unknown-market"),
        ("subscribe", {"symbol": "BTCUSDT", "interval": "1M"}, "unknown-interval"),
        ("subscribe", {"symbol": "BTCUSDT"}, "parameter"),
        ("subscribe", {"symbol": {"$ne": 1}, "interval": ["1h"]}, "parameter"),
        ("subscribe", "BTCUSDT:1h", "parameter"),
        ("subscribe", None, "parameter"),
        ("subscribe", ("BTCUSDT", "1h"), "parameter"),
        ("unsubscribe", {"symbol": "*", "interval": "1h"}, "parameter"),
        ("join", {"room": "ETHUSDT"}, "event"),
        ("data_updated", {"symbol": "BTCUSDT"}, "event"),
    ],
)
def test_a_bad_message_is_answered_by_name(
    web: Web, made: list[Client], redis: Redis, event: str, sent: object, code: str
) -> None:
    client = come(web, made, token_of(redis))
    answer = client.call(event, sent)
    assert (answer["ok"], answer["code"]) == (False, code)
    answer = client.follow()
    assert answer["ok"] is True, answer


def test_ended_sessions_and_tokens_take_their_sockets_along(
    web: Web, made: list[Client], redis: Redis
) -> None:
    session = signed_in(web, redis)
    browser = come(web, made, Cookie=cookies(session))
    script = come(web, made, token_of(redis))
    assert browser.follow()["ok"] and script.follow()["ok"]
    token = csrf(web, session)
    session.post(f"{web.url}/logout", data={"csrf_token": token}, timeout=20)
    wait_for(lambda: not browser.io.connected, what="the signed-out socket to end")
    assert script.io.connected
    CredentialStore(redis).revoke(CredentialStore(redis).tokens()[0].id)
    wait_for(lambda: not script.io.connected, what="the revoked socket to end")
    again = come(web, made, Cookie=cookies(signed_in(web, redis)))
    Accounts(redis).remove("ann")
    wait_for(lambda: not again.io.connected, what="the removed user's socket to end")


def test_a_flood_of_messages_ends_the_socket(web: Web, made: list[Client], redis: Redis) -> None:
    client = come(web, made, token_of(redis))
    for _ in range(500):
        if client.io.connected:
            client.io.emit("subscribe", {"symbol": "BTCUSDT", "interval": "1h"})
    wait_for(lambda: not client.io.connected, what="the flooding socket to end")


def test_a_huge_message_ends_the_socket(web: Web, made: list[Client], redis: Redis) -> None:
    client = come(web, made, token_of(redis))
    client.io.emit("subscribe", {"symbol": "x" * 20_000, "interval": "1h"})
    wait_for(lambda: not client.io.connected, what="the socket to end")
    assert web.get("/healthz").status_code == 200


def test_one_user_holds_at_most_twenty_sockets(web: Web, made: list[Client], redis: Redis) -> None:
    token = token_of(redis)
    for _ in range(20):
        come(web, made, token)
    with pytest.raises(socketio.exceptions.ConnectionError):
        come(web, made, token)
    assert come(web, made, token_of(redis, "bob")).io.connected


def test_a_socket_of_the_wrong_kind_of_host_or_a_foreign_sid_gets_nothing(
    web: Web, made: list[Client], redis: Redis
) -> None:
    client = come(web, made, token_of(redis))
    sid = client.io.eio.sid
    for transport in ("polling", "websocket"):
        url = f"{web.url}/socket.io/?EIO=4&transport={transport}&sid={sid}"
        assert requests.get(url, timeout=20).status_code == 400
        assert requests.post(url, data="4", timeout=20).status_code == 400
    answer = client.follow()
    assert answer["ok"] is True, answer
    assert sid not in web.role.output


def test_everybody_may_listen_where_reading_is_public(
    redis: Redis, redis_url: str, processes: Roles, made: list[Client], tmp_path: object
) -> None:
    web = Web(processes, redis_url, tmp_path, PUBLIC_READS="1")  # type: ignore[arg-type]
    assert come(web, made).follow()["ok"] is True


def test_who_does_not_read_has_to_ask_again_or_is_disconnected_and_holds_nobody_up(
    web: Web, made: list[Client], redis: Redis, publisher: Publisher
) -> None:
    """One reads again in time, and is told to ask again for what gave way; the other never does."""
    token = token_of(redis)
    reader = come(web, made, token)
    reader.call("watch", {"symbols": ["BTCUSDT", "ETHUSDT"]})
    slow, deaf = deaf_member(web, token), deaf_member(web, token)
    wait_for_listener(redis)
    for number in range(1, BIG_PRICES + 1):
        price(publisher, price="1." + "1" * 15_000)
        reader.wait_heard("live_price", number)  # told together, only the newest would leave
    with publisher.together():
        for number in range(QUEUE_MAX + 1):
            update(publisher, number)
    price(publisher, price="42")
    price(publisher, "ETHUSDT")
    wait_for(lambda: reader.heard("live_price")[-1]["symbol"] == "ETHUSDT", what="the last price")
    told = read_until(slow, '"price":42')
    assert '42["resync",{}]' in told
    assert sum("data_updated" in one for one in told) < QUEUE_MAX
    with publisher.together():
        for number in range(QUEUE_MAX + 1):
            update(publisher, number)
    web.role.wait_for_line("cut off connections .*unread 1")
    assert reader.io.connected
    slow.shutdown()
    deaf.shutdown()


def deaf_member(web: Web, token: str) -> websocket.WebSocket:
    """Let in, and subscribed; its system holds little of what it does not read."""
    one = websocket.create_connection(
        raw_url(web), timeout=40, sockopt=((socket.SOL_SOCKET, socket.SO_RCVBUF, 4096),)
    )
    one.recv()
    one.send(f'40{{"token":"{token}"}}')
    assert str(one.recv()).startswith("40")
    one.send('420["subscribe",{"symbol":"BTCUSDT","interval":"1h"}]')
    read_until(one, '430[{"ok":true')
    return one


def read_until(one: websocket.WebSocket, part: str) -> list[str]:
    """All that comes, up to the packet that has this in it."""
    told: list[str] = []
    while not told or part not in told[-1]:
        told.append(str(one.recv()))
    return told


def update(publisher: Publisher, version: int) -> None:
    publisher.data_updated(
        HOURLY, timestamp=1, version=version, previous=version - 1, reason="new", candles=[]
    )


def test_a_connection_that_never_says_who_it_is_is_ended(
    stranger: websocket.WebSocket,
) -> None:
    with pytest.raises((websocket.WebSocketException, OSError)):
        while stranger.recv():
            pass
        raise websocket.WebSocketConnectionClosedException
