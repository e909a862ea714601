"""Everything said over Socket.IO described: who says it, when, to whom, and what is answered.

Never here: the document itself (`asyncapi`), what payloads look like (`event_schemas`), the other
ways to listen (`stream_description`), which are described by the same classes.
Invariant: every event that roles publish and every message that a socket is heard for is here, and
nothing else; a test holds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from truecandle import events
from truecandle.web import socket_limits
from truecandle.web.event_schemas import REFUSALS
from truecandle.web.json_schema import Schema, part, structure

#: Why somebody is not let in, by the message of the refused CONNECT.
UNAUTHORIZED: Final = "unauthorized"
UNAVAILABLE: Final = "unavailable"
CROWDED: Final = "too many connections"
CONNECT_REFUSALS: Final[dict[str, str]] = {
    UNAUTHORIZED: "Neither a session nor a token that may read, and reading is not public.",
    UNAVAILABLE: "The store does not answer at the moment: try again later.",
    CROWDED: (
        f"One user may have {socket_limits.SOCKETS_PER_USER_MAX} sockets, one address "
        f"{socket_limits.SOCKETS_PER_ADDRESS_MAX}."
    ),
}
#: What a socket is held to, in sentences.
BOUNDS: Final = (
    "Only the WebSocket transport is offered: Engine.IO 4, Socket.IO 5, the namespace `/`, no "
    "binary packets.",
    f"A socket follows {socket_limits.SERIES_PER_SOCKET_MAX} series at most and watches "
    f"{socket_limits.WATCHED_MAX} markets.",
    f"A message has {socket_limits.MESSAGE_BYTES_MAX >> 10} KiB at most. "
    f"{socket_limits.FRAMES_AT_ONCE:.0f} come at once and {socket_limits.FRAMES_PER_S:.0f} a "
    "second; who sends more waits.",
    f"The server asks for a sign of life every {socket_limits.PING_S} s and gives up after "
    f"{socket_limits.PONG_S} s without one.",
    f"For a reader that is slow {socket_limits.QUEUE_MAX} events wait, beside the newest "
    "`live_price` of each market; then one `resync` takes the place of all of them.",
    "A socket ends with what let it in: its session, its token, or public reading.",
)


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """An event that the server tells. `payload`: its part's name; "" for one that carries an empty
    object."""

    name: str
    about: str
    when: str
    payload: str

    @property
    def schema(self) -> Schema:
        return part(self.payload) if self.payload else structure({})


@dataclass(frozen=True, slots=True)
class HeardMessage:
    """A message that a client sends, and the part by which it is granted."""

    name: str
    about: str
    payload: str
    granted: str


@dataclass(frozen=True, slots=True)
class EventRoom:
    """Who hears some events. `address`: the room's name with its parameters; None: everybody."""

    key: str
    address: str | None
    about: str
    told: tuple[ToldEvent, ...]


@dataclass(frozen=True, slots=True)
class ReasonList:
    """Names or numbers by which something is refused or ended, each with its reason."""

    title: str
    head: str
    rows: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Questions:
    """Where a client sends messages; the part by which any of them is refused, and why."""

    key: str
    address: str
    about: str
    messages: tuple[HeardMessage, ...]
    refused: str
    reasons: ReasonList


@dataclass(frozen=True, slots=True)
class Transport:
    """One way to listen. `path`: what of an address comes before those of its rooms; `protocol` is
    AsyncAPI's word, `security` names those ways to say who one is that it has.
    """

    key: str
    title: str
    path: str
    protocol: str
    about: str
    security: tuple[str, ...]
    bounds: tuple[str, ...]
    refused: tuple[ReasonList, ...]
    rooms: tuple[EventRoom, ...]
    questions: Questions | None = None

    def name_of(self, said: str) -> str:
        """What is said, by a name that no other transport has."""
        return said if self.key == "socketio" else f"{self.key}_{said}"


ROOMS: Final = (
    EventRoom(
        "series",
        "{symbol}:{interval}",
        "Everybody who has subscribed to the series.",
        (
            ToldEvent(
                events.DATA_UPDATED,
                "Official candles of a series were added or corrected.",
                "Once they are stored. Who knows another version than `previous` has missed a "
                "change and asks `/data`.",
                "DataUpdatedEvent",
            ),
            ToldEvent(
                events.LIVE_CANDLE,
                "The forming candle of a series changed, or it closed and waits for its official "
                "version.",
                "At most twice a second, and at once when a candle opens or closes.",
                "LiveCandleEvent",
            ),
            ToldEvent(
                events.GAP_PROVEN,
                "The exchange has no candles in these spans: what was shown live there goes.",
                "When its answer has proven it.",
                "GapProvenEvent",
            ),
        ),
    ),
    EventRoom(
        "market",
        "{symbol}",
        "Everybody who has subscribed to a series of the market; its prices also who watches it.",
        (
            ToldEvent(
                events.LIVE_PRICE,
                "What traded since the last such event; never across a second.",
                "At most ten times a second. To a slow reader the newest takes the place of those "
                "that wait.",
                "LivePriceEvent",
            ),
            ToldEvent(
                events.FRESHNESS,
                "How fresh a market is has changed.",
                "When its state changes, or the reason or beginning of it.",
                "FreshnessEvent",
            ),
        ),
    ),
    EventRoom(
        "everybody",
        None,
        "Every connected client.",
        (
            ToldEvent(
                events.RESYNC,
                "Events may have been lost on the way: compare versions, by subscribing again.",
                "When the server has lost touch with the store for a while, and to a reader for "
                "whom too much waited.",
                "",
            ),
        ),
    ),
)
MESSAGES: Final = (
    HeardMessage(
        events.SUBSCRIBE,
        "Follows a series. What comes between joining and the acknowledgement is heard, perhaps "
        "twice, never missed.",
        "SeriesMessage",
        "SubscribeAck",
    ),
    HeardMessage(
        events.UNSUBSCRIBE, "Follows a series no more.", "SeriesMessage", "UnsubscribeAck"
    ),
    HeardMessage(
        events.WATCH,
        "Wants the prices of these markets, instead of those that were watched before.",
        "WatchMessage",
        "WatchAck",
    ),
    HeardMessage(
        events.TRACED,
        "Has drawn an event that came with a `traceparent`.",
        "TracedMessage",
        "TracedAck",
    ),
)
SOCKETIO: Final = Transport(
    key="socketio",
    title="Socket.IO",
    path="/socket.io/",
    protocol="wss",
    about=(
        "Socket.IO 5 over Engine.IO 4, with the cookie of a session, or with a token as "
        "`auth: {token}`; without either where reading is public. Events are hints: who misses one "
        "finds the truth in `/data`, by the version."
    ),
    security=("session", "token"),
    bounds=BOUNDS,
    refused=(ReasonList("Refused connections", "connect_error", CONNECT_REFUSALS),),
    rooms=ROOMS,
    questions=Questions(
        "questions",
        "/",
        "What a client sends; each message is acknowledged.",
        MESSAGES,
        "RefusedAck",
        ReasonList("Refused messages", "code", REFUSALS),
    ),
)
