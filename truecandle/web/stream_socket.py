"""A program's WebSocket: what may come in at it, and what leaves it where it reads too slowly.

Never here: what messages mean (`stream_messages`), what is told (`stream_connection`).
Invariant: a slow reader loses states that a candle went through, never a closed one or a trade
silently: once more waits than may, all of it gives way to a close frame that says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from wsproto.events import BytesMessage, TextMessage
from wsproto.frame_protocol import CloseReason

from truecandle.web.send_queue import Burst, Frame, SendQueue, goodbye, pack
from truecandle.web.socket_limits import STREAM_MESSAGE_BYTES_MAX
from truecandle.web.websocket import WebSocket

TOO_SLOW: Final = "too slow: events were not read in time; connect again and ask REST for the rest"


class StreamQueue(SendQueue):
    """As a browser's, but for what happens when too much waits."""

    def finish(self, code: int, reason: str) -> None:
        """Nothing more comes after a close frame that leaves when it can."""
        with self._lock:
            if not self._is_over:
                self._finish(code, reason)

    def _keep(self, frame: Frame) -> bool:
        return True if self._is_over else super()._keep(frame)

    def _overflow(self) -> None:
        self._finish(CloseReason.POLICY_VIOLATION, TOO_SLOW)

    def _finish(self, code: int, reason: str) -> None:
        for key in [key for key, one in self._waiting.items() if one.is_event]:
            self._drop(key, "closed")
        self._add(self._number(), Frame(goodbye(code, reason)))
        self._is_over, self._is_free = True, False
        self._filled.set()


class StreamSocket(WebSocket):
    """A connection that speaks the exchange's stream protocol: text, whatever it says."""

    message_bytes_max = STREAM_MESSAGE_BYTES_MAX
    send_queue: StreamQueue
    #: What is to be done with it once the upgrade is answered; set by who lets it in.
    talk: Callable[[], None] | None = None

    def answer(self, text: bytes) -> None:
        """Sends an answer."""
        self.send_queue.offer(Burst([Frame(pack(text))]))

    def finish(self, code: int, reason: str) -> None:
        """Ends it with a close frame, and hears nothing more."""
        self.send_queue.finish(code, reason)

    def _new_queue(self, fd: int) -> StreamQueue:
        return StreamQueue(fd, self.cut)

    def _text_of(self, message: TextMessage | BytesMessage) -> str:
        if isinstance(message, BytesMessage):
            return bytes(message.data).decode("utf-8", "replace")
        return message.data

    def _checked(self, text: str) -> str:
        return text
