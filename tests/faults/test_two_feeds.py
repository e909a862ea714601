"""Two feeds beside each other, as processes: one leads every market, the other takes over."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from tests.support.redis_server import RedisProc
from tests.support.role_processes import Role, Roles
from tests.support.running_feed import Listener, values
from tests.support.waiting import wait_for
from truecandle.candles.candle import LiveCandle
from truecandle.candles.series import Series, parse_series
from truecandle.events import LIVE_PRICE
from truecandle.sim.server import SimServer
from truecandle.store import keys, live, roles
from truecandle.store.lease import of_market

SYMBOLS = ("BTCUSDT", "ETHUSDT")
SERIES = [parse_series(symbol, name) for symbol in SYMBOLS for name in ("1s", "1m")]
#: Longer than a takeover takes on a busy machine.
SOON_S = 30.0


class Pair:
    """Redis, an exchange and two feeds that follow it; `leader` tells them apart by the leases."""

    def __init__(self, server: RedisProc, sim: SimServer) -> None:
        self.sim, self.redis, self.processes = sim, server.client(), Roles()
        self.feeds: list[Role] = []
        self._env = {
            "REDIS_URL": server.url,
            "BINANCE_WS_URL": sim.ws_url,
            "BINANCE_REST_URL": sim.rest_url,
            "SYMBOLS": ",".join(SYMBOLS),
            "INTERVALS": "1s,1m",
        }

    def complete(self) -> None:
        """Both are there, one of them anew if need be, and follow all markets."""
        self.feeds = [feed for feed in self.feeds if feed.alive()]
        while len(self.feeds) < 2:
            self.feeds.append(self.processes.start("feed", ["live_candles.py"], self._env))
        pids = {feed.pid for feed in self.feeds}
        wait_for(lambda: self.beats().keys() >= pids, SOON_S, "the signs of life of both")
        wait_for(lambda: all(map(self.newest, SERIES)), SOON_S, "candles of every series")
        self.follow()

    def close(self) -> None:
        self.processes.end()
        self.redis.close()

    def beats(self) -> dict[int, dict[str, Any]]:
        """What each says of itself, by process."""
        found = roles.each(self.redis, "feed").items()
        return {int(holder.split(":")[1]): dict(beat.detail) for holder, beat in found}

    def holder(self, symbol: str) -> int:
        """The process that leads a market, 0 for none."""
        text: Any = self.redis.get(keys.lease(of_market(symbol)))
        return int(json.loads(text)["holder"].split(":")[1]) if text else 0

    def leader(self) -> Role:
        """The feed that leads all markets."""

        def found() -> Role | None:
            pids = {self.holder(symbol) for symbol in SYMBOLS}
            return next((one for one in self.feeds if pids == {one.pid}), None)

        leading = wait_for(found, SOON_S, "one that leads them all")
        assert leading
        return leading

    def other(self, than: Role) -> Role:
        return next(one for one in self.feeds if one is not than)

    def wait_for_lead(self, feed: Role) -> None:
        wait_for(lambda: self.leader() is feed, SOON_S, f"{feed.name} to lead")

    def candles(self, series: Series) -> list[LiveCandle]:
        held = live.read_live(self.redis, series, self.sim.clock.now_ms())
        return [*held.pending, *([held.forming] if held.forming else [])]

    def newest(self, series: Series) -> LiveCandle | None:
        return next(iter(self.candles(series)[-1:]), None)

    def follow(self, seconds: int = 2) -> None:
        """Waits until so many further seconds have closed."""
        series = SERIES[0]
        last = self.newest(series)
        assert last
        end_ms = last.open_ms + seconds * 1000
        wait_for(lambda: (one := self.newest(series)) and one.open_ms > end_ms, SOON_S, "seconds")

    def check(self) -> None:
        """Every closed second since both were there is stored, once, and is the truth."""
        for series in SERIES:
            closed = [one for one in self.candles(series) if one.is_complete]
            opens = [one.open_ms for one in closed]
            assert opens == (list(series.interval.opens(opens[0], opens[-1] + 1)) if opens else [])
            for one in closed:
                (truth,) = self.sim.market.truth(
                    series.symbol, series.interval.name, one.open_ms, one.open_ms + 1
                )
                assert (values(one), one.trades) == (values(truth), truth.trades), series


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("two_feeds")
    with SimServer(SYMBOLS) as sim, RedisProc(folder) as server:
        pair = Pair(server, sim)
        yield pair
        pair.close()


@pytest.fixture
def pair(running: Pair) -> Pair:
    running.complete()
    return running


def test_a_killed_leader_is_replaced_and_no_candle_is_missing_or_doubled(pair: Pair) -> None:
    leader = pair.leader()
    with Listener(pair.redis) as listener:
        leader.kill()
        pair.wait_for_lead(pair.other(leader))
        pair.follow()

        def rooms() -> set[str]:
            return {room for event, room, _ in listener.read() if event == LIVE_PRICE}

        wait_for(lambda: rooms() == set(SYMBOLS), SOON_S, "prices of both markets")
    pair.check()
    for symbol in SYMBOLS:
        told = [data for _, room, data in listener.events if room == symbol]
        ids = [(one["first_id"], one["last_id"]) for one in told]
        assert all(one[1] < other[0] for one, other in pairwise(ids)), "a trade was told twice"


def test_a_leader_told_to_stop_gives_its_markets_up_at_once(pair: Pair) -> None:
    leader = pair.leader()
    before = pair.redis.get(keys.fence(of_market("BTCUSDT")))
    assert leader.end(signal.SIGTERM) == 0
    assert {pair.holder(symbol) for symbol in SYMBOLS} <= {0, pair.other(leader).pid}
    assert leader.pid not in pair.beats(), "it does not look like one that has died"
    pair.wait_for_lead(pair.other(leader))
    assert pair.redis.get(keys.fence(of_market("BTCUSDT"))) != before
    pair.follow()
    pair.check()


def test_a_frozen_leader_that_resumes_stands_by(pair: Pair) -> None:
    leader = pair.leader()
    standby = pair.other(leader)
    leader.send(signal.SIGSTOP)
    pair.wait_for_lead(standby)
    pair.follow()
    leader.send(signal.SIGCONT)
    wait_for(lambda: pair.beats()[leader.pid]["leads"] == 0, SOON_S, "that it knows")
    told = pair.beats()[leader.pid]["told"]
    pair.follow()
    assert pair.leader() is standby
    assert pair.beats()[leader.pid]["told"] == told, "it tells nothing more"
    pair.check()
