"""Turns: one reader's reads are worked on a few at a time, and the others' beside them.

Never here: who reads, Flask, what is read.
Invariant: whoever waits, waits for their own reads alone; a reader without any is not remembered.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Final

#: Reads of one reader that are worked on at once. A page asks for a few at a time.
READS_AT_ONCE: Final = 6
#: How long one waits for its turn.
TURN_S: Final = 10.0


@dataclass(slots=True)
class Line:
    """One reader's. `count` are in it, those whose turn it is among them."""

    turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(READS_AT_ONCE))
    count: int = 0


class ReadTurns:
    """The lines of all readers. Safe between threads, real and green."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: dict[str, Line] = {}

    def enter(self, who: str, within_s: float = TURN_S) -> bool:
        """Waits for a turn of somebody, a name, which `leave` ends; False if none came in time."""
        with self._lock:
            line = self._lines.setdefault(who, Line())
            line.count += 1
        if line.turns.acquire(timeout=within_s):
            return True
        self._forget(who, line)
        return False

    def leave(self, who: str) -> None:
        """The turn is over: it is the next one's."""
        line = self._lines[who]
        line.turns.release()
        self._forget(who, line)

    def _forget(self, who: str, line: Line) -> None:
        with self._lock:
            line.count -= 1
            if not line.count:
                del self._lines[who]
