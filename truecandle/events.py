"""What the browser is told: event names, payloads and rooms, and how roles publish them.

Never here: Flask; deciding when something is worth telling; which channel they go by
(`store/channel`).
Invariant: events are hints. Whoever misses one finds the truth by asking for the version.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

import orjson
from redis import Redis
from redis.exceptions import TimeoutError

from truecandle import exact_json
from truecandle.candles.candle import CandleState, LiveCandle, OfficialCandle
from truecandle.candles.freshness import Freshness
from truecandle.candles.gap import Missing
from truecandle.candles.series import Series
from truecandle.errors import StoreError
from truecandle.exact_json import Exact
from truecandle.store import connect
from truecandle.store.channel import Channel

DATA_UPDATED = "data_updated"
LIVE_CANDLE = "live_candle"
LIVE_PRICE = "live_price"
#: The exchange has proven that it has no candles there: what was shown live in their place goes.
GAP_PROVEN = "gap_proven"
#: A market's freshness changed. Every web process judges that itself, and tells its own browsers.
FRESHNESS = "freshness"
#: Events may have been lost on the way: compare versions. Carries nothing.
RESYNC = "resync"
#: What browsers send; each is acknowledged.
SUBSCRIBE = "subscribe"
UNSUBSCRIBE = "unsubscribe"
#: The markets whose `live_price` is wanted, instead of those before.
WATCH = "watch"
#: An event that is traced was drawn.
TRACED = "traced"

#: What roles publish for browsers.
PUBLISHED = frozenset({DATA_UPDATED, LIVE_CANDLE, LIVE_PRICE, GAP_PROVEN})

Reason = Literal["new", "backfill", "correction", "repair"]

#: A bigger change is announced by its range alone; the browser asks for it.
CANDLES_IN_EVENT_MAX = 10

#: Of more gaps than these in one event the newest are told; the rest is found by asking.
GAPS_IN_EVENT_MAX = 600

#: What is told together leaves in messages of so many events: who hears one has to give the others
#: of its process their turn in between.
EVENTS_IN_MESSAGE_MAX = 200

#: A connection that Redis has closed in the meantime is opened again, once.
ATTEMPTS = 2

#: The last field of the few events that are traced, written where the payload ends. Who knows
#: nothing of traces passes over it.
TRACEPARENT = "traceparent"
_TRACE: Final = re.compile(rb',"traceparent":"([0-9a-f-]{55})"}$')

log = logging.getLogger(__name__)


class Codec:
    """A json module for Socket.IO that keeps the decimal text of numbers on the whole way."""

    @staticmethod
    def dumps(value: object, **_: object) -> str:
        return exact_json.dumps(value).decode()

    @staticmethod
    def loads(text: str | bytes, **_: object) -> Any:
        return json.loads(text, parse_float=Exact)


class Event(NamedTuple):
    """One event for the browsers in `room`; `payload` is JSON, as they are sent it."""

    name: str
    room: str
    payload: bytes


def to_message(events: Sequence[Event]) -> bytes:
    """How events go through Redis: a line each, of name, room and payload. JSON has no line breaks
    of its own, so nobody on the way has to read it."""
    return b"\n".join(b"%b %b %b" % (e.name.encode(), e.room.encode(), e.payload) for e in events)


def from_message(message: bytes) -> list[Event]:
    """The events of a message, in their order; those that are none of ours are left out."""
    events = []
    for line in message.split(b"\n"):
        try:
            name, room, payload = line.split(b" ", 2)
            event = Event(name.decode(), room.decode(), payload)
            orjson.loads(payload)
        except ValueError:
            event = None
        if event is None or event.name not in PUBLISHED:
            log.warning("not an event: %.100r", line)
        else:
            events.append(event)
    return events


def is_traced(message: bytes) -> bool:
    """Whether a message may hold an event that is traced."""
    return b'"traceparent":' in message


def taken_trace(event: Event) -> tuple[Event, str]:
    """An event without its `traceparent`, and that; "" for one that is not traced."""
    found = _TRACE.search(event.payload)
    if found is None:
        return event, ""
    return event._replace(payload=event.payload[: found.start()] + b"}"), found[1].decode()


def with_trace(event: Event, traceparent: str) -> Event:
    """The same event, which is traced."""
    ending = b',"traceparent":"%b"}' % traceparent.encode()
    return event._replace(payload=event.payload[:-1] + ending)


@dataclass(slots=True)
class Sent:
    """What became of events that were told together."""

    is_taken: bool = False


class Publisher:
    """Tells every browser, through the web role, what has changed.

    Publishing never raises: while Redis is away events are lost, and the browsers find out by
    version. Times are ms, prices and volumes are the exchange's own decimal text. An event that is
    traced carries the `traceparent` of who tells it.
    """

    def __init__(self, redis_url: str) -> None:
        self._channel = _EventChannel(redis_url, retries=0)

    def together(self) -> AbstractContextManager[Sent]:
        """What is told inside leaves in one round trip at the end; then `is_taken` says whether
        Redis has taken it. One thread at a time."""
        return self._channel.together()

    def data_updated(
        self,
        series: Series,
        *,
        timestamp: int,
        version: int,
        previous: int,
        reason: Reason,
        candles: Sequence[OfficialCandle],
        traceparent: str = "",
    ) -> None:
        """Official candles changed: `candles` are the added or corrected ones, oldest first."""
        payload = {
            "symbol": series.symbol,
            "interval": series.interval.name,
            "timestamp": timestamp,
            "version": version,
            "previous": previous,
            "reason": reason,
            "candles": (
                [Exact(candle.member()) for candle in candles]
                if len(candles) <= CANDLES_IN_EVENT_MAX
                else []
            ),
            "from": candles[0].open_ms if candles else None,
            "to": candles[-1].open_ms if candles else None,
        }
        self._channel.tell(DATA_UPDATED, payload, series.name, traceparent)

    def live_candle(
        self, series: Series, candle: LiveCandle, state: CandleState, traceparent: str = ""
    ) -> None:
        """The forming candle of a series changed, or it closed (`state` pending)."""
        payload = {
            "symbol": series.symbol,
            "interval": series.interval.name,
            "candle": Exact(candle.to_json(state)),
        }
        self._channel.tell(LIVE_CANDLE, payload, series.name, traceparent)

    def gap_proven(self, series: Series, missing: Sequence[Missing]) -> None:
        """There are no candles to come in these spans of open times, ascending."""
        payload = {
            "symbol": series.symbol,
            "interval": series.interval.name,
            "missing": spans(missing[-GAPS_IN_EVENT_MAX:]),
        }
        self._channel.tell(GAP_PROVEN, payload, series.name)

    def live_price(
        self,
        symbol: str,
        *,
        price: str,
        timestamp: int,
        high: str,
        low: str,
        volume: str,
        trades: int,
        first_id: int,
        last_id: int,
        traceparent: str = "",
    ) -> None:
        """What traded since the last such event; never across a UTC second.

        It holds the trades `first_id`..`last_id` without a hole if they are `trades` many.
        """
        payload = {
            "symbol": symbol,
            "price": Exact(price),
            "timestamp": timestamp,
            "high": Exact(high),
            "low": Exact(low),
            "volume": Exact(volume),
            "trades": trades,
            "first_id": first_id,
            "last_id": last_id,
        }
        self._channel.tell(LIVE_PRICE, payload, symbol, traceparent)


class ChannelConnection:
    """A connection to the channel of its own instance, for who publishes there; never raises.

    `options` are those of `store.connect`.
    """

    def __init__(self, redis_url: str, **options: Any) -> None:
        self._redis_url = redis_url
        self._options = options
        self._is_sound = False
        #: Both of the present connection: there from the first `connect` on.
        self.redis: Redis
        self.channel: Channel

    def connect(self) -> None:
        """Anew; what the last connection knew of the instance is handed on. Asks nothing yet."""
        before: Channel | None = getattr(self, "channel", None)
        self.redis = connect(self._redis_url, health_check_s=0, **self._options)
        self.channel = Channel(self.redis, before.identity if before else "")
        self._is_sound = True

    def publish(self, messages: list[bytes]) -> bool:
        """Whether Redis has taken them."""
        for _ in range(ATTEMPTS):
            try:
                if not self._is_sound:
                    self.connect()
                self.channel.publish(messages)
                return True
            except StoreError as error:
                self._is_sound = False
                log.warning("%d messages were not published: %s", len(messages), error)
                if isinstance(error.__cause__, TimeoutError):
                    return False
        return False


class _EventChannel(ChannelConnection):
    """Publishes every event at once, or many in one round trip."""

    _held: list[Event] | None = None

    def tell(self, name: str, payload: object, room: str, traceparent: str = "") -> None:
        event = Event(name, room, exact_json.dumps(payload))
        if traceparent:
            event = with_trace(event, traceparent)
        if self._held is None:
            self.publish([to_message([event])])
        else:
            self._held.append(event)

    @contextmanager
    def together(self) -> Iterator[Sent]:
        self._held = held = list[Event]()
        sent = Sent()
        try:
            yield sent
        finally:
            self._held = None
            firsts = range(0, len(held), EVENTS_IN_MESSAGE_MAX)
            messages = [to_message(held[at : at + EVENTS_IN_MESSAGE_MAX]) for at in firsts]
            sent.is_taken = not messages or self.publish(messages)


def freshness_payload(symbol: str, found: Freshness) -> dict[str, Any]:
    """What a market's browsers are told when its freshness has changed."""
    return {"symbol": symbol, **found.fields()}


def spans(missing: Sequence[Missing]) -> list[list[int]]:
    """What is proven missing, as it stands in events and answers: pairs of first and end."""
    return [[one.start_ms, one.end_ms] for one in missing]
