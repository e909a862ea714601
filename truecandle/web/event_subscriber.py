"""The web role's end of the events' channel: heard while somebody is here to be told, and Redis is
there; soon again after either was not.

Never here: what events mean, who may hear them (`sockets`).
Invariant: it listens on the channel of the instance that the database belongs to now; after
every (re)subscription all browsers are told to compare versions, since events that nobody heard are
lost.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from itertools import groupby
from typing import Any, Final

import socketio
from redis.client import PubSub
from redis.exceptions import ResponseError, TimeoutError

from truecandle import events, exact_json
from truecandle.backoff import Backoff
from truecandle.errors import StoreError
from truecandle.events import EVENTS_IN_MESSAGE_MAX, RESYNC, ChannelConnection, Event
from truecandle.log_once import TroubleLog
from truecandle.store import from_reply
from truecandle.store.server_state import UNHEARD, ServerProblem
from truecandle.web.event_traces import EventTraces
from truecandle.web.fan_out import FanOut

#: The first wait after a lost link, doubled up to the longest.
RETRY_S: Final = 0.1
RETRY_MAX_S: Final = 2.0
#: A link silent for so long is asked for a sign of life, and given up if none comes.
SILENT_S: Final = 5.0
POLL_S: Final = 1.0
#: How often is looked whether the channel is still that of the instance: a database can be emptied.
LOOK_S: Final = 1.0
#: Nobody has been here for so long: nothing more is heard until somebody comes. Who only loads the
#: page anew is back before.
QUIET_S: Final = 5.0
#: Who comes after that waits for so long at most until Redis is listened to.
UP_S: Final = 1.0
#: No retries inside the client: it would subscribe again by itself, and nobody would be told.
OPTIONS: Final = {"timeout_s": 2.0, "retries": 0}

#: What the library's managers ask each other for, and the texts that it takes.
MANAGERS_SAY: Final[Mapping[str, tuple[str, ...]]] = {
    "emit": ("event", "namespace"),
    "callback": ("host_id", "sid", "namespace"),
    "disconnect": ("sid", "namespace"),
    "enter_room": ("sid", "room", "namespace"),
    "leave_room": ("sid", "room", "namespace"),
    "close_room": ("room", "namespace"),
}

_log = logging.getLogger("truecandle.web.event_subscriber")


def _is_of_a_manager(message: bytes) -> bool:
    """Whether the library can do what is asked for: at junk it stops listening for a while."""
    try:
        found = exact_json.loads(message)
    except ValueError:
        found = {}
    method = found.get("method")
    needed = MANAGERS_SAY.get(method) if isinstance(method, str) else None
    if needed is not None and all(isinstance(found.get(name), str) for name in needed):
        return True
    _log.warning("not a message of a manager: %.100r", message)
    return False


class Hearing:
    """Whether events are heard, for whoever tells people. `refused`: why Redis does not let us; ""
    while it does, or while nobody knows."""

    def __init__(self) -> None:
        self.refused = ""

    def problems(self) -> tuple[ServerProblem, ...]:
        return (ServerProblem("events_lost", f"{UNHEARD} {self.refused}"),) if self.refused else ()


class EventSubscriber(socketio.PubSubManager, FanOut):  # type: ignore[misc]
    """The library's own manager for Redis waits up to a minute before it subscribes again, tells
    nobody, and knows one channel for all instances of a server. `hear` is given all that is heard,
    for programs, and a `RESYNC` whenever something may have been lost. `audience` is all who are
    here; whoever takes one in says so (`want`). `traces` is None without tracing.
    """

    def __init__(
        self,
        url: str,
        hearing: Hearing,
        hear: Callable[[Sequence[Event]], None],
        audience: Sized,
        traces: EventTraces | None = None,
    ) -> None:
        super().__init__()
        self._audience = audience
        self._wanted = threading.Event()
        #: Not set while nothing is heard because nobody was here.
        self._is_up = threading.Event()
        self._channel = ChannelConnection(url, **OPTIONS)
        self._heard: PubSub | None = None
        self._hearing = hearing
        self._hear = hear
        self._traces = traces
        self._troubles = TroubleLog(_log)

    def want(self) -> None:
        """Somebody has come: what is published from now on is heard, if Redis answers in time."""
        self._wanted.set()
        self._is_up.wait(UP_S)

    def _publish(self, data: object) -> None:
        """What the library's managers say to each other."""
        self._channel.publish([exact_json.dumps(data)])

    def _listen(self) -> Iterator[bytes]:
        """Tells the browsers what is for them; what the library's own managers say to each other,
        always an object, is left to it."""
        for messages in self._heard_messages():
            for is_manager, some in groupby(messages, lambda one: one.startswith(b"{")):
                if is_manager:
                    yield from filter(_is_of_a_manager, some)
                else:
                    self._pass_on(some)

    def _pass_on(self, messages: Iterable[bytes]) -> None:
        """Tells in one piece what has come together; what is traced apart, if anybody here wants
        to know. Of traces nobody is told by a process that has none."""
        waiting: list[Event] = []
        for message in messages:
            is_traced = events.is_traced(message)
            if is_traced and self._traces is not None:
                self._tell_all(waiting)
                waiting = []
                self._traces.hear(message, self)
                continue
            found = events.from_message(message)
            waiting += [events.taken_trace(one)[0] for one in found] if is_traced else found
        self._tell_all(waiting)

    def _tell_all(self, found: Sequence[Event]) -> None:
        if found:
            self._hear(found)
            self.tell(found)

    def _heard_messages(self) -> Iterator[list[bytes]]:
        backoff = Backoff(RETRY_S, RETRY_MAX_S)
        while True:
            try:
                self._channel.connect()
                channel = self._channel.channel.name()
                heard = self._heard = self._channel.redis.pubsub(  # type: ignore[no-untyped-call]
                    ignore_subscribe_messages=True
                )
                heard.subscribe(channel)
                heard.get_message(timeout=POLL_S)
                _log.info("listening for events")
                self._is_up.set()
                self._hearing.refused = ""
                self._troubles.clear("events lost")
                backoff.reset()
                self.emit(RESYNC, {}, namespace="/", ignore_queue=True)
                self._hear([Event(RESYNC, "", b"{}")])
                yield from self._messages(heard, channel)
                self._drop()
                self._wait_until_wanted()
            except Exception as error:
                self._is_up.set()
                wait_s = backoff.fail()
                refused = from_reply(error) if isinstance(error, ResponseError) else ""
                self._hearing.refused = str(refused)
                self._troubles.report("events lost", error)
                self._drop()
                self.server.sleep(wait_s)

    def _messages(self, heard: PubSub, channel: str) -> Iterator[list[bytes]]:
        """What was published, as it comes; all that has come while others were told, together.
        Until nobody has been here for `QUIET_S`."""
        heard_s, is_asked = time.monotonic(), False
        look_s = wanted_s = heard_s
        while self._audience or time.monotonic() - wanted_s < QUIET_S:
            if time.monotonic() >= look_s:
                look_s = time.monotonic() + LOOK_S
                wanted_s = look_s if self._audience else wanted_s
                if self._has_left(channel):
                    raise ConnectionError("the database was emptied or exchanged")
            come = _come(heard)
            if replies := come or _awaited(heard):
                heard_s, is_asked = time.monotonic(), False
                yield [reply["data"] for reply in replies if reply["type"] == "message"]
                if come:  # a burst must not keep the hub from everybody else
                    self.server.sleep(0)
            elif time.monotonic() - heard_s > (2 if is_asked else 1) * SILENT_S:
                if is_asked:
                    raise ConnectionError("Redis went silent")
                heard.ping()
                is_asked = True

    def _wait_until_wanted(self) -> None:
        _log.debug("nobody is here: events are not listened for")
        self._is_up.clear()
        self._wanted.clear()
        if not self._audience:
            self._wanted.wait()

    def _has_left(self, channel: str) -> bool:
        """Whether the instance is on another channel now. A silent Redis is noticed elsewhere."""
        try:
            return self._channel.channel.name() != channel
        except StoreError:
            return False

    def _drop(self) -> None:
        try:
            if self._heard is not None:
                self._heard.close()
                self._channel.redis.close()
        except Exception as error:
            _log.debug("closing a broken link: %s", error)


def _come(heard: PubSub) -> list[dict[str, Any]]:
    """What has come by now, in its order; no more than others of this process may wait for."""
    found: list[dict[str, Any]] = []
    events = 0
    while events < EVENTS_IN_MESSAGE_MAX and (reply := _reply(heard, 0)) is not None:
        found.append(reply)
        events += reply["data"].count(b"\n") + 1
    return found


def _awaited(heard: PubSub) -> list[dict[str, Any]]:
    """What comes next, alone: it is told before it is looked what comes after it."""
    reply = _reply(heard, POLL_S)
    return [] if reply is None else [reply]


def _reply(heard: PubSub, timeout_s: float) -> dict[str, Any] | None:
    """What comes next, if it does in time. The library's own `get_message` looks first whether the
    socket can be read, which costs more than reading; and it would connect again by itself.
    """
    try:
        connection: Any = heard.connection
        reply = connection.read_response(
            timeout=timeout_s, disconnect_on_error=False, push_request=True
        )
    except TimeoutError:
        return None
    found: dict[str, Any] | None = heard.handle_message(reply)  # type: ignore[no-untyped-call]
    return found
