"""A simulated course: hour after hour picks one of the tapes, mirrored and stretched by a hash.

Never here: state that a restart would lose; anything that depends on when it was asked.
Invariant: a pure function of (seed, listing, time): the same trades at the same times, for ever.
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from threading import RLock

from truecandle.candles.interval import DAY_MS, HOUR_MS
from truecandle.sim.block import Block, Print, merged
from truecandle.sim.course import Course
from truecandle.sim.listing import Listing
from truecandle.sim.tape import PARTS_MS, Cell, Tape, tapes

#: A hash of 64 bytes decides this many hours, four bytes each.
_HOURS_PER_HASH = 16

#: The level moves on straight lines between points that lie this many hours apart.
_KNOT_HOURS = 45 * 24

#: How much an hour's moves and quantities are stretched, by a byte of the hash.
_STRETCHES = (1,) * 11 + (2,) * 4 + (3,)
_AMOUNTS = (1,) * 6 + (2,) * 5 + (3,) * 3 + (5,) * 2


class Walk(Course):
    """The trades of one symbol from its listing on. Thread-safe.

    Hour h of the listing plays `self._tape[h]`: price = base + stretch * delta ticks (the stretch
    is negative where the tape is mirrored, and buyers become sellers), quantity = amount * steps.
    So every sum over an hour, or a minute of it, is known without looking at a trade.
    """

    def __init__(self, seed: int, listing: Listing) -> None:
        super().__init__(listing)
        self._key = f"{seed}:{listing.symbol}".encode()
        self._tapes = tapes(seed, listing)
        self._lock = RLock()
        self._played = bytearray()
        self._stretch = array("b")
        self._amount = array("b")
        self._bases = [listing.level]
        self._trade_ids = [1]
        self._print_ids = [1]
        self._days: dict[int, Block | None] = {}
        self._extend(0)

    @property
    def first_ms(self) -> int:
        return self.listing.listed_ms + self._tape(0).offsets[0]

    def _span(self, start_ms: int, end_ms: int) -> Block | None:
        return merged(self._blocks(max(start_ms, self.listing.listed_ms), end_ms))

    def _blocks(self, at_ms: int, end_ms: int) -> Iterator[Block | None]:
        """The largest ready sums that fit, one after the other."""
        while at_ms < end_ms:
            if at_ms % DAY_MS == 0 and at_ms + DAY_MS <= end_ms:
                yield self._day(at_ms)
                at_ms += DAY_MS
                continue
            hour, offset = self._hour(at_ms)
            if offset == 0 and at_ms + HOUR_MS <= end_ms:
                yield self._block(hour, self._tape(hour).hour)
                at_ms += HOUR_MS
                continue
            for part_ms in PARTS_MS:
                if at_ms % part_ms == 0 and at_ms + part_ms <= end_ms:
                    yield self._block(hour, self._tape(hour).parts[part_ms][offset // part_ms])
                    at_ms += part_ms
                    break
            else:
                minute_ms = PARTS_MS[-1]
                until_ms = min(end_ms, at_ms - at_ms % minute_ms + minute_ms)
                yield self._trade_block(hour, offset, offset + until_ms - at_ms)
                at_ms = until_ms

    def _day(self, at_ms: int) -> Block | None:
        if at_ms not in self._days:
            hours = (at_ms + i * HOUR_MS for i in range(DAY_MS // HOUR_MS))
            places = (self._hour(hour_ms)[0] for hour_ms in hours)
            self._days[at_ms] = merged(
                self._block(hour, self._tape(hour).hour) for hour in places if hour >= 0
            )
        return self._days[at_ms]

    def _trade_block(self, hour: int, start: int, end: int) -> Block | None:
        tape = self._tape(hour)
        return self._block(hour, tape.cell(tape.index(start), tape.index(end)))

    def _block(self, hour: int, cell: Cell | None) -> Block | None:
        if cell is None:
            return None
        base, stretch, amount = self._bases[hour], self._stretch[hour], self._amount[hour]
        highest, lowest = (cell.high, cell.low) if stretch > 0 else (cell.low, cell.high)
        bought, moved_bought = cell.bought, cell.moved_bought
        if stretch < 0:
            bought, moved_bought = cell.quantity - bought, cell.moved - moved_bought
        first_id = self._trade_ids[hour]
        return Block(
            open=base + stretch * cell.open,
            high=base + stretch * highest,
            low=base + stretch * lowest,
            close=base + stretch * cell.close,
            quantity=amount * cell.quantity,
            quote=amount * (base * cell.quantity + stretch * cell.moved),
            bought=amount * bought,
            bought_quote=amount * (base * bought + stretch * moved_bought),
            trades=cell.last - cell.first + 1,
            first_id=first_id + cell.first,
            last_id=first_id + cell.last,
        )

    def _prints(self, start_ms: int, end_ms: int) -> Iterator[Print]:
        for hour, hour_ms, tape, first, end in self._slices(start_ms, end_ms):
            print_id, trade_id = self._print_ids[hour], self._trade_ids[hour]
            i = first
            while i < end:
                group = tape.group[i]
                after = tape.starts[group + 1] if group + 1 < len(tape.starts) else len(tape.deltas)
                quantity = self._amount[hour] * (tape.sums[0][after] - tape.sums[0][i])
                ids = (trade_id + i, trade_id + after - 1)
                yield self._print(hour, hour_ms, tape, i, print_id + group, quantity, ids)
                i = after

    def _trades(self, start_ms: int, end_ms: int) -> Iterator[Print]:
        for hour, hour_ms, tape, first, end in self._slices(start_ms, end_ms):
            for i in range(first, end):
                trade_id = self._trade_ids[hour] + i
                quantity = self._amount[hour] * tape.quantities[i]
                yield self._print(hour, hour_ms, tape, i, trade_id, quantity, (trade_id, trade_id))

    def _slices(self, start_ms: int, end_ms: int) -> Iterator[tuple[int, int, Tape, int, int]]:
        at_ms = max(start_ms, self.listing.listed_ms)
        while at_ms < end_ms:
            hour, offset = self._hour(at_ms)
            hour_ms = at_ms - offset
            tape = self._tape(hour)
            last = min(end_ms - hour_ms, HOUR_MS)
            yield hour, hour_ms, tape, tape.index(offset), tape.index(last)
            at_ms = hour_ms + HOUR_MS

    def _print(
        self,
        hour: int,
        hour_ms: int,
        tape: Tape,
        i: int,
        number: int,
        quantity: int,
        ids: tuple[int, int],
    ) -> Print:
        stretch = self._stretch[hour]
        return Print(
            id=number,
            price=self._bases[hour] + stretch * tape.deltas[i],
            quantity=quantity,
            first_id=ids[0],
            last_id=ids[1],
            time_ms=hour_ms + tape.offsets[i],
            sell=tape.sells[i] == (stretch > 0),
        )

    def _ids(self, t_ms: int) -> tuple[int, int]:
        hour, offset = self._hour(max(t_ms, self.listing.listed_ms))
        tape = self._tape(hour)
        i = tape.index(offset)
        group = tape.group[i] if i < len(tape.group) else len(tape.starts)
        return self._trade_ids[hour] + i, self._print_ids[hour] + group

    def _time_of(self, aggregate_id: int) -> int:
        if aggregate_id >= self._print_ids[-1]:
            return self.listing.listed_ms + len(self._played) * HOUR_MS
        hour = max(0, bisect_right(self._print_ids, aggregate_id) - 1)
        tape = self._tape(hour)
        group = max(0, aggregate_id - self._print_ids[hour])
        return self.listing.listed_ms + hour * HOUR_MS + tape.offsets[tape.starts[group]]

    def _price(self, t_ms: int) -> int:
        hour, offset = self._hour(max(t_ms, self.listing.listed_ms))
        tape = self._tape(hour)
        i = tape.index(offset)
        return self._bases[hour] + (self._stretch[hour] * tape.deltas[i - 1] if i else 0)

    def _hour(self, t_ms: int) -> tuple[int, int]:
        return divmod(t_ms - self.listing.listed_ms, HOUR_MS)

    def _tape(self, hour: int) -> Tape:
        if hour >= len(self._played):
            self._extend(hour)
        return self._tapes[self._played[hour]]

    def _extend(self, hour: int) -> None:
        """Decides the hours up to and including `hour`; each one starts where the last ended."""
        with self._lock:
            while len(self._played) <= hour:
                block = len(self._played) // _HOURS_PER_HASH
                dice = hashlib.blake2b(b"%d" % block, key=self._key[:64]).digest()
                for place in range(0, 4 * _HOURS_PER_HASH, 4):
                    self._decide(dice[place : place + 4])

    def _decide(self, dice: bytes) -> None:
        hour = len(self._trade_ids) - 1
        number, base = dice[0] % len(self._tapes), self._bases[hour]
        tape = self._tapes[number]
        stretch = _STRETCHES[dice[1] % len(_STRETCHES)]
        pull = self._level(hour) - base
        home = 1 if (pull >= 0) == (tape.hour.close >= 0) else -1
        # From an even chance, near the level, to nine in ten, a tenth away from it.
        chance = 128 + min(102, abs(pull) * 1024 // self.listing.level)
        stretch *= home if dice[3] < chance else -home
        self._stretch.append(stretch)
        self._amount.append(_AMOUNTS[dice[2] % len(_AMOUNTS)])
        self._bases.append(base + stretch * tape.hour.close)
        self._trade_ids.append(self._trade_ids[hour] + len(tape.deltas))
        self._print_ids.append(self._print_ids[hour] + len(tape.starts))
        self._played.append(number)  # last: other threads read up to its length

    def _level(self, hour: int) -> int:
        knot, past = divmod(hour, _KNOT_HOURS)
        first, second = self._knot(knot), self._knot(knot + 1)
        return first + (second - first) * past // _KNOT_HOURS

    def _knot(self, number: int) -> int:
        dice = hashlib.blake2b(b"level%d" % number, key=self._key[:64], digest_size=1).digest()
        return self.listing.level * (70 + dice[0] % 64) // 100
