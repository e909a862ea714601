"""Checks fields of the exchange's JSON, and the trade that REST and streams spell alike.

Never here: what a number has to be (`candles/decimals`); which other fields an answer or a message
has (`rest/parsing`, `streams/messages`).
Invariant: a decimal stays the exchange's own text; what does not fit is a `MalformedAnswer`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from truecandle.candles.decimals import canonical, moment, trade_id
from truecandle.candles.trades import Trade
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


def boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError


def excerpt(data: bytes | str) -> str:
    return repr(data[:80])


def agg_trade(fields: Mapping[str, Any]) -> Trade:
    """An aggregate trade, by the field names that streams and REST share."""
    return trade(fields, "f", "l", field(fields, "a", trade_id))


def trade(fields: Mapping[str, Any], first: str, last: str, agg_id: int) -> Trade:
    """A trade whose first and last id stand in these fields."""
    try:  # one for all fields: thousands of trades a second come through here
        found = Trade(
            text(fields["s"]),
            trade_id(fields[first]),
            trade_id(fields[last]),
            canonical(fields["p"]),
            canonical(fields["q"]),
            moment(fields["T"]),
            moment(fields["E"]),
            not boolean(fields["m"]),
            agg_id,
        )
    except (KeyError, ValueError, CandleError) as error:
        raise MalformedAnswer(f"no trade: {fields!r:.300}") from error
    if found.price == "0" or not 0 <= found.first_id <= found.last_id:
        raise MalformedAnswer(f"impossible trade {found}")
    return found
