"""One market's reads by hand: what is read when, what an error means, and how long it rests."""

from __future__ import annotations

import logging
import random
import threading
from typing import Any

import pytest
import redis as redis_py
from hypothesis import given
from hypothesis import strategies as st

from tests.support.driven_fetcher import MINUTES, NOW_MS, Desk
from truecandle.binance.clock import ExchangeClock
from truecandle.candles.interval import INTERVALS, MINUTE_MS
from truecandle.candles.series import Series
from truecandle.errors import StoreDamaged
from truecandle.fetcher.market_poller import (
    STORE_MS,
    TRIES_MAX,
    UNKNOWN_MS,
    MarketBackoff,
    MarketPoller,
)
from truecandle.sim.server import SimServer
from truecandle.store import keys

NEVER = threading.Event()
#: As Binance words it.
INVALID_INTERVAL = '{"code":-1120,"msg":"Invalid interval."}'
#: What a test may take between two looks at a clock that runs.
SOON_MS = 5_000


@pytest.fixture
def clock(desk: Desk) -> ExchangeClock:
    """Frozen together with the simulated exchange."""
    found = ExchangeClock(wall_ms=desk.sim.clock.now_ms, monotonic_ms=desk.sim.clock.now_ms)
    found.measure(desk.rest)
    return found


def market(desk: Desk, clock: ExchangeClock, *names: str, symbol: str = "BTCUSDT") -> MarketPoller:
    intervals = [INTERVALS[name] for name in names or ("1m", "1h")]
    return MarketPoller(symbol, intervals, 3_000, desk.sync, clock, NEVER)


def test_a_visit_reads_what_is_due_and_then_waits_for_the_next_close(
    desk: Desk, clock: ExchangeClock
) -> None:
    one = market(desk, clock, "1m", "1h")
    one.poll()
    assert desk.stored(MINUTES) == desk.truth(MINUTES, 100)
    assert one.next_ms() == NOW_MS - NOW_MS % MINUTE_MS + 18_000
    asked = len(desk.asked())
    one.poll()
    assert len(desk.asked()) == asked


def test_an_outage_is_met_with_a_few_tries_a_minute(desk: Desk, clock: ExchangeClock) -> None:
    one = market(desk, clock, "1s", "1m", "1h")
    desk.sim.faults.add("server_error", path="klines", count=None)
    for _ in range(300):
        one.poll()
        desk.sim.clock.advance(1_000)
    failing = [one.is_failing]
    assert len(desk.asked()) <= 5 * 5
    desk.sim.faults.clear()
    for _ in range(61):
        one.poll()
        desk.sim.clock.advance(1_000)
    assert [*failing, one.is_failing] == [True, False]
    assert desk.stored(MINUTES)[-90:] == desk.truth(MINUTES, 90)


def test_an_unknown_market_is_asked_for_once_an_hour(
    desk: Desk, clock: ExchangeClock, caplog: pytest.LogCaptureFixture
) -> None:
    one = market(desk, clock, symbol="NOPEUSDT")
    for _ in range(2 * UNKNOWN_MS // 60_000):
        one.poll()
        desk.sim.clock.advance(60_000)
    assert one.is_unknown
    assert len(desk.asked()) == 2
    assert [r.levelno for r in caplog.records if "does not know" in r.message] == [
        logging.ERROR
    ] * 2


def test_one_answer_that_denies_a_market_is_not_yet_believed(
    desk: Desk, clock: ExchangeClock
) -> None:
    one = market(desk, clock)
    desk.sim.faults.add("error_200", count=2, path="klines")
    for _ in range(20):
        one.poll()
        desk.sim.clock.advance(1_000)
    assert not one.is_unknown
    assert desk.stored(MINUTES)


def test_an_interval_that_the_exchange_does_not_have_leaves_the_others_alone(
    desk: Desk, clock: ExchangeClock, caplog: pytest.LogCaptureFixture
) -> None:
    """As `1s` at Binance.US, which comes first, being the shortest."""
    one = market(desk, clock, "1s", "1m")
    desk.sim.faults.add("status", status=400, body=INVALID_INTERVAL, interval="1s", count=None)
    for _ in range(120):
        one.poll()
        desk.sim.clock.advance(1_000)
    assert desk.stored(MINUTES)[-90:] == desk.truth(MINUTES, 90)
    assert not one.is_failing and not one.is_unknown
    assert 2 <= [str(asked["params"]["interval"]) for asked in desk.asked()].count("1s") < 20
    (told,) = [record.message for record in caplog.records if "-1120" in record.message]
    assert told.startswith("BTCUSDT:1s, an interval that this exchange may not have: ")


def test_one_interval_that_is_always_answered_badly_leaves_the_others_alone(
    desk: Desk, clock: ExchangeClock
) -> None:
    one = market(desk, clock, "1m", "5m", "1h")
    desk.sim.faults.add("html", interval="1m", count=None)
    one.poll()
    assert desk.stored(MINUTES) == []
    for name in ("5m", "1h"):
        series = Series("BTCUSDT", INTERVALS[name])
        assert desk.stored(series) == desk.truth(series, 100)


def test_a_damaged_key_stops_its_own_series_alone(desk: Desk, clock: ExchangeClock) -> None:
    desk.redis.lpush(keys.klines(MINUTES), "not ours")
    one = market(desk, clock)
    one.poll()
    hours = Series("BTCUSDT", INTERVALS["1h"])
    assert desk.stored(hours) == desk.truth(hours, 100)
    assert desk.redis.lrange(keys.klines(MINUTES), 0, -1) == [b"not ours"]
    with pytest.raises(StoreDamaged):
        desk.sync.refresh(MINUTES)


def test_an_error_that_nobody_thought_of_is_logged_and_survived(
    desk: Desk, clock: ExchangeClock, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    one = market(desk, clock)

    def broken(series: Series) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(desk.sync, "refresh", broken)
        for _ in range(100):
            one.poll()
            desk.sim.clock.advance(60_000)
    failing = [one.is_failing]
    assert "ZeroDivisionError" in caplog.text
    one.poll()
    assert [*failing, one.is_failing] == [True, False]
    assert desk.stored(MINUTES)


def test_history_is_filled_page_by_page_and_only_after_the_newest(
    sim: SimServer, redis: redis_py.Redis, redis_url: str
) -> None:
    desk = Desk(sim, redis, redis_url, history=2_500)
    one = market(desk, ExchangeClock(wall_ms=sim.clock.now_ms), "1m")
    assert not one.fill(MINUTES)
    assert desk.stored(MINUTES) == []
    one.poll()
    while one.fill(MINUTES):
        pass
    assert desk.stored(MINUTES)[-1_000:] == desk.truth(MINUTES, 1_000)


def test_while_redis_is_away_a_market_rests_briefly_and_asks_nothing(
    desk: Desk, clock: ExchangeClock, redis_server: Any
) -> None:
    one = market(desk, clock)
    desk.redis.config_set("maxmemory", "1")  # every write is refused
    try:
        one.poll()
        assert clock.now_ms() < one.next_ms() <= clock.now_ms() + STORE_MS
        assert desk.asked() == []
    finally:
        desk.redis.config_set("maxmemory", "0")
    desk.sim.clock.advance(STORE_MS)
    one.poll()
    assert desk.stored(MINUTES)


def test_failures_rest_a_random_time_up_to_a_bound_that_doubles() -> None:
    backoff = MarketBackoff(random.Random(7))
    now_ms, waits = 0, []
    for _ in range(30):
        backoff.fail(now_ms)
        waits.append(backoff.until_ms - now_ms)
        now_ms = backoff.until_ms
    assert waits[0] <= 1_000
    assert max(waits) <= 60_000
    assert max(waits) > 20_000
    backoff.reset()
    assert (backoff.failures, backoff.until_ms) == (0, 0)


@given(st.integers(0, 10_000))
def test_there_are_never_more_than_a_few_failures_a_minute(seed: int) -> None:
    backoff = MarketBackoff(random.Random(seed))
    now_ms, moments = 0, []
    for _ in range(40):
        backoff.fail(now_ms)
        moments.append(now_ms)
        now_ms = backoff.until_ms
    for first, sixth in zip(moments, moments[TRIES_MAX:], strict=False):
        assert sixth - first >= MINUTE_MS
