"""Trade ids begin anew under a running feed, as they do when the exchange's test network is reset.

Never here: what a builder makes of it alone (`tests/vectors/builder.json`, `faulty_streams`).
Invariant: the same port, another market; nothing else tells the feed that it is another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from redis import Redis

from tests.support.expected_candles import Truth
from tests.support.running_feed import Feeding
from tests.support.waiting import wait_for
from truecandle.candles.candle import LiveCandle
from truecandle.candles.freshness import judge
from truecandle.candles.interval import DAY_MS, HOUR_MS, MINUTE_MS
from truecandle.candles.series import Series, parse_series
from truecandle.feed.freshness_reporter import STALLED_S
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.listing import listings
from truecandle.sim.market import SimulatedMarket
from truecandle.sim.server import SimServer
from truecandle.sim.synthetic import SyntheticTrades
from truecandle.store import freshness, live

#: In the middle of an hour and of a day; soon a minute ends.
START_MS = 1_795_000_000_000 // HOUR_MS * HOUR_MS + 20 * MINUTE_MS + 40_000
INTERVALS = ("1m", "1h", "1d")
#: How much later than the newest trade a candle may be on a busy machine, before that counts.
LATE_MS = int(STALLED_S * 1000) + 3_000


def course(seed: int, days: int) -> SyntheticTrades:
    """A market that has traded for so many days: the more, the higher its ids."""
    begun_ms = START_MS // DAY_MS * DAY_MS - days * DAY_MS
    return SyntheticTrades(seed, replace(*listings(["BTCUSDT"]), listed_ms=begun_ms))


def newest(redis: Redis, series: Series, now_ms: int) -> LiveCandle | None:
    return live.read_live(redis, series, now_ms).forming


def are_moving(
    feeding: Feeding, series: Sequence[Series], truth: Truth, after_ms: int, met: set[str]
) -> bool:
    """Whether every forming candle has been right, complete, and newer than that. Fails where the
    market is called live while what is shown of it is older than its newest trade."""
    now_ms = feeding.sim.clock.now_ms()
    facts = freshness.read(feeding.redis).get("BTCUSDT")
    for one in series:
        candle = newest(feeding.redis, one, now_ms)
        if candle is None:
            continue
        if facts and facts.trade and facts.trade - candle.updated_at > LATE_MS:
            assert judge(facts, now_ms).state != "live", (one, candle, facts)
        if candle.updated_at > after_ms and candle.is_exact:
            problem = truth.problem(one, candle)
            assert problem is None, (one, problem)
            met.add(one.name)
    return len(met) == len(series)


@pytest.mark.parametrize("days", [30, 2, 300], ids=["much the same ids", "lower", "higher"])
def test_every_candle_moves_on_with_the_new_trades_and_equals_the_exchanges_own(
    redis_url: str, days: int
) -> None:
    clock = SimulatedClock(START_MS)
    series = [parse_series("BTCUSDT", name) for name in INTERVALS]
    before, after = course(7, 30), course(8, days)
    with SimServer(market=SimulatedMarket([before], clock)) as sim:
        port = sim.port
        with Feeding(sim, redis_url, ["BTCUSDT"], INTERVALS) as feeding:
            truth = Truth(before, START_MS // DAY_MS * DAY_MS)
            met: set[str] = set()
            wait_for(lambda: are_moving(feeding, series, truth, START_MS, met), what="candles")
            sim.stop()
            with SimServer(market=SimulatedMarket([after], clock), port=port) as other:
                begun_ms = clock.now_ms()
                truth = Truth(after, START_MS // DAY_MS * DAY_MS)
                for step in range(3):
                    met.clear()
                    until_ms = begun_ms + step * 4_000
                    wait_for(
                        lambda: are_moving(feeding, series, truth, until_ms, met),  # noqa: B023
                        what=f"candles of the new ids: {met}",
                    )
                recovery = feeding.feed.recovery
                assert recovery is not None
                wait_for(lambda: not recovery.counts()["holes"], what="the end of all holes")
                asked = [one for one in other.requests() if "aggTrades" in str(one["path"])]
                assert len(asked) < 12, asked
                wait_for(
                    lambda: (
                        judge(freshness.read(feeding.redis)["BTCUSDT"], clock.now_ms()).state
                        == "live"
                    ),
                    what="a market that is live",
                )
