"""Binance's 16 intervals: which candle a moment belongs to, and which one comes next.

Never here: a clock, a time zone, rounding of somebody else's open times.
Invariant: `open_ms(t) <= t < next_open_ms(open_ms(t))`, for every interval and moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType

from truecandle.errors import CandleError

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

#: 1970-01-05 was the first Monday; Binance's weeks open on Mondays, 00:00 UTC.
_MONDAY_PHASE_MS = 4 * DAY_MS

#: The last moment that calendar arithmetic here accepts: 2200-01-01. It stops times in µs.
LAST_MS = 7_258_118_400_000


@dataclass(frozen=True, slots=True)
class Interval:
    """One of Binance's intervals and the grid of its open times.

    `duration_ms` is None for a calendar month. `phase_ms` is the open times' remainder modulo the
    duration; it is None for `3d`, whose grid starts on another day for every symbol and has to be
    learned from an official candle (`with_phase`). Source: Binance spot API documentation,
    "Kline/Candlestick chart intervals", and measured on 20 symbols.
    """

    name: str
    duration_ms: int | None
    phase_ms: int | None

    def with_phase(self, open_ms: int) -> Interval:
        """The same interval on the grid that an official candle's open time shows (3d only)."""
        if self.name != "3d":
            return self
        if open_ms % DAY_MS:
            raise CandleError("open time", open_ms, "midnight UTC for a 3d candle, in ms")
        return replace(self, phase_ms=open_ms % (3 * DAY_MS))

    @property
    def has_grid(self) -> bool:
        """False only for a 3d interval whose phase is not known yet."""
        return self.duration_ms is None or self.phase_ms is not None

    def open_ms(self, t_ms: int) -> int:
        """The open time (ms) of the candle that the moment `t_ms` belongs to."""
        _check_moment(t_ms)
        if self.duration_ms is None:
            year, month = _year_month(t_ms)
            return _month_ms(year, month)
        phase_ms = self._phase()
        return t_ms - (t_ms - phase_ms) % self.duration_ms

    def next_open_ms(self, open_ms: int) -> int:
        """The open time (ms) of the candle after the one that opens at `open_ms`."""
        return self._step(open_ms, 1)

    def previous_open_ms(self, open_ms: int) -> int:
        """The open time (ms) of the candle before the one that opens at `open_ms`."""
        return self._step(open_ms, -1)

    def close_ms(self, open_ms: int) -> int:
        """The last ms of the candle that opens at `open_ms`: where its interval ends, less 1."""
        return self.next_open_ms(open_ms) - 1

    def is_aligned(self, open_ms: int) -> bool:
        """Whether a candle of this interval can open at `open_ms`."""
        return 0 <= open_ms < LAST_MS and self.open_ms(open_ms) == open_ms

    def step(self, open_ms: int, candles: int) -> int:
        """The open time (ms) that lies `candles` candles after (or before, if negative)."""
        return self._step(open_ms, candles)

    def count(self, start_ms: int, end_ms: int) -> int:
        """How many candles open in [start_ms, end_ms), `start_ms` being an open time."""
        if end_ms <= start_ms:
            return 0
        if self.duration_ms is not None:
            return -(-(end_ms - start_ms) // self.duration_ms)
        first_year, first_month = _year_month(start_ms)
        last_year, last_month = _year_month(end_ms - 1)
        return (last_year - first_year) * 12 + last_month - first_month + 1

    def opens(self, start_ms: int, end_ms: int) -> Iterator[int]:
        """The open times in [start_ms, end_ms), `start_ms` being an open time."""
        open_ms = start_ms
        while open_ms < end_ms:
            yield open_ms
            open_ms = self.next_open_ms(open_ms)

    def _step(self, open_ms: int, candles: int) -> int:
        _check_moment(open_ms)
        if self.duration_ms is not None:
            return open_ms + candles * self.duration_ms
        year, month = _year_month(open_ms)
        months = year * 12 + month - 1 + candles
        return _month_ms(months // 12, months % 12 + 1)

    def _phase(self) -> int:
        if self.phase_ms is None:
            raise CandleError("interval", self.name, "a grid learned from an official candle first")
        return self.phase_ms


def parse_interval(text: object) -> Interval:
    """The interval of that name. Case counts: `1m` is a minute, `1M` a month."""
    if isinstance(text, str) and text in INTERVALS:
        return INTERVALS[text]
    raise CandleError("interval", text, ", ".join(INTERVALS))


def _check_moment(t_ms: int) -> None:
    if not 0 <= t_ms < LAST_MS:
        raise CandleError("time", t_ms, f"0 to {LAST_MS} ms since 1970 (UTC)")


def _year_month(t_ms: int) -> tuple[int, int]:
    moment = datetime.fromtimestamp(t_ms // 1000, UTC)
    return moment.year, moment.month


def _month_ms(year: int, month: int) -> int:
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1000


def _all_intervals() -> Mapping[str, Interval]:
    fixed = {
        "1s": SECOND_MS,
        "1m": MINUTE_MS,
        "3m": 3 * MINUTE_MS,
        "5m": 5 * MINUTE_MS,
        "15m": 15 * MINUTE_MS,
        "30m": 30 * MINUTE_MS,
        "1h": HOUR_MS,
        "2h": 2 * HOUR_MS,
        "4h": 4 * HOUR_MS,
        "6h": 6 * HOUR_MS,
        "8h": 8 * HOUR_MS,
        "12h": 12 * HOUR_MS,
        "1d": DAY_MS,
    }
    table = {name: Interval(name, duration_ms, 0) for name, duration_ms in fixed.items()}
    table["3d"] = Interval("3d", 3 * DAY_MS, None)
    table["1w"] = Interval("1w", 7 * DAY_MS, _MONDAY_PHASE_MS)
    table["1M"] = Interval("1M", None, 0)
    return MappingProxyType(table)


#: By name, shortest first.
INTERVALS: Mapping[str, Interval] = _all_intervals()
