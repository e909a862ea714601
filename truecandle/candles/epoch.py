"""One run of trade ids: how far it has come, and what cannot be of it.

The exchange numbers a market's trades without a break, but begins anew at times: its test network
every month, a simulated one when it is started with another seed. Ids order trades only within such
an epoch; time orders all of them.

Never here: candles, a clock.
Invariant: within an epoch a higher id is never earlier; whatever says otherwise is of another one.
"""

from __future__ import annotations

from typing import Literal

from truecandle.candles.decimals import NO_ID
from truecandle.candles.trades import Trade

#: `former`: late, or come twice. `next`: ids have begun anew, for it is later than a trade with its
#: id; who asks has the epoch begin.
TradeEpoch = Literal["former", "present", "next"]


class Epoch:
    """`last_id` is the newest id known, and that trade and all before it had happened by `last_ms`.

    `number` counts the beginnings. `former_ms`: so far the epoch before had come. `begun_ms`: when
    this one was first noticed, later than it began.
    """

    __slots__ = ("_begun_id", "_trades_ms", "begun_ms", "former_ms", "last_id", "last_ms", "number")

    def __init__(self) -> None:
        self.number = 0
        self.last_id = self._begun_id = NO_ID
        self.last_ms = self.former_ms = self.begun_ms = self._trades_ms = -1

    def begin(self, at_ms: int, last_id: int, lag_ms: int = 0) -> None:
        """Ids have begun anew: something of `at_ms` has shown it, with this id. Trades may have
        happened up to `lag_ms` before that are not in it."""
        self.number += 1
        self.former_ms = max(self.former_ms, min(self.last_ms, at_ms - 1))
        self.begun_ms, self._trades_ms, self._begun_id = at_ms, at_ms - lag_ms, last_id
        self.last_id, self.last_ms = NO_ID, -1

    def reach(self, last_id: int, at_ms: int) -> None:
        """That trade and all before it had happened by then."""
        if last_id > self.last_id:
            self.last_id, self.last_ms = last_id, max(self.last_ms, at_ms)
        elif last_id == self.last_id:
            self.last_ms = min(self.last_ms, at_ms)

    def take(self, trade: Trade) -> TradeEpoch:
        """Which epoch the trade is of; this one has come as far as it then."""
        if self.is_former(trade):
            return "former"
        if trade.first_id <= self.last_id and trade.time_ms > self.last_ms:
            return "next"
        self.reach(trade.last_id, trade.time_ms)
        return "present"

    def silent(self, last_id: int, until_ms: int) -> None:
        """Nothing traded after that trade up to then."""
        if last_id == self.last_id:
            self.last_ms = max(self.last_ms, until_ms)

    def is_former(self, trade: Trade) -> bool:
        """Whether it can only be of the epoch before: a late one, or one that came twice."""
        if trade.time_ms <= self.former_ms:
            return True
        return trade.time_ms < self._trades_ms and trade.last_id > self._begun_id
