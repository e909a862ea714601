"""Runs the whole system on its own ports and reports the audit of its live charts.

    .venv/bin/python -m bench.live_audit --minutes 5 --intervals 1s,1m [--disturb]

With `--disturb` streams, answers and roles fail one after the other. Every candle that was not
shown exactly is printed with what is known of it: by which field it was off, when the chart's
version last changed, and what was being disturbed. It ends by itself.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import requests

from tests.support.role_processes import Roles
from tests.support.whole_system import System
from truecandle.candles.audit import AuditEntry, AuditSummary, known_steps, summary
from truecandle.candles.candle import OfficialCandle, official_from_row
from truecandle.candles.series import Series, parse_series
from truecandle.store import audit, connect

#: A candle that ended so long before a disturbance, or opened so long after it, may owe it its
#: difference: it was on its way still, or is the first after a gap.
REACH_MS = 4_000


class Disturbance(NamedTuple):
    """What is done, for how long, and how."""

    what: str
    for_ms: int
    act: Callable[[System], None]


class Window(NamedTuple):
    """A disturbance that was, by exchange time."""

    what: str
    start_ms: int
    end_ms: int


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        system = System(Path(folder), Roles(), options.symbols, INTERVALS=options.intervals)
        try:
            system.open()
            start = Window("the feed had just started", 0, _exchange_ms(system))
            print(f"followed at {start.end_ms}, for {options.minutes} min", flush=True)
            script = DISTURBANCES if options.disturb else ()
            windows = [start, *_run(system, options.minutes * 60, script)]
            with connect(system.redis.url) as redis:
                for symbol in options.symbols.split(","):
                    for interval in options.intervals.split(","):
                        series = parse_series(symbol, interval)
                        _report(system, series, audit.read(redis, series), windows)
        finally:
            system.close()


def _run(system: System, seconds: float, script: tuple[Disturbance, ...]) -> list[Window]:
    """Waits, with the disturbances spread evenly over the time."""
    windows = []
    began_s = time.monotonic()
    for number, disturbance in enumerate(script, start=1):
        _sleep_until(began_s + seconds * number / (len(script) + 1))
        start_ms = _exchange_ms(system)
        disturbance.act(system)
        took_ms = _exchange_ms(system) - start_ms
        windows.append(
            Window(disturbance.what, start_ms, start_ms + max(took_ms, disturbance.for_ms))
        )
        print(f"{start_ms}: {disturbance.what}", flush=True)
    _sleep_until(began_s + seconds)
    return windows


def _fault(kind: str, **fields: Any) -> Callable[[System], None]:
    def act(system: System) -> None:
        body = {"kind": kind, **fields}
        requests.post(f"{system.sim_url}/sim/faults", json=body, timeout=5).raise_for_status()

    return act


def _restart_feed(system: System) -> None:
    system.kill("feed")
    time.sleep(3)
    system.start("feed")


DISTURBANCES = (
    Disturbance(
        "all trades lost for 3 s, klines not",
        3_000,
        _fault("lose", stream="aggTrade", for_ms=3_000),
    ),
    Disturbance("trades and klines lost for 3 s", 3_000, _fault("lose", for_ms=3_000)),
    Disturbance("stream connections reset", 0, _fault("drop", code=None)),
    Disturbance("streams silent for 5 s", 5_000, _fault("silent", for_ms=5_000)),
    Disturbance("all messages of 3 s come 5 s late", 8_000, _fault("late", for_ms=3_000, ms=5_000)),
    Disturbance(
        "closed candles missing from answers until 6 s after their close, for 5 s",
        5_000,
        _fault("absent", path="klines", lag_ms=6_000, for_ms=5_000),
    ),
    Disturbance(
        "answers as they were 4 s ago, for 5 s",
        5_000,
        _fault("stale", path="klines", lag_ms=4_000, for_ms=5_000),
    ),
    Disturbance("feed killed, started again after 3 s", 0, _restart_feed),
)


def _report(
    system: System, series: Series, entries: list[AuditEntry], windows: list[Window]
) -> None:
    """One series' figures, each candle that was not exact, and what they were put down to."""
    truth = _truth(system, series, entries)
    _print_summary(series, summary(entries, known_steps(None, entries)))
    causes: Counter[str] = Counter()
    for entry in reversed(entries):
        if not entry.is_exact:
            cause = _cause(series, entry, windows)
            causes[cause] += 1
            print(f"  {_explained(series, entry)}; {cause}")
    for cause, count in causes.items():
        print(f"  {count} × {cause}")
    revised = [one for one in entries if truth.get(one.open_ms, one.official) != one.official]
    print(f"  {len(revised)} official candles were changed by the exchange after they had come")


def _print_summary(series: Series, found: AuditSummary) -> None:
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


def _explained(series: Series, entry: AuditEntry) -> str:
    if entry.shown is None:
        return f"{entry.open_ms}: never shown; official {entry.late_ms} ms after its end"
    end_ms = series.interval.next_open_ms(entry.open_ms)
    off = ", ".join(f"{name} {entry.difference(name):+}" for name in entry.differing)
    return (
        f"{entry.open_ms}: {off}; shown {'closed' if entry.shown.is_complete else 'forming'}, last "
        f"changed {entry.shown.updated_at - end_ms:+} ms from its end, official {entry.late_ms} ms "
        "after it"
    )


def _cause(series: Series, entry: AuditEntry, windows: list[Window]) -> str:
    """The disturbance that the candle, or its way to the chart, fell into."""
    end_ms = series.interval.next_open_ms(entry.open_ms) + REACH_MS
    for window in reversed(windows):
        if entry.open_ms - REACH_MS <= window.end_ms and window.start_ms <= end_ms:
            return window.what
    return "no cause is known"


def _truth(system: System, series: Series, entries: list[AuditEntry]) -> dict[int, OfficialCandle]:
    if not entries:
        return {}
    opens = [entry.open_ms for entry in entries]
    end_ms = series.interval.next_open_ms(max(opens))
    rows = system.truth(series.symbol, series.interval.name, min(opens), end_ms)
    candles = [official_from_row(row) for row in rows]
    return {candle.open_ms: candle for candle in candles}


def _exchange_ms(system: System) -> int:
    clock = requests.get(f"{system.sim_url}/sim/clock", timeout=5).json()
    return int(clock["now_ms"])


def _sleep_until(monotonic_s: float) -> None:
    time.sleep(max(0.0, monotonic_s - time.monotonic()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--symbols", default="BTCUSDT,ETHUSDT")
    parser.add_argument("--intervals", default="1s,1m")
    parser.add_argument("--disturb", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
