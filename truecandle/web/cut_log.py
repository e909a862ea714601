"""What the log says of connections that were cut off: one line in a while, however many they are.

Never here: cutting them off, the text of anything that they have sent.
Invariant: at most one line in `LINE_S`, and every connection is in one of them.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from typing import Final

from truecandle import metrics

LINE_S: Final = 10.0
#: Longer than any address; a proxy may have passed on something else.
ADDRESS_CHARS_MAX: Final = 45

_log = logging.getLogger("truecandle.web.sockets")


class CutLog:
    """Counts by reason, and tells of all since the last line."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._last_address = ""
        self._line_s = float("-inf")

    def note(self, why: str, address: str) -> None:
        """Counts one. `why` is one of a fixed set of words: it is a metric's label."""
        metrics.SOCKETS_CUT.labels(why).inc()
        with self._lock:
            self._counts[why] += 1
            self._last_address = address[:ADDRESS_CHARS_MAX]
        self.tell()

    def tell(self) -> None:
        """Writes the line, if there is something to tell and it is time."""
        now_s = time.monotonic()
        with self._lock:
            if not self._counts or now_s - self._line_s < LINE_S:
                return
            self._line_s, counts = now_s, self._counts
            self._counts = Counter()
        said = ", ".join(f"{why} {count}" for why, count in sorted(counts.items()))
        _log.warning("cut off connections (%s), the last from %s", said, self._last_address)
