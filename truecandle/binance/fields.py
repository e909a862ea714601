"""Fields of the exchange's JSON, each read as what it has to be.

Never here: which fields an answer or a message has (`answers`, `wire`).
Invariant: a decimal stays the exchange's own text; what does not fit is a `MalformedAnswer`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from truecandle.candles.candle import canonical
from truecandle.candles.interval import LAST_MS
from truecandle.errors import CandleError, MalformedAnswer

T = TypeVar("T")


def field(fields: Mapping[str, Any], name: str, parse: Callable[[Any], T]) -> T:
    try:
        return parse(fields[name])
    except (KeyError, ValueError, CandleError) as error:
        raise MalformedAnswer(f"field {name}: {fields.get(name, 'missing')!r:.40}") from error


def text(value: Any) -> str:
    if isinstance(value, str) and 0 < len(value) <= 40:
        return value
    raise ValueError


def decimal(value: Any) -> str:
    return canonical(value)


def moment(value: Any) -> int:
    if isinstance(value, int) and 0 <= value < LAST_MS:
        return value
    raise ValueError


def trade_id(value: Any) -> int:
    if isinstance(value, int) and -1 <= value < 2**63:
        return value
    raise ValueError


def count(value: Any) -> int:
    if isinstance(value, int) and 0 <= value < 2**53:
        return value
    raise ValueError


def flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError


def shown(data: bytes | str) -> str:
    return repr(data[:80])
