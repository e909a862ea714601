"""Runs the whole system on its own ports and reports the audit of its live charts.

    .venv/bin/python -m bench.live_audit --minutes 5 --intervals 1s,1m

Every candle that was not shown exactly is printed with what is known of it: when the chart's
version last changed, by which field it was off, and how the exchange's truth stands to both. It
ends by itself and exits with 1 if an official candle differs from the exchange's truth.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.roles import Roles
from tests.system import System
from truecandle.candles.audit import Entry, Summary, observed_steps, summary
from truecandle.candles.candle import OfficialCandle, official_from_row
from truecandle.candles.series import Series, parse_series
from truecandle.store import audit, connect


def main() -> int:
    options = _options()
    processes = Roles()
    with tempfile.TemporaryDirectory() as folder:
        system = System(
            Path(folder), processes, options.symbols, INTERVALS=options.intervals,
            HISTORY_CANDLES="120",
        )  # fmt: skip
        try:
            system.open()
            began_ms = time.time_ns() // 1_000_000
            print(f"followed at {began_ms}; running for {options.minutes} min", flush=True)
            time.sleep(options.minutes * 60)
            wrong = 0
            with connect(system.redis.url) as redis:
                for symbol in options.symbols.split(","):
                    for interval in options.intervals.split(","):
                        series = parse_series(symbol, interval)
                        entries = audit.read(redis, series)
                        wrong += _report(series, entries, _truth(system, series, entries))
        finally:
            system.close()
    print("every official candle was the truth" if not wrong else f"{wrong} official ones wrong")
    return 1 if wrong else 0


def _report(series: Series, entries: list[Entry], truth: dict[int, OfficialCandle]) -> int:
    """Prints one series' figures and each candle that was not exact; how many were not true."""
    steps = observed_steps(entries)
    _print_summary(series, summary(entries, steps))
    for entry in reversed(entries):
        if not entry.is_exact:
            print(f"  {_explained(series, entry)}")
    return sum(
        entry.open_ms in truth and truth[entry.open_ms] != entry.official for entry in entries
    )


def _print_summary(series: Series, found: Summary) -> None:
    print(
        f"{series}: {found.shown} shown, {found.exact} exact (share {found.exact_share}), "
        f"{found.unseen} never shown; official after {found.median_ms} ms in the median, "
        f"{found.worst_ms} ms at worst"
    )
    for name, off in found.fields.items():
        if off.differing:
            print(
                f"  {name}: {off.differing} off, largest {off.largest_ticks} ticks "
                f"= {off.largest_bp} bp, median {off.median_ticks} ticks = {off.median_bp} bp"
            )


def _explained(series: Series, entry: Entry) -> str:
    end_ms = series.interval.next_open_ms(entry.open_ms)
    if entry.shown is None:
        return f"{entry.open_ms}: never shown; official {entry.late_ms} ms after its end"
    off = ", ".join(f"{name} {entry.difference(name):+}" for name in entry.differing)
    return (
        f"{entry.open_ms}: {off}; shown was {entry.shown.source}, "
        f"{'closed' if entry.shown.is_complete else 'still forming'}, last changed "
        f"{entry.shown.updated_at - end_ms:+} ms from its end; official {entry.late_ms} ms after it"
    )


def _truth(system: System, series: Series, entries: list[Entry]) -> dict[int, OfficialCandle]:
    if not entries:
        return {}
    opens = [entry.open_ms for entry in entries]
    end_ms = series.interval.next_open_ms(max(opens))
    rows = system.truth(series.symbol, series.interval.name, min(opens), end_ms)
    candles = [official_from_row(row) for row in rows]
    return {candle.open_ms: candle for candle in candles}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--symbols", default="BTCUSDT,ETHUSDT")
    parser.add_argument("--intervals", default="1s,1m")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
