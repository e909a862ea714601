"""Recordings of real markets: what is in their files, and which official candles they cover.

Never here: replaying them (`tests/support/market_replay.py`).
Invariant: an official candle has just the fields that its source gives.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from tests.support.expected_candles import Values, kline_values
from truecandle.binance.streams.messages import parse_message
from truecandle.candles.decimals import canonical
from truecandle.candles.interval import INTERVALS
from truecandle.candles.trades import Kline

#: What "as fast as all is read" is taken for where durations are shared out.
FULL_SPEED = 240.0
NAMES = ("open", "high", "low", "close", "volume")

#: Official candles by `symbol:interval` and open time; only the fields that their source gives.
Official = Mapping[str, Mapping[int, Values]]


@dataclass(frozen=True, slots=True)
class Recording:
    """What is replayed: `sources` as `archive.replayed` takes them, from `start_ms` to `end_ms`.

    `speeds` say until when (exchange time) how fast, `inf` meaning as fast as all is read; the rest
    runs at real speed. `tape` is a recorded stream whose own messages are sent as they are, instead
    of those made from the trades.
    """

    name: str
    sources: tuple[str, ...]
    series: tuple[str, ...]
    start_ms: int
    end_ms: int
    official: Official
    speeds: tuple[tuple[int, float], ...] = ()
    tape: Path | None = None
    #: How much time passes at once at full speed.
    step_ms: int = 100

    @property
    def symbols(self) -> list[str]:
        return list(dict.fromkeys(name.partition(":")[0] for name in self.series))

    @property
    def intervals(self) -> list[str]:
        return list(dict.fromkeys(name.partition(":")[2] for name in self.series))

    @property
    def stretches(self) -> Iterator[tuple[int, int, float]]:
        """From, to, speed."""
        start_ms = self.start_ms
        for until_ms, speed in (*self.speeds, (self.end_ms, 1.0)):
            if until_ms > start_ms:
                yield start_ms, until_ms, speed
            start_ms = max(start_ms, until_ms)

    def moment(self, share: float) -> int:
        """The exchange's time when this share of the replay's own duration is over."""
        stretches = [(at, end, min(speed, FULL_SPEED)) for at, end, speed in self.stretches]
        left = share * sum((end - start) / speed for start, end, speed in stretches)
        for start, end, speed in stretches:
            if left <= (end - start) / speed:
                return int(start + left * speed)
            left -= (end - start) / speed
        return self.end_ms

    def is_timed(self, at_ms: int) -> bool:
        """Whether it is real speed around that moment."""
        return any(start < at_ms <= end and speed == 1 for start, end, speed in self.stretches)


def stream(name: str, path: Path, symbols: list[str]) -> Recording:
    """A recording of trades and klines; its official candles are its own closing klines."""
    messages = taped(path, symbols)
    tables: dict[str, dict[int, Values]] = {f"{symbol}:1m": {} for symbol in symbols}
    for kline in (parsed(event) for *_, event in messages):
        if isinstance(kline, Kline) and kline.is_closed:
            tables[f"{kline.symbol}:1m"][kline.open_ms] = kline_values(kline)
    start_ms, end_ms = messages[0][0] - 1_000, messages[-1][0]
    return Recording(name, (str(path),), tuple(tables), start_ms, end_ms, tables, (), path)


def covered(
    symbol: str, tables: Mapping[str, Mapping[int, Values]], start_ms: int, end_ms: int
) -> dict[str, dict[int, Values]]:
    """The official candles of which the whole interval is replayed."""
    return {
        f"{symbol}:{interval}": {
            open_ms: row
            for open_ms, row in rows.items()
            if start_ms <= open_ms and INTERVALS[interval].next_open_ms(open_ms) <= end_ms
        }
        for interval, rows in tables.items()
    }


def official(path: Path) -> dict[int, Values]:
    """Official candles by open time from a CSV with a header; its numbers may be floats."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    return {
        opened(row): {name: canonical(f"{Decimal(row[name]):f}") for name in NAMES}
        for row in csv.DictReader(text.splitlines())
    }


def opened(row: Mapping[str, str]) -> int:
    return int(row["openTime"]) if "openTime" in row else moment(row["timestamp"])


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def taped(path: Path, symbols: Sequence[str]) -> list[tuple[int, str, dict[str, Any]]]:
    """When, on which stream, what: of a recording, one message a line behind a time stamp."""
    found = []
    newest_ms = 0
    for line in gzip.decompress(path.read_bytes()).splitlines():
        if b'"e":"aggTrade"' not in line and b'"e":"kline"' not in line:
            continue
        message = orjson.loads(line[line.index(b'{"') :])
        if message["data"]["s"] in symbols:
            newest_ms = max(newest_ms, int(message["data"]["E"]))
            found.append((newest_ms, str(message["stream"]), message["data"]))
    return found


def parsed(event: dict[str, Any]) -> object:
    return parse_message(orjson.dumps(event)).value
