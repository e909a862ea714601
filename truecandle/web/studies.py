"""Studies as layouts, templates and settings hold them: kind, inputs and style, checked.

Never here: what a study computes (the page).
Invariant: what passes has only inputs of its kind, within their bounds; the page has the same table
(`static/src/studies/study.ts`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from truecandle.errors import CandleError
from truecandle.web.fields import Check, boolean, checked_array, checked_object, one_of, shown

#: Names of the page's tokens: each is another colour in dark and in light.
STUDY_COLORS: Final = tuple(f"series-{number}" for number in range(1, 9))
STUDY_WIDTHS: Final = (1, 2, 3, 4)
#: Studies of one chart, or of one template.
STUDIES_MAX: Final = 20
#: Candles that a study looks back at.
PERIOD_MAX: Final = 1_000

_is_id = re.compile(r"[a-z0-9]{1,12}").fullmatch


@dataclass(frozen=True, slots=True)
class NumberInput:
    """A number from `least` to `most` with so many decimals at most."""

    least: Decimal
    most: Decimal
    decimals: int

    def __call__(self, name: str, value: object) -> int | Decimal:
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            number = Decimal(value)
            if self.least <= number <= self.most and number == round(number, self.decimals):
                return value
        places = f", at most {self.decimals} decimals" if self.decimals else ", whole"
        raise CandleError(name, shown(value), f"{self.least} to {self.most}{places}")


def _whole(least: int, most: int) -> NumberInput:
    return NumberInput(Decimal(least), Decimal(most), 0)


_source: Final = one_of("close", "open", "high", "low", "hl2", "hlc3", "ohlc4")
_anchor: Final = one_of("day", "week", "month")
_period: Final = _whole(1, PERIOD_MAX)
_factor: Final = NumberInput(Decimal("0.1"), Decimal(20), 2)

STUDY_KINDS: Final[Mapping[str, Mapping[str, Check]]] = {
    "sma": {"period": _period, "source": _source},
    "ema": {"period": _period, "source": _source},
    "wma": {"period": _period, "source": _source},
    "vwap": {"anchor": _anchor, "source": _source},
    "bollinger": {"period": _period, "deviations": _factor, "source": _source},
    "ichimoku": {
        "conversion": _period,
        "base": _period,
        "span": _period,
        "displacement": _whole(1, 200),
    },
    "supertrend": {"period": _period, "factor": _factor},
    "volume-profile": {"rows": _whole(4, 200)},
    "rsi": {"period": _whole(2, PERIOD_MAX), "source": _source},
    "macd": {"fast": _period, "slow": _period, "signal": _period, "source": _source},
    "atr": {"period": _period},
    "stochastic": {"k": _period, "slowing": _period, "d": _period},
    "obv": {},
}


def checked(name: str, found: object) -> list[dict[str, Any]]:
    """The studies of that field; `CandleError` names the first one that is wrong."""
    studies = [_study(one) for one in checked_array(name, found, STUDIES_MAX, "studies")]
    ids = [study["id"] for study in studies]
    if len(set(ids)) < len(ids):
        raise CandleError("id", next(one for one in ids if ids.count(one) > 1), "each id once")
    return studies


def _study(found: object) -> dict[str, Any]:
    study = checked_object("study", found, _CHECKS, frozenset({"id", "kind"}))
    if "inputs" in study:
        study["inputs"] = checked_object("inputs", study["inputs"], STUDY_KINDS[study["kind"]])
    return study


def _id(name: str, value: object) -> str:
    if isinstance(value, str) and _is_id(value):
        return value
    raise CandleError(name, shown(value), "1 to 12 small letters and digits")


def _later(_name: str, value: object) -> object:
    """What a kind takes is known once its kind is."""
    return value


def _style(name: str, value: object) -> dict[str, Any]:
    return checked_object(name, value, _STYLES)


_STYLES: Final[Mapping[str, Check]] = {
    "color": one_of(*STUDY_COLORS),
    "width": one_of(*STUDY_WIDTHS),
}
_CHECKS: Final[Mapping[str, Check]] = {
    "id": _id,
    "kind": one_of(*STUDY_KINDS),
    "inputs": _later,
    "style": _style,
    "hidden": boolean,
}
