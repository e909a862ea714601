"""What answers look like, as JSON Schemas (OpenAPI 3.1): the parts that the description names.

Never here: paths, parameters (`parameters`).
Invariant: an object lists all its members, and what may be null says so.
"""

from __future__ import annotations

from typing import Any, Final

from truecandle.candles.interval import INTERVALS
from truecandle.store.columns import FIELDS

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
WHOLE: Final[Schema] = {"type": "integer"}
NUMBER: Final[Schema] = {"type": "number"}
BOOLEAN: Final[Schema] = {"type": "boolean"}
MS: Final[Schema] = {"type": "integer", "minimum": 0, "description": "ms since 1970 (UTC)"}
#: Decimal text, as the exchange sends numbers.
DECIMAL: Final[Schema] = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
NAME: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 20}
INTERVAL: Final[Schema] = {"type": "string", "enum": list(INTERVALS)}
ANY_OBJECT: Final[Schema] = {"type": "object"}


def listed(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def structure(members: dict[str, Schema], *optional: str) -> Schema:
    """An object of these members, all of which are there but for the optional ones."""
    required = [name for name in members if name not in optional]
    return {"type": "object", "properties": members, "required": required}


def body(members: dict[str, Schema]) -> Schema:
    """An object that is sent here: these members and no others."""
    return {**structure(members), "additionalProperties": False}


def part(name: str) -> Schema:
    """One of `PARTS`."""
    return {"$ref": f"#/components/schemas/{name}"}


_VALUE: Final[Schema] = {"anyOf": [NUMBER, TEXT]}
_SERIES: Final = {"symbol": TEXT, "interval": TEXT}
_COLUMN: Final = listed(_VALUE)
_OFFICIAL: Final = {name: NUMBER for name in FIELDS if name != "time"}
_MARKET: Final = {
    "symbol": TEXT,
    "status": nullable(TEXT),
    "base": nullable(TEXT),
    "quote": nullable(TEXT),
    "tick_size": nullable(NUMBER),
    "step_size": nullable(NUMBER),
    "added_at": WHOLE,
    "checked_at": nullable(MS),
    "may_unfollow": BOOLEAN,
}
_COLUMNS: Final = {
    **_SERIES,
    "version": WHOLE,
    "count": WHOLE,
    "has_more": BOOLEAN,
    **{name: _COLUMN for name in FIELDS},
    "live": listed(part("LiveCandle")),
    "missing": listed(listed(WHOLE)),
    "corrected": listed(MS),
    "gaps": listed({"type": "array", "prefixItems": [MS, MS, TEXT]}),
}


def document_members(what: str) -> dict[str, Schema]:
    """A user's document and its version."""
    return {what: {}, "version": {"type": "integer", "minimum": 0}}


def document(what: str) -> Schema:
    return structure(document_members(what))


PARTS: Final[dict[str, Schema]] = {
    "Problem": structure(
        {
            "type": TEXT,
            "title": TEXT,
            "status": WHOLE,
            "detail": TEXT,
            "code": TEXT,
            "request_id": TEXT,
        }
    ),
    "BinanceError": structure({"code": WHOLE, "msg": TEXT}),
    "UdfError": structure({"s": {"const": "error"}, "errmsg": TEXT}),
    "LiveCandle": structure(
        {
            "time": MS,
            **{name: NUMBER for name in ("open", "high", "low", "close", "volume")},
            **{name: nullable(NUMBER) for name in ("quote_volume", "taker_volume")},
            "taker_quote_volume": nullable(NUMBER),
            **{name: WHOLE for name in ("trades", "first_id", "last_id")},
            "source": {"enum": ["live", "client"]},
            "is_complete": BOOLEAN,
            "exact": BOOLEAN,
            "updated_at": MS,
            "state": {"enum": ["pending", "forming"]},
        }
    ),
    "Columns": structure(_COLUMNS, *FIELDS, "live", "missing", "corrected", "gaps"),
    "Rows": listed(listed(_VALUE)),
    "Freshness": structure({"state": TEXT, "since": nullable(MS), "why": TEXT}),
    "Gap": structure(
        {
            "start": MS,
            "end": MS,
            "candles": WHOLE,
            "reason": TEXT,
            "evidence": TEXT,
            "found_at": MS,
            "asked_at": nullable(MS),
            "asks": WHOLE,
            "again_at": nullable(MS),
        }
    ),
    "OfficialCandle": structure(_OFFICIAL),
    "Market": structure(_MARKET),
    "HistoryState": structure(
        {
            **_SERIES,
            "stored_from": nullable(MS),
            "first": nullable(MS),
            "is_whole": BOOLEAN,
            "limit": structure({"max": WHOLE, "stored": WHOLE, "is_reached": BOOLEAN}),
            "job": nullable(ANY_OBJECT),
        }
    ),
    "ExchangeMarket": structure(
        {
            "symbol": TEXT,
            "base": nullable(TEXT),
            "quote": nullable(TEXT),
            "status": nullable(TEXT),
            **{name: nullable(NUMBER) for name in ("price", "open", "high", "low", "volume")},
            "quote_volume": nullable(NUMBER),
            "change": nullable(NUMBER),
        }
    ),
    "UserSettings": structure({"settings": ANY_OBJECT, "version": WHOLE}),
    "Kline": {
        "type": "array",
        "prefixItems": [
            *(MS, DECIMAL, DECIMAL, DECIMAL, DECIMAL, DECIMAL, MS),
            *(nullable(DECIMAL), WHOLE, nullable(DECIMAL), nullable(DECIMAL), DECIMAL),
        ],
        "minItems": 12,
        "maxItems": 12,
    },
}

DATA: Final[Schema] = {
    "anyOf": [
        part("Columns"),
        structure({"series": listed(part("Columns"))}),
        part("Rows"),
        {"type": "object", "additionalProperties": part("Rows")},
    ]
}
LIVE: Final = structure(
    {
        "candle": nullable(part("LiveCandle")),
        "pending": listed(part("LiveCandle")),
        "freshness": part("Freshness"),
    }
)
GAPS: Final = structure(
    {
        **_SERIES,
        "earliest": nullable(MS),
        "latest": nullable(MS),
        "missing": WHOLE,
        "count": WHOLE,
        "gaps": listed(part("Gap")),
    }
)
CORRECTIONS: Final = structure(
    {
        **_SERIES,
        "count": WHOLE,
        "corrections": listed(
            structure(
                {
                    "time": MS,
                    "at": MS,
                    "by": TEXT,
                    "differing": listed(TEXT),
                    "old": part("OfficialCandle"),
                    "new": part("OfficialCandle"),
                }
            )
        ),
        "held": listed(ANY_OBJECT),
    }
)
AUDIT: Final = structure(
    {**_SERIES, "since": nullable(MS), "count": WHOLE, "candles": listed(ANY_OBJECT)}
)
MARKETS: Final = structure({"markets": listed(part("Market")), "max": WHOLE})
EXCHANGE: Final = structure({"updated_at": nullable(MS), "markets": listed(part("ExchangeMarket"))})
SAVED: Final = structure({"status": {"enum": ["saved", "ignored"]}, "reason": TEXT}, "reason")
READY: Final[Schema] = {"type": "object", "required": ["ready"]}
PRICE: Final = structure({"symbol": TEXT, "price": DECIMAL})
#: `ticker/24hr`; what nobody knows here is null.
DAY: Final[Schema] = {"type": "object", "required": ["symbol", "lastPrice", "openPrice"]}
INFO: Final = structure(
    {
        "timezone": TEXT,
        "serverTime": WHOLE,
        "rateLimits": listed(ANY_OBJECT),
        "exchangeFilters": listed(ANY_OBJECT),
        "symbols": listed(ANY_OBJECT),
    }
)


def one_or_many(schema: Schema) -> Schema:
    """An object for one market, an array for several."""
    return {"anyOf": [schema, listed(schema)]}


UDF_HISTORY: Final[Schema] = {
    "anyOf": [
        structure({"s": {"const": "ok"}, **{name: listed(NUMBER) for name in "tohlcv"}}),
        structure({"s": {"const": "no_data"}, "nextTime": WHOLE}, "nextTime"),
    ]
}
UDF_MARKS: Final = structure(
    {
        "id": listed(WHOLE),
        "time": listed(WHOLE),
        "color": listed(TEXT),
        "text": listed(TEXT),
        "label": listed(TEXT),
        "labelFontColor": listed(TEXT),
        "minSize": listed(WHOLE),
    }
)
