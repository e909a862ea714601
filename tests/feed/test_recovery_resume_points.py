"""A feed goes on from what the one before it has stored, and leaves no gap between."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from tests.support.redis_server import RedisProc
from tests.support.running_feed import feed_alone, stepped
from tests.support.waiting import wait_for
from truecandle.candles.candle import LiveCandle
from truecandle.candles.interval import HOUR_MS
from truecandle.candles.series import Series, parse_series
from truecandle.candles.trades import Kline, Trade, kline_of_candle
from truecandle.config import read_settings
from truecandle.feed.market_recovery import MarketRecovery, RecoveryCounts
from truecandle.feed.recovery import load_resume_points
from truecandle.feed.symbol_builder import SymbolBuilder
from truecandle.feed.trade_gaps import MARGINS_MS
from truecandle.store import clock, connect, keys, live

START_MS = 1_795_000_020_000
SECOND, HOUR = parse_series("BTCUSDT", "1s"), parse_series("BTCUSDT", "1h")
SERIES = {"BTCUSDT": [SECOND]}

#: It traded once, as trade 7.
TRADED = LiveCandle(
    START_MS, "5", "5", "5", "5", "1", 1, "live", True, START_MS + 500,
    "5", "1", "5", 7, 7, True,
)  # fmt: skip
#: The second after it, without a trade so far.
EMPTY = replace(
    TRADED, open_ms=START_MS + 1000, volume="0", trades=0, is_complete=False,
    quote_volume="0", taker_volume="0", taker_quote_volume="0", first_id=-1, last_id=-1,
)  # fmt: skip
#: The hour that both lie in.
HOURLY = replace(TRADED, open_ms=START_MS // HOUR_MS * HOUR_MS, is_complete=False)


def empty(at_ms: int, *, is_complete: bool = True) -> LiveCandle:
    """A second without a trade."""
    open_ms = START_MS + at_ms
    updated_at = open_ms + 1000 * is_complete
    return replace(EMPTY, open_ms=open_ms, is_complete=is_complete, updated_at=updated_at)


def closing_kline(candle: LiveCandle) -> Kline:
    """What the exchange says of a second when it closes."""
    return kline_of_candle(
        candle, symbol="BTCUSDT", interval="1s", first_id=candle.first_id, last_id=candle.last_id,
        is_closed=True, event_ms=candle.open_ms + 1000,
    )  # fmt: skip


def trade(number: int, at_ms: int) -> Trade:
    time_ms = START_MS + at_ms
    return Trade("BTCUSDT", number, number, "5", "1", time_ms, time_ms, True, number)


def store(redis: Redis, *candles: LiveCandle, series: Series = SECOND, now_ms: int = 2000) -> None:
    items = [(series, candle) for candle in candles]
    live.save_many(redis, items, now_ms=START_MS + now_ms, fences={"BTCUSDT": 1})


def test_it_goes_on_from_the_last_candle_that_traded(redis: Redis) -> None:
    store(redis, TRADED, EMPTY)
    point = load_resume_points(redis, SERIES, START_MS + 2000)["BTCUSDT"]
    assert point.candles == {"1s": TRADED}
    assert (point.last_id, point.start_ms) == (7, TRADED.updated_at - MARGINS_MS[0])


def test_what_is_not_exact_or_not_there_is_not_gone_on_from(redis: Redis) -> None:
    assert load_resume_points(redis, SERIES, START_MS) == {}
    store(redis, replace(TRADED, is_exact=False), EMPTY)
    assert load_resume_points(redis, SERIES, START_MS + 2000) == {}


def test_seconds_that_passed_between_two_feeds_are_all_there(redis: Redis) -> None:
    store(redis, TRADED, EMPTY)
    market = SymbolBuilder("BTCUSDT", SERIES["BTCUSDT"])
    recovery = MarketRecovery("BTCUSDT", market, RecoveryCounts(), 0.0)
    recovery.resume(load_resume_points(redis, SERIES, START_MS + 2000)["BTCUSDT"])
    recovery.on_stream_change(True, 0.0)
    for came in (trade(10, 6200), trade(11, 6300)):
        market.add(came)
        recovery.on_trade(came, 0.1)
    request = recovery.next_request(0.2)
    assert request
    recovery.on_asked(request, 0.2)
    recovery.on_result(
        request, [trade(7, 500), trade(8, 2100), trade(9, 4100), trade(10, 6200)], 0.3
    )
    told = [candle for _, candle in market.drain(10.0).candles]
    opens = [candle.open_ms for candle in told]
    assert set(opens) >= set(range(START_MS + 1000, START_MS + 6001, 1000))
    assert all(candle.is_exact for candle in told)
    assert (told[-1].first_id, told[-1].last_id) == (10, 11)


@pytest.mark.parametrize("ahead_ms", [-HOUR_MS, HOUR_MS])
def test_a_machine_whose_clock_is_wrong_goes_on_from_what_was_stored_all_the_same(
    redis: Redis, redis_url: str, ahead_ms: int
) -> None:
    """The feed before it has shared what time it is at the exchange."""
    store(redis, TRADED, EMPTY)
    clock.publish(redis, START_MS + 2000)
    settings = read_settings({"REDIS_URL": redis_url, "SYMBOLS": "BTCUSDT", "INTERVALS": "1s"})
    feed = feed_alone(settings, redis, lambda: START_MS + 2000 + ahead_ms)
    assert feed.recovery.missing("BTCUSDT", 0.0) == "what traded during a break is asked for"


def test_a_feed_that_starts_before_redis_goes_on_from_what_is_stored_once_it_is_there(
    tmp_path: Path,
) -> None:
    """It stores nothing of its own before that: it would go on from there."""
    with RedisProc(tmp_path, aof=True, fsync="always") as server:
        store(server.client(), TRADED, EMPTY)
        clock.publish(server.client(), START_MS + 2000)
        server.kill()
        settings = read_settings({"REDIS_URL": server.url, "SYMBOLS": "BTCUSDT", "INTERVALS": "1s"})
        feed = feed_alone(settings, connect(server.url), lambda: START_MS + 9000)
        feed.queue.put(closing_kline(empty(8000)))
        feed.step(0)
        assert feed.recovery.missing("BTCUSDT", 0.0) is None
        server.start()

        def is_asked_for() -> bool:
            feed.step(0)
            return feed.recovery.missing("BTCUSDT", 0.0) is not None

        assert live.read_live(server.client(), SECOND, START_MS + 2000).forming == EMPTY
        wait_for(is_asked_for, what="what traded meanwhile to be asked for")


def test_a_key_that_is_not_ours_keeps_no_feed_from_storing(redis: Redis, redis_url: str) -> None:
    redis.set(keys.pending(SECOND), "x")
    settings = read_settings({"REDIS_URL": redis_url, "SYMBOLS": "BTCUSDT", "INTERVALS": "1s,1h"})
    feed = feed_alone(settings, redis, lambda: START_MS)
    feed.queue.put(replace(closing_kline(TRADED), interval="1h", open_ms=HOURLY.open_ms))
    stepped(feed)
    stepped(feed)
    assert live.read_live(redis, HOUR, START_MS).forming


@pytest.mark.parametrize(
    ("followed", "silence_s", "is_official"),
    [
        pytest.param([SECOND], 3, False, id="stored, as every second of the silence"),
        pytest.param([SECOND, HOUR], 3, True, id="in the hour alone, as it is official at 1s"),
        pytest.param([SECOND, HOUR], 100, False, id="in the hour alone, as it is long ago"),
    ],
)
def test_the_second_in_which_it_trades_again_after_a_silence_is_not_lost_between_two_feeds(
    redis: Redis, followed: list[Series], silence_s: int, is_official: bool
) -> None:
    """The next feed first hears of a second that begins after it."""
    again_ms = 1000 * silence_s
    store(redis, HOURLY, series=HOUR)
    store(redis, TRADED, *(empty(1000 * at) for at in range(1, silence_s)), now_ms=again_ms)
    live.settle(redis, SECOND, [TRADED.open_ms] if is_official else [])
    feed = RestartedFeed(redis, followed, again_ms)
    missed = [trade(7, 500), trade(8, again_ms + 500), trade(9, again_ms + 600)]
    feed.hear(closing_kline(empty(again_ms + 1000)), next_one := trade(10, again_ms + 2300))
    feed.answer([*missed, next_one])
    assert feed.trades_told(again_ms) == [2, 0, 1]


def test_nor_is_it_lost_if_the_hour_has_closed_and_nothing_traded_for_most_of_it(
    redis: Redis,
) -> None:
    again_ms = HOURLY.open_ms + HOUR_MS - START_MS
    quiet = range(again_ms - 60_000, again_ms, 1000)
    closed = replace(HOURLY, is_complete=True, updated_at=START_MS + again_ms)
    store(redis, closed, series=HOUR, now_ms=again_ms)
    store(redis, TRADED, *map(empty, quiet), now_ms=again_ms)
    live.settle(redis, SECOND, [TRADED.open_ms])
    feed = RestartedFeed(redis, [SECOND, HOUR], again_ms)
    missed = [trade(7, 500), trade(8, again_ms + 500), trade(9, again_ms + 600)]
    feed.hear(closing_kline(empty(again_ms + 1000)), next_one := trade(10, again_ms + 2300))
    feed.answer([*missed, next_one])
    assert feed.trades_told(again_ms) == [2, 0, 1]


class RestartedFeed:
    """One market of a feed that goes on from what is stored; its exchange answers questions."""

    def __init__(self, redis: Redis, followed: list[Series], at_ms: int) -> None:
        self.market = SymbolBuilder("BTCUSDT", followed)
        self.recovery = MarketRecovery("BTCUSDT", self.market, RecoveryCounts(), 0.0)
        found = load_resume_points(redis, {"BTCUSDT": followed}, START_MS + at_ms)
        self.recovery.resume(found["BTCUSDT"])
        self.recovery.on_stream_change(True, 0.0)
        self.now_s = 0.0
        self.told: dict[int, LiveCandle] = {}

    def hear(self, *events: Trade | Kline) -> None:
        for event in events:
            self.market.add(event)
            if isinstance(event, Trade):
                self.recovery.on_trade(event, self.now_s)
            self._drain()

    def answer(self, trades: list[Trade]) -> None:
        """With these trades, to all that is asked in the next seconds."""
        for _ in range(50):
            self.now_s += 0.1
            if request := self.recovery.next_request(self.now_s):
                self.recovery.on_asked(request, self.now_s)
                first, start_ms = request.from_id or 0, request.start_ms or 0
                found = [one for one in trades if one.agg_id >= first and one.time_ms >= start_ms]
                self.recovery.on_result(request, found[: request.limit], self.now_s)
            self._drain()

    def trades_told(self, from_ms: int) -> list[int]:
        """How many trades each second has from then on; all are exact, and none is missing."""
        seconds = [self.told[open_ms] for open_ms in sorted(self.told)]
        seconds = [one for one in seconds if one.open_ms >= START_MS + from_ms]
        assert [one.open_ms - START_MS for one in seconds] == list(
            range(from_ms, from_ms + 1000 * len(seconds), 1000)
        )
        assert all(one.is_exact for one in seconds)
        return [one.trades for one in seconds]

    def _drain(self) -> None:
        candles = self.market.drain(self.now_s).candles
        self.told |= {one.open_ms: one for series, one in candles if series == SECOND}
