"""The numbers that candles are made of: decimal text, moments, counts and ids, checked for all.

Never here: what they stand for; floats.
Invariant: what comes out is the exchange's own number, or a `CandleError` that names the field.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Final, TypeGuard

from truecandle.candles.interval import LAST_MS
from truecandle.errors import CandleError

#: Plain decimal notation; 20 digits before and 18 after the point hold every asset on Binance.
_is_decimal = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,18})?").fullmatch

#: No trade has this id.
NO_ID: Final = -1
#: Counts and ids stay below: a browser's number holds no more without rounding.
COUNT_END: Final = 2**53
#: Digits of a whole number written as text, zeros in front included.
WHOLE_DIGITS_MAX: Final = 15
#: For sums, differences and products of what is on Binance, none of which has 60 digits: 38 are the
#: most that a stored number has, and a day of seconds adds five.
EXACT: Final = Context(prec=60)


def canonical(number: object, field: str = "number") -> str:
    """Binance's decimal text without trailing zeros: `0.01634790` -> `0.0163479`, `8.00` -> `8`.

    Takes text, int or Decimal; refuses floats, signs, exponents and anything that is no number.
    """
    if isinstance(number, Decimal):
        number = f"{number:f}"
    elif isinstance(number, int) and not isinstance(number, bool):
        number = str(number) if -(10**20) < number < 10**20 else "too large"
    if not isinstance(number, str) or not _is_decimal(number):
        raise CandleError(field, number, "a decimal number of 0 or more, without exponent")
    text = number.rstrip("0").rstrip(".") if "." in number else number
    if text[0] == "0" and len(text) > 1 and text[1] != ".":
        text = text.lstrip("0") or "0"
        return f"0{text}" if text[0] == "." else text
    return text


def canonical_or_none(number: Decimal) -> str | None:
    """Its canonical text; None where that has more digits than anything on the exchange."""
    try:
        return canonical(number)
    except CandleError:
        return None


def is_moment(value: object) -> TypeGuard[int]:
    """Whether it is an integer (no truth value) that can be ms since 1970 (UTC)."""
    return type(value) is int and 0 <= value < LAST_MS


def moment(value: object, field: str = "moment") -> int:
    """Milliseconds since 1970 (UTC)."""
    if type(value) is int and 0 <= value < LAST_MS:
        return value
    raise CandleError(field, value, f"an integer from 0 to {LAST_MS}, in ms since 1970 (UTC)")


def count(value: object, field: str = "count") -> int:
    """How many of something: 0 or more."""
    if type(value) is int and 0 <= value < COUNT_END:
        return value
    raise CandleError(field, value, "an integer of 0 or more")


def trade_id(value: object, field: str = "trade id") -> int:
    """The id of a trade; `NO_ID` where there is none."""
    if type(value) is int and NO_ID <= value < COUNT_END:
        return value
    raise CandleError(field, value, "an integer of 0 or more")


def whole_in_text(text: str, low: int, high: int) -> int | None:
    """The whole number from `low` to `high` that a text of digits is; else None."""
    if not (text.isascii() and text.isdigit() and len(text) <= WHOLE_DIGITS_MAX):
        return None
    number = int(text)
    return number if low <= number <= high else None


def whole_or_zero(text: bytes | None) -> int:
    """The whole number that a script of ours keeps as text; 0 where there is none."""
    return int(text) if text and text.isdigit() else 0
