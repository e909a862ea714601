"""The streams (`/ws`, `/stream`) and Server-Sent Events (`/events`) described: who is told what.

Never here: the document itself (`asyncapi`), what payloads look like (`stream_schemas`).
Invariant: the streams, messages and events that the code knows are here, and nothing else; a test
holds it, and that real ones are of their described form.
"""

from __future__ import annotations

from typing import Final

from truecandle import events
from truecandle.store import changes
from truecandle.web import socket_limits
from truecandle.web.event_description import (
    EventRoom,
    HeardMessage,
    Questions,
    ReasonList,
    ToldEvent,
    Transport,
)
from truecandle.web.event_stream import LAST_ID, OFFICIAL
from truecandle.web.stream_schemas import STREAM_REFUSALS

_WAITING: Final = (
    f"{socket_limits.QUEUE_MAX} events or {socket_limits.QUEUE_BYTES_MAX >> 20} MiB wait"
)
_REFUSED: Final = {
    "400": "A parameter or a stream is not one that there is; the text says which.",
    "401": "Neither a session nor a token that may read, and reading is not public.",
    "403": "The page that asks is of another origin.",
    "429": (
        f"One user may have {socket_limits.SOCKETS_PER_USER_MAX} connections, one address "
        f"{socket_limits.SOCKETS_PER_ADDRESS_MAX}."
    ),
    "503": "The store does not answer at the moment: try again later.",
}
CLOSE_CODES: Final = {
    "1001": "This server stops; before it comes `serverShutdown`.",
    "1008": "Signed out, too many messages, too slow, or another bound: the reason says which.",
    "1009": f"A message of more than {socket_limits.STREAM_MESSAGE_BYTES_MAX >> 10} KiB.",
    "1013": "The store did not answer; try again shortly.",
}
STREAMS: Final = Transport(
    key="streams",
    title="Streams in the shape of Binance's",
    path="",
    protocol="wss",
    about=(
        "A WebSocket, with a token as `X-MBX-APIKEY` or `Authorization: Bearer`, or the cookie of "
        "a session. Streams are named in the address, or subscribed to by messages; at `/ws` each "
        "event comes as it is, at `/stream` with its stream's name."
    ),
    security=("session", "bearer", "key"),
    bounds=(
        f"Messages: {socket_limits.STREAM_MESSAGES_PER_S:.0f} a second, "
        f"{socket_limits.STREAM_MESSAGES_AT_ONCE:.0f} at once, "
        f"{socket_limits.STREAM_MESSAGE_BYTES_MAX >> 10} KiB each; "
        f"{socket_limits.STREAMS_PER_SOCKET_MAX:,} streams.",
        f"The server pings every {socket_limits.PING_S} s and gives up "
        f"{socket_limits.PONG_S} s later.",
        f"For a reader that is slow {_WAITING}: with more it is cut off with a close frame. Of a "
        "candle that forms only the newest state waits; trades that came together count as one.",
    ),
    refused=(
        ReasonList(
            "Refused connections",
            "status",
            {**_REFUSED, "426": "It is no WebSocket: `Upgrade` is missing."},
        ),
        ReasonList("Ended connections", "close code", CLOSE_CODES),
    ),
    rooms=(
        EventRoom(
            "klines",
            "/ws/{symbol}@kline_{interval}",
            "The candles of a followed series; the symbol in small letters.",
            (
                ToldEvent(
                    "kline",
                    "A candle forms, or has closed.",
                    "At most twice a second while it forms; once more when it is official, and "
                    "then nothing of it.",
                    "KlineEvent",
                ),
            ),
        ),
        EventRoom(
            "trades",
            "/ws/{symbol}@aggTrade",
            "The aggregate trades of a followed market, where `TRADES_KEPT` says so.",
            (
                ToldEvent(
                    "aggTrade",
                    "An aggregate trade.",
                    "Each once, in order by `a`, ten times a second.",
                    "AggTradeEvent",
                ),
            ),
        ),
        EventRoom(
            "combined",
            "/stream?streams={streams}",
            "Several streams, joined by `/`; at `/ws` after `SET_PROPERTY` of `combined` too.",
            (
                ToldEvent(
                    "wrapped", "Any event with its stream's name.", "As it is.", "WrappedEvent"
                ),
            ),
        ),
        EventRoom(
            "listeners",
            None,
            "Everybody who is connected.",
            (
                ToldEvent(
                    "serverShutdown",
                    "This server stops: connect again.",
                    "Right before the end.",
                    "ShutdownEvent",
                ),
            ),
        ),
    ),
    questions=Questions(
        "stream_questions",
        "/ws",
        "What a client sends, at `/stream` too; each message has one answer.",
        (
            HeardMessage("SUBSCRIBE", "Hears these streams too.", "SubscribeMessage", "DoneAnswer"),
            HeardMessage("UNSUBSCRIBE", "Not these any more.", "UnsubscribeMessage", "DoneAnswer"),
            HeardMessage("LIST_SUBSCRIPTIONS", "Which it hears.", "ListMessage", "ListAnswer"),
            HeardMessage(
                "SET_PROPERTY",
                "Whether events come with their stream's name.",
                "SetPropertyMessage",
                "DoneAnswer",
            ),
            HeardMessage(
                "GET_PROPERTY", "Whether they do.", "GetPropertyMessage", "PropertyAnswer"
            ),
        ),
        "RefusedAnswer",
        ReasonList(
            "Refused messages", "code", {str(code): why for code, why in STREAM_REFUSALS.items()}
        ),
    ),
)
SENT_EVENTS: Final = Transport(
    key="events",
    title="Server-Sent Events",
    path="",
    protocol="https",
    about=(
        "An answer that does not end, as `EventSource` of every browser reads it, with the cookie "
        "of a session or a token as `Authorization: Bearer`."
    ),
    security=("session", "bearer"),
    bounds=(
        f"Each `{OFFICIAL}` has an `id`. Who comes back with it as `{LAST_ID}` is first told what "
        f"changed since, up to {changes.CANDLES_MAX:,} candles and {changes.CORRECTIONS_MAX} "
        f"corrections; with more, `{events.RESYNC}`.",
        f"A line of nothing comes every {socket_limits.HEARTBEAT_S:.0f} s.",
        f"For a reader that is slow {_WAITING}; with more it is ended, and comes back that way.",
    ),
    refused=(
        ReasonList(
            "Refused connections", "status", {**_REFUSED, "404": "The series is not followed."}
        ),
    ),
    rooms=(
        EventRoom(
            "sent_events",
            "/events?symbol={symbol}&interval={interval}",
            "Who reads the series.",
            (
                ToldEvent(
                    OFFICIAL,
                    "Official candles were added or corrected.",
                    "Once they are stored; first of all one without candles.",
                    "OfficialEvent",
                ),
                ToldEvent(
                    events.LIVE_CANDLE,
                    "The forming candle changed, or has just ended.",
                    "As over Socket.IO; first the one that forms. None that is official already.",
                    "LiveCandleEvent",
                ),
                ToldEvent(
                    events.GAP_PROVEN,
                    "The exchange has no candles in these spans.",
                    "When its answer has proven it.",
                    "GapProvenEvent",
                ),
                ToldEvent(
                    events.RESYNC,
                    "More has changed than is told here: read what you need from `/data`.",
                    "On coming back after long, and where candles far back were filled in.",
                    "",
                ),
            ),
        ),
    ),
)
