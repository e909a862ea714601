"""Which rows of an answer may be stored as official candles, and why the others may not.

Never here: Redis. Time comes in as the exchange's clock.
Invariant: what passes is closed, on the grid, sorted, and stands for each open time once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from truecandle.candles.candle import OfficialCandle, is_closed, official_from_row
from truecandle.candles.interval import DAY_MS, Interval
from truecandle.errors import CandleError

#: One kline as the exchange sends it: 12 fields, decimals as text.
Row = Sequence[object]

#: `broken`: no 12 usable fields, or prices that contradict each other. `misaligned`: off the
#: interval's grid. `open`: its interval plus settle has not ended yet. `unreadable`: its block
#: cannot be read, and is said to hold more than the rows given (`block_writes`).
Reason = Literal["broken", "misaligned", "open", "unreadable"]


class RefusedRow(NamedTuple):
    """A row that is not stored. `time` is its first field, whatever that holds."""

    time: object
    reason: Reason
    detail: str


class Checked(NamedTuple):
    """Rows sorted by their fate: `candles` ascending and unique, `refused` in the order given."""

    candles: tuple[OfficialCandle, ...]
    refused: tuple[RefusedRow, ...]


def check(
    interval: Interval,
    rows: Iterable[Row | OfficialCandle],
    *,
    now_ms: int,
    settle_ms: int,
) -> Checked:
    """What of `rows` may be stored at exchange time `now_ms`. Equal doubles count once.

    Raises `CandleError` when two usable rows contradict each other about one open time: then the
    answer as a whole is not to be trusted. `interval` has a grid (see `with_grid`).
    """
    candles: dict[int, OfficialCandle] = {}
    refused: list[RefusedRow] = []
    for row in rows:
        try:
            candle = row if isinstance(row, OfficialCandle) else official_from_row(row)
        except CandleError as error:
            refused.append(RefusedRow(_time_of(row), "broken", str(error)))
            continue
        open_ms = candle.open_ms
        if not interval.is_aligned(open_ms):
            refused.append(RefusedRow(open_ms, "misaligned", f"no {interval.name} opens here"))
        elif not is_closed(interval, open_ms, now_ms, settle_ms):
            refused.append(RefusedRow(open_ms, "open", f"its end + {settle_ms} ms > {now_ms}"))
        elif (known := candles.setdefault(open_ms, candle)) is not candle and known != candle:
            allowed = f"one row per open time; also sent: {known.member()}"
            raise CandleError("row", candle.member(), allowed)
    return Checked(tuple(candles[key] for key in sorted(candles)), tuple(refused))


def with_grid(interval: Interval, rows: Iterable[Row | OfficialCandle]) -> Interval:
    """The interval on the grid that most of the usable rows lie on (3d); as it is without any."""
    if interval.has_grid:
        return interval
    phases: Counter[int] = Counter()
    for row in rows:
        try:
            candle = row if isinstance(row, OfficialCandle) else official_from_row(row)
        except CandleError:
            continue
        if candle.open_ms % DAY_MS == 0:
            phases[candle.open_ms % (3 * DAY_MS)] += 1
    return interval.with_phase(phases.most_common(1)[0][0]) if phases else interval


def _time_of(row: object) -> object:
    return row[0] if isinstance(row, (list, tuple)) and row else row
