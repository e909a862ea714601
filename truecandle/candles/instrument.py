"""An instrument: a market as the exchange lists it, whether it trades, what, and in which steps.

Never here: which markets are followed (`store/markets`), the exchange's JSON (`binance/rest`).
Invariant: a step that is known is exact decimal text above zero; what is not known is "".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from truecandle.candles.decimals import canonical
from truecandle.candles.series import parse_symbol
from truecandle.errors import CandleError
from truecandle.exact_json import Exact

#: The exchange's word for a market that trades; others are BREAK, HALT, END_OF_DAY, CANCEL_ONLY.
TRADING: Final = "TRADING"
#: Our word for a market that the exchange does not list, or no longer.
UNLISTED: Final = "UNLISTED"
#: Before the exchange was asked.
UNCHECKED: Final = ""

WORD_CHARS_MAX: Final = 40


@dataclass(frozen=True, slots=True)
class Instrument:
    """One market. Prices count in `tick_size`, quantities in `step_size`."""

    symbol: str
    status: str = UNCHECKED
    base: str = ""
    quote: str = ""
    tick_size: str = ""
    step_size: str = ""

    @property
    def fields(self) -> dict[str, Any]:
        """By the names of the REST answer, for JSON; what is not known is None."""
        return {
            "symbol": self.symbol,
            "status": self.status or None,
            "base": self.base or None,
            "quote": self.quote or None,
            "tick_size": Exact(self.tick_size) if self.tick_size else None,
            "step_size": Exact(self.step_size) if self.step_size else None,
        }


def instrument_from_fields(fields: Mapping[str, Any]) -> Instrument:
    """One from a JSON object as `fields` lays it out, numbers as text; else `CandleError`."""
    return Instrument(
        symbol=parse_symbol(fields.get("symbol")),
        status=word(fields, "status"),
        base=word(fields, "base"),
        quote=word(fields, "quote"),
        tick_size=step(fields, "tick_size"),
        step_size=step(fields, "step_size"),
    )


def word(fields: Mapping[str, Any], name: str) -> str:
    """A short text; "" where there is none."""
    value = fields.get(name)
    if value is None:
        return ""
    if isinstance(value, str) and len(value) <= WORD_CHARS_MAX and value.isprintable():
        return value
    raise CandleError(name, value, f"at most {WORD_CHARS_MAX} printable characters")


def step(fields: Mapping[str, Any], name: str) -> str:
    """A step as canonical text; "" where there is none, or zero, which means that none is set."""
    value = fields.get(name)
    text = "0" if value is None else canonical(value, name)
    return text if Decimal(text) > 0 else ""
