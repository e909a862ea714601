"""What answers look like, as JSON Schemas (OpenAPI 3.1): the parts that the description names.

The page's own types of answers are made of these (`tools/protocol_types`).

Never here: paths, parameters (`parameters`), what a user keeps (`user_schemas`), events
(`event_schemas`).
Invariant: choices are the very constants of the code that answers.
"""

from __future__ import annotations

from typing import Final, get_args

from truecandle.candles.audit import FIELDS as AUDITED
from truecandle.candles.candle import CandleSource
from truecandle.candles.freshness import STATES
from truecandle.candles.gap import GapReason
from truecandle.candles.interval import INTERVALS
from truecandle.store import quarantine
from truecandle.store.columns import FIELDS
from truecandle.store.history import State
from truecandle.web.json_schema import (
    ANY_OBJECT,
    BOOLEAN,
    MS,
    NUMBER,
    TEXT,
    WHOLE,
    Schema,
    dictionary,
    either,
    listed,
    nullable,
    part,
    row,
    structure,
    titled,
    told,
)
from truecandle.web.user_schemas import USER_PARTS

#: Decimal text, as the exchange sends numbers.
DECIMAL: Final[Schema] = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
NAME: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 20}
INTERVAL: Final[Schema] = either(INTERVALS)

#: An aggregate trade as the exchange writes it.
AGG_TRADE: Final[dict[str, Schema]] = {
    "a": told(WHOLE, "Its id: they go on by one."),
    "p": told(DECIMAL, "The price."),
    "q": told(DECIMAL, "The quantity."),
    "f": told(WHOLE, "The first trade in it."),
    "l": told(WHOLE, "The last trade in it."),
    "T": told(WHOLE, "When it traded; ms, or µs if that was asked for."),
    "m": told(BOOLEAN, "Whether the buyer was the maker."),
    "M": told({"const": True}, "To be ignored, as the exchange says."),
}

_VALUE: Final[Schema] = {"anyOf": [NUMBER, TEXT]}
_SERIES: Final = {"symbol": TEXT, "interval": TEXT}
_COLUMN: Final = listed(_VALUE)
_PRICES: Final = {name: NUMBER for name in ("open", "high", "low", "close")}
_OHLCV: Final = {**_PRICES, "volume": NUMBER}
_REASON: Final = either(get_args(GapReason))
_PAGE: Final = {**_SERIES, "version": WHOLE, "count": WHOLE, "has_more": BOOLEAN}
_LISTS: Final = {name: listed(NUMBER) for name in _OHLCV}
#: What `live=1` and `marks=1` add.
_BESIDE: Final = {
    "live": listed(part("LiveCandleFields")),
    "missing": listed(part("SpanPair")),
    "corrected": told(
        listed(MS), "Open times of this page's candles that the exchange changed after the close."
    ),
    "gaps": listed(part("GapSpan")),
}
_LIVE: Final = {
    "time": MS,
    **_OHLCV,
    **{name: nullable(NUMBER) for name in ("quote_volume", "taker_volume", "taker_quote_volume")},
    **{name: WHOLE for name in ("trades", "first_id", "last_id")},
    "source": either(get_args(CandleSource)),
    "is_complete": told(BOOLEAN, "Its interval has ended."),
    "exact": told(BOOLEAN, "It holds exactly the trades `first_id` to `last_id`, none missing."),
    "updated_at": MS,
}
_OFFICIAL: Final = {
    name: {"close_time": MS, "trades": WHOLE}.get(name, NUMBER) for name in FIELDS if name != "time"
}
_MARKET: Final = {
    "symbol": TEXT,
    "status": nullable(TEXT),
    "base": nullable(TEXT),
    "quote": nullable(TEXT),
    "tick_size": nullable(NUMBER),
    "step_size": nullable(NUMBER),
    "added_at": WHOLE,
    "checked_at": nullable(MS),
    "may_unfollow": told(BOOLEAN, "Whether who asks may unfollow it."),
}
_DIFFERENCE: Final = {
    "differing": WHOLE,
    **{name: nullable(NUMBER) for name in ("largest_ticks", "median_ticks")},
    **{name: nullable(NUMBER) for name in ("largest_bp", "median_bp")},
}
_FIGURES: Final = {
    "shown": WHOLE,
    "exact": WHOLE,
    "exact_share": nullable(NUMBER),
    "never_shown": WHOLE,
    "median_ms": told(
        nullable(NUMBER), "From the end of the interval to the official one on the chart."
    ),
    "worst_ms": nullable(NUMBER),
    "fields": structure({name: part("FieldDifference") for name in AUDITED}),
}
_STEPS: Final = {
    "tick": nullable(NUMBER),
    "tick_source": either(("exchange", "official prices")),
    "step": nullable(NUMBER),
    "step_source": either(("exchange", "official volumes")),
    "summary": part("AuditSummary"),
}

_CANDLES: Final[dict[str, Schema]] = {
    "SpanPair": told(
        row(titled(MS, "startMs"), titled(MS, "endMs")),
        "First open time without a candle, and the one that ends the gap.",
    ),
    "GapSpan": told(
        row(titled(MS, "startMs"), titled(MS, "endMs"), titled(_REASON, "reason")),
        "A gap: its span, and why.",
    ),
    "LiveCandleFields": told(
        structure({**_LIVE, "state": either(("pending", "forming"))}),
        "A candle that forms, or has closed and waits for its official version.",
    ),
    "OfficialFields": told(structure(_OFFICIAL), "An official candle in full."),
    "DataAnswer": told(
        structure({**_PAGE, "time": listed(MS), **_LISTS, **_BESIDE}, *_BESIDE),
        "Official candles as columns, with `time=ms`; `live=1` and `marks=1` each add two fields.",
    ),
    "Columns": told(
        structure({**_PAGE, **{name: _COLUMN for name in FIELDS}, **_BESIDE}, *FIELDS, *_BESIDE),
        "Official candles as columns, in whatever form was asked for.",
    ),
    "Rows": listed(listed(_VALUE)),
    "FreshnessState": either(STATES),
    "Freshness": told(
        structure({"state": part("FreshnessState"), "since": nullable(MS), "why": TEXT}),
        "The server's judgement of a market; `since` is null where it does not know since when.",
    ),
    "LiveAnswer": structure(
        {
            "candle": nullable(part("LiveCandleFields")),
            "pending": listed(part("LiveCandleFields")),
            "freshness": part("Freshness"),
        }
    ),
    "SaveAnswer": {
        "anyOf": [
            structure({"status": {"const": "saved"}}),
            structure({"status": {"const": "ignored"}, "reason": TEXT}),
        ]
    },
    "HistoryJob": told(
        structure(
            {
                "state": either(get_args(State)),
                "from": MS,
                "reached": nullable(MS),
                "fetched": WHOLE,
                "expected": WHOLE,
                "detail": TEXT,
            }
        ),
        "`expected` is 0 while that is not known; `detail` a sentence, or empty.",
    ),
    "HistoryAnswer": structure(
        {
            **_SERIES,
            "stored_from": told(nullable(MS), "The oldest official candle that is stored."),
            "first": told(nullable(MS), "The market's first one; null while not known."),
            "is_whole": told(BOOLEAN, "Nothing older exists."),
            "limit": structure({"max": WHOLE, "stored": WHOLE, "is_reached": BOOLEAN}),
            "job": nullable(part("HistoryJob")),
        }
    ),
}
_TRUTH: Final[dict[str, Schema]] = {
    "Correction": told(
        structure(
            {
                "time": MS,
                "at": MS,
                "by": TEXT,
                "differing": listed(TEXT),
                "old": part("OfficialFields"),
                "new": part("OfficialFields"),
            }
        ),
        "A candle that the exchange changed; noticed `at` that time (the server's), `by` whom.",
    ),
    "HeldBack": told(
        structure(
            {
                "reason": either(get_args(quarantine.Reason)),
                "from": MS,
                "to": MS,
                "candles": WHOLE,
                "by": TEXT,
                "detail": TEXT,
                "first_at": MS,
                "last_at": MS,
                "times": WHOLE,
            }
        ),
        "An answer of the exchange that was not believed, and changed nothing.",
    ),
    "CorrectionsAnswer": told(
        structure(
            {
                **_SERIES,
                "count": WHOLE,
                "corrections": listed(part("Correction")),
                "held": listed(part("HeldBack")),
            }
        ),
        "Newest first.",
    ),
    "GapFields": told(
        structure(
            {
                "start": MS,
                "end": MS,
                "candles": WHOLE,
                "reason": _REASON,
                "evidence": TEXT,
                "found_at": MS,
                "asked_at": nullable(MS),
                "asks": WHOLE,
                "again_at": nullable(MS),
            }
        ),
        "A gap with its evidence; `again_at`: when it is asked for again, null for never.",
    ),
    "GapsAnswer": told(
        structure(
            {
                **_SERIES,
                "earliest": nullable(MS),
                "latest": nullable(MS),
                "missing": WHOLE,
                "count": WHOLE,
                "gaps": listed(part("GapFields")),
            }
        ),
        "Newest first; `missing`: candles of all gaps.",
    ),
    "AuditField": either(AUDITED),
    "FieldDifference": told(
        structure(_DIFFERENCE), "How far one field was off; null where that cannot be said."
    ),
    "AuditSummary": told(structure(_FIGURES), "What all audited candles add up to."),
    "AuditedCandle": told(
        structure(
            {
                "time": MS,
                "at": MS,
                "late_ms": WHOLE,
                "exact": nullable(BOOLEAN),
                "differing": listed(part("AuditField")),
                "shown": nullable(structure(_LIVE)),
                "official": structure(
                    {name: WHOLE if name == "trades" else NUMBER for name in AUDITED}
                ),
            }
        ),
        "A candle as the chart showed it and as it became official; `shown` is null if it did not.",
    ),
    "AuditAnswer": told(
        structure(
            {
                **_SERIES,
                "since": told(nullable(MS), "The oldest candle that is known of."),
                **_STEPS,
                "count": WHOLE,
                "candles": listed(part("AuditedCandle")),
            },
            *_STEPS,
        ),
        "Newest first; the figures are left out with `summary=0`.",
    ),
}
_MARKETS: Final[dict[str, Schema]] = {
    "Market": told(
        structure(_MARKET), "A followed market; what the exchange has not told yet is null."
    ),
    "MarketsAnswer": structure(
        {"markets": listed(part("Market")), "max": told(WHOLE, "How many there may be.")}
    ),
    "ListedMarket": told(
        structure(
            {
                "symbol": TEXT,
                "base": nullable(TEXT),
                "quote": nullable(TEXT),
                "status": nullable(TEXT),
                "price": nullable(NUMBER),
                **{name: nullable(NUMBER) for name in ("open", "high", "low", "volume")},
                "quote_volume": nullable(NUMBER),
                "change": told(nullable(NUMBER), "In per cent."),
            }
        ),
        "A market of the exchange with its last 24 hours; what is not known is null.",
    ),
    "ExchangeMarketsAnswer": told(
        structure({"updated_at": nullable(MS), "markets": listed(part("ListedMarket"))}),
        "All that trade and all that are followed; `updated_at` is null before the first reading.",
    ),
}
PARTS: Final[dict[str, Schema]] = {
    "Problem": told(
        structure(
            {
                "type": TEXT,
                "title": TEXT,
                "status": WHOLE,
                "detail": TEXT,
                "code": TEXT,
                "request_id": TEXT,
            }
        ),
        "Every refusal (RFC 9457); `request_id` stands in the log too.",
    ),
    "BinanceError": structure({"code": WHOLE, "msg": TEXT}),
    "UdfError": structure({"s": {"const": "error"}, "errmsg": TEXT}),
    "Kline": row(
        *(MS, DECIMAL, DECIMAL, DECIMAL, DECIMAL, DECIMAL, MS),
        *(nullable(DECIMAL), WHOLE, nullable(DECIMAL), nullable(DECIMAL), DECIMAL),
    ),
    "AggTrade": structure(AGG_TRADE),
    **_CANDLES,
    **_TRUTH,
    **_MARKETS,
    **USER_PARTS,
    "LinkAnswer": structure({"next": either(("/", "/login/code"))}),
}

DATA: Final[Schema] = {
    "anyOf": [
        part("DataAnswer"),
        part("Columns"),
        structure({"series": listed(part("Columns"))}),
        part("Rows"),
        dictionary(part("Rows")),
    ]
}
READY: Final[Schema] = {"type": "object", "required": ["ready"]}
#: A Server-Sent Event, as a client takes it apart; `/asyncapi.json` says what its data holds.
SENT_EVENT: Final = structure({"event": TEXT, "id": TEXT, "data": TEXT}, "id")
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
