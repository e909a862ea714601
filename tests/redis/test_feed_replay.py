"""Recorded streams through the feed: every complete candle equals the official one at its close."""

from __future__ import annotations

import csv
import gzip
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from redis import Redis

from tests.feeding import Feeding, values
from tests.harness import wait_for
from truecandle.binance.wire import parse_message
from truecandle.candles.candle import LiveCandle, canonical
from truecandle.candles.series import parse_series
from truecandle.candles.tick import Kline, Trade
from truecandle.config import Settings
from truecandle.events import Publisher
from truecandle.feed import Feed
from truecandle.sim.archive import replayed
from truecandle.sim.pump import Pace
from truecandle.sim.server import SimServer
from truecandle.store import live

DATA = Path(__file__).parent.parent / "data"
BTC_TRADES = DATA / "trades_ws_btcusdt_2024-08-08T2357.gz"
BTC_OFFICIAL = DATA / "BTCUSDT-1m-2024-08-08T2358.csv"
DOT_STREAM = DATA / "cryptofeed-DOTUSDT-2021-04-04.txt.gz"
CLOSINGS = DATA / "binance-tr-closings-2023-04-10.txt"


def test_four_minutes_of_recorded_trades_give_the_official_candles(
    redis_url: str, redis: Redis
) -> None:
    found = played(redis, redis_url, recorded(BTC_TRADES), "BTCUSDT", "1m")
    assert {one.open_ms: values(one) for one in found if one.is_complete} == official()


def test_the_same_trades_over_real_streams_give_the_official_candles(redis_url: str) -> None:
    market = replayed([f"BTCUSDT={BTC_TRADES}"])
    with (
        SimServer(market=market, pace=Pace(fast=True)) as sim,
        Feeding(sim, redis_url, ["BTCUSDT"], ["1m"]) as feeding,
    ):
        wanted = official()

        def is_shown() -> bool:
            """Trades may still come after the kline that closes their candle."""
            candles = feeding.candles("BTCUSDT", "1m")
            found = {one.open_ms: values(one) for one in candles if one.is_complete}
            return wanted.items() <= found.items()

        wait_for(is_shown, 30, "the four minutes as they became official")


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
    feed = Feed(settings, redis, Publisher(redis_url), now_ms=lambda: now_ms)
    for number, event in enumerate(events):
        feed.deliver(event)
        now_ms = event.event_ms
        if number % 20 == 0:
            feed.step(0)
    ended = threading.Event()
    ended.set()
    feed.run(ended)
    found = live.read_live(redis, parse_series(symbol, interval), now_ms)
    return [*found.pending, *([found.forming] if found.forming else [])]
