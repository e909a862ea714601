"""The order in which a stream tells one series' klines: each candle forms, and closes once.

Never here: Redis, sockets, JSON, clocks (seconds that only grow come in).
Invariant: a candle is told as closed exactly once, by its official version, and never as forming
after that; while a closed one is awaited, for `HOLD_S` at most, nothing of a later one is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from truecandle.candles.candle import LiveCandle, OfficialCandle
from truecandle.candles.interval import Interval

#: How long the next candle waits for the official version of the one before.
HOLD_S: Final = 10.0
#: Forming candles that wait.
HELD_MAX: Final = 60
#: A closed candle is still told after so many later ones, and then no more.
OWED_MAX: Final = 100


class Told(NamedTuple):
    """What a stream tells: a candle, and what the feed had said of it last, if that is known."""

    candle: OfficialCandle | LiveCandle
    live: LiveCandle | None = None

    @property
    def is_closed(self) -> bool:
        return isinstance(self.candle, OfficialCandle)


@dataclass(slots=True)
class _Held:
    """A candle's newest state, and whether it was told."""

    candle: LiveCandle
    is_told: bool = False


class KlineSequence:
    """One series, of which `latest_ms` opened the newest official candle; None without any."""

    def __init__(self, interval: Interval, latest_ms: int | None) -> None:
        self._interval = interval
        #: Open time of the candle whose turn it is: all before it are closed, or proven missing.
        self._next_ms = None if latest_ms is None else interval.next_open_ms(latest_ms)
        #: Closed candles that were passed over, and are told when they come.
        self._owed: set[int] = set()
        self._held: dict[int, _Held] = {}
        #: The newest candle that was told; since when another one waits.
        self._front_ms = -1
        self._held_since_s: float | None = None
        #: What was awaited has not come in time: nothing waits until all is there again.
        self._is_late = False
        #: What was told last of the candle that forms.
        self.forming: Told | None = None

    @property
    def from_ms(self) -> int | None:
        """From where on official candles are wanted; None: those after the newest known."""
        return min(self._owed, default=None)

    def add_live(self, candle: LiveCandle, now_s: float) -> list[Told]:
        """The feed tells how a candle forms, or that it has ended; older states are passed over."""
        open_ms = candle.open_ms
        if open_ms < self._front_ms or (self._next_ms is not None and open_ms < self._next_ms):
            return []
        known = self._held.get(open_ms)
        if known is not None and (
            known.candle == candle or candle.updated_at < known.candle.updated_at
        ):
            return []
        self._held[open_ms] = _Held(candle)
        if len(self._held) > HELD_MAX:
            del self._held[min(self._held)]
        return self.look(now_s)

    def add_official(self, candles: Iterable[OfficialCandle], now_s: float) -> list[Told]:
        """Official candles were stored, ascending: those that were told already are passed over."""
        told: list[Told] = []
        for candle in candles:
            open_ms = candle.open_ms
            if self._next_ms is None or open_ms >= self._next_ms:
                self._pass_to(open_ms)
            elif open_ms not in self._owed:
                continue
            self._owed.discard(open_ms)
            known = self._held.get(open_ms)
            told.append(Told(candle, known.candle if known else None))
            self._front_ms = max(self._front_ms, open_ms)
        if told:
            self._go_on()
        return told + self.look(now_s)

    def add_missing(self, spans: Sequence[tuple[int, int]], now_s: float) -> list[Told]:
        """The exchange has no candles that open in these spans."""
        for start_ms, end_ms in spans:
            self._owed = {one for one in self._owed if not start_ms <= one < end_ms}
            if self._next_ms is not None and start_ms <= self._next_ms < end_ms:
                self._next_ms = end_ms
        self._go_on()
        return self.look(now_s)

    def look(self, now_s: float) -> list[Told]:
        """What may be told by now of the candles that form."""
        told: list[Told] = []
        for open_ms in sorted(self._held):
            if not self._may_tell(open_ms, now_s):
                break
            held = self._held[open_ms]
            if not held.is_told:
                held.is_told, self._front_ms = True, open_ms
                self.forming = Told(held.candle, held.candle)
                told.append(self.forming)
        return told

    def _may_tell(self, open_ms: int, now_s: float) -> bool:
        if self._is_late or self._next_ms is None or open_ms <= self._next_ms:
            return True
        if self._held_since_s is None:
            self._held_since_s = now_s
        self._is_late = now_s - self._held_since_s >= HOLD_S
        return self._is_late

    def _pass_to(self, open_ms: int) -> None:
        """A candle has closed; those between are owed."""
        oldest_ms = self._interval.step(open_ms, -OWED_MAX)
        if self._next_ms is not None:
            first_ms = max(self._next_ms, oldest_ms)
            self._owed.update(self._interval.opens(first_ms, open_ms))
        self._owed = {one for one in self._owed if one >= oldest_ms}
        self._next_ms = self._interval.next_open_ms(open_ms)

    def _go_on(self) -> None:
        """It is another candle's turn."""
        if self._next_ms is None:
            return
        self._held = {one: held for one, held in self._held.items() if one >= self._next_ms}
        if self.forming is not None and self.forming.candle.open_ms < self._next_ms:
            self.forming = None
        self._held_since_s = None
        if all(one <= self._next_ms for one in self._held):
            self._is_late = False
