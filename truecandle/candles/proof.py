"""The proof of one candle: what klines, trade ids and breaks have shown of it, and what follows.

Two questions decide: are all trades in, from the first of the interval to the newest one counted;
and is that the last one? A candle is exact

    while it forms    if no trade is missing, and no break lies between the newest one and now
    once it ended     if no trade is missing, and the newest is proven to be the last
    in the end        if the exchange has closed it by a kline

Never here: sums and which event counts where (`forming`, `builder`), a clock.
Invariant: a `Proof` is worked out from evidence and counted ids whenever it is asked for, and kept
nowhere; evidence is of one epoch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from truecandle.candles.decimals import NO_ID
from truecandle.candles.trades import Kline

#: The trades of a candle, up to the newest one counted. `incomplete`: some may be missing, or are
#: of an epoch whose ids say nothing any more. `whole`: all from the proven first one of the
#: interval on, unbroken by id. `empty`: the exchange has said, or ids have shown, that none is.
Content = Literal["incomplete", "whole", "empty"]

#: What comes after them. `open`: the interval lasts, and trades arrive. `interrupted`: it lasts,
#: and since a break nobody knows whether the newest trades are in. `unproven`: it is over, and
#: trades may be missing at its end. `proven`: it is over, and what traded next was of a later one.
#: `final`: the exchange has closed the candle, and only another closing kline changes it.
End = Literal["open", "interrupted", "unproven", "proven", "final"]


class Proof(NamedTuple):
    """How far a candle is proven."""

    content: Content
    end: End

    @property
    def is_exact(self) -> bool:
        """Whether it lacks no trade that it should hold by now."""
        content, end = self
        return end == "final" or (content != "incomplete" and end in ("open", "proven"))


@dataclass(slots=True)
class Evidence:
    """What has been shown of one candle; `begin_epoch` takes back what only ids had shown."""

    # Of its beginning.
    #: The proven first trade of its interval. Set by a kline that is taken, or where the trade
    #: counted first follows on from a trade of an earlier interval.
    first_id: int | None = None
    #: Its beginning was known when ids began anew.
    had_start: bool = False

    # Of its end.
    #: The proven last trade; of a candle without trades, the last one before it. Set by a closing
    #: kline, by the next trade's id, or by an answer of the exchange.
    end_id: int | None = None
    #: The exchange has said, or ids have shown, that nothing traded.
    is_empty: bool = False
    #: A closing kline was taken: nothing changes it any more but another closing kline.
    is_final: bool = False

    # Of its newest trades.
    #: Set by a break of the streams: nobody knows whether the newest trades are in. Ended by a
    #: newer trade, by a kline sent after `interrupted_ms`, or by an answer of the exchange.
    is_interrupted: bool = False
    interrupted_ms: int = 0

    # Of the exchange's klines.
    #: The last trade of the newest kline that counted, None before the first one.
    kline_id: int | None = None
    #: The same, while the trades have not come as far as that kline.
    ahead_id: int | None = None
    #: A kline further than the trades. While they are whole it is only kept: an aggregate may
    #: still come that lies in it by a part, and nobody could tell what to add.
    unconfirmed_kline: Kline | None = None

    def has_start(self, open_id: int) -> bool:
        """Whether the beginning is known, if the first trade counted is `open_id`."""
        if self.kline_id is not None or self.is_empty or self.had_start:
            return True
        return self.first_id is not None and self.first_id == open_id

    def is_outdated(self, kline: Kline) -> bool:
        """Whether a newer kline has counted."""
        return self.kline_id is not None and kline.last_id < self.kline_id

    def begin_epoch(self, open_id: int) -> None:
        """Ids have begun anew; `open_id` was the first trade counted before."""
        self.had_start = self.has_start(open_id)
        self.first_id = self.end_id = self.kline_id = self.ahead_id = None
        self.unconfirmed_kline, self.is_empty = None, False

    def interrupt(self, at_ms: int) -> None:
        """A break: trades may be missing after the newest one, and in klines sent until `at_ms`."""
        self.is_interrupted, self.interrupted_ms = True, max(self.interrupted_ms, at_ms)

    def hear(self, kline: Kline) -> None:
        """A kline that holds the newest trade counted: sent after a break, it ends that."""
        if kline.event_ms > self.interrupted_ms:
            self.is_interrupted = False

    def confirm(self, kline: Kline) -> None:
        """The trades say the same as this kline."""
        self.unconfirmed_kline, self.kline_id = None, kline.last_id

    def rebase(self, kline: Kline, *, is_ahead: bool) -> None:
        """The candle has this kline as its base now; `is_ahead`: further than its trades were."""
        self.confirm(kline)
        self.is_empty = False
        self.first_id = kline.first_id if kline.trades else None
        self.ahead_id = kline.last_id if is_ahead else None

    def show_empty(self, kline: Kline) -> None:
        """A kline without trades was taken."""
        self.is_empty, self.kline_id = True, NO_ID
        self.hear(kline)

    def finish(self, kline: Kline) -> None:
        """The closing kline was taken."""
        self.confirm(kline)
        self.first_id = kline.first_id if kline.trades else None
        self.end_id, self.is_empty = kline.last_id, kline.trades == 0
        self.is_final, self.is_interrupted = True, False
