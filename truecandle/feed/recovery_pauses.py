"""When the recovery of one market asks again: after failures, after a close of which nothing was
heard, and for a candle that is not exact.

Never here: what is missing and what is asked for it (`market_recovery`), a clock (seconds that only
grow come in).
Invariant: every pause and every number of tries is bounded, and questions that bring nothing become
rarer.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Final

from truecandle.backoff import Backoff, OutageWait, ceiling
from truecandle.candles.interval import INTERVALS
from truecandle.errors import Outage

#: Failures in a row before ids are given up and klines have to do.
TRIES_MAX: Final = 8
#: The first pause after a failure is drawn from here up to twice this, the last up to the maximum.
BACKOFF_S: Final = 0.25
BACKOFF_MAX_S: Final = 30.0


class RequestBackoff:
    """After a request that brought nothing usable: `is_waiting` says whether to ask again; the
    others take what came of it."""

    def __init__(self) -> None:
        self._backoff = Backoff(2 * BACKOFF_S, BACKOFF_MAX_S, _never_at_once)
        #: Failures in a row that count towards giving up.
        self._tries = 0
        self._again_s = 0.0
        self._outage = OutageWait(minute=60.0)

    def is_waiting(self, now_s: float) -> bool:
        return now_s < self._again_s and not self._outage.is_over

    def wait(self, until_s: float) -> None:
        """Not before then."""
        self._again_s = max(self._again_s, until_s)
        self._outage.forget()

    def on_failure(self, now_s: float, outage: Outage | None = None) -> bool:
        """Nothing usable came. True if that has been so too often: then ids are given up."""
        self._tries += not self._outage.fail(now_s, outage)
        self._again_s = now_s + self._backoff.fail()
        if self._tries < TRIES_MAX:
            return False
        self.on_success()
        self.wait(now_s + BACKOFF_MAX_S)
        return True

    def on_success(self) -> None:
        """What was asked for has come."""
        self._backoff.reset()
        self._tries = 0


def _never_at_once(dice: random.Random, longest_s: float) -> float:
    return dice.uniform(BACKOFF_S, longest_s)


OVERDUE_PAUSE_S = 1.0
#: So many questions in a row are put without a growing pause: each answer may bring the trades of a
#: second whose own end is overdue next, and by then the streams are back or the connection is new.
EAGER_REQUESTS = 8
OVERDUE_PAUSE_MAX_S = 30.0


class OverdueCloseCheck:
    """Of one market: whether its newest trades are to be asked for though no break is known."""

    def __init__(self) -> None:
        self._is_overdue = False
        self._asked, self._again_s = 0, 0.0

    def check(self, is_overdue: bool) -> None:
        """Whether some candle ended `OVERDUE_MS` ago or earlier, and nothing has shown its end."""
        self._is_overdue = is_overdue

    def is_due(self, now_s: float) -> bool:
        return self._is_overdue and now_s >= self._again_s

    def on_asked(self, now_s: float) -> None:
        self._is_overdue = False
        self._asked += 1
        too_often = self._asked - EAGER_REQUESTS
        self._again_s = now_s + ceiling(OVERDUE_PAUSE_S, OVERDUE_PAUSE_MAX_S, too_often)

    def on_trade(self) -> None:
        """A trade has come by the stream."""
        if self._asked:
            self._asked, self._again_s = 0, 0.0


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
        asked_s, duration_ms = self._asked_s.get(name), INTERVALS[name].duration_ms
        if asked_s is None:
            return True
        if duration_ms is not None and duration_ms < BRIEF_INTERVAL_MS:
            return False
        return now_s - asked_s >= (KLINE_PAUSE_S if is_live else KLINE_PAUSE_OFFLINE_S)
