"""Two whole instances on one Redis server, each in a database of its own.

Never here: several processes of a role in one instance (`test_two_feeds`, `test_two_fetchers`).
Invariant: what an instance's processes say is heard by its own browsers, and by no other's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from tests.support.redis_server import RedisProc
from tests.support.role_processes import Roles
from tests.support.waiting import wait_for
from tests.support.web_process import Client, Web, clients, token_of
from truecandle.candles.series import parse_series
from truecandle.events import Publisher
from truecandle.sim.server import SimServer
from truecandle.store import keys
from truecandle.store.channel import Channel

SECONDS = parse_series("BTCUSDT", "1s")
HEARD = 5


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisProc]:
    with RedisProc(tmp_path) as started:
        yield started


def url(server: RedisProc, database: int) -> str:
    return server.url.removesuffix("/0") + f"/{database}"


def store(server: RedisProc, database: int) -> Redis:
    return server.client(db=database)


def tell(publisher: Publisher, price: str, number: int = 1) -> None:
    publisher.live_price(
        "BTCUSDT", price=price, timestamp=number, high=price, low=price, volume="1", trades=1,
        first_id=number, last_id=number,
    )  # fmt: skip


def prices(client: Client) -> set[str]:
    return {event["price"] for event in client.heard("live_price")}


def follow_all(webs: list[Web], made: list[Client]) -> None:
    """A browser at each of them, once it listens."""
    for web in webs:
        made.append(Client().connect(web))
        made[-1].follow()
        web.role.wait_for_line("listening for events")


class Instance:
    """Feed and web role on one database, and a browser that follows BTCUSDT."""

    def __init__(
        self, processes: Roles, server: RedisProc, database: int, sim: SimServer, folder: Path
    ) -> None:
        env = {
            "BINANCE_REST_URL": sim.rest_url,
            "BINANCE_WS_URL": sim.ws_url,
            "SYMBOLS": "BTCUSDT",
            "INTERVALS": "1s,1m",
        }
        where = url(server, database)
        self.sim = sim
        self.web = Web(processes, where, folder / f"var{database}", **env)
        self.feed = processes.start("feed", ["live_candles.py"], {"REDIS_URL": where, **env})
        with store(server, database) as redis:
            self.client = Client().connect(self.web, token_of(redis))
        self.client.follow("BTCUSDT", "1s")
        self.web.role.wait_for_line("listening for events")

    def closed(self) -> list[dict[str, Any]]:
        """The closed candles that the browser was told of."""
        told = [event["candle"] for event in self.client.heard("live_candle")]
        return [candle for candle in told if candle["state"] == "pending"]

    def truth(self, candle: dict[str, Any]) -> tuple[str, ...]:
        name, start_ms = SECONDS.interval.name, int(candle["time"])
        (row,) = self.sim.market.truth("BTCUSDT", name, start_ms, start_ms + 1_000)
        return tuple(map(str, row.row()[1:5]))


def test_two_instances_on_one_server_hear_their_own_market_only(
    server: RedisProc, processes: Roles, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        made = stack.enter_context(clients())
        both = []
        for database in (0, 1):
            sim = stack.enter_context(SimServer(["BTCUSDT"], seed=7 + database))
            both.append(Instance(processes, server, database, sim, tmp_path))
            made.append(both[-1].client)
        for one in both:
            wait_for(lambda one=one: len(one.closed()) >= HEARD, what="closed candles")  # type: ignore[misc]
        for one in both:
            for candle in one.closed():
                told = [candle[name] for name in ("open", "high", "low", "close")]
                assert list(map(float, told)) == list(map(float, one.truth(candle)))


def test_every_web_process_of_an_instance_hears_its_publishers_and_no_other_instance(
    server: RedisProc, processes: Roles, tmp_path: Path
) -> None:
    webs = [
        Web(processes, url(server, database), tmp_path / f"var{database}") for database in (0, 0, 1)
    ]
    with clients() as made:
        for web, database in zip(webs, (0, 0, 1), strict=True):
            with store(server, database) as redis:
                made.append(Client().connect(web, token_of(redis)))
            made[-1].follow()
            web.role.wait_for_line("listening for events")
        for database in (0, 1):
            tell(Publisher(url(server, database)), f"{100 + database}.5")
        for client in made:
            client.wait_heard("live_price")
        tell(Publisher(url(server, 0)), "7.5", 2)
        for client in made[:2]:
            client.wait_heard("live_price", 2)
        assert [prices(client) for client in made] == [
            {"100.5", "7.5"},
            {"100.5", "7.5"},
            {"101.5"},
        ]


def test_after_the_database_was_emptied_no_event_is_lost_between_its_processes(
    server: RedisProc, processes: Roles, tmp_path: Path
) -> None:
    webs = [Web(processes, server.url, tmp_path / "var", PUBLIC_READS="1") for _ in range(2)]
    publisher = Publisher(server.url)
    with store(server, 0) as redis, clients() as made:
        follow_all(webs, made)
        tell(publisher, "1.5")
        for client in made:
            client.wait_heard("live_price")
        redis.flushdb()
        tell(publisher, "2.5", 2)
        for client in made:
            client.wait_heard("live_price", 2)


def test_when_a_newcomer_names_an_emptied_database_first_all_processes_follow(
    server: RedisProc, processes: Roles, tmp_path: Path
) -> None:
    webs = [Web(processes, server.url, tmp_path / "var", PUBLIC_READS="1") for _ in range(2)]
    publisher = Publisher(server.url)
    with store(server, 0) as redis, clients() as made:
        follow_all(webs, made)
        tell(publisher, "1.5")
        for client in made:
            client.wait_heard("live_price")
        before = [len(client.heard("resync")) for client in made]
        with redis.pipeline() as pipe:
            pipe.flushdb()
            pipe.set(keys.INSTANCE, "0123456789abcdef")
            pipe.execute()
        for client, count in zip(made, before, strict=True):
            client.wait_heard("resync", count + 1)
        tell(publisher, "2.5", 2)
        for client in made:
            client.wait_heard("live_price", 2)


def test_the_identity_is_made_once_whoever_comes_first_and_outlives_a_restart(
    tmp_path: Path,
) -> None:
    with RedisProc(tmp_path, aof=True, fsync="always") as server:
        with server.client() as one, server.client() as two:
            name = Channel(one).name()
            assert {Channel(two).name(), Channel(one).name()} == {name}
            assert one.ttl(keys.INSTANCE) == -1
        server.kill()
        server.start()
        with server.client() as again:
            assert Channel(again).name() == name


def test_a_copy_of_an_instance_in_another_database_does_not_hear_the_original(
    server: RedisProc,
) -> None:
    with store(server, 0) as original, store(server, 1) as copy:
        name = Channel(original).name()
        original.copy(keys.INSTANCE, keys.INSTANCE, destination_db=1)
        assert copy.get(keys.INSTANCE) == original.get(keys.INSTANCE)
        assert Channel(copy).name() != name
