"""Which browsers are told an event: those in its room, each by a frame that is packed only once.

Never here: where events come from (`event_subscriber`), how a frame leaves (`send_queue`).
Invariant: a browser is handed its events in the order in which they were told, and no browser's
slowness holds up another's.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import socketio

from truecandle import exact_json
from truecandle.events import LIVE_PRICE, Event
from truecandle.web.send_queue import Burst, Frame, event_frame

#: After so many browsers the others of this process have their turn.
TURN: Final = 100


class FanOut(socketio.Manager):  # type: ignore[misc]
    """Knows the rooms of the browsers that are connected to this process, and tells them."""

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
        self._offer((eio_sid, burst) for _, eio_sid in self.get_participants(namespace, room))

    def tell(self, events: Sequence[Event]) -> None:
        """Tells what other processes have published, all that one browser hears in one piece."""
        frames = [_frame_of(event) for event in events]
        if len({event.room for event in events}) == 1:
            room, burst = events[0].room, Burst(frames)
            self._offer((eio_sid, burst) for _, eio_sid in self.get_participants("/", room))
            return
        told: defaultdict[str, list[Frame]] = defaultdict(list)
        for event, frame in zip(events, frames, strict=True):
            for _, eio_sid in self.get_participants("/", event.room):
                told[eio_sid].append(frame)
        self._offer((eio_sid, Burst(found)) for eio_sid, found in told.items())

    def tell_marked(
        self, events: Sequence[Event], marked: Mapping[int, Event], few: int
    ) -> list[int]:
        """As `tell`; but a `few` of the browsers in its room are told an event in the form that is
        `marked`, by its place in the message. How many were told each event."""
        told: defaultdict[str, list[Frame]] = defaultdict(list)
        counts = []
        for at, event in enumerate(events):
            found = [eio_sid for _, eio_sid in self.get_participants("/", event.room)]
            chosen = random.sample(found, min(few, len(found))) if at in marked else []
            usual, other = _frame_of(event), _frame_of(marked.get(at, event))
            for eio_sid in found:
                told[eio_sid].append(other if eio_sid in chosen else usual)
            counts.append(len(found))
        self._offer((eio_sid, Burst(frames)) for eio_sid, frames in told.items())
        return counts

    def _offer(self, told: Iterable[tuple[str, Burst]]) -> None:
        sockets: dict[str, Any] = self.server.eio.sockets
        left = TURN
        for eio_sid, burst in told:
            if (socket := sockets.get(eio_sid)) is not None:
                socket.queue.offer(burst)
            left -= 1
            if not left:
                left = TURN
                self.server.sleep(0)


def _frame_of(event: Event) -> Frame:
    return event_frame(event.name, event.payload, event.room if event.name == LIVE_PRICE else None)
