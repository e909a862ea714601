"""What the feed reports of a market: since when, told from seconds of this machine.

Never here: the judgement (`test_freshness`), silent streams (`…_silent_streams`), Redis.
Invariant: what has begun once has begun at one moment, however unevenly the clocks run.
"""

from __future__ import annotations

from truecandle.binance.streams.status import StreamHealth
from truecandle.candles.freshness import Facts, judge
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import Series
from truecandle.feed.freshness_reporter import MarketMonitor
from truecandle.feed.symbol_builder import SymbolBuilder

NOW = 1_704_067_200_000


def monitor() -> MarketMonitor:
    return MarketMonitor(SymbolBuilder("BTCUSDT", [Series("BTCUSDT", INTERVALS["1m"])]))


def noted(one: MarketMonitor, health: StreamHealth, now_ms: int, now_s: float) -> Facts:
    return one.facts(lambda _: health, None, now_ms, now_s)


def test_a_lost_connection_was_lost_at_one_moment() -> None:
    one, lost = monitor(), StreamHealth(False, 100.0, 99.0, 99.5, "connection reset")
    clocks = [(0, 100.0), (1_004, 101.0), (1_998, 102.0), (3_090, 103.0), (4_000, 104.0)]
    found = [judge(noted(one, lost, NOW + ms, s), NOW + ms) for ms, s in clocks]
    assert {(fresh.state, fresh.since) for fresh in found} == {("offline", NOW)}
    assert {fresh.why for fresh in found} == {
        "No connection to the exchange since 00:00:00 UTC: connection reset."
    }


def test_a_clock_that_is_set_right_sets_since_right() -> None:
    one, lost = monitor(), StreamHealth(False, 100.0, None, None, "refused")
    assert noted(one, lost, NOW, 100.0).lost_since == NOW
    assert noted(one, lost, NOW + 3_601_000, 101.0).lost_since == NOW + 3_600_000


def test_a_connection_made_anew_begins_anew() -> None:
    one = monitor()
    for since_s in (100.0, 160.0):
        live = StreamHealth(True, since_s, since_s, since_s, "")
        facts = noted(one, live, NOW + round(since_s * 1000), since_s + 1)
        assert facts.connected_since == NOW + round(since_s * 1000) - 1_000
        assert (facts.lost_since, facts.lost_why) == (None, None)
