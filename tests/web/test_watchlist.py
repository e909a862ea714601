"""`watch`: the prices of many markets over one socket, beside the charts that it is subscribed to.

Never here: limits of frames and bytes (`test_socket_floods`).
Invariant: events are published as the feed does it, by a `Publisher` outside the process.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from redis import Redis

from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.web_app import NOW_MS
from tests.support.web_process import Client, Web, clients, token_of, wait_for_listener
from truecandle.candles.candle import CandleSource, LiveCandle
from truecandle.candles.instrument import Instrument
from truecandle.candles.series import parse_series
from truecandle.candles.ticker import Ticker
from truecandle.events import Codec, Publisher
from truecandle.store import exchange_list, live
from truecandle.store.exchange_list import ListedMarket
from truecandle.web import exchange_list as known
from truecandle.web import watchlist
from truecandle.web.services import EXTENSION
from truecandle.web.socket_limits import WATCHED_MAX
from truecandle.web.sockets import Browser

MINUTE_MS = NOW_MS - NOW_MS % 60_000


@pytest.fixture(scope="module")
def web(redis_server: RedisProc, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    processes = Roles()
    yield Web(processes, redis_server.url, tmp_path_factory.mktemp("web"))
    processes.end()


@pytest.fixture
def client(web: Web, redis: Redis) -> Iterator[Client]:
    with clients() as made:
        made.append(Client())
        made[0].connect(web, token_of(redis))
        wait_for_listener(redis)
        yield made[0]


@pytest.fixture
def publisher(redis_url: str) -> Publisher:
    return Publisher(redis_url)


def trade(publisher: Publisher, *symbols: str) -> None:
    for symbol in symbols:
        publisher.live_price(
            symbol, price="0.00000908", timestamp=1, high="1", low="1", volume="1", trades=1,
            first_id=5, last_id=5,
        )  # fmt: skip


def watch(client: Client, *symbols: str) -> dict[str, Any]:
    return client.call("watch", {"symbols": list(symbols)})


def test_a_watched_market_tells_its_prices(client: Client, publisher: Publisher) -> None:
    assert watch(client, "BTCUSDT", "ETHUSDT") == {
        "ok": True, "prices": {"BTCUSDT": None, "ETHUSDT": None},
    }  # fmt: skip
    trade(publisher, "ETHUSDT", "BTCUSDT")
    client.wait_heard("live_price", 2)
    assert [one["symbol"] for one in client.heard("live_price")] == ["ETHUSDT", "BTCUSDT"]
    assert client.heard("live_price")[0]["price"] == "0.00000908"


def test_a_new_list_replaces_the_former(client: Client, publisher: Publisher) -> None:
    watch(client, "BTCUSDT")
    watch(client, "ETHUSDT")
    trade(publisher, "BTCUSDT", "ETHUSDT")
    assert client.wait_heard("live_price")["symbol"] == "ETHUSDT"
    assert watch(client) == {"ok": True, "prices": {}}
    client.follow("BTCUSDT", "1h")
    trade(publisher, "ETHUSDT", "BTCUSDT")
    client.wait_heard("live_price", 2)
    assert [one["symbol"] for one in client.heard("live_price")] == ["ETHUSDT", "BTCUSDT"]


def test_leaving_a_series_leaves_a_watched_market_watched(
    client: Client, publisher: Publisher
) -> None:
    client.follow("BTCUSDT", "1h")
    watch(client, "BTCUSDT")
    client.call("unsubscribe", {"symbol": "BTCUSDT", "interval": "1h"})
    trade(publisher, "BTCUSDT")
    client.wait_heard("live_price")


def test_watching_no_more_leaves_a_subscribed_market_subscribed(
    client: Client, publisher: Publisher
) -> None:
    watch(client, "BTCUSDT", "ETHUSDT")
    client.follow("BTCUSDT", "1h")
    watch(client)
    trade(publisher, "ETHUSDT", "BTCUSDT")
    assert client.wait_heard("live_price")["symbol"] == "BTCUSDT"
    client.call("unsubscribe", {"symbol": "BTCUSDT", "interval": "1h"})
    client.follow("ETHUSDT", "1h")
    trade(publisher, "BTCUSDT", "ETHUSDT")
    client.wait_heard("live_price", 2)
    assert [one["symbol"] for one in client.heard("live_price")] == ["BTCUSDT", "ETHUSDT"]


def test_markets_that_are_not_followed_are_left_out(client: Client) -> None:
    answer = watch(client, "DOGEUSDT", "ETHUSDT", "ETHUSDT", "币安人生USDT")
    assert answer == {"ok": True, "prices": {"ETHUSDT": None}}


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (None, "message"),
        (["BTCUSDT"], "message"),
        ({}, "symbols"),
        ({"symbols": "BTCUSDT"}, "symbols"),
        ({"symbols": {"BTCUSDT": 1}}, "symbols"),
        ({"symbols": ["btcusdt"]}, "symbol is 'btcusdt'"),
        ({"symbols": ["BTCUSDT", None]}, "symbol is None"),
        ({"symbols": ["*"]}, "symbol is '*'"),
        ({"symbols": [f"S{n}" for n in range(WATCHED_MAX + 1)]}, "201 of them"),
    ],
)
def test_a_refusal_names_what_is_wrong_and_changes_nothing(
    client: Client, publisher: Publisher, sent: object, named: str
) -> None:
    watch(client, "ETHUSDT")
    answer = client.call("watch", sent)
    assert (answer["ok"], answer["code"]) == (False, "parameter")
    assert named in answer["detail"] and "allowed" in answer["detail"]
    trade(publisher, "ETHUSDT")
    client.wait_heard("live_price")


def test_as_many_as_are_allowed_fit_into_one_message(client: Client) -> None:
    names = [f"S{number}{'X' * 15}" for number in range(WATCHED_MAX - 1)]
    assert watch(client, *names, "BTCUSDT")["prices"] == {"BTCUSDT": None}


def test_the_newest_price_that_is_known_is_told(
    app: Flask, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our feed's, or that of the exchange's list where it is newer; never a browser's."""
    monkeypatch.setattr(known, "FRESH_S", 0.0)
    services = app.extensions[EXTENSION]

    def told() -> dict[str, str]:
        found = watchlist.prices(services, ["BTCUSDT", "ETHUSDT"])
        return {symbol: Codec.dumps(price) for symbol, price in found.items()}

    assert told() == {"BTCUSDT": "null", "ETHUSDT": "null"}
    store(redis, "BTCUSDT", MINUTE_MS - 60_000, "42060.5", NOW_MS - 10)
    store(redis, "ETHUSDT", MINUTE_MS - 60_000, "2000", NOW_MS - 30_000)
    store(redis, "BTCUSDT", MINUTE_MS, "50000", NOW_MS, "client")
    assert told() == {"BTCUSDT": "42060.5", "ETHUSDT": "2000"}
    rows = [
        ListedMarket(Instrument(one), Ticker(one, "0.00000125", "1", "2", "1", "3", "4"))
        for one in ("BTCUSDT", "ETHUSDT")
    ]
    exchange_list.write(redis, rows, NOW_MS - 20_000)
    assert told() == {"BTCUSDT": "42060.5", "ETHUSDT": "0.00000125"}


def store(
    redis: Redis, symbol: str, open_ms: int, close: str, at_ms: int, by: CandleSource = "live"
) -> None:
    candle = LiveCandle(
        open_ms=open_ms, open=close, high=close, low=close, close=close, volume="1", trades=1,
        source=by, is_complete=False, updated_at=at_ms,
    )  # fmt: skip
    live.save_live(redis, parse_series(symbol, "1m"), candle, now_ms=NOW_MS)


def test_a_browser_is_in_the_rooms_of_what_it_charts_and_of_what_it_watches() -> None:
    member = Browser(None, lambda: None, None)  # type: ignore[arg-type]
    member.watched = {f"S{number}" for number in range(WATCHED_MAX)}
    member.series = {"BTCUSDT:1h"}
    assert member.rooms == member.watched | {"BTCUSDT", "BTCUSDT:1h"}
