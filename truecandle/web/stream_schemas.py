"""What is told by streams and Server-Sent Events, as JSON Schemas: events, messages and answers.

Never here: when an event is told and to whom (`stream_description`); Socket.IO (`event_schemas`),
of which the page's types are made.
Invariant: choices and bounds are the very constants of the code that tells and checks.
"""

from __future__ import annotations

from typing import Final

from truecandle.web.api_schemas import AGG_TRADE, DECIMAL, INTERVAL
from truecandle.web.json_schema import (
    BOOLEAN,
    TEXT,
    WHOLE,
    Schema,
    body,
    listed,
    nullable,
    part,
    row,
    structure,
    told,
)
from truecandle.web.stream_messages import (
    ID,
    INVALID_JSON,
    INVALID_REQUEST,
    INVALID_VALUE,
    UNKNOWN_PROPERTY,
)

#: Why a message is refused, by the code of its answer.
STREAM_REFUSALS: Final[dict[int, str]] = {
    UNKNOWN_PROPERTY: "There is no such property; there is `combined`.",
    INVALID_VALUE: "A property was given a wrong value: `combined` is true or false.",
    INVALID_REQUEST: "No such method, no such stream, or a wrong id; the text says which.",
    INVALID_JSON: "It is no JSON, or binary.",
}
_TIME: Final = told(WHOLE, "ms since 1970 (UTC), or µs with `timeUnit=MICROSECOND`.")
_WHEN: Final = told(WHOLE, "When it was told; ms, or µs with `timeUnit=MICROSECOND`.")
_TRADE_ID: Final = nullable(WHOLE)
_NUMBER: Final[Schema] = {
    "anyOf": [WHOLE, {"type": "string", "pattern": f"^{ID}$"}, {"type": "null"}],
    "description": "The message's own: an integer, letters and digits, or null.",
}
_SYMBOL: Final = told(TEXT, "The market.")
_COMBINED: Final[Schema] = {"const": "combined"}


def _message(method: str, params: Schema | None = None) -> Schema:
    """What a client sends. Without `params` they may be left out, whatever they are."""
    members = {"method": {"const": method}, "params": params or listed({}), "id": _NUMBER}
    return structure(members, "id", *(() if params else ("params",)))


def _answer(result: Schema) -> Schema:
    return structure({"result": result, "id": _NUMBER})


_KLINE: Final[dict[str, Schema]] = {
    "t": told(_TIME, "Open time."),
    "T": told(_TIME, "Close time."),
    "s": _SYMBOL,
    "i": INTERVAL,
    "f": told(_TRADE_ID, "The first trade; -1 without any, null where it is not known."),
    "L": told(_TRADE_ID, "The last trade, likewise."),
    **{name: DECIMAL for name in "ochlv"},
    "n": told(WHOLE, "How many trades."),
    "x": told(BOOLEAN, "Whether it is the official candle: once, and the last of its candle."),
    "q": told(nullable(DECIMAL), "Quote volume; null where it is not known."),
    "V": told(nullable(DECIMAL), "Taker buy volume, likewise."),
    "Q": told(nullable(DECIMAL), "Taker buy quote volume, likewise."),
    "B": told({"const": "0"}, "To be ignored, as the exchange says."),
}
_HEAD: Final[dict[str, Schema]] = {"E": _WHEN, "s": _SYMBOL}

#: All parts of the description of streams and Server-Sent Events that are of no other.
STREAM_PARTS: Final[dict[str, Schema]] = {
    "StreamKline": body(_KLINE),
    "KlineEvent": body({"e": {"const": "kline"}, **_HEAD, "k": part("StreamKline")}),
    "AggTradeEvent": body({"e": {"const": "aggTrade"}, **_HEAD, **AGG_TRADE}),
    "ShutdownEvent": body({"e": {"const": "serverShutdown"}, "E": _WHEN}),
    "WrappedEvent": body(
        {
            "stream": told(TEXT, "The stream's name; `!serverShutdown` for the last."),
            "data": {"anyOf": [part(f"{name}Event") for name in ("Kline", "AggTrade", "Shutdown")]},
        }
    ),
    "SubscribeMessage": _message("SUBSCRIBE", listed(TEXT, minItems=1)),
    "UnsubscribeMessage": _message("UNSUBSCRIBE", listed(TEXT, minItems=1)),
    "ListMessage": _message("LIST_SUBSCRIPTIONS"),
    "SetPropertyMessage": _message("SET_PROPERTY", row(_COMBINED, BOOLEAN)),
    "GetPropertyMessage": _message("GET_PROPERTY", row(_COMBINED)),
    "DoneAnswer": _answer({"type": "null"}),
    "ListAnswer": _answer(told(listed(TEXT), "The streams, by the names that were used.")),
    "PropertyAnswer": _answer(told(BOOLEAN, "The property's value.")),
    "RefusedAnswer": structure(
        {
            "code": {"type": "integer", "enum": list(STREAM_REFUSALS)},
            "msg": TEXT,
            "error": told(structure({"code": WHOLE, "msg": TEXT}), "The same once more."),
            "id": _NUMBER,
        }
    ),
    "OfficialEvent": structure(
        {
            "symbol": TEXT,
            "interval": TEXT,
            "version": told(WHOLE, "Of the series' official candles."),
            "candles": told(listed(part("KlineRow")), "Added or corrected, oldest first."),
        }
    ),
}
