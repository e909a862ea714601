"""A feed goes on from what the one before it has stored, and leaves no gap between."""

from __future__ import annotations

from dataclasses import replace

from redis import Redis

from truecandle.candles.candle import LiveCandle
from truecandle.candles.series import parse_series
from truecandle.candles.trades import Trade
from truecandle.feed.market_recovery import MarketRecovery, RecoveryCounts
from truecandle.feed.recovery import load_resume_points
from truecandle.feed.symbol_builder import SymbolBuilder
from truecandle.feed.trade_gaps import MARGINS_MS
from truecandle.store import live

START_MS = 1_795_000_020_000
SECOND = parse_series("BTCUSDT", "1s")
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


def trade(number: int, at_ms: int) -> Trade:
    time_ms = START_MS + at_ms
    return Trade("BTCUSDT", number, number, "5", "1", time_ms, time_ms, True, number)


def store(redis: Redis, *candles: LiveCandle) -> None:
    items = [(SECOND, candle) for candle in candles]
    live.save_many(redis, items, now_ms=START_MS + 2000, fences={"BTCUSDT": 1})


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
