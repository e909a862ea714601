"""Recorded streams through the feed: every complete candle equals the official one at its close."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from redis import Redis

from tests.support.expected_candles import Truth
from tests.support.market_replay import Manner, replay
from tests.support.recordings import Recording, covered, stream
from tests.support.recordings import official as read_official
from tests.support.running_feed import feed_alone, values
from truecandle.binance.streams.messages import parse_message
from truecandle.candles.candle import LiveCandle, live_from_fields
from truecandle.candles.decimals import canonical
from truecandle.candles.interval import INTERVALS
from truecandle.candles.series import parse_series
from truecandle.candles.trades import Kline, Trade
from truecandle.config import Settings
from truecandle.sim.archive import replayed
from truecandle.store import live
from truecandle.watchdog import Watchdog

DATA = Path(__file__).parent.parent / "data"
BTC_TRADES = DATA / "trades_ws_btcusdt_2024-08-08T2357.gz"
BTC_OFFICIAL = DATA / "BTCUSDT-1m-2024-08-08T2358.csv"
DOT_STREAM = DATA / "cryptofeed-DOTUSDT-2021-04-04.txt.gz"
CLOSINGS = DATA / "binance-tr-closings-2023-04-10.txt"
PEPE_TRADES = DATA / "PEPEUSDT-aggTrades-2024-10-27T00.zip"
PEPE_OFFICIAL = DATA / "PEPEUSDT-30m-2024-10-27T00.csv"

#: Recorded time passes so much faster where it does not pass as fast as all is read.
SPEED = 120.0
FULL = Manner("full speed", is_fast=True)
MANNERS = (
    FULL,
    Manner("shuffled", is_shuffled=True),
    Manner("doubled", is_fast=True, is_doubled=True),
    Manner("disconnected", drops=2),
)


def spanned(path: Path, table: Path, symbol: str, interval: str, step_ms: int) -> Recording:
    """A recording from just before its first official candle until just after its last."""
    rows = read_official(table)
    start_ms = min(rows) - 5_000
    end_ms = INTERVALS[interval].next_open_ms(max(rows)) + 500
    name, tables = f"{symbol}:{interval}", covered(symbol, {interval: rows}, start_ms, end_ms)
    sources, series = (f"{symbol}={path}",), (name,)
    return Recording(
        name, sources, series, start_ms, end_ms, tables, ((end_ms, SPEED),), step_ms=step_ms
    )


BTC = spanned(BTC_TRADES, BTC_OFFICIAL, "BTCUSDT", "1m", 100)
PEPE = spanned(PEPE_TRADES, PEPE_OFFICIAL, "PEPEUSDT", "30m", 1_000)
DOT = stream("DOTUSDT:1m", DOT_STREAM, ["DOTUSDT"])
DOT = dataclasses.replace(DOT, speeds=((DOT.end_ms, SPEED),))


def test_four_minutes_of_recorded_trades_give_the_official_candles(
    redis_url: str, redis: Redis
) -> None:
    found = played(redis, redis_url, recorded(BTC_TRADES), "BTCUSDT", "1m")
    assert {one.open_ms: values(one) for one in found if one.is_complete} == official()


@pytest.mark.parametrize("manner", MANNERS, ids=lambda one: one.name)
def test_four_recorded_minutes_over_real_streams_are_told_complete_and_official(
    redis_url: str, manner: Manner
) -> None:
    """Whatever happens to the messages on their way, no `exact: true` is ever false."""
    outcome = replay(BTC, manner, redis_url)
    assert outcome.wrong == []
    assert outcome.equal == outcome.wanted == 4


@pytest.mark.parametrize("manner", MANNERS, ids=lambda one: one.name)
def test_recorded_trades_and_klines_agree_in_every_field_with_the_closing_kline(
    redis_url: str, manner: Manner
) -> None:
    """Every message as it was recorded, the minute joined in its middle."""
    outcome = replay(DOT, manner, redis_url)
    assert outcome.wrong == []
    assert (outcome.equal, outcome.fields) == (1, 11)


def test_a_market_of_tiny_prices_gives_the_official_half_hour(redis_url: str) -> None:
    outcome = replay(PEPE, FULL, redis_url)
    assert outcome.wrong == []
    assert outcome.equal == outcome.wanted == 1


def test_one_recorded_trade_of_another_size_is_noticed(redis_url: str, tmp_path: Path) -> None:
    lines = gzip.decompress(BTC_TRADES.read_bytes()).splitlines()
    changed = lines[1500].replace(b'"q":"', b'"q":"1', 1)
    planted = tmp_path / BTC_TRADES.name
    planted.write_bytes(gzip.compress(b"\n".join([*lines[:1500], changed, *lines[1501:]])))
    outcome = replay(dataclasses.replace(BTC, sources=(f"BTCUSDT={planted}",)), FULL, redis_url)
    assert outcome.equal == 3
    assert any("volume" in text for text in outcome.wrong)


def test_a_candle_that_lacks_one_trade_is_no_complete_one() -> None:
    """The judge of all these replays, judged."""
    course = replayed([f"BTCUSDT={BTC_TRADES}"]).course("BTCUSDT")
    series, open_ms = parse_series("BTCUSDT", "1m"), min(official())
    truth = Truth(course, 0)
    fields = truth.closed(series.interval, open_ms)
    assert fields is not None
    stamps = {"source": "live", "is_complete": True, "complete": True, "updated_at": open_ms}
    whole = live_from_fields({"time": open_ms, **fields, **stamps})
    assert truth.problem(series, whole) is None
    for lacking in (
        {"trades": whole.trades - 1},
        {"last_id": whole.last_id - 1},
        {"first_id": whole.first_id + 1},
        {"taker_volume": "0.00001"},
    ):
        assert truth.problem(series, dataclasses.replace(whole, **lacking))


def test_recorded_trades_between_recorded_klines_count_once(redis_url: str, redis: Redis) -> None:
    events = recorded(DOT_STREAM)
    closing = [one for one in events if isinstance(one, Kline) and one.is_closed]
    found = {one.open_ms: one for one in played(redis, redis_url, events, "DOTUSDT", "1m")}
    assert closing
    for kline in closing:
        candle = found[kline.open_ms]
        assert (values(candle), candle.trades) == (values(kline), kline.trades)


def test_the_trades_alone_agree_with_the_recorded_closing_klines(
    redis_url: str, redis: Redis
) -> None:
    events = recorded(DOT_STREAM)
    closings = [one for one in events if isinstance(one, Kline) and one.is_closed]
    first = [one for one in events if isinstance(one, Kline)][:2]
    without = [one for one in events if isinstance(one, Trade) or one in first]
    found = {one.open_ms: one for one in played(redis, redis_url, without, "DOTUSDT", "1m")}
    for kline in closings:
        assert values(found[kline.open_ms]) == values(kline)


@pytest.mark.parametrize("symbol", ["XEMUSDT", "LTCBRL", "BELBTC", "ELFBUSD"])
def test_recorded_closings_without_trades_are_flat_candles(
    redis_url: str, redis: Redis, symbol: str
) -> None:
    events = [one for one in recorded(CLOSINGS) if one.symbol == symbol]
    (candle,) = played(redis, redis_url, events, symbol, "1m")
    (kline,) = events
    assert isinstance(kline, Kline)
    assert candle.is_complete
    assert (values(candle), candle.trades) == (values(kline), kline.trades)


def recorded(path: Path) -> list[Trade | Kline]:
    """The events of a recorded stream, one a line behind a time stamp, in the order recorded."""
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    messages = (parse_message(line[line.index(b"{") :]) for line in text.splitlines() if line)
    return [one.value for one in messages if isinstance(one.value, Trade | Kline)]


def official() -> dict[int, tuple[str, ...]]:
    with BTC_OFFICIAL.open() as file:
        rows = list(csv.DictReader(file))
    names = ("open", "high", "low", "close", "volume")
    return {int(row["openTime"]): tuple(canonical(row[name]) for name in names) for row in rows}


def played(
    redis: Redis, redis_url: str, events: Iterable[Trade | Kline], symbol: str, interval: str
) -> list[LiveCandle]:
    """What is stored after the feed has taken all of it in, as fast as it can."""
    settings = Settings(redis_url=redis_url, symbols=(symbol,), intervals=(interval,))
    now_ms = 0
    feed = feed_alone(settings, redis, lambda: now_ms)
    for number, event in enumerate(events):
        feed.queue.put(event)
        now_ms = event.event_ms
        if number % 20 == 0:
            feed.step(0)
    ended = threading.Event()
    ended.set()
    feed.run(ended, Watchdog([]))
    found = live.read_live(redis, parse_series(symbol, interval), now_ms)
    return [*found.pending, *([found.forming] if found.forming else [])]
