"""Recorded streams through the feed and a real Redis: how many candles equal the official ones.

    python -m bench.replay_stream [folder with the recordings]

Never here: tolerance. A candle equals the official one in every digit of o, h, l, c and v, or not.
Invariant: what is compared is what a browser would have read at the candle's close.
"""

from __future__ import annotations

import csv
import gzip
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from redis import Redis

from tests.harness import RedisProc
from truecandle.binance.wire import parse_message
from truecandle.candles.candle import LiveCandle, canonical
from truecandle.candles.series import parse_series
from truecandle.candles.tick import Kline, Trade
from truecandle.config import Settings
from truecandle.events import Publisher
from truecandle.feed import Feed
from truecandle.store import live

Values = tuple[str, ...]
NAMES = ("open", "high", "low", "close", "volume")
#: Events between two steps of the feed: some 10 ms of a busy market.
STEP = 50


def main(folder: Path) -> int:
    pair1 = folder / "pair1_BTCUSDT_ws_2024-08-08"
    pair3 = folder / "pair3_PEPEUSDT_day_2024-10-27"
    stream = folder / "ws_kline_aggtrade/cryptofeed_BINANCE-ee25be.0_2021-04-04_BTC_ETH_DOT.txt.gz"
    wrong = 0
    with tempfile.TemporaryDirectory() as data, RedisProc(Path(data)) as server:
        trades = [*lines(pair1 / "trades_ws_btcusdt_20240808.gz")]
        trades += lines(pair1 / "trades_ws_btcusdt_20240809.gz")
        tables = {
            "1m": table(pair1 / "derived_official_1m_2024-08-08T23..09T01.csv"),
            "5m": table(pair1 / "derived_official_5m_GeneTrader_MIT.csv"),
        }
        wrong += report("BTCUSDT 2024-08-08, trades", server, trades, "BTCUSDT", tables)
        day = {
            "30m": table(pair3 / "PEPEUSDT_30m_2023-05-05..2026-03-02.csv.gz"),
            "4h": table(pair3 / "derived_official_4h_2024-10-27.csv"),
        }
        pepe = aggregates(pair3 / "spot-PEPEUSDT-aggTrades-2024-10-27.zip", "PEPEUSDT")
        wrong += report("PEPEUSDT 2024-10-27, aggTrades", server, pepe, "PEPEUSDT", day)
        for symbol in ("BTCUSDT", "ETHUSDT", "DOTUSDT"):
            events = [one for one in lines(stream) if one.symbol == symbol]
            closed = [one for one in events if isinstance(one, Kline) and one.is_closed]
            official = {"1m": {one.open_ms: values(one) for one in closed}}
            name = f"{symbol} 2021-04-04, klines and aggTrades"
            wrong += report(name, server, events, symbol, official)
            first = [one for one in events if isinstance(one, Kline)][:3]
            alone = [one for one in events if isinstance(one, Trade) or one in first]
            wrong += report(f"{name} after the third kline", server, alone, symbol, official)
    return 1 if wrong else 0


def report(
    name: str,
    server: RedisProc,
    events: Iterable[Trade | Kline],
    symbol: str,
    official: Mapping[str, Mapping[int, Values]],
) -> int:
    """Prints how many closed candles are right; returns how many are wrong or missing."""
    given = list(events)
    started_s = time.perf_counter()
    with server.client() as redis:
        redis.flushall()
        found = played(redis, server.url, given, symbol, tuple(official))
    rate = len(given) / (time.perf_counter() - started_s)
    wrong = 0
    for interval, table_ in official.items():
        closed = {one.open_ms: one for one in found[interval] if one.is_complete}
        whole = [open_ms for open_ms in closed if open_ms in table_]
        right = sum(values(closed[open_ms]) == table_[open_ms] for open_ms in whole)
        wrong += len(whole) - right + (not whole)
        print(f"{name}: {interval} {right} of {len(whole)} closed candles equal the official ones")
    print(f"{'':4}{len(given)} events, {rate:,.0f} events/s")
    return wrong


def played(
    redis: Redis, url: str, events: list[Trade | Kline], symbol: str, intervals: tuple[str, ...]
) -> dict[str, list[LiveCandle]]:
    """What stands in Redis after the feed has taken it all in."""
    now_ms = 0
    settings = Settings(redis_url=url, symbols=(symbol,), intervals=intervals)
    feed = Feed(settings, redis, Publisher(url), now_ms=lambda: now_ms)
    for number, event in enumerate(events):
        feed.deliver(event)
        now_ms = max(now_ms, event.event_ms)
        if number % STEP == 0:
            feed.step(0)
    ended = threading.Event()
    ended.set()
    feed.run(ended)
    return {name: stored(redis, symbol, name, now_ms) for name in intervals}


def stored(redis: Redis, symbol: str, interval: str, now_ms: int) -> list[LiveCandle]:
    found = live.read_live(redis, parse_series(symbol, interval), now_ms)
    return [*found.pending, *([found.forming] if found.forming else [])]


def lines(path: Path) -> Iterator[Trade | Kline]:
    """The events of a recorded stream: one a line, behind a time stamp; others are passed over."""
    with gzip.open(path) as file:
        for line in file:
            if b'"e":"trade"' in line or b'"e":"aggTrade"' in line or b'"e":"kline"' in line:
                value = parse_message(line[line.index(b'{"') :]).value
                if isinstance(value, Trade | Kline):
                    yield value


def aggregates(path: Path, symbol: str) -> Iterator[Trade]:
    """Aggregate trades of Binance's archive: a, p, q, f, l, T, m, M."""
    with zipfile.ZipFile(path) as archive:
        text = archive.read(archive.namelist()[0]).decode()
    for agg, price, quantity, first, last, time_ms, maker, *_ in csv.reader(text.splitlines()):
        at_ms, is_taker_buy = int(time_ms), maker.lower() == "false"
        texts = canonical(price), canonical(quantity)
        yield Trade(symbol, int(first), int(last), *texts, at_ms, at_ms, is_taker_buy, int(agg))


def table(path: Path) -> dict[int, Values]:
    """Official candles by open time from a CSV with a header; its numbers may be floats."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    rows = csv.DictReader(text.splitlines())
    return {moment(row): tuple(exact(row[name]) for name in NAMES) for row in rows}


def moment(row: Mapping[str, str]) -> int:
    if "openTime" in row:
        return int(row["openTime"])
    return int(datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp()) * 1000


def exact(text: str) -> str:
    return canonical(f"{Decimal(text):f}")


def values(candle: LiveCandle | Kline) -> Values:
    return tuple(canonical(getattr(candle, name)) for name in NAMES)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")))
