"""Which tape each hour of a listing plays, mirrored and stretched by a hash, and where it starts.

Never here: trades, candles, anything that depends on when it was asked.
Invariant: an hour starts at the price and the ids at which the one before ended.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_right
from functools import lru_cache
from threading import RLock

from truecandle.sim.hour_pattern import Tape, tapes
from truecandle.sim.listing import SimulatedListing

#: A hash of 64 bytes decides this many hours, four bytes each.
_HOURS_PER_HASH = 16

#: The level moves on straight lines between points that lie this many hours apart.
_KNOT_HOURS = 45 * 24

#: How much an hour's moves and quantities are stretched, by a byte of the hash.
_STRETCHES = (1,) * 11 + (2,) * 4 + (3,)
_AMOUNTS = (1,) * 6 + (2,) * 5 + (3,) * 3 + (5,) * 2


class Hours:
    """Hour h plays `tape(h)`: price = base + stretch * delta ticks (a negative stretch mirrors the
    tape: buyers become sellers), quantity = amount * steps. Thread-safe; decided when asked.

    `played`: tapes that others play too, instead of the listing's own.
    """

    def __init__(
        self, seed: int, listing: SimulatedListing, played: tuple[Tape, ...] | None = None
    ) -> None:
        self._listing = listing
        self._key = f"{seed}:{listing.symbol}".encode()[:64]
        self._tapes = played or tapes(seed, listing)
        self._lock = RLock()
        self._played = bytearray()
        self._knots: list[int] = []
        self.stretch = array("b")
        self.amount = array("b")
        self.bases = array("q", [listing.level])
        self.trade_ids = array("q", [1])
        self.print_ids = array("q", [1])

    def tape(self, hour: int) -> Tape:
        """The tape of an hour; after this call the hour's other values are known."""
        if hour >= len(self._played):
            self._extend(hour)
        return self._tapes[self._played[hour]]

    def of_print(self, aggregate_id: int) -> int:
        """The hour in which that aggregate trade lies, among those decided; 0 for lower ids."""
        return max(0, bisect_right(self.print_ids, aggregate_id) - 1)

    def _extend(self, hour: int) -> None:
        with self._lock:
            while len(self._played) <= hour:
                block = len(self._played) // _HOURS_PER_HASH
                dice = hashlib.blake2b(b"%d" % block, key=self._key).digest()
                for place in range(0, 4 * _HOURS_PER_HASH, 4):
                    self._decide(dice[place : place + 4])

    def _decide(self, dice: bytes) -> None:
        hour = len(self.trade_ids) - 1
        number, base = dice[0] % len(self._tapes), self.bases[hour]
        tape = self._tapes[number]
        stretch = _STRETCHES[dice[1] % len(_STRETCHES)]
        pull = self._level(hour) - base
        home = 1 if (pull >= 0) == (tape.hour.close >= 0) else -1
        # From an even chance, near the level, to nine in ten, a tenth away from it.
        chance = 128 + min(102, abs(pull) * 1024 // self._listing.level)
        stretch *= home if dice[3] < chance else -home
        self.stretch.append(stretch)
        self.amount.append(_AMOUNTS[dice[2] % len(_AMOUNTS)])
        self.bases.append(base + stretch * tape.hour.close)
        self.trade_ids.append(self.trade_ids[hour] + len(tape.deltas))
        self.print_ids.append(self.print_ids[hour] + len(tape.starts))
        self._played.append(number)  # last: other threads read up to its length

    def _level(self, hour: int) -> int:
        knot, past = divmod(hour, _KNOT_HOURS)
        while len(self._knots) < knot + 2:
            dice = hashlib.blake2b(b"level%d" % len(self._knots), key=self._key, digest_size=1)
            self._knots.append(self._listing.level * (70 + dice.digest()[0] % 64) // 100)
        first, second = self._knots[knot : knot + 2]
        return first + (second - first) * past // _KNOT_HOURS


@lru_cache(maxsize=64)
def hours_of(seed: int, listing: SimulatedListing) -> Hours:
    """The same hours for every market of this process that trades the same seed."""
    return Hours(seed, listing)
