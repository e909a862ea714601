"""When one market asks the exchange: again after a failure, after an overdue close, for a candle.

Never here: what is asked (`market_recovery`), trades, a clock (seconds that only grow come in).
Invariant: every wait and every number of tries is bounded, and questions that bring nothing become
rarer. An outage that is over ends the wait it has caused, `WAKES_MAX` times a minute at most; while
one lasts nothing is given up.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable
from typing import Final

from truecandle.candles.interval import INTERVALS
from truecandle.errors import Outage

#: Failures in a row before ids are given up and klines have to do.
TRIES_MAX: Final = 8
#: Answers in a row with rows that cannot be believed, before what they hide is given up.
ODD_TRIES_MAX: Final = 3
BACKOFF_S: Final = 0.25
BACKOFF_MAX_S: Final = 30.0
DOUBLINGS_MAX: Final = 10
#: Who was woken so often in a minute and failed again has a trouble of its own.
WAKES_MAX: Final = 3
MINUTE_S: Final = 60.0


class RequestBackoff:
    """After a request that brought nothing usable: `is_waiting` says whether to ask again; the
    others take what came of it."""

    def __init__(self) -> None:
        #: Failures in a row, and those of them that count towards giving up.
        self._failures = self._tries = 0
        #: Answers in a row that had odd rows.
        self._odd = 0
        self._again_s = 0.0
        #: What the last failure met, if its end will end the wait.
        self._outage: Outage | None = None
        self._wakes: deque[float] = deque(maxlen=WAKES_MAX)

    def is_waiting(self, now_s: float) -> bool:
        return now_s < self._again_s and not self._is_woken

    def wait(self, until_s: float) -> None:
        """Not before then."""
        self._again_s, self._outage = max(self._again_s, until_s), None

    def on_failure(self, now_s: float, outage: Outage | None = None) -> bool:
        """Nothing usable came. True if that has been so too often: then ids are given up."""
        if self._is_woken:
            self._wakes.append(now_s)
        is_own = len(self._wakes) == WAKES_MAX and now_s - self._wakes[0] < MINUTE_S
        self._outage = None if is_own else outage
        self._failures += 1
        ceiling_s = BACKOFF_S * 2.0 ** min(self._failures, DOUBLINGS_MAX)
        self._again_s = now_s + random.uniform(BACKOFF_S, min(BACKOFF_MAX_S, ceiling_s))
        self._tries += self._outage is None
        if self._tries < TRIES_MAX:
            return False
        self.on_success()
        self.wait(now_s + BACKOFF_MAX_S)
        return True

    def on_odd_result(self, now_s: float) -> bool:
        """An answer had odd rows. True if that has been so too often."""
        self._odd += 1
        doublings = min(self._odd, DOUBLINGS_MAX)
        self.wait(now_s + min(BACKOFF_MAX_S, BACKOFF_S * 2.0**doublings))
        return self._odd >= ODD_TRIES_MAX

    def on_sound_result(self) -> None:
        """An answer had no odd row."""
        self._odd = 0

    def on_success(self) -> None:
        """What was asked for has come."""
        self._failures = self._tries = 0

    @property
    def _is_woken(self) -> bool:
        return self._outage is not None and self._outage.is_over


#: Closing klines come at once nearly always, 2.4 s late at times. An answer proves an end if the
#: exchange made it a second after that, by its own time; official candles come after three.
OVERDUE_MS = 1_100
OVERDUE_PAUSE_S = 1.0
#: So many questions in a row are put without a growing pause: each answer may bring the trades of a
#: second whose own end is overdue next, and by then the streams are back or the connection is new.
EAGER_REQUESTS = 8
OVERDUE_PAUSE_MAX_S = 30.0


class OverdueCloseCheck:
    """Of one market: whether its newest trades are to be asked for though no break is known."""

    def __init__(self) -> None:
        self._is_overdue = False
        self._asked = 0
        self._pause_s = OVERDUE_PAUSE_S
        self._again_s = 0.0

    def check(self, is_overdue: bool) -> None:
        """Whether some candle ended `OVERDUE_MS` ago or earlier, and nothing has shown its end."""
        self._is_overdue = is_overdue

    def is_due(self, now_s: float) -> bool:
        return self._is_overdue and now_s >= self._again_s

    def on_asked(self, now_s: float) -> None:
        self._is_overdue = False
        self._again_s = now_s + self._pause_s
        self._asked += 1
        if self._asked > EAGER_REQUESTS:
            self._pause_s = min(OVERDUE_PAUSE_MAX_S, 2 * self._pause_s)

    def on_trade(self) -> None:
        """A trade has come by the stream."""
        if self._asked:
            self._asked, self._pause_s, self._again_s = 0, OVERDUE_PAUSE_S, 0.0


#: A kline comes within 2 s where anything trades; after this it is asked for.
KLINE_PATIENCE_S = 3.0
#: The forming candle of a series is asked for this often at most; without a connection, this.
KLINE_PAUSE_S = 30.0
KLINE_PAUSE_OFFLINE_S = 300.0
#: A shorter candle is over before its answer is of use: it is asked for once.
BRIEF_INTERVAL_MS = 10_000


class KlineRefresh:
    """The series of one market without an exact candle of the present interval."""

    def __init__(self) -> None:
        self._lacking_s: dict[str, float] = {}
        self._asked_s: dict[str, float] = {}

    def check(self, lacking: Iterable[str], now_s: float) -> None:
        """These intervals lack it now."""
        self._lacking_s = {name: self._lacking_s.get(name, now_s) for name in lacking}

    def due(self, now_s: float, *, is_live: bool) -> str | None:
        """An interval to be asked for now."""
        for name, since_s in self._lacking_s.items():
            if now_s - since_s >= KLINE_PATIENCE_S and self._may_ask(name, now_s, is_live):
                return name
        return None

    def on_asked(self, name: str, now_s: float) -> None:
        self._asked_s[name] = now_s

    def _may_ask(self, name: str, now_s: float, is_live: bool) -> bool:
        asked_s = self._asked_s.get(name)
        if asked_s is None:
            return True
        duration_ms = INTERVALS[name].duration_ms
        if duration_ms is not None and duration_ms < BRIEF_INTERVAL_MS:
            return False
        return now_s - asked_s >= (KLINE_PAUSE_S if is_live else KLINE_PAUSE_OFFLINE_S)
