"""Candles as data frames of pandas and polars, which are imported when they are wanted.

Never here: requests.
Invariant: numbers stay exact unless floats are asked for by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from truecandle_client.candle import Candle

if TYPE_CHECKING:
    import pandas
    import polars

#: Columns with a fraction. What is not known of a live candle is missing in them.
_DECIMALS: Final = (
    *("open", "high", "low", "close", "volume"),
    *("quote_volume", "taker_volume", "taker_quote_volume"),
)
#: Digits behind the point, of 38 in all: every number that a server stores fits.
_SCALE: Final = 18


def to_pandas(candles: Iterable[Candle], *, floats: bool = False) -> pandas.DataFrame:
    """A row a candle by its open time (UTC): prices and volumes as `Decimal`s, or with `floats` as
    numbers of 64 bits, rounded; `trades` and `state` beside them.
    """
    import pandas

    found = list(candles)
    times = pandas.to_datetime([one.open_ms for one in found], unit="ms", utc=True)
    columns: dict[str, Any] = {name: [getattr(one, name) for one in found] for name in _DECIMALS}
    frame = pandas.DataFrame(columns, index=times.rename("time"), dtype=object)
    if floats:
        frame = frame.astype("float64")
    frame["trades"] = [one.trades for one in found]
    frame["state"] = [one.state for one in found]
    return frame


def to_polars(candles: Iterable[Candle], *, floats: bool = False) -> polars.DataFrame:
    """A row a candle, the first column its open time (UTC): prices and volumes as `Decimal`s of
    polars, or with `floats` as numbers of 64 bits, rounded; `trades` and `state` beside them.
    """
    import polars

    found = list(candles)
    exact = polars.Decimal(38, _SCALE)
    schema: dict[str, Any] = {
        "time": polars.Datetime("ms", "UTC"),
        **dict.fromkeys(_DECIMALS, exact),
        "trades": polars.Int64(),
        "state": polars.String(),
    }
    columns = {
        "time": [one.open_ms for one in found],
        **{name: [getattr(one, name) for one in found] for name in _DECIMALS},
        "trades": [one.trades for one in found],
        "state": [one.state for one in found],
    }
    frame = polars.DataFrame(columns, schema=schema)
    return frame.cast(dict.fromkeys(_DECIMALS, polars.Float64())) if floats else frame
