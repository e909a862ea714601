"""More than a hundred posts that a hostile, old or wrong browser may send, each of its own kind.

Never here: sending them; what an honest browser sends.
Invariant: every post is another text, and none of them is the truth.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from truecandle.candles.series import Series

#: What may stand for a number in JSON, and what does not.
NUMBERS = (
    "NaN", "Infinity", "-Infinity", "1e999", "1e-300", "9" * 400, "1" + "0" * 30, "-1", "-0.0",
    '"42000"', "null", "true", "[]", "{}", "0x10", "1e", "",
)  # fmt: skip
TIMES = ("NaN", '"now"', "null", "-1", "1e3", "0", "9007199254740993", "7258118400001", "[]")
SHAPES = (
    "", "null", "[]", '"', "{", "[" * 2_000, "\x00", '{"candle":null}', '{"symbol":"BTCUSDT"}',
    '{"symbol":"BTCUSDT","symbol":"ETHUSDT"}', "{}" + " " * 5_000,
)  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A series, and the candle that everybody is shown of it: the fields of its JSON."""

    series: Series
    fields: dict[str, Any]

    def text(self, **changes: Any) -> str:
        """The body of a post: this candle with other fields; texts stand as they are."""
        names = ("time", "open", "high", "low", "close", "volume")
        fields = {name: self.fields[name] for name in names} | changes
        inner = ",".join(f'"{name}":{value}' for name, value in fields.items() if value != "…")
        return self.body("{" + inner + "}")

    def body(self, candle: str, **names: str) -> str:
        found = {"symbol": self.series.symbol, "interval": self.series.interval.name} | names
        head = ",".join(f"{json.dumps(name)}:{json.dumps(value)}" for name, value in found.items())
        return f'{{{head},"candle":{candle}}}'

    def scaled(self, name: str, share: float) -> str:
        """A price or volume, larger or smaller."""
        return f"{float(self.fields[name]) * share:.8f}"


def senseless(shown: Shown) -> Iterator[str]:
    """No candle at all, no numbers, no such time, no such market."""
    yield from SHAPES
    for number in NUMBERS:
        for name in ("open", "low", "volume"):
            yield shown.text(**{name: number})
    for time in TIMES:
        yield shown.text(time=time)
    for name in ("high", "close", "time"):
        yield shown.text(**{name: "…"})
        yield shown.text(**{name: f'{shown.fields[name]},"{name}":1'})
    for symbol in ("btcusdt", "BTCUSDT:1m", "DOGEUSDT", "*", "", "BTCUSDT\n"):
        yield shown.body("{}", symbol=symbol)
    for interval in ("1M", "7m", "", "1S"):
        yield shown.body("{}", interval=interval)
    yield shown.text(__proto__='{"high":1}')
    yield shown.text(high=shown.fields["low"], low=shown.fields["high"])
    yield shown.text(close=shown.scaled("high", 1.01))


def misplaced(shown: Shown, now_ms: int) -> Iterator[str]:
    """Another time than the present candle's: old tabs, wrong clocks, other units."""
    step_ms, time = shown.series.interval.next_open_ms(0), int(shown.fields["time"])
    for candles in (-1_000, -60, -2, -1, 1, 2, 60, 1_000):
        yield shown.text(time=time + candles * step_ms)
    for wrong_ms in (-1, 1, 500, -86_400_000, 86_400_000, -300_000, 300_000):
        yield shown.text(time=time + wrong_ms)
    for wrong in (time // 1000, time * 1000, now_ms):
        yield shown.text(time=wrong)


def plausible(shown: Shown) -> Iterator[str]:
    """Sound candles of the right time, within 10 % of the last price; false all the same."""
    for share in (1.0001, 1.001, 1.01, 1.05, 1.09):
        high = shown.scaled("high", share)
        yield shown.text(high=high, close=high)
        yield shown.text(high=high, volume=shown.scaled("volume", 1000))
    for share in (0.9999, 0.99, 0.92):
        low = shown.scaled("low", share)
        yield shown.text(low=low, close=low)
        yield shown.text(low=low, open=low, close=low)
    for volume in ("0", "0.000000000000000001", "9" * 20, shown.scaled("volume", 2)):
        yield shown.text(volume=volume)
    yield shown.text(volume="…")
    for claims in (
        {"source": '"live"'},
        {"isComplete": "true", "is_complete": "true"},
        {"source": '"live"', "isIncomplete": "false", "trades": "999999"},
    ):
        yield shown.text(**claims, close=shown.fields["low"])
