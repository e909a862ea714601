"""Which forming candles of one market are read again by REST, and when.

Never here: trades and their ids (`case`), asking, a clock (seconds that only grow come in).
Invariant: no candle is read again more often than every `PAUSE_S`.
"""

from __future__ import annotations

from collections.abc import Iterable

from truecandle.candles.interval import INTERVALS

#: A kline comes within 2 s where anything trades; after this it is asked for.
PATIENCE_S = 3.0
#: The forming candle of a series is asked for this often at most; without a connection, this.
PAUSE_S = 30.0
PAUSE_OFFLINE_S = 300.0
#: A shorter candle is over before its answer is of use: it is asked for once.
BRIEF_MS = 10_000


class Reread:
    """The series of one market without an exact candle of the present interval."""

    def __init__(self) -> None:
        self._lacking_s: dict[str, float] = {}
        self._asked_s: dict[str, float] = {}

    def look(self, lacking: Iterable[str], now_s: float) -> None:
        """These intervals lack it now."""
        self._lacking_s = {name: self._lacking_s.get(name, now_s) for name in lacking}

    def due(self, now_s: float, *, is_live: bool) -> str | None:
        """An interval to be asked for now."""
        for name, since_s in self._lacking_s.items():
            if now_s - since_s >= PATIENCE_S and self._may_ask(name, now_s, is_live):
                return name
        return None

    def asked(self, name: str, now_s: float) -> None:
        self._asked_s[name] = now_s

    def _may_ask(self, name: str, now_s: float, is_live: bool) -> bool:
        asked_s = self._asked_s.get(name)
        if asked_s is None:
            return True
        duration_ms = INTERVALS[name].duration_ms
        if duration_ms is not None and duration_ms < BRIEF_MS:
            return False
        return now_s - asked_s >= (PAUSE_S if is_live else PAUSE_OFFLINE_S)
