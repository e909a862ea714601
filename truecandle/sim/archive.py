"""Reading recorded markets: Binance's archives, REST answers, and recorded streams.

Never here: correcting what a file says; a row or trade is taken as it stands, or refused.
Invariant: prices and volumes keep their text, except for exponents, which Binance never writes.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from truecandle.candles.interval import INTERVALS
from truecandle.exact_json import loads
from truecandle.sim.clock import SimulatedClock
from truecandle.sim.kline import SimulatedKline, found_day
from truecandle.sim.listing import listing_of
from truecandle.sim.market import SimulatedMarket
from truecandle.sim.recording import Recording, scaled
from truecandle.sim.tally import SideTally
from truecandle.sim.trade_sums import AggTrade

#: Unpacked size of one file; more is refused.
BYTES_MAX = 1_000_000_000

#: Times above this are in microseconds: Binance's archives since 2025.
_MICROSECONDS_FROM = 10**14

_NAME = re.compile(r"([A-Z0-9]{5,20})[-_](1s|\d{1,2}[mhdw]|1mo|1M|aggTrades|trades)[-_.]")
_EVENT = re.compile(r'\{"(?:stream|e|data)"')

Fields = Sequence[Any]


def replayed(sources: Iterable[str], clock: SimulatedClock | None = None) -> SimulatedMarket:
    """A market of recordings. Each source is `[SYMBOL[:INTERVAL]=]path`.

    The name is needed where neither path nor content tell it (`BTCUSDT:1m=gap.json.gz`). Without a
    clock it stands still at the first trade, or where the last row has closed.
    """
    tallies: dict[str, SideTally] = {}
    for source in sources:
        named, _, path = source.rpartition("=")
        symbol, _, interval = named.partition(":")
        try:
            _read(Path(path), symbol, interval, tallies)
        except (LookupError, TypeError, ValueError) as error:
            raise ValueError(f"cannot replay {path}: {error}") from error
    courses = [_recording(symbol, tally) for symbol, tally in sorted(tallies.items())]
    if not courses:
        raise ValueError("nothing to replay")
    return SimulatedMarket(courses, clock or SimulatedClock(_start_ms(courses), speed=0))


def _recording(symbol: str, tally: SideTally) -> Recording:
    prints, trades = tally.prints(), tally.trades()
    if not prints and not tally.rows:
        raise ValueError(f"{symbol}: no rows and no trades found")
    first = tally.rows.get("3d") or [row for rows in tally.rows.values() for row in rows]
    first_ms = min([row.open_ms for row in first] + [p.time_ms for p in prints[:1]])
    level = prints[0].price if prints else scaled(first[0].close)
    listing = listing_of(symbol, level, found_day(first_ms))
    return Recording(listing, tally.rows, prints, trades)


def _start_ms(courses: Sequence[Recording]) -> int:
    trading = [course.first_ms_of_trades for course in courses if course.has_trades]
    return min(trading) if trading else max(course.last_ms for course in courses) + 1


def _read(path: Path, symbol: str, interval: str, tallies: dict[str, SideTally]) -> None:
    if ".tar" in path.name:
        with tarfile.open(path) as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is not None and len(parts := Path(member.name).parts) >= 3:
                    tally = tallies.setdefault(parts[-3], SideTally())
                    _add_rows(_json(_bounded(file.read(BYTES_MAX + 1))), parts[-2], tally)
        return
    text = _text(path)
    name = _NAME.search(path.name)
    symbol = symbol or (name[1] if name else "")
    interval = interval or (name[2].replace("1mo", "1M") if name else "")
    start = text[:200].lstrip()
    if not start.startswith("[") and _EVENT.search(text[:100_000]):
        _add_events(text.splitlines(), symbol, tallies)
    elif not symbol:
        raise ValueError(f"whose is it? write SYMBOL:INTERVAL={path}")
    elif start.startswith("["):
        _add_rows(_json(text.encode()), interval, tallies.setdefault(symbol, SideTally()))
    else:
        _add_table(text, interval, tallies.setdefault(symbol, SideTally()))


def _text(path: Path) -> str:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as file:
            return _bounded(file.read(BYTES_MAX + 1)).decode()
    if path.suffix == ".gz":
        with gzip.open(path) as packed:
            return _bounded(packed.read(BYTES_MAX + 1)).decode()
    return path.read_text()


def _bounded(data: bytes) -> bytes:
    if len(data) > BYTES_MAX:
        raise ValueError(f"a recording unpacks to more than {BYTES_MAX} bytes")
    return data


def _json(data: bytes) -> list[Fields]:
    rows: list[Fields] = loads(data)
    return rows


def _add_table(text: str, interval: str, tally: SideTally) -> None:
    """CSV: klines of 12, 11 or 6 columns, or (aggregate) trades, with or without a header."""
    lines = (line for line in io.StringIO(text, newline="") if not line.startswith("#"))
    rows = [row for row in csv.reader(lines) if row and row[0][:1].isdigit()]
    if interval not in ("", "trades", "aggTrades"):
        _add_rows(rows, interval, tally)
    elif rows and "." not in rows[0][3]:
        tally.add_prints(
            _print(row[0], row[1], row[2], row[3], row[4], row[5], row[6]) for row in rows
        )
    else:
        tally.add_trades(
            _print(row[0], row[1], row[2], row[0], row[0], row[4], row[5]) for row in rows
        )


def _add_rows(rows: Iterable[Fields], interval: str, tally: SideTally) -> None:
    if interval not in INTERVALS:
        raise ValueError(f"interval {interval!r} of the rows: one of {', '.join(INTERVALS)}")
    tally.add_rows(interval, [_kline(row, interval) for row in rows])


def _kline(row: Fields, interval: str) -> SimulatedKline:
    open_ms = _time_ms(row[0])
    if len(row) < 11:
        grid = INTERVALS[interval].with_phase(found_day(open_ms))
        row = [*row[:6], grid.close_ms(open_ms), "0.00000000", 0, "0.00000000", "0.00000000"]
    return SimulatedKline(
        open_ms=open_ms,
        open=_plain(row[1]),
        high=_plain(row[2]),
        low=_plain(row[3]),
        close=_plain(row[4]),
        volume=_plain(row[5]),
        close_ms=_time_ms(row[6], closing=True),
        quote=_plain(row[7]),
        trades=int(row[8]),
        bought=_plain(row[9]),
        bought_quote=_plain(row[10]),
    )


def _add_events(lines: Iterable[str], symbol: str, tallies: dict[str, SideTally]) -> None:
    """A recorded stream: one event a line, whatever stands before it; others are passed over."""
    for event in _events(lines):
        kind, k = event.get("e"), event.get("k", {})
        if kind not in ("trade", "aggTrade", "kline") or (symbol and event["s"] != symbol):
            continue
        tally = tallies.setdefault(event["s"], SideTally())
        if kind == "kline":
            if k["x"]:
                keys = ("t", "o", "h", "l", "c", "v", "T", "q", "n", "V", "Q")
                tally.add_rows(k["i"], [_kline([k[key] for key in keys], k["i"])])
        elif kind == "trade":
            tally.add_trades([_event_print(event, event["t"], event["t"], event["t"])])
        else:
            tally.add_prints([_event_print(event, event["a"], event["f"], event["l"])])


def _events(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        found = _EVENT.search(line)
        if found:
            event = loads(line[found.start() :])
            yield event.get("data", event)


def _event_print(event: dict[str, Any], number: int, first: int, last: int) -> AggTrade:
    return _print(number, event["p"], event["q"], first, last, event["T"], str(event["m"]))


def _print(
    number: Any, price: str, quantity: str, first: Any, last: Any, time: Any, sell: str
) -> AggTrade:
    return AggTrade(
        id=int(number),
        price=scaled(price),
        quantity=scaled(quantity),
        first_id=int(first),
        last_id=int(last),
        time_ms=_time_ms(time),
        sell=sell.lower() == "true",
    )


def _time_ms(field: Any, *, closing: bool = False) -> int:
    """ms from ms, µs or a UTC date; a date that closes a candle means its whole second."""
    text = str(field)
    if not text.isdigit():
        moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return int(moment.timestamp()) * 1000 + (999 if closing else 0)
    return int(text) // 1000 if int(text) >= _MICROSECONDS_FROM else int(text)


def _plain(field: Any) -> str:
    text = str(field)
    return f"{Decimal(text):f}" if "e" in text.lower() else text
