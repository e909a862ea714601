"""The rest of the exchange's list: some 1,500 synthetic symbols, whose 24 hours cost little to sum.

They share a few cycles of hours: a walk of `HALF_HOURS` hours, and the same hours mirrored back to
where it began. A symbol is a cycle in decimals of its own, begun at an hour of its own.

Never here: state that a restart would lose; symbols that are given by name (`synthetic`).
Invariant: a pure function of (seed, symbol, time), as every course; any stretch is summed from two
parts of an hour and running totals.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Collection
from functools import lru_cache
from itertools import islice

from truecandle.candles.interval import DAY_MS, HOUR_MS, MINUTE_MS
from truecandle.sim.calendar import Hours
from truecandle.sim.hour_pattern import TAPES, Cell, Tape, tapes
from truecandle.sim.listing import SimulatedListing
from truecandle.sim.synthetic import SyntheticTrades
from truecandle.sim.trade_sums import TradeSums, merged

LISTED_MAX = 1_900
#: Cycles that the symbols share, and paces (taker orders an hour) that the cycles share.
CYCLES = 40
PACES = (24, 60, 140, 320)
#: Hours of a cycle's way out; the way back takes as many.
HALF_HOURS = 112
CYCLE_HOURS = 2 * HALF_HOURS
#: Sums of parts of hours that are remembered: both ends of the 24 hours, in every tape.
PARTS_KEPT = 2 * TAPES * len(PACES)

#: Decimals of price and quantity, and so how dear a symbol is.
_DECIMALS = ((2, 4), (3, 3), (4, 2), (5, 1), (6, 0))
_QUOTES = ("USDT", "USDC", "BTC", "TRY", "FDUSD", "EUR", "ETH", "BNB")
_NAMES = """
1INCH AAVE ACH ACT ADA AEVO AGLD AIXBT ALGO ALICE ALPHA ALT ANKR APE API3 APT AR ARB ARKM ARPA ASTR
ATA ATOM AUCTION AVAX AXS BAKE BAL BAND BAT BCH BEL BICO BIGTIME BLUR BNB BOME BONK BTC C98 CAKE
CELO CELR CFX CHR CHZ CKB COMP COTI CRV CTK CTSI CVC CYBER DASH DENT DEXE DIA DODO DOGE DOT DUSK
DYDX DYM EDU EGLD EIGEN ENA ENJ ENS EOS ETC ETH ETHFI FET FIDA FIL FLM FLOKI FLOW FLUX FTM FXS GALA
GAS GLM GLMR GMT GMX GRT HBAR HFT HIGH HIVE HOOK HOT ICP ICX ID IDEX ILV IMX INJ IO IOST IOTA IOTX
JASMY JOE JTO JUP KAIA KAVA KDA KNC KSM LDO LEVER LINA LINK LISTA LPT LQTY LRC LSK LTC LUNA MAGIC
MANA MANTA MASK MAV MBOX MEME METIS MINA MKR MOVR MTL NEAR NEO NFP NMR NOT NTRN OGN OM ONE ONG ONT
OP ORDI OXT PAXG PENDLE PEOPLE PEPE PERP PIXEL POL PORTAL POWR PYTH QNT QTUM RARE RAY RDNT REEF REI
RENDER REZ RIF RLC RONIN ROSE RSR RUNE RVN SAGA SAND SEI SFP SHIB SKL SLP SNX SOL SPELL SSV STG
STORJ STRK STX SUI SUN SUPER SUSHI SXP SYS TAO THETA TIA TLM TNSR TON TRB TRU TRX TURBO TWT UMA UNI
USTC VANRY VET VIDT VTHO W WAXP WIF WIN WLD WOO XAI XEC XLM XMR XRP XTZ XVG XVS YFI YGG ZEC ZEN ZIL
ZK ZRO ZRX
"""
_BASES = _NAMES.split()


def listed_symbols(count: int, but: Collection[str] = ()) -> list[str]:
    """So many of them beside those of `but`: all with the first quote, then with the next."""
    pairs = (base + quote for quote in _QUOTES for base in _BASES if base != quote)
    return list(islice((one for one in pairs if one not in but), min(count, LISTED_MAX)))


class ListedTrades(SyntheticTrades):
    """The trades of one such symbol."""

    def __init__(self, seed: int, symbol: str) -> None:
        dice = hashlib.blake2b(symbol.encode(), key=b"%d" % seed, digest_size=8).digest()
        cycle = cycle_of(seed, dice[0] % CYCLES)
        super().__init__(seed, _listing(symbol, dice, cycle.listing), cycle)
        self._cycle = cycle
        #: The last 24 hours that were summed: up to which minute and with which pauses, and how.
        self._summed: tuple[int, list[tuple[int, int]]] | None = None
        self._last_day: tuple[TradeSums | None, int] = (None, 0)

    def day(self, now_ms: int) -> tuple[TradeSums | None, int]:
        """As of the last full minute: a fetcher asks for all of them three times in one."""
        summed = (now_ms - now_ms % MINUTE_MS, self._pauses)
        if self._summed != summed:
            self._summed, self._last_day = summed, super().day(summed[0])
        return self._last_day

    def _trade_block(self, hour: int, start: int, end: int) -> TradeSums | None:
        return self._block(hour, _part(self._tape(hour), start, end))

    def _span(self, start_ms: int, end_ms: int) -> TradeSums | None:
        """Two parts of an hour, and running totals between them."""
        start_ms = max(start_ms, self.listing.listed_ms)
        if start_ms >= end_ms:
            return None
        (first, begun), (last, over) = self._hour(start_ms), self._hour(end_ms)
        if first == last:
            return self._trade_block(first, begun, over)
        blocks = [self._trade_block(first, begun, HOUR_MS)] if begun else []
        blocks.append(self._whole_hours(first + (begun > 0), last))
        blocks.append(self._trade_block(last, 0, over) if over else None)
        return merged(blocks)

    def _whole_hours(self, first: int, end: int) -> TradeSums | None:
        if first >= end:
            return None
        opened, closed = (self._block(hour, self._tape(hour).hour) for hour in (first, end - 1))
        if opened is None or closed is None:
            return None
        high, low = self._cycle.reach(first, end)
        quantity, quote, bought, bought_quote = self._cycle.totals(first, end)
        return TradeSums(
            open=opened.open,
            high=high,
            low=low,
            close=closed.close,
            quantity=quantity,
            quote=quote,
            bought=bought,
            bought_quote=bought_quote,
            trades=closed.last_id - opened.first_id + 1,
            first_id=opened.first_id,
            last_id=closed.last_id,
        )


class HourCycle(Hours):
    """Hours that repeat: out as `Hours` decides them, and back as their mirror. Every hour is known
    at once, however late."""

    def __init__(self, seed: int, listing: SimulatedListing, pace: tuple[Tape, ...]) -> None:
        super().__init__(seed, listing, pace)
        self.listing = listing
        self.tape(HALF_HOURS - 1)
        played, way = bytes(self._played[:HALF_HOURS]), range(HALF_HOURS)
        self._cycle = [self._tapes[number] for number in (*played, *reversed(played))]
        out, back = self.bases[:HALF_HOURS], self.bases[1 : HALF_HOURS + 1]
        self.bases = _Repeated([*out, *reversed(back)])  # type: ignore[assignment]
        there = [self.stretch[hour] for hour in way]
        self.stretch = _Repeated([*there, *(-one for one in reversed(there))])  # type: ignore[assignment]
        amounts = [self.amount[hour] for hour in way]
        self.amount = _Repeated([*amounts, *reversed(amounts)])  # type: ignore[assignment]
        self.trade_ids = _Counted([len(one.deltas) for one in self._cycle], 1)  # type: ignore[assignment]
        self.print_ids = _Counted([len(one.starts) for one in self._cycle], 1)  # type: ignore[assignment]
        self._sum_up()

    def tape(self, hour: int) -> Tape:
        return self._cycle[hour % CYCLE_HOURS] if hasattr(self, "_cycle") else super().tape(hour)

    def of_print(self, aggregate_id: int) -> int:
        found: int = self.print_ids.place(aggregate_id)  # type: ignore[attr-defined]
        return max(0, found)

    def totals(self, first: int, end: int) -> list[int]:
        """Quantity, quote, bought and its quote of the hours [first, end)."""
        return [total[end] - total[first] for total in self._totals]

    def reach(self, first: int, end: int) -> tuple[int, int]:
        """The highest and the lowest price (ticks) of the hours [first, end)."""
        if end - first >= CYCLE_HOURS:
            return max(self._highs), min(self._lows)
        at, to = first % CYCLE_HOURS, first % CYCLE_HOURS + end - first
        return max(self._highs[at:to]), min(self._lows[at:to])

    def _sum_up(self) -> None:
        course = SyntheticTrades(0, self.listing, self)
        hours = [course.hour_sums(hour) for hour in range(CYCLE_HOURS)]
        #: Twice, so that any stretch shorter than a cycle is one slice.
        self._highs = array("q", [one.high for one in hours] * 2)
        self._lows = array("q", [one.low for one in hours] * 2)
        columns = zip(
            *((h.quantity, h.quote, h.bought, h.bought_quote) for h in hours), strict=True
        )
        self._totals = [_Counted(list(column)) for column in columns]


class _Repeated:
    """Values of a cycle's hours, for any hour."""

    def __init__(self, values: list[int]) -> None:
        self._values = array("q", values)

    def __getitem__(self, hour: int) -> int:
        return self._values[hour % CYCLE_HOURS]


class _Counted:
    """What all hours before an hour add up to, from `start` on."""

    def __init__(self, values: list[int], start: int = 0) -> None:
        running = [start]
        for value in values:
            running.append(running[-1] + value)
        self._whole = running.pop() - start
        self._running = array("q", running)
        self._start = start

    def __getitem__(self, hour: int) -> int:
        cycles, place = divmod(hour, CYCLE_HOURS)
        return cycles * self._whole + self._running[place]

    def __len__(self) -> int:
        """Of hours without end, more than any course has."""
        return 1 << 31

    def place(self, value: int) -> int:
        """The last hour that begins at this sum or below it."""
        cycles, rest = divmod(value - self._start, self._whole)
        below = sum(1 for one in self._running if one - self._start <= rest)
        return cycles * CYCLE_HOURS + below - 1


@lru_cache(maxsize=PARTS_KEPT)
def _part(tape: Tape, start: int, end: int) -> Cell | None:
    """The sums of a part of a tape's hour: every symbol's 24 hours begin and end at the same ms of
    an hour, and few tapes are played."""
    return tape.cell(tape.index(start), tape.index(end))


@lru_cache(maxsize=2 * CYCLES)
def cycle_of(seed: int, number: int) -> HourCycle:
    """One of the cycles; the same for every market of this process that trades the same seed."""
    pace = PACES[number % len(PACES)]
    level = 60_000 + 5_000 * number
    listing = SimulatedListing(f"CYCLE{number}", "", "", 0, 0, level, 1_000, pace, 900, 0)
    return HourCycle(seed, listing, _paced(seed, pace))


@lru_cache(maxsize=2 * len(PACES))
def _paced(seed: int, pace: int) -> tuple[Tape, ...]:
    return tapes(seed, SimulatedListing(f"PACE{pace}", "", "", 0, 0, 1, 1_000, pace, 900, 0))


def _listing(symbol: str, dice: bytes, cycle: SimulatedListing) -> SimulatedListing:
    quote = next(one for one in _QUOTES if symbol.endswith(one) and symbol != one)
    price_decimals, quantity_decimals = _DECIMALS[dice[1] % len(_DECIMALS)]
    return SimulatedListing(
        symbol,
        symbol.removesuffix(quote),
        quote,
        price_decimals,
        quantity_decimals,
        cycle.level,
        cycle.swing,
        cycle.orders_per_hour,
        cycle.lot,
        (18_000 + dice[2] * 4 + dice[3] % 4) * DAY_MS + dice[4] % 24 * HOUR_MS,
    )


def listed_courses(seed: int, count: int, but: Collection[str]) -> list[ListedTrades]:
    """The trades of so many of them, beside the symbols of `but`."""
    return [ListedTrades(seed, symbol) for symbol in listed_symbols(count, but)]
