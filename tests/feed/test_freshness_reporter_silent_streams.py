"""Which streams have fallen silent while others of their market talk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from truecandle.binance.streams.messages import kline_stream, trade_stream
from truecandle.binance.streams.status import StreamHealth
from truecandle.candles.series import parse_series
from truecandle.candles.trades import Kline, Trade
from truecandle.feed.freshness_reporter import (
    KLINES_S,
    NEW_STREAM_S,
    RENEWAL_MAX_S,
    RENEWAL_S,
    TRADES_S,
    MarketMonitor,
    SilentStreamDetector,
)
from truecandle.feed.symbol_builder import SymbolBuilder

START_MS = 1_722_470_400_000
TRADES, KLINES = trade_stream("BTCUSDT"), kline_stream("BTCUSDT", "1m")


class World:
    """A market whose streams live since second 0; `run` looks once a second."""

    def __init__(self) -> None:
        self.market = SymbolBuilder("BTCUSDT", [parse_series("BTCUSDT", "1m")])
        self.detector = SilentStreamDetector()
        self.now_s = 0.0
        self.found = {name: StreamHealth(True, 0.0, None, 0.0, "") for name in (TRADES, KLINES)}
        self.last_id = 0

    def trade(self, *, shown: bool = True) -> None:
        """Something trades; unless `shown`, the stream of trades does not say so."""
        self.last_id += 1
        if shown:
            at_ms = START_MS + round(self.now_s * 1000)
            ids = self.last_id, self.last_id
            self.market.add(Trade("BTCUSDT", *ids, "100", "1", at_ms, at_ms, True))
            self.hear(TRADES)

    def kline(self) -> None:
        at_ms = START_MS + round(self.now_s * 1000)
        texts = ("100",) * 4 + ("1",) * 4
        open_ms = at_ms - at_ms % 60_000
        self.market.add(
            Kline("BTCUSDT", "1m", open_ms, *texts, self.last_id, 1, self.last_id, False, at_ms)
        )
        self.hear(KLINES)

    def hear(self, name: str) -> None:
        self.found[name] = replace(self.found[name], heard_s=self.now_s)

    def run(self, seconds: float, *, trades: bool = False, klines: bool = False) -> list[str]:
        """What is to be renewed within so many seconds, in which something trades or not."""
        renewed = []
        for _ in range(round(seconds)):
            self.now_s += 1.0
            if trades or klines:
                self.trade(shown=trades)
            if klines:
                self.kline()
            renewed += self.detector.check(self.market, self.found.__getitem__, self.now_s)
        return renewed


@pytest.fixture
def world() -> World:
    world = World()
    assert not world.run(NEW_STREAM_S + 1, trades=True, klines=True)
    return world


def test_a_market_in_which_nothing_trades_is_not_mute(world: World) -> None:
    assert not world.run(600)
    assert world.detector.reason is None


def test_streams_that_talk_are_not_mute(world: World) -> None:
    assert not world.run(600, trades=True, klines=True)


def test_a_first_trade_after_a_long_pause_makes_nobody_mute(world: World) -> None:
    world.run(100)
    world.trade()
    assert not world.run(100)
    world.kline()
    assert not world.run(100)


def test_klines_that_stop_while_trades_flow_are_renewed_and_then_ever_more_rarely(
    world: World,
) -> None:
    assert not world.run(KLINES_S - 1, trades=True)
    assert world.run(3, trades=True) == [KLINES]
    assert world.detector.reason
    assert world.run(RENEWAL_S + 2, trades=True) == [KLINES]
    assert world.run(RENEWAL_S + 2, trades=True) == []
    assert not world.run(2, trades=True, klines=True)
    assert world.detector.reason is None


def test_a_stream_that_stays_mute_for_days_is_renewed_to_the_end(world: World) -> None:
    world.run(600, trades=True)
    for _ in range(1_200):
        world.now_s += RENEWAL_MAX_S
        world.trade()
        assert world.detector.check(world.market, world.found.__getitem__, world.now_s) == [KLINES]


def test_trades_that_stop_while_klines_show_newer_ones_are_renewed(world: World) -> None:
    assert not world.run(TRADES_S - 1, klines=True)
    assert world.run(4, klines=True) == [TRADES]
    assert world.detector.reason


def test_trades_that_were_heard_long_before_they_were_counted_are_not_missing(
    world: World,
) -> None:
    """The feed lags; then nothing trades any more, while klines go on saying so."""
    world.last_id += 5
    world.market.add(Trade("BTCUSDT", 12, world.last_id, "100", "1", START_MS, START_MS, True))
    for _ in range(20):
        world.now_s += 1.0
        world.kline()
        assert not world.detector.check(world.market, world.found.__getitem__, world.now_s)


def test_a_stream_never_heard_at_all_is_mute_too() -> None:
    world = World()
    world.run(NEW_STREAM_S, trades=True)
    assert world.run(KLINES_S + 3, trades=True) == [KLINES]


def test_a_market_of_which_nothing_is_heard_is_the_connections_affair(world: World) -> None:
    world.trade()
    world.market.kline_ids["1m"] = world.last_id + 50  # what waited in the queue is taken in late
    world.market.trade_id = world.last_id + 60
    assert not world.run(600)


def test_a_stream_that_has_just_gone_live_is_not_judged(world: World) -> None:
    lost = StreamHealth(False, world.now_s, world.found[TRADES].heard_s, world.now_s, "lost")
    world.found[TRADES] = lost
    assert not world.run(30, klines=True)
    world.found[TRADES] = replace(lost, is_live=True, since_s=world.now_s)
    assert not world.run(NEW_STREAM_S, klines=True)
    assert world.run(TRADES_S + 3, klines=True) == [TRADES]


class TestFacts:
    def test_times_of_this_machine_become_the_exchanges(self, world: World) -> None:
        facts = MarketMonitor(world.market).facts(
            world.found.__getitem__, None, START_MS, world.now_s + 2.5
        )
        assert (facts.at, facts.is_connected) == (START_MS, True)
        assert facts.heard == START_MS - 2500
        assert facts.connected_since == START_MS - round(world.now_s * 1000) - 2500
        assert facts.trade == world.market.trade_ms
        assert facts.flowing_since == world.market.flowing_ms
        assert (facts.behind, facts.behind_since, facts.lost_since) == (None, None, None)

    def test_missing_trades_make_it_behind_since_they_are_known_of(self, world: World) -> None:
        monitor, health = MarketMonitor(world.market), world.found.__getitem__
        first = monitor.facts(health, "3 trades are missing", START_MS, world.now_s)
        later = monitor.facts(health, "2 trades are missing", START_MS + 1000, world.now_s + 1)
        assert (first.behind_since, later.behind_since) == (START_MS, START_MS)
        assert later.behind == "2 trades are missing"
        healed = monitor.facts(health, None, START_MS + 2000, world.now_s + 2)
        assert (healed.behind, healed.behind_since) == (None, None)

    def test_without_any_stream_it_is_not_connected_since_the_first_was_lost(
        self, world: World
    ) -> None:
        for number, name in enumerate(world.found):
            world.found[name] = StreamHealth(
                False, world.now_s + number, None, None, f"reason {number}"
            )
        facts = MarketMonitor(world.market).facts(
            world.found.__getitem__, "3 trades are missing", START_MS, world.now_s + 10
        )
        assert (facts.is_connected, facts.behind) == (False, None)
        assert (facts.lost_since, facts.lost_why) == (START_MS - 10_000, "reason 0")

    def test_with_some_streams_lost_it_is_behind(self, world: World) -> None:
        world.found[KLINES] = StreamHealth(False, world.now_s, None, None, "not subscribed again")
        facts = MarketMonitor(world.market).facts(
            world.found.__getitem__, None, START_MS, world.now_s
        )
        assert (facts.is_connected, facts.behind) == (True, "not subscribed again")
