"""When a market's candles have ended and nobody says how: then the exchange is asked what traded.

Never here: asking (`case`), trades, a clock (seconds that only grow come in).
Invariant: while no trade comes by the stream, questions soon become rarer, down to a bound.
"""

from __future__ import annotations

#: Closing klines come at once nearly always, 2.4 s late at times. An answer proves an end if the
#: exchange made it a second after that, by its own time; official candles come after three.
OVERDUE_MS = 1_100
PAUSE_S = 1.0
#: So many questions in a row are put without a growing pause: each answer may bring the trades of a
#: second whose own end is overdue next, and by then the streams are back or the connection is new.
EAGER = 8
PAUSE_MAX_S = 30.0


class Closing:
    """Of one market: whether its newest trades are to be asked for though no break is known."""

    def __init__(self) -> None:
        self._is_overdue = False
        self._asked = 0
        self._pause_s = PAUSE_S
        self._again_s = 0.0

    def look(self, is_overdue: bool) -> None:
        """Whether some candle ended `OVERDUE_MS` ago or earlier, and nothing has shown its end."""
        self._is_overdue = is_overdue

    def is_due(self, now_s: float) -> bool:
        return self._is_overdue and now_s >= self._again_s

    def asked(self, now_s: float) -> None:
        self._is_overdue = False
        self._again_s = now_s + self._pause_s
        self._asked += 1
        if self._asked > EAGER:
            self._pause_s = min(PAUSE_MAX_S, 2 * self._pause_s)

    def traded(self) -> None:
        """A trade has come by the stream."""
        if self._asked:
            self._asked, self._pause_s, self._again_s = 0, PAUSE_S, 0.0
