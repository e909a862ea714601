"""Parameters of addresses, declared once: their names, what they may be, and how they are read.

Never here: which path takes which of them, Redis.
Invariant: what a declaration says of itself (`schema`) is what its `read` lets through, apart from
markets and intervals that are not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from werkzeug.datastructures import MultiDict

from truecandle.candles.decimals import whole_in_text
from truecandle.candles.interval import INTERVALS
from truecandle.candles.moments import moment_in_text
from truecandle.errors import CandleError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """One parameter. `parse` is given its text; `usual` stands for one that was not sent.

    `schema` is its JSON Schema (OpenAPI 3.1), `about` a sentence for people.
    """

    name: str
    about: str
    schema: Mapping[str, Any]
    parse: Callable[[str], T]
    usual: T
    is_required: bool = field(default=False, kw_only=True)

    def read(self, values: Mapping[str, str]) -> T:
        """The value among those of a request; `CandleError` for what is not allowed."""
        text = values.get(self.name)
        return self.usual if text is None else self.parse(text)


def whole(name: str, about: str, low: int, high: int, usual: int) -> Parameter[int]:
    """A whole number."""

    def parse(text: str) -> int:
        number = whole_in_text(text, low, high)
        if number is None:
            raise CandleError(name, text, f"a whole number from {low} to {high}")
        return number

    schema = {"type": "integer", "minimum": low, "maximum": high, "default": usual}
    return Parameter(name, about, schema, parse, usual)


def choice(name: str, about: str, allowed: Sequence[str], usual: str) -> Parameter[str]:
    """One of some words."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise CandleError(name, text, _either(allowed))
        return text

    schema = {"type": "string", "enum": list(allowed), "default": usual}
    return Parameter(name, about, schema, parse, usual)


def flag(name: str, about: str, *, usual: bool = False) -> Parameter[bool]:
    """`0` or `1`."""

    def parse(text: str) -> bool:
        if text not in ("0", "1"):
            raise CandleError(name, text, "0 or 1")
        return text == "1"

    schema = {"type": "string", "enum": ["0", "1"], "default": "01"[usual]}
    return Parameter(name, about, schema, parse, usual)


def moment(name: str, about: str) -> Parameter[int | None]:
    """A moment; None if it was not sent."""

    def parse(text: str) -> int | None:
        return moment_in_text(text, name)

    schema = {"type": "string", "examples": ["2024-01-31T18:00:00Z", "1706724000000"]}
    return Parameter(name, about, schema, parse, None)


def text(name: str, about: str, schema: Mapping[str, Any], *, required: bool) -> Parameter[str]:
    """Text that whoever takes it checks; "" if it was not sent."""
    return Parameter(name, about, {"type": "string", **schema}, str, "", is_required=required)


def single(args: MultiDict[str, str], allowed: Iterable[Parameter[Any]]) -> dict[str, str]:
    """The parameters of a request by name; `CandleError` for one that is unknown or repeated."""
    names = [one.name for one in allowed]
    for name, values in args.lists():
        if name not in names:
            raise CandleError("parameter", name, ", ".join(names) if names else "none here")
        if len(values) != 1:
            raise CandleError(name, values, "one value, given once")
    return args.to_dict()


def _either(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


SYMBOL: Final = text(
    "symbol",
    "A followed market, as the exchange writes it.",
    {"minLength": 1, "maxLength": 20, "examples": ["BTCUSDT"]},
    required=True,
)
INTERVAL: Final = text(
    "interval",
    "One of the exchange's intervals; case counts: `1m` is a minute, `1M` a month.",
    {"enum": list(INTERVALS)},
    required=True,
)
START: Final = moment("start", "Candles that open at this moment or later.")
END: Final = moment("end", "Candles that open before this moment.")
BEFORE: Final = moment("before", "The newest candles before this moment, for paging backwards.")
