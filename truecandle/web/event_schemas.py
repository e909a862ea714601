"""What is told over Socket.IO, as JSON Schemas: payloads of events, messages and acknowledgements.

Never here: when an event is told and to whom (`event_description`), answers (`api_schemas`).
Invariant: choices and bounds are the very constants of the code that tells and checks.
"""

from __future__ import annotations

from typing import Final, get_args

from truecandle.events import CANDLES_IN_EVENT_MAX, GAPS_IN_EVENT_MAX, TRACEPARENT, Reason
from truecandle.web.api_schemas import INTERVAL, PARTS
from truecandle.web.json_schema import (
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
from truecandle.web.socket_limits import LIVE_MAX, WATCHED_MAX

_SYMBOL: Final = told(TEXT, "A followed market, as the exchange writes it.")
_SERIES: Final[dict[str, Schema]] = {"symbol": TEXT, "interval": TEXT}
_ASKED: Final[dict[str, Schema]] = {"symbol": _SYMBOL, "interval": INTERVAL}
_ROW: Final = row(
    *(titled(MS, "openMs"), *(titled(NUMBER, name) for name in ("open", "high", "low", "close"))),
    *(titled(NUMBER, "volume"), titled(MS, "closeMs"), titled(NUMBER, "quoteVolume")),
    *(titled(WHOLE, "trades"), titled(NUMBER, "takerVolume"), titled(NUMBER, "takerQuoteVolume")),
    titled(NUMBER, "unused"),
)
#: Left out of nearly all events.
_TRACED: Final[dict[str, Schema]] = {
    TRACEPARENT: told(
        TEXT,
        "In the few events that are traced, to a few of those who hear them (W3C Trace Context): "
        "who draws says when it was drawn, by `traced`.",
    )
}
_VERSION: Final = told(WHOLE, "Of the series' official candles; grows with every change of them.")
_CLOCK: Final = told(MS, "The exchange's time at this instant.")

#: Why a message is refused, by the `code` of its acknowledgement.
REFUSALS: Final[dict[str, str]] = {
    "parameter": "A field is wrong: the detail names it, its value and what is allowed.",
    "unknown-market": "The market is not followed here.",
    "unknown-interval": "The interval is not followed here.",
    "too-many": "This socket follows as many series as one may.",
    "unauthorized": "This socket is not let in any more.",
    "unavailable": "The store does not answer at the moment.",
    "event": "There is no such message.",
    "error": "Something went wrong here; it has been logged.",
}

_EVENTS: Final[dict[str, Schema]] = {
    "KlineRow": told(_ROW, "An official candle as the exchange's twelve fields."),
    "DataUpdatedEvent": structure(
        {
            **_SERIES,
            "timestamp": told(MS, "When it was published."),
            "version": _VERSION,
            "previous": told(
                WHOLE, "The version before: who knows another one has missed something."
            ),
            "reason": either(get_args(Reason)),
            "candles": told(
                listed(part("KlineRow"), maxItems=CANDLES_IN_EVENT_MAX),
                "Added or corrected, oldest first; empty where they are too many for an event.",
            ),
            "from": told(nullable(MS), "Open time of the first that changed."),
            "to": told(nullable(MS), "Open time of the last that changed."),
            **_TRACED,
        },
        TRACEPARENT,
    ),
    "LiveCandleEvent": structure(
        {**_SERIES, "candle": part("LiveCandleFields"), **_TRACED}, TRACEPARENT
    ),
    "LivePriceEvent": structure(
        {
            "symbol": TEXT,
            "price": told(NUMBER, "Of the last trade."),
            "timestamp": told(MS, "Of the last trade."),
            **{name: NUMBER for name in ("high", "low", "volume")},
            "trades": told(
                WHOLE, "It holds `first_id` to `last_id` without a hole if they are so many."
            ),
            **{name: WHOLE for name in ("first_id", "last_id")},
            **_TRACED,
        },
        TRACEPARENT,
    ),
    "GapProvenEvent": structure(
        {**_SERIES, "missing": listed(part("SpanPair"), maxItems=GAPS_IN_EVENT_MAX)}
    ),
    "FreshnessEvent": structure({"symbol": TEXT, **PARTS["Freshness"]["properties"]}),
}
_MESSAGES: Final[dict[str, Schema]] = {
    "SeriesMessage": structure(_ASKED),
    "WatchMessage": structure({"symbols": listed(_SYMBOL, maxItems=WATCHED_MAX)}),
    "TracedMessage": structure(
        {
            TRACEPARENT: told(TEXT, "That of the event."),
            "drawn_us": told(WHOLE, "How many µs after it was heard it was drawn."),
        }
    ),
    "SubscribeAck": told(
        structure(
            {
                "ok": {"const": True},
                "version": _VERSION,
                "server_time": _CLOCK,
                "live": listed(part("LiveCandleFields"), maxItems=LIVE_MAX),
                "missing": told(
                    listed(part("SpanPair")), "Where the exchange has proven to have no candle."
                ),
                "freshness": part("Freshness"),
            }
        ),
        "What the server holds at this instant.",
    ),
    "UnsubscribeAck": structure(
        {"ok": {"const": True}, "version": _VERSION, "server_time": _CLOCK}
    ),
    "WatchAck": structure(
        {
            "ok": {"const": True},
            "prices": told(
                dictionary(nullable(NUMBER)),
                "The last price of each that is followed; null where none is known.",
            ),
        }
    ),
    "TracedAck": structure({"ok": {"const": True}}),
    "RefusedAck": told(
        structure({"ok": {"const": False}, "code": either(REFUSALS), "detail": TEXT}),
        "Any message, refused.",
    ),
}
#: All parts of the description of Socket.IO that are not of REST too.
EVENT_PARTS: Final[dict[str, Schema]] = {**_EVENTS, **_MESSAGES}
