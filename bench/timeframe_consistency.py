"""Recorded official candles: is every row on its grid, and does every candle fit its lower ones?

    .venv/bin/python -m bench.timeframe_consistency DATA_FOLDER

DATA_FOLDER holds `klines_rest12`. Exits with 1 on a row that the store's rule refuses, on a close
time that did not stay as it was, and on a candle that differs from its complete set of lower ones.
`idle` counts those with a lower candle without trades, `else` those of them that would differ if
such ones had a say in prices. Last, all is stored in a Redis of its own and looked at as `flask
doctor` does.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.parts.recorded_klines import from_tar
from tests.support.redis_server import RedisProc
from truecandle.admin.ownership import Ownership
from truecandle.admin.store_checks import StoreChecks
from truecandle.candles.candle import OfficialCandle, official_from_member
from truecandle.candles.consistency import TimeframeComparison, compare_timeframes, lower_timeframes
from truecandle.candles.interval import INTERVALS, LAST_MS, Interval
from truecandle.candles.series import Series
from truecandle.store import official
from truecandle.store.rows import check, with_grid

NAMED_MAX = 20
Rows = list[list[Any]]
Family = dict[Interval, list[OfficialCandle]]


def main() -> int:
    folder = Path(sys.argv[1]) / "klines_rest12"
    families: dict[str, Family] = {}
    wrong = 0
    print("series          rows  refused  holes  cut closes  changed closes")
    for series, rows in recorded(folder):
        interval = with_grid(series.interval, rows)
        checked = check(interval, rows, now_ms=LAST_MS, settle_ms=0)
        families.setdefault(series.symbol, {})[interval] = list(checked.candles)
        wrong += report(Series(series.symbol, interval), rows, checked.candles)
    print("\nhigher         lower     compared  incomplete  differ  idle  else  seconds")
    for symbol, family in families.items():
        wrong += sum(relate(symbol, higher, family) for higher in family)
    wrong += examine(families)
    print(f"{wrong} findings")
    return min(wrong, 1)


def recorded(folder: Path) -> list[tuple[Series, Rows]]:
    found = [one for tar in sorted(folder.glob("*.tar.xz")) for one in from_tar(tar)]
    for path in sorted(folder.glob("*.json")):
        symbol, name = path.stem.split("_")[:2]
        rows: Rows = json.loads(path.read_text(), parse_float=str)
        found.append((Series(symbol, INTERVALS[name]), rows))
    return found


def report(series: Series, rows: Rows, candles: tuple[OfficialCandle, ...]) -> int:
    """A line on one series; how many rows were refused or came out with another close time."""
    closes: dict[int, int] = {row[0]: row[6] for row in rows}
    kept = [official_from_member(candle.member()) for candle in candles]
    changed = sum(candle.close_ms != closes[candle.open_ms] for candle in kept)
    cut = sum(candle.close_ms != series.interval.close_ms(candle.open_ms) for candle in kept)
    holes = sum(series.interval.next_open_ms(a.open_ms) != b.open_ms for a, b in pairwise(kept))
    refused = len(rows) - len(candles)
    print(f"{series.name:13}{len(rows):>7}{refused:>9}{holes:>7}{cut:>12}{changed:>16}")
    return refused + changed


def relate(symbol: str, higher: Interval, family: Family) -> int:
    """A line for each lower timeframe; how many candles differ from theirs."""
    wrong = 0
    for lower in lower_timeframes(higher, family):
        began_s = time.perf_counter()
        judged = list(compare_timeframes(higher, lower, family[higher], family[lower]))
        took_s = time.perf_counter() - began_s
        differing = [one for one in judged if one.differences]
        wrong += len(differing)
        left = len(family[higher]) - len(judged)
        with_idle, otherwise = idle(higher, lower, family)
        print(
            f"{symbol + ':' + higher.name:15}{lower.name:>8}{len(judged):>10}{left:>12}"
            f"{len(differing):>8}{with_idle:>6}{otherwise:>6}{took_s:>9.1f}"
        )
        for one in differing[:NAMED_MAX]:
            print(f"    {named(one)}")
    return wrong


def idle(higher: Interval, lower: Interval, family: Family) -> tuple[int, int]:
    """Higher candles with an idle lower one; how many differ if the idle ones count."""
    opens = {higher.open_ms(one.open_ms) for one in family[lower] if not one.trades}
    ours = [one for one in family[higher] if one.open_ms in opens]
    counted = [
        replace(one, trades=one.trades or 1)
        for one in family[lower]
        if higher.open_ms(one.open_ms) in opens
    ]
    judged = list(compare_timeframes(higher, lower, ours, counted))
    prices = {"open", "high", "low", "close"}
    return len(judged), sum(any(d.field in prices for d in one.differences) for one in judged)


def examine(families: dict[str, Family]) -> int:
    """How many findings a look over the stored candles has."""
    began_s = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, RedisProc(Path(folder)) as server:
        redis = server.client()
        for symbol, family in families.items():
            for interval, candles in family.items():
                series = Series(symbol, interval)
                official.upsert_klines(redis, series, candles, now_ms=LAST_MS, settle_ms=0)
        stored_s = time.perf_counter()
        checkup = StoreChecks(redis, LAST_MS - 1, Ownership(redis, families))
        findings = list(checkup.findings())
    for finding in findings[:NAMED_MAX]:
        print(f"    {finding.place}: {finding.check}: {finding.what}")
    looked_s = time.perf_counter() - stored_s
    counts = ", ".join(f"{count} {name}" for name, count in checkup.counts.items())
    print(f"\nstored in {stored_s - began_s:.1f} s, examined in {looked_s:.1f} s: {counts}")
    return len(findings)


def named(one: TimeframeComparison) -> str:
    fields = (f"{field} {higher} / {made}" for field, higher, made in one.differences)
    moment = time.strftime("%Y-%m-%d %H:%M", time.gmtime(one.open_ms / 1000))
    return f"{moment}: higher / lower: {', '.join(fields)}"


if __name__ == "__main__":
    sys.exit(main())
