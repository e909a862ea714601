"""The audit: what the chart had shown of a candle when its official version came, in figures.

Never here: where entries are kept, how they are laid out for readers, floats.
Invariant: every figure is exact but basis points (rounded); what was never shown is in none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any, Final

from truecandle.candles.candle import (
    LiveCandle,
    OfficialCandle,
    live_from_fields,
    official_from_row,
)
from truecandle.candles.decimals import EXACT
from truecandle.candles.instrument import Instrument
from truecandle.candles.trades import QUOTE_STEP
from truecandle.errors import CandleError
from truecandle.exact_json import Exact, dumps, loads

PRICES: Final = ("open", "high", "low", "close")
#: What no browser's candle has, and our feed's only where it knows it for sure.
FLOWS: Final = ("quote_volume", "taker_volume", "taker_quote_volume")
QUOTES: Final = ("quote_volume", "taker_quote_volume")
#: What is compared.
FIELDS: Final = (*PRICES, "volume", "trades", *FLOWS)

_BP_STEP = Decimal("0.000001")
_SHARE_STEP = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One candle. `shown` is the live candle that stood on the chart at `at_ms` (exchange time),
    when the official one took its place, or None if there was none. `late_ms` is how long after
    the end of its interval that was.
    """

    at_ms: int
    late_ms: int
    shown: LiveCandle | None
    official: OfficialCandle

    @property
    def open_ms(self) -> int:
        return self.official.open_ms

    @property
    def differing(self) -> tuple[str, ...]:
        """The fields that were shown otherwise than they became official."""
        return tuple(name for name in FIELDS if self.difference(name))

    @property
    def is_exact(self) -> bool:
        """Whether it was shown, and every field as it became official."""
        return self.shown is not None and not self.differing

    def difference(self, field: str) -> Decimal:
        """Shown less official; 0 if it was not shown, or shown as unknown."""
        if self.shown is None or getattr(self.shown, field) is None:
            return Decimal(0)
        return EXACT.subtract(_value(self.shown, field), _value(self.official, field))

    def to_json(self) -> str:
        """The text that the store keeps."""
        fields = {
            "time": self.open_ms,  # first: the script of the store looks for it there
            "at": self.at_ms,
            "late_ms": self.late_ms,
            "shown": Exact(self.shown.to_json()) if self.shown else None,
            "official": Exact(self.official.member()),
        }
        return dumps(fields).decode()


@dataclass(frozen=True, slots=True)
class Steps:
    """The smallest steps of a symbol's price and quantity, and where they are known from; None
    while nothing shows them."""

    tick: Decimal | None
    tick_source: str
    step: Decimal | None
    step_source: str

    def of(self, field: str) -> Decimal | None:
        """The unit in which differences of that field are counted."""
        if field == "trades":
            return Decimal(1)
        if field in QUOTES:
            return QUOTE_STEP
        return self.tick if field in PRICES else self.step


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """How far one field was off, over all candles shown, regardless of the sign. `differing`:
    how many were off at all. In `ticks` (of a price; steps of a volume; last
    decimals of a quote volume; single trades) and in
    basis points of the official value; None while that cannot be said.
    """

    differing: int
    largest_ticks: Decimal | None
    median_ticks: Decimal | None
    largest_bp: Decimal | None
    median_bp: Decimal | None


@dataclass(frozen=True, slots=True)
class AuditSummary:
    """All entries in figures. `unseen` were never shown live, and count nowhere else; times are
    from the end of the interval to the official candle on the chart."""

    shown: int
    exact: int
    unseen: int
    exact_share: Decimal | None
    median_ms: Decimal | None
    worst_ms: int | None
    fields: Mapping[str, FieldDifference]


def compare(
    official: OfficialCandle, shown: LiveCandle | None, *, end_ms: int, at_ms: int
) -> AuditEntry:
    """The entry of a candle whose interval ended at `end_ms` and that was replaced at `at_ms`."""
    return AuditEntry(at_ms=at_ms, late_ms=at_ms - end_ms, shown=shown, official=official)


def summary(entries: Iterable[AuditEntry], steps: Steps) -> AuditSummary:
    """What the entries (in any order) add up to."""
    given = list(entries)
    seen = [entry for entry in given if entry.shown is not None]
    exact = sum(entry.is_exact for entry in seen)
    times = [entry.late_ms for entry in seen]
    return AuditSummary(
        shown=len(seen),
        exact=exact,
        unseen=len(given) - len(seen),
        exact_share=_share(exact, len(seen)),
        median_ms=median(map(Decimal, times)) if times else None,
        worst_ms=max(times, default=None),
        fields={name: _difference(seen, name, steps.of(name)) for name in FIELDS},
    )


def known_steps(instrument: Instrument | None, entries: Iterable[AuditEntry]) -> Steps:
    """The steps that the exchange lists; where it lists none, those that official prices and
    volumes themselves show: the last decimal ever used. That can be too coarse while few candles
    are known, and is never too fine.
    """
    officials = [entry.official for entry in entries]
    prices = [getattr(one, name) for one in officials for name in PRICES]
    tick = Decimal(instrument.tick_size) if instrument and instrument.tick_size else None
    step = Decimal(instrument.step_size) if instrument and instrument.step_size else None
    return Steps(
        tick=tick or _last_decimal(prices),
        tick_source="exchange" if tick else "official prices",
        step=step or _last_decimal([one.volume for one in officials]),
        step_source="exchange" if step else "official volumes",
    )


def audit_entry_from_json(text: bytes | str) -> AuditEntry:
    """A kept entry back; `CandleError` if it is not one."""
    try:
        fields: Any = loads(text)
        at_ms, late_ms, shown = fields["at"], fields["late_ms"], fields["shown"]
        official = official_from_row(fields["official"])
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise CandleError("audit entry", text, "a JSON object of ours") from error
    if not isinstance(at_ms, int) or not isinstance(late_ms, int):
        raise CandleError("audit entry", text, "times in ms")
    if shown is not None and not isinstance(shown, dict):
        raise CandleError("shown", shown, "a live candle or null")
    return AuditEntry(
        at_ms=at_ms,
        late_ms=late_ms,
        shown=None if shown is None else live_from_fields(shown),
        official=official,
    )


def _difference(seen: Sequence[AuditEntry], field: str, step: Decimal | None) -> FieldDifference:
    sizes = [abs(entry.difference(field)) for entry in seen]
    ticks = [EXACT.divide(size, step) for size in sizes] if step else []
    points = [
        EXACT.divide(size * 10_000, official).quantize(_BP_STEP)
        for size, entry in zip(sizes, seen, strict=True)
        if (official := _value(entry.official, field))
    ]
    return FieldDifference(
        differing=sum(size > 0 for size in sizes),
        largest_ticks=max(ticks, default=None),
        median_ticks=median(ticks) if ticks else None,
        largest_bp=max(points, default=None),
        median_bp=median(points) if points else None,
    )


def _share(part: int, whole: int) -> Decimal | None:
    """Rounded down: only all of them are 1."""
    if not whole:
        return None
    return EXACT.divide(Decimal(part), Decimal(whole)).quantize(_SHARE_STEP, "ROUND_DOWN")


def _value(candle: LiveCandle | OfficialCandle, field: str) -> Decimal:
    return Decimal(getattr(candle, field))


def _last_decimal(numbers: Sequence[str]) -> Decimal | None:
    decimals = [len(text.partition(".")[2]) for text in numbers]
    return Decimal(1).scaleb(-max(decimals)) if decimals else None
