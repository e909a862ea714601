"""Changes blocks: official candles that are corrected, come late, or go, where a series is sealed.

Never here: sealing (`sealing`), which rows may be stored (`rows`), reading (`both_halves`).
Invariant: a block is written only in the place of the one that was read, in one script, with the
fence, the corrections and the version as for every official candle. One that cannot be read gives
way to nothing less than it is said to hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from redis import Redis

from truecandle.candles.candle import OfficialCandle
from truecandle.candles.series import Series
from truecandle.errors import CandleError, StoreDamaged, StoreUnavailable
from truecandle.store import block, keys
from truecandle.store.block import BlockSpan
from truecandle.store.both_halves import BlockEntry, parse_entry, unreadable
from truecandle.store.columns import own_time
from truecandle.store.script import Script

#: A block that others change between reading and writing it is read so many times more.
TRIES_MAX: Final = 10

WRITE: Final = Script("write_block", after="official_series")


class Totals(NamedTuple):
    """What a series holds after a write, as `official_series.lua` says it: times are -1 while
    nothing is stored, `unsealed` candles lie in no block."""

    previous: int
    version: int
    earliest: int
    latest: int
    candles: int
    unsealed: int


class WrittenBy(NamedTuple):
    """Who writes: the fencing number, a word for the corrections, and how many are kept."""

    fence: int
    noticed_by: str
    corrections_kept: int


class StoredBlock(NamedTuple):
    """A block as it lies there. `members`: what of it can be read, by open time; `damage`: why that
    is not all that it is said to hold, if it is not. By `sha1` the script tells it."""

    members: Mapping[int, bytes]
    entry: BlockEntry | None
    damage: StoreDamaged | None
    sha1: str

    def may_hold(self, opens: Iterable[int]) -> bool:
        """Whether a candle that opens at one of these times may be in what cannot be read."""
        if self.damage is None or self.entry is None:
            return self.damage is not None
        first_ms, last_ms = self.entry.first_ms, self.entry.last_ms
        return any(first_ms <= ms <= last_ms or ms in self.members for ms in opens)

    def is_covered_by(self, opens: Collection[int]) -> bool:
        """Whether these times are all that it is said to hold: as many, from the first to the last.

        What the index does not tell of is never known to be all.
        """
        if self.damage is None or self.entry is None:
            return self.damage is None
        first_ms, last_ms = self.entry.first_ms, self.entry.last_ms
        inside = sum(first_ms <= ms <= last_ms for ms in opens)
        return first_ms in opens and last_ms in opens and inside >= self.entry.candles


@dataclass(slots=True)
class BlockPlan:
    """What becomes of the rows that are to be stored in a block."""

    #: What the block will hold, by open time.
    members: dict[int, bytes]
    added: int = 0
    unchanged: int = 0
    healed: int = 0
    #: Open time, old member, new member.
    corrected: list[tuple[int, bytes, bytes]] = field(default_factory=list)
    changed: list[OfficialCandle] = field(default_factory=list)


def upsert(
    redis: Redis,
    series: Series,
    span: BlockSpan,
    rows: Sequence[OfficialCandle],
    writer: WrittenBy,
    *,
    is_all: bool = False,
) -> tuple[BlockPlan, Totals] | None:
    """Stores rows (ascending) of one block's span; None if that is not sealed by now.

    `StoreDamaged`, and nothing is written, if the block cannot be read and the rows are fewer than
    it is said to hold; not with `is_all`: then they are all that the exchange has of the span.
    """
    for _ in range(TRIES_MAX):
        stored = _read(redis, series, span)
        plan = _plan(stored, rows)
        if stored.damage is not None and not (is_all or stored.is_covered_by(plan.members)):
            raise stored.damage
        changes = len(plan.changed)
        held = _write(redis, series, span, stored, plan.members, changes, writer, plan.corrected)
        if held is False:
            return None
        if held is not None:
            return plan, held
    raise _busy(series, span)


def remove(
    redis: Redis, series: Series, span: BlockSpan, opens: Collection[int], writer: WrittenBy
) -> None:
    """Takes the candles away that open at these times, if they lie in a block; `StoreDamaged` if
    that cannot be told."""
    for _ in range(TRIES_MAX):
        stored = _read(redis, series, span)
        if stored.damage is not None:
            if stored.may_hold(opens):
                raise stored.damage
            return
        kept = {ms: member for ms, member in stored.members.items() if ms not in opens}
        changes = len(stored.members) - len(kept)
        if not changes or _write(redis, series, span, stored, kept, changes, writer) is not None:
            return
    raise _busy(series, span)


def _read(redis: Redis, series: Series, span: BlockSpan) -> StoredBlock:
    """Block and entry of one instant."""
    with redis.pipeline(transaction=True) as pipe:
        pipe.hget(keys.blocks(series), str(span.start_ms))
        pipe.zrange(keys.index(series), span.start_ms, span.start_ms, byscore=True)
        text, told = pipe.execute()
    entry = parse_entry(series, told[0]) if told else None
    sha1 = digest((text or b"") + (told[0] if told else b""))
    if text is None and entry is None:
        return StoredBlock({}, None, None, sha1)
    members = _members(span, text)
    opens = list(members)
    if entry is None:
        damage = None if members else _unknown(series, span)
    else:
        is_sound = members and (opens[0], opens[-1], len(opens)) == (
            entry.first_ms,
            entry.last_ms,
            entry.candles,
        )
        damage = None if is_sound else unreadable(series, entry)
    return StoredBlock(members, entry, damage, sha1)


def _members(span: BlockSpan, text: bytes | None) -> dict[int, bytes]:
    """What a block holds, by open time, ascending; nothing if it is another's or none."""
    try:
        members = block.unpack(text or b"")
    except CandleError:
        return {}
    times = map(own_time, members)
    found = {ms: member for ms, member in zip(times, members, strict=True) if ms is not None}
    return found if all(span.start_ms <= ms < span.end_ms for ms in found) else {}


def _unknown(series: Series, span: BlockSpan) -> StoreDamaged:
    spot = f"{series}: a block from {span.start_ms} ms, of which the index does not tell,"
    return StoreDamaged(f"{spot} cannot be read; flask doctor --repair fetches its candles again")


def _plan(block_: StoredBlock, rows: Sequence[OfficialCandle]) -> BlockPlan:
    stored = block_.members
    plan = BlockPlan(dict(stored))
    for candle in rows:
        old, new = stored.get(candle.open_ms), candle.member().encode()
        if old == new:
            plan.unchanged += 1
            continue
        plan.members[candle.open_ms] = new
        plan.changed.append(candle)
        if old is not None:
            plan.corrected.append((candle.open_ms, old, new))
        elif block_.damage is not None:
            plan.healed += 1
        else:
            plan.added += 1
    return plan


def _write(
    redis: Redis,
    series: Series,
    span: BlockSpan,
    old: StoredBlock,
    members: Mapping[int, bytes],
    changes: int,
    writer: WrittenBy,
    corrected: Sequence[tuple[int, bytes, bytes]] = (),
) -> Totals | Literal[False] | None:
    """What there is now; None if another block is there, False if the span is not sealed."""
    opens = sorted(members)
    text = block.pack([members[open_ms] for open_ms in opens]) if changes and opens else b""
    first, last = (opens[0], opens[-1]) if opens else (0, 0)
    args: list[str | bytes | int] = [*writer, *span, old.sha1, text]
    args += (len(opens), first, last, changes)
    for entry in corrected:
        args += entry
    answer = WRITE.run(redis, script_keys(series), args)
    if isinstance(answer, int):
        return None if answer == 0 else False
    return Totals(*answer)


def script_keys(series: Series) -> tuple[str, ...]:
    """What every script is given that writes official candles, in its order of keys."""
    names = keys.klines(series), keys.meta(series), keys.corrections(series), keys.FENCE
    return *names, keys.blocks(series), keys.index(series)


def digest(text: bytes) -> str:
    """The SHA-1 by which scripts tell a block, or members in a row."""
    return hashlib.sha1(text, usedforsecurity=False).hexdigest()


def _busy(series: Series, span: BlockSpan) -> StoreUnavailable:
    where = f"the block of {series} from {span.start_ms} ms"
    return StoreUnavailable(f"{where} changed again and again meanwhile; try once more")
