"""What studies must be, by another's maths: TA-Lib where it has them, plain Python elsewhere.

Never here: the page's own maths (`static/src/studies`), assertions.
Invariant: nothing here knows how the page works anything out.
"""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from statistics import median
from typing import Any

import numpy as np
import talib

from tests.support.browser_code import PARTS, node

NODE_TIMEOUT_S = 300
Floats = np.ndarray[Any, np.dtype[np.float64]]
Column = Sequence[float] | Floats


@dataclass(frozen=True)
class Candles:
    """Columns of candles; `time` in ms."""

    time: tuple[int, ...]
    open: tuple[float, ...]
    high: tuple[float, ...]
    low: tuple[float, ...]
    close: tuple[float, ...]
    volume: tuple[float, ...]

    @classmethod
    def of_rows(cls, rows: Sequence[Sequence[Any]]) -> Candles:
        """Of rows that begin with open time, open, high, low, close, volume."""
        time, *prices = zip(*(row[:6] for row in rows), strict=True)
        return cls(tuple(map(int, time)), *(tuple(map(float, column)) for column in prices))

    def rows(self) -> list[dict[str, Any]]:
        names = ("time", "open", "high", "low", "close", "volume")
        columns = zip(*(getattr(self, name) for name in names), strict=True)
        return [dict(zip(names, row, strict=True)) for row in columns]

    @cached_property
    def typical(self) -> list[float]:
        return [sum(row) / 3 for row in zip(self.high, self.low, self.close, strict=True)]

    def array(self, name: str) -> Floats:
        return np.array(getattr(self, name), dtype=np.float64)


@dataclass(frozen=True)
class Case:
    """A study with what it must be; so many rows at the start, `settled`, may differ."""

    kind: str
    inputs: dict[str, Any]
    expected: Callable[[Candles], dict[str, Column]]
    settled: int = 0
    #: Values that cross zero are compared by what is usual for them.
    crosses_zero: bool = False


def _named(*names: str) -> Callable[[Any], dict[str, Column]]:
    def named(found: Any) -> dict[str, Column]:
        return dict(zip(names, found if len(names) > 1 else (found,), strict=True))

    return named


_one = _named("value")


def _vwap(candles: Candles) -> dict[str, Column]:
    values, day, worth, volume = [], None, 0.0, 0.0
    for at, price, traded in zip(candles.time, candles.typical, candles.volume, strict=True):
        today = datetime.fromtimestamp(at / 1000, UTC).date()
        if today != day:
            day, worth, volume = today, 0.0, 0.0
        worth, volume = worth + price * traded, volume + traded
        values.append(worth / volume if volume else math.nan)
    return {"value": values}


def _middles(candles: Candles, period: int) -> list[float]:
    def middle(at: int) -> float:
        if at < period - 1:
            return math.nan
        span = slice(at - period + 1, at + 1)
        return (max(candles.high[span]) + min(candles.low[span])) / 2

    return [middle(at) for at in range(len(candles.time))]


def _ichimoku(candles: Candles) -> dict[str, Column]:
    """As worked out at each candle; where the page draws it is another matter."""
    conversion, base, span = (_middles(candles, period) for period in (9, 26, 52))
    lead = [(one + other) / 2 for one, other in zip(conversion, base, strict=True)]
    return {"conversion": conversion, "base": base, "span A": lead, "span B": span,
            "lagging": candles.close}  # fmt: skip


def _supertrend(candles: Candles) -> dict[str, Column]:
    """By Wilder's average of true ranges, the first of which is that of the first candle alone."""
    period, factor = 10, 3.0
    up: list[float] = []
    down: list[float] = []
    ranges: list[float] = []
    average = upper = lower = math.nan
    rises = False
    rows = zip(candles.high, candles.low, candles.close, strict=True)
    for at, (high, low, close) in enumerate(rows):
        before = candles.close[at - 1] if at else close
        ranges.append(max(high, before) - min(low, before) if at else high - low)
        if at < period - 1:
            up.append(math.nan)
            down.append(math.nan)
            continue
        first = at == period - 1
        average = sum(ranges) / period if first else (average * (period - 1) + ranges[-1]) / period
        middle = (high + low) / 2
        above, below = middle + factor * average, middle - factor * average
        if not first:
            above = above if above < upper or before > upper else upper
            below = below if below > lower or before < lower else lower
        rises = close >= below if rises else close > above
        upper, lower = above, below
        up.append(lower if rises else math.nan)
        down.append(math.nan if rises else upper)
    return {"up": up, "down": down}


def _macd(candles: Candles) -> dict[str, Column]:
    macd, signal, histogram = talib.MACD(candles.array("close"))
    return {"macd": macd, "signal": signal, "histogram": histogram}


def _obv(candles: Candles) -> dict[str, Column]:
    """TA-Lib begins with the first candle's volume, the page with none."""
    found = talib.OBV(candles.array("close"), candles.array("volume"))
    return {"value": found - candles.volume[0]}


CASES: tuple[Case, ...] = (
    Case("sma", {"period": 20}, lambda of: _one(talib.SMA(of.array("close"), 20))),
    Case("sma", {"period": 50, "source": "high"},
         lambda of: _one(talib.SMA(of.array("high"), 50))),
    Case("ema", {"period": 20}, lambda of: _one(talib.EMA(of.array("close"), 20)), 500),
    Case("wma", {"period": 20}, lambda of: _one(talib.WMA(of.array("close"), 20))),
    Case("vwap", {}, _vwap),
    Case("bollinger", {"period": 20, "deviations": 2},
         lambda of: _named("upper", "middle", "lower")(talib.BBANDS(of.array("close"), 20, 2, 2))),
    Case("ichimoku", {}, _ichimoku),
    Case("supertrend", {}, _supertrend),
    Case("rsi", {"period": 14}, lambda of: _one(talib.RSI(of.array("close"), 14))),
    Case("macd", {}, _macd, 900, crosses_zero=True),
    Case("atr", {"period": 14},
         lambda of: _one(talib.ATR(of.array("high"), of.array("low"), of.array("close"), 14)), 700),
    Case("stochastic", {},
         lambda of: _named("k", "d")(talib.STOCH(
             of.array("high"), of.array("low"), of.array("close"),
             fastk_period=14, slowk_period=3, slowd_period=3))),
    Case("obv", {}, _obv, 1, crosses_zero=True),
)  # fmt: skip


def profile(candles: Candles, count: int) -> list[list[float]]:
    """Rows of a volume profile, `[low, up, down]`: each candle's volume over its range."""
    high, low, volume = (candles.array(name) for name in ("high", "low", "volume"))
    edges = np.linspace(low.min(), high.max(), count + 1)
    is_up = candles.array("close") >= candles.array("open")
    rows = []
    for row in range(count):
        shared = np.minimum(high, edges[row + 1]) - np.maximum(low, edges[row])
        flat = (high == low) & (low >= edges[row])
        flat &= (low < edges[row + 1]) | (row == count - 1)
        part = np.where(
            high > low, np.clip(shared, 0, None) / np.where(high > low, high - low, 1), flat
        )
        rows.append([float(edges[row]), float((volume * part)[is_up].sum()),
                     float((volume * part)[~is_up].sum())])  # fmt: skip
    return rows


def page_values(candles: Candles, studies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """`{"kinds", "values"}` as the page works them out, by Node."""
    given = json.dumps({"candles": candles.rows(), "studies": list(studies)})
    loader = ("--import", str(PARTS / "typescript.mjs"))
    run = subprocess.run(
        [node(), *loader, str(PARTS / "studyValues.mjs")],
        input=given, capture_output=True, text=True, timeout=NODE_TIMEOUT_S, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def differences(candles: Candles) -> dict[str, float]:
    """The greatest relative difference of each case; a value that is lost counts as infinite."""
    studies = [
        {"id": f"s{at}", "kind": case.kind, "inputs": case.inputs} for at, case in enumerate(CASES)
    ]
    values = page_values(candles, studies)["values"]
    return {
        " ".join(map(str, (case.kind, *case.inputs.values()))): _greatest(case, candles, found)
        for case, found in zip(CASES, values, strict=True)
    }


def _greatest(case: Case, candles: Candles, found: dict[str, list[float | None]]) -> float:
    expected = case.expected(candles)
    assert set(expected) == set(found), (case.kind, set(expected), set(found))
    worst = 0.0
    for name, column in expected.items():
        pairs = list(zip(map(float, column), found[name], strict=True))[case.settled :]
        usual = median(abs(right) for right, _ in pairs if not math.isnan(right))
        for right, value in pairs:
            if math.isnan(right) or value is None:
                # whoever is first to have a value is not wrong; one that is lost is
                if not math.isnan(right) and value is None and not _begins(case):
                    return math.inf
                continue
            worst = max(worst, abs(value - right) / (usual if case.crosses_zero else abs(right)))
    return worst


def _begins(case: Case) -> bool:
    """Whether the page waits for all of a study's windows before it tells any."""
    return case.kind == "ichimoku"
