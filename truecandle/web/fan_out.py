"""Which browsers are told an event: those in its room, each by a frame that is packed only once.

Never here: where events come from (`event_subscriber`), how a frame leaves (`send_queue`).
Invariant: a browser is handed its events in the order in which they were told, and no browser's
slowness holds up another's.
"""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import socketio

from truecandle import exact_json
from truecandle.events import LIVE_PRICE, Event
from truecandle.web.send_queue import Burst, Frame, SendQueue, event_frame

#: After so many browsers the others of this process have their turn.
TURN: Final = 200


class FanOut(socketio.Manager):  # type: ignore[misc]
    """Knows the rooms of the browsers that are connected to this process, and tells them."""

    def __init__(self) -> None:
        super().__init__()
        #: Held while somebody joins or leaves a room, and while it is looked who is there.
        self._door = threading.Lock()
        #: The queues of a room, by namespace and its name, as they were when it was last told
        #: something; forgotten when somebody joins or leaves it.
        self._queues: dict[tuple[str, str | None], Sequence[SendQueue]] = {}

    def basic_enter_room(
        self, sid: str, namespace: str, room: str | None, eio_sid: str | None = None
    ) -> None:
        with self._door:
            super().basic_enter_room(sid, namespace, room, eio_sid)
            self._queues.pop((namespace, room), None)

    def basic_leave_room(self, sid: str, namespace: str, room: str | None) -> None:
        with self._door:
            super().basic_leave_room(sid, namespace, room)
            self._queues.pop((namespace, room), None)

    def emit(
        self,
        event: str,
        data: object,
        namespace: str,
        room: str | None = None,
        **_: object,
    ) -> None:
        """Tells what this process has to say itself; without `room` to all browsers."""
        burst = Burst([event_frame(event, exact_json.dumps(data))])
        self._offer([(self._heard_by(namespace, room), burst)])

    def tell(self, events: Sequence[Event]) -> None:
        """Tells what other processes have published, all that one browser hears in one piece."""
        frames = [_frame_of(event) for event in events]
        rooms = dict.fromkeys(event.room for event in events)
        if len(rooms) == 1:
            self._offer([(self._heard_by("/", events[0].room), Burst(frames))])
            return
        in_rooms: defaultdict[SendQueue, list[str]] = defaultdict(list)
        for room in rooms:
            for queue in self._heard_by("/", room):
                in_rooms[queue].append(room)
        alike: defaultdict[tuple[str, ...], list[SendQueue]] = defaultdict(list)
        for queue, names in in_rooms.items():
            alike[tuple(names)].append(queue)
        self._offer((queues, _burst_of(names, events, frames)) for names, queues in alike.items())

    def tell_marked(
        self, events: Sequence[Event], marked: Mapping[int, Event], few: int
    ) -> list[int]:
        """As `tell`; but a `few` of the browsers in its room are told an event in the form that is
        `marked`, by its place in the message. How many were told each event."""
        told: defaultdict[SendQueue, list[Frame]] = defaultdict(list)
        counts = []
        for at, event in enumerate(events):
            found = self._heard_by("/", event.room)
            chosen = random.sample(found, min(few, len(found))) if at in marked else []
            usual, other = _frame_of(event), _frame_of(marked.get(at, event))
            for queue in found:
                told[queue].append(other if queue in chosen else usual)
            counts.append(len(found))
        self._offer(([queue], Burst(frames)) for queue, frames in told.items())
        return counts

    def _heard_by(self, namespace: str, room: str | None) -> Sequence[SendQueue]:
        """The queues of those in a room. What is known of it is never changed, only replaced."""
        if (known := self._queues.get((namespace, room))) is not None:
            return known
        sockets: dict[str, Any] = self.server.eio.sockets
        with self._door:
            in_room = [
                sockets.get(eio_sid) for _, eio_sid in self.get_participants(namespace, room)
            ]
            found = [socket.queue for socket in in_room if socket is not None]
            if found:
                self._queues[namespace, room] = found
        return found

    def _offer(self, told: Iterable[tuple[Sequence[SendQueue], Burst]]) -> None:
        """Each burst to the queues beside it."""
        left = TURN
        for queues, burst in told:
            at = 0
            while some := queues[at : at + left]:
                SendQueue.offer_to(some, burst)
                at += len(some)
                left -= len(some)
                if not left:
                    left = TURN
                    self.server.sleep(0)


def _frame_of(event: Event) -> Frame:
    return event_frame(event.name, event.payload, event.room if event.name == LIVE_PRICE else None)


def _burst_of(rooms: Sequence[str], events: Sequence[Event], frames: Sequence[Frame]) -> Burst:
    """What is heard in these rooms."""
    heard = set(rooms)
    return Burst(
        [frame for event, frame in zip(events, frames, strict=True) if event.room in heard]
    )
